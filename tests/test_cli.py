"""The command line answers a wrong word with the right one, before torch is loaded; a sweep outlives its runs."""

import json
import multiprocessing
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from petl import command, launch, sweep, turn
from petl.config import Config, UserError

ROOT = Path(__file__).resolve().parent.parent

WRONG = {  # command line -> what the answer names: the wrong word, and the one that was meant
    "method=maam": ["maam", "Did you mean mam?"],
    "method=MAM_": ["MAM_", "mam"],
    "method=": ["method=", "prefix"],
    "methd=mam": ["methd", "Did you mean method?"],
    "mam": ["mam", "method=mam"],
    "method": ["method", "method=..."],
    "method = mam": ["key=value", "no spaces"],
    "--method=mam": ["--method=mam", "without dashes"],
    "--lr 3": ["--lr", "without dashes"],
    "lr=3": ["lr=3", "recipe.lr"],
    "lrr=3": ["lrr", "recipe.lr"],
    "+lrr=3": ["+lrr=3", "recipe.lr"],
    "++recipe.lr=3": ["without a +", "recipe.lr=3"],
    "+method=lora": ["without a +", "method=lora"],
    "~method": ["~method"],
    "recipe.lr=abc": ["recipe.lr=abc", "a number"],
    "recipe.lr=": ["recipe.lr", "a number"],
    "recipe.lr=-1": ["recipe.lr=-1", "above 0"],
    "recipe.lr=nan": ["recipe.lr=nan", "above 0"],
    "recipe.betas=0.9": ["recipe.betas", "a list"],
    "recipe.betas=[0.9": ["recipe.betas=[0.9", "key=value"],
    "recipe.precision=bf61": ["bf61", "Did you mean bf16?"],
    "recipe.epochs=3": ["recipe.epochs=3", "recipe.steps=null"],
    "recipe.dropout=0.1": ["recipe.dropout", "backbone.dropout"],
    "recipe.warmup=2": ["recipe.warmup=2", "below 1"],
    "recipe=mini/xsumm": ["mini/xsumm", "Did you mean mini/xsum?"],
    f"seed={'1' * 5000}": ["not of the form key=value"],
    f"recipe.betas={'[' * 400}{']' * 400}": ["no setting is so long"],
    "seed=1.5": ["seed=1.5", "a whole number"],
    "seed=-1": ["seed=-1", "from 0"],
    "seed=0 seed=1": ["seed=1", "twice", "-m"],
    "seed=0,1": ["seed=0,1", "-m"],
    "position=fnn": ["fnn", "Did you mean ffn?"],
    "position=4": ["position=4", "ffn"],
    "budget=200": ["budget=200", "Did you mean r200?", "budget.size"],
    "budget=4%": ["4%", "budget.percent"],
    "budget.percent=100": ["budget.percent=100", "between 0 and 100"],
    "budget.size=30 budget.percent=1": ["budget.size=30", "budget.percent=1", "one of them"],
    "budget=r30 method.deltas.main.size=8": ["budget.size=30", "two sizes"],
    "method=full budget=r200": ["method=full", "no effect"],
    "method=bitfit position=attn": ["position=attn", "no effect"],
    "method=prompt composition=scaled": ["composition=scaled", "no effect"],
    "method=prefix insertion=sequential": ["sequential", "queries"],
    "method=prefix position=ffn": ["position=ffn", "position=heads"],
    "method=adapter composition=gated": ["gated", "softmax"],
    "method=adapter composition.s=2": ["s=2", "composition=scaled"],
    "method=adapter composition=learned method.deltas.main.norm=output": ["cancels s", "composition=add"],
    "composition.s=1": ["s=1", "composition=add"],
    "composition=add recipe.s=3": ["recipe.s=3", "no effect"],
    "method=pfeiffer insertion=parallel": ["block", "position=ffn"],
    "method.deltas.man.size=3": ["man", "Did you mean main?"],
    "method.deltas.main.sise=3": ["sise", "method.deltas.main.size"],
    "method.deltas.main.form=reluu": ["reluu", "Did you mean relu?"],
    "method.deltas.main.norm=inputt": ["inputt", "Did you mean input?"],
    "method.deltas.main.sites=[encodr]": ["encodr", "encoder"],
    "method.name=../../x": ["../../x", "path"],
    "task=en-ro": ["en-ro", "Did you mean en_ro?"],
    "task.name=.x": [".x", "path"],
    "task.data=nowhere/rows.jsonl": ["nowhere/rows.jsonl", "no such file"],
    "task.data=${oc.env:HOME}": ["${oc.env:HOME}", "interpolation"],
    "task.select=rouge_2": ["rouge_2", "Did you mean rouge2?"],
    "task.kind=generator": ["generator", "Did you mean generation?"],
    "task=sst2 task.generation.beams=4": ["task.generation.beams=4", "no effect"],
    "task.generation=4": ["task.generation", "task.generation.beams"],
    "scale=papr": ["papr", "Did you mean paper?"],
    "scale=paper task=en_ro recipe.batch=8": ["recipe.batch=8", "recipe.batch_tokens"],
    "backbone=bart_large": ["bart_large", "Did you mean bart-large?"],
    "backbone.path=mini:brt": ["mini:brt", "Did you mean mini:bart?"],
    "experiment=tabel3": ["tabel3", "Did you mean table3?"],
    "experiment=table2": ["sweep", "-m"],
    "recipe._target_=os.system": ["_target_"],
    "+method.deltas.main._target_=os.system": ["_target_"],
    "method@x=mam": ["method@x=mam", "delta@"],
    "delta=lora": ["+delta@method.deltas.extra=adapter"],
    "hydra/launcher=slrm": ["slrm"],
    "hydra.run.dir=/tmp": ["hydra.run.dir", "hydra/launcher"],
    "hydra.callbacks.x._target_=os.system": ["_target_"],
    "--cfg job --config-dir /tmp": ["--config-dir", "no such flag"],
    "--help --experimental-rerun=x": ["--experimental-rerun", "no such flag"],
    "-m seed=range(0,999999999999)": ["more than 100,000 values"],
    "-m seed=range(0,1,0)": ["no value to try"],
    "-m seed=range(0,1,-1)": ["no value to try"],
    "-m recipe.lr=range(0,1.5,0.0)": ["no value to try"],
    "-m seed=range(0,1000) recipe.lr=range(1,1000)": ["more than 100,000 runs"],
    "runtime.device=gpu": ["gpu", "cuda"],
    "runtime.force=maybe": ["maybe", "true or false"],
    "runtime.processes=2": ["runtime.processes=2", "torchrun"],
    "-m method=mam,lroa": ["lroa", "Did you mean lora?"],
    "-m recipe.lr=interval(0,1)": ["interval", "recipe.lr=A,B,C"],
    "--cfg job methd=x": ["methd", "Did you mean method?"],
}

