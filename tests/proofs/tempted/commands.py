"""Words of a command line, names, flags and presets that reach for a path, for code, or for the environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.proofs.tempted.harness import TRAIN, Case

PRESET = """
import shutil, sys
from pathlib import Path
sys.path.append({root!r})
from petl import command, words
words.CONF = command.CONF = Path({conf!r})
import train
sys.exit(train.main({argv!r}))
"""  # train.py on a conf/ to which a user has added a file that someone gave them


def line(*words: str) -> Callable[[Path], Sequence[str]]:
    """`train.py` with these words; FOLDER in them is the case's own."""
    return lambda folder: [TRAIN, *(word.replace("FOLDER", str(folder)) for word in words)]


def preset(content: str, *argv: str) -> Callable[[Path], Sequence[str]]:
    def make(folder: Path) -> Sequence[str]:
        import shutil

        root = Path(TRAIN).parent
        conf = shutil.copytree(root / "conf", folder / "conf")
        (conf / "experiment" / "evil.yaml").write_text(
            f"# @package _global_\n{content}\n".replace("FOLDER", str(folder))
        )
        code = PRESET.format(root=str(root), conf=str(conf), argv=[*argv, "experiment=evil"])
        return ["-c", code]

    return make


def beside(name: str, content: str, *words: str) -> Callable[[Path], Sequence[str]]:
    """As `line`, with a file in the case's folder."""

    def make(folder: Path) -> Sequence[str]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content.replace("FOLDER", str(folder)))
        return line(*words)(folder)

    return make


TARGET = "_target_: builtins.exec, _args_: [\"open('FOLDER/executed', 'w')\"]"
CALLBACK = f"hydra: {{callbacks: {{evil: {{{TARGET}}}}}}}"

CASES = [
    # names that become paths
    Case("method.name: ../", line("method.name=../../../x"), "becomes part of a path"),
    Case("method.name: absolute", line("method.name=/etc/x"), "becomes part of a path"),
    Case("method.name: 300 characters", line("method.name=" + "x" * 300), "1 to 64 letters"),
    Case("task.name: fullwidth dots", line("task.name=．．／．．／x"), "not of the form key=value"),
    Case("backbone.name: right to left", line("backbone.name=\u202egpj.x"), "backbone.name=\\u202egpj.x"),
    Case("method.name: a line break", line("method.name='a\nb'"), "becomes part of a path"),
    Case("method.name: a terminal's command", line("method.name=\x1b]0;x\x07"), "\\x1b]0;x\\x07"),
    Case("method.name: only dots", line("method.name=.."), "becomes part of a path"),
    Case("scale: ../", line("scale=../scale/mini"), "there is no such scale"),
    Case("a delta's name", line("+delta@method.deltas.../x=adapter"), "not of the form"),
    Case("a path as an option", beside("m.yaml", f"x: {{{TARGET}}}", "method=FOLDER/m"), "there is no such method"),
    Case("experiment: ../", beside("x.yaml", f"x: {{{TARGET}}}", "experiment=../../../FOLDER/x"), "no such experiment"),
    # code and the environment
    Case("_target_", line("recipe._target_=os.system"), "nothing here is built from a `_target_`"),
    Case("_target_ in a delta", line("+method.deltas.main._target_=os.system"), "nothing here is built"),
    Case("the environment as data", line("task.data=${oc.env:HF_TOKEN}"), "no interpolation"),
    Case("the environment as a title", line("method.title=${oc.env:WANDB_API_KEY}"), "no interpolation"),
    Case("the environment in a sweep", line("-m", "seed=0,1", "method.title=${oc.env:HF_TOKEN},b"), "no interpolation"),
    Case("another run directory", line("hydra.run.dir=FOLDER/elsewhere"), "of Hydra's own settings there are"),
    Case("logging that calls", line("+hydra.job_logging.handlers.x.class=os.system"), "of Hydra's own settings"),
    Case("a launcher that calls", line("-m", "hydra.launcher._target_=os.system", "seed=0,1"), "`_target_`"),
    Case("a search path", beside("s/method/mam.yaml", "{}", "hydra.searchpath=[file://FOLDER/s]"), "of Hydra's own"),
    Case("--config-dir", beside("s/method/evil.yaml", "{}", "--config-dir", "FOLDER/s", "method=evil"), "no such flag"),
    Case("--cfg --config-dir", beside("s/x.yaml", "{}", "--cfg", "job", "--config-dir=FOLDER/s"), "no such flag"),
    Case("--config-path", line("--help", "--config-path=FOLDER"), "no such flag"),
    Case("--experimental-rerun", line("--help", "--experimental-rerun=FOLDER/x.pickle"), "no such flag"),
    Case("a sweep without end", line("-m", "seed=range(0,1000000000000)"), "more than 100,000 values"),
    Case("a product without end", line("-m", *(f"{k}=range(1,999)" for k in ("seed", "recipe.lr"))), "100,000 runs"),
    Case("brackets without end", line("recipe.betas=" + "[" * 9000), "no setting is so long"),
    Case("a word without end", line("task.data=" + "x" * 120_000), "no setting is so long"),
    Case("a shell's words", line("task.data=$(touch FOLDER/executed).csv;touch FOLDER/executed"), "no such file"),
    # a preset that someone passed on
    Case("preset: environment", preset("method: {title: '${oc.env:HF_TOKEN}'}"), "no resolver here"),
    Case("preset: nested", preset("task: {data: '${oc.decode:${oc.env:SOME_PASSWORD}}'}"), "no resolver here"),
    Case("preset: _target_", preset(f"method: {{deltas: {{main: {{{TARGET}}}}}}}"), "_target_"),
    Case("preset: callback", preset(CALLBACK, "-m", "hydra/launcher=slurm"), "nothing else of Hydra's"),
    Case(
        "preset: launcher",
        preset("hydra: {launcher: {_target_: os.system}}", "-m", "seed=0,1"),
        "nothing else of Hydra's",
    ),
    Case("preset: NUL in a name", preset('method: {name: "x\\0.."}'), "becomes part of a path"),
    Case("preset: rows", preset("rows: {a: {words: 'method.title=${oc.env:HF_TOKEN}'}}", "-m"), "no resolver here"),
    Case(
        "preset: YAML's objects", preset("method: {title: !!python/object/apply:os.system ['x']}"), "no YAML of plain"
    ),
]