ANSWERS = """
import contextlib, io, json, sys
import train
answers = {}
for line in json.load(sys.stdin):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = train.main(line.split(" "))
    answers[line] = code, said.getvalue(), "torch" in sys.modules
print(json.dumps(answers))
"""


@pytest.fixture(scope="module")
def answers() -> dict:
    lines = json.dumps(list(WRONG))
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS], input=lines, capture_output=True, text=True, cwd=ROOT, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize("line", WRONG)
def test_wrong_words_get_one_screen(line, answers):
    code, said, torch = answers[line]
    flat = re.sub(r"\s+", " ", said)
    assert code == 2 and not torch
    assert "Traceback" not in said and len(said.splitlines()) <= 24 and max(map(len, said.splitlines())) <= 120
    assert [named for named in WRONG[line] if named not in flat] == []


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, which is also the working folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["rows(1).csv", "my rows.csv", "a[b]{c}.csv", 'it\'s "so".csv', "a:b=c.csv"])
@pytest.mark.parametrize("before", ["", "~/"])
def test_a_path_needs_no_quotes(home, name, before):
    (home / name).touch()
    data = command.read(["task=sst2", f"task.data={before}{name}"]).task.data
    assert data == (str(home / name) if before else name)


def test_every_path_knows_the_home_folder(home):
    (home / "back bone").mkdir()
    words = ["backbone.path=~/back bone", "runtime.output=~/o", "runtime.records=~/r", "runtime.cache=~/c"]
    config = command.read(words)
    assert config.backbone.path == str(home / "back bone")
    assert [getattr(config.runtime, key) for key in ("output", "records", "cache")] == [str(home / k) for k in "orc"]


def test_paths_are_swept_and_left_out(home):
    for name in ("rows(1).csv", "two.csv"):
        (home / name).touch()
    runs = command.expand(["task=sst2", "task.data=~/rows(1).csv,two.csv,null"])
    assert [command.read(run).task.data for run in runs] == [str(home / "rows(1).csv"), "two.csv", None]


def test_a_path_in_quotes_stays_as_it_is(home):
    (home / "a,b.csv").touch()
    assert command.read(["task=sst2", "task.data='a,b.csv'"]).task.data == "a,b.csv"


def shell(*argv: str, **env: str) -> subprocess.CompletedProcess:
    return subprocess.run(argv, capture_output=True, text=True, cwd=ROOT, env=os.environ | env, timeout=300)


def test_help_lists_groups_and_commands_without_torch():
    done = shell(sys.executable, "-X", "importtime", "train.py", "--help")
    assert done.returncode == 0
    assert "method: adapter, bitfit" in done.stdout and done.stdout.count("train.py ") >= 6
    heavy = {"torch", "transformers", "datasets", "evaluate", "numpy"}
    assert not heavy & {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


def test_commands_of_the_help_are_right():
    from petl.command import expand, read

    text = (ROOT / "conf/hydra/help/petl.yaml").read_text()
    found = re.findall(r"train\.py ((?:-m )?\w+=[^#\n]*)", text)
    assert len(found) == 7
    for words in (line.replace("-m ", "").replace(" task.data=my_rows.csv", "").split() for line in found):
        read(expand(words)[-1])


def test_wrong_word_ends_with_code_2():
    done = shell(sys.executable, "train.py", "method=maam")
    assert (done.returncode, done.stdout) == (2, "") and "Did you mean mam?" in done.stderr


def test_under_torchrun_one_process_speaks_and_none_sweeps():
    assert shell(sys.executable, "train.py", "method=maam", RANK="1", WORLD_SIZE="2").stderr == ""
    done = shell(sys.executable, "train.py", "-m", "seed=0,1", RANK="0", WORLD_SIZE="2")
    assert done.returncode == 2 and "-m under torchrun" in done.stderr


def test_shown_config_is_the_composed_one():
    done = shell(sys.executable, "train.py", "--cfg", "job", "method=lora")
    assert done.returncode == 0 and "name: lora" in done.stdout


def test_completion_knows_the_options():
    line = "python train.py method=mh"
    done = shell(sys.executable, "train.py", "-sc", "query=bash", COMP_LINE=line, COMP_POINT=str(len(line)))
    assert "method=mh_parallel" in done.stdout


# Runs -----------------------------------------------------------------------------------------------------------------


def fake_job(runs, pipe) -> None:
    ((config, _, _),) = runs
    if config.seed == 1:
        os.kill(os.getpid(), 9)
    if config.seed == 2:
        pipe.send([("failed", "ValueError: broken on purpose")])
    if config.seed == 0:
        pipe.send([("done", "")])


def test_a_sweep_goes_on_after_failures_and_tells_them_all(monkeypatch, capsys):
    monkeypatch.setattr(turn, "_job", fake_job)
    monkeypatch.setattr(turn, "PRELOAD", [])
    monkeypatch.setattr("petl.records.find", lambda config, *_: {"seed": 3} if config.seed == 3 else None)
    runs = [[f"seed={seed}", "method=lora"] for seed in (0, 1, 2, 3, -1)]
    assert sweep.many(runs) == 1
    ends = capsys.readouterr().out.splitlines()[-6:]
    assert [line.split()[:2] for line in ends[:5]] == [
        ["done", "seed=0"],
        ["failed", "seed=1"],
        ["failed", "seed=2"],
        ["skipped", "seed=3"],
        ["failed", "seed=-1"],
    ]
    assert "SIGKILL" in ends[1] and "broken on purpose" in ends[2] and "from 0" in ends[4]
    assert ends[5] == "1 done, 1 skipped, 3 failed"
    assert multiprocessing.active_children() == []


def test_a_finished_run_is_not_run_again(monkeypatch, capsys):
    monkeypatch.setattr("petl.records.find", lambda config: {"identity": "x"})
    monkeypatch.setattr("petl.records.record_path", lambda config: "its path")
    monkeypatch.setattr("petl.records.summary", lambda record, path: "the summary")
    monkeypatch.setattr("petl.training.run", lambda config: pytest.fail("ran again"))
    launch.one(Config())
    assert "Already done" in capsys.readouterr().out


def test_world_size_must_be_the_one_asked_for():
    config = Config()
    config.runtime.processes = 2
    with pytest.raises(UserError, match="torchrun --nproc_per_node 2"):
        launch.one(config)
