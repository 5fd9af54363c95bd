"""What lies about: in the working directory, in the clone, in the output of earlier runs."""

from __future__ import annotations

import contextlib
import io
import json
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from petl import command, records
from petl.training import checkpoint
from petl.training import run as train
from tests.proofs.tempted import backbones
from tests.proofs.tempted.harness import ROOT, TRAIN, Case, Payload, payload
from tests.proofs.tempted.rows import PAGE, TERMINAL
from tests.report.made import made

NAMES = [
    "torch.py",
    "model.py",
    "evaluate.py",
    "rouge/rouge.py",
    "rouge/__init__.py",
    "datasets/__init__.py",
    "sacrebleu.py",
]
NAMES += [
    "numpy.py",
    "multiprocessing.py",
    "petl/__init__.py",
    "wandb/__init__.py",
    "json.py",
    "xsum.py",
    "bleu/bleu.py",
]
SCRIPTS = ROOT / "scripts"


def planted(place: str, make: Callable[[Path], Sequence[str]]) -> Callable[[Path], Sequence[str]]:
    """As `make`, where modules of well-known names lie in `place`."""

    def making(folder: Path) -> Sequence[str]:
        for name in NAMES if place == "work" else [name for name in NAMES if "petl" not in name]:
            path = folder / place / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(payload(folder))
        return make(folder)

    return making


def a_run(folder: Path) -> Sequence[str]:
    return backbones.run(folder)


def a_sweep(folder: Path) -> Sequence[str]:
    script, *words = backbones.run(folder)
    return [script, "-m", *words, "seed=0,1"]


def a_clone(folder: Path) -> Sequence[str]:
    """train.py of a clone in whose root the files lie."""
    clone = folder / "clone"
    (clone / "train.py").write_text(Path(TRAIN).read_text())
    (clone / "conf").symlink_to(ROOT / "conf")
    return [str(clone / "train.py"), *backbones.run(folder)[1:]]


def a_score(folder: Path) -> Sequence[str]:
    (folder / "a.txt").write_text("one two three\n")
    return [str(SCRIPTS / "score.py"), "rouge", "--hyp", str(folder / "a.txt"), "--ref", str(folder / "a.txt")]


# What an earlier run left ---------------------------------------------------------------------------------------------


def linked(place: str) -> Callable[[Path], Sequence[str]]:
    """A symbolic link in the output, to a folder beside it. RUN is the run's folder."""

    def make(folder: Path) -> Sequence[str]:
        line = backbones.run(folder)
        link = folder / "out" / "out" / place.replace("RUN", str(records.run_dir(command.read(line[1:]))))
        (folder / "elsewhere").mkdir()
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(folder / "elsewhere")
        return line

    return make


def left_behind(change: Callable[[Path, Path], object]) -> Callable[[Path], Sequence[str]]:
    """A run that was stopped at its end, and whose newest checkpoint someone has changed, manifest included."""

    def make(folder: Path) -> Sequence[str]:
        line = backbones.run(folder)
        config = command.read(line[1:])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            train(config)
        records.record_path(config).unlink()
        place = checkpoint.newest(records.run_dir(config) / "checkpoints", "last")
        assert place is not None
        change(place, folder)
        (place / "manifest.json").write_text(checkpoint._manifest(place))
        return line

    return make


def pickled(place: Path, folder: Path) -> None:
    torch.save({"state": {}, "evil": Payload(folder)}, place / "optimiser.pt")


def giant(place: Path, folder: Path) -> None:
    (place / "weights.safetensors").write_bytes(struct.pack("<Q", 2**60) + b"{}")


def state(**told: Any) -> Callable[[Path, Path], object]:
    def write(place: Path, folder: Path) -> None:
        path = place / "state.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **told}))

    return write


# Records --------------------------------------------------------------------------------------------------------------


def shown(*argv: str, **told: Any) -> Callable[[Path], Sequence[str]]:
    """A script that shows the records of a folder, one of which someone has written."""

    def make(folder: Path) -> Sequence[str]:
        for seed in (0, 1):
            record = made("table6/MAM Adapter, l=30, r=512", "xsum", seed, rouge1=1.0, rouge2=2.0, rougeL=3.0)
            record |= {
                "title": TERMINAL + PAGE,
                "examples": [dict.fromkeys(("source", "reference", "prediction"), PAGE)],
            }
            record["data"]["sha256"][f"train/{PAGE}"] = str(seed)
            record |= told
            records.write(record, folder / "records" / f"mam-{seed:012d}.json")
        return [word.replace("FOLDER", str(folder)).replace("SCRIPTS", str(SCRIPTS)) for word in argv]

    return make


PREDICT = ("SCRIPTS/predict.py", "--input", "FOLDER/x.txt")
TABLES = ("SCRIPTS/tables.py", "table6", "--records", "FOLDER/records", "--format")

CASES = [
    Case("modules in the working directory", planted("work", a_run), code=0),
    Case("modules in the working directory of a sweep", planted("work", a_sweep), code=0),
    Case("modules in the working directory of score.py", planted("work", a_score), code=0),
    Case("modules in the clone", planted("clone", a_clone), code=0),
    Case("a link for the scale's folder", linked("mini"), "is a symbolic link"),
    Case("a link for the checkpoints", linked("RUN/checkpoints"), "is a symbolic link"),
    Case("a link for a file", linked("RUN/predictions.jsonl"), "is a symbolic link"),
    Case("checkpoint: a pickle with code", left_behind(pickled), "is left aside", code=0),
    Case("checkpoint: a giant header", left_behind(giant), "is left aside", code=0),
    Case("checkpoint: another state", left_behind(state(state={"step": [PAGE]})), "is left aside", code=0),
    Case("checkpoint: no state", left_behind(state(origin=None, state=7)), code=0),
    Case("record: code in a table's HTML", shown(*TABLES, "html"), unsaid="<script>alert", code=0),
    Case("record: commands in a table's text", shown(*TABLES, "md"), code=0),
    Case(
        "record: a path as its identity",
        shown(*PREDICT, "FOLDER/records/mam-000000000000.json", identity="../../x"),
        "hexadecimal",
    ),
    Case("run: ../", shown(*PREDICT, "../../../../etc/passwd"), "no such file or folder"),
    Case("run: 300 characters", shown(*PREDICT, "x" * 300), "begins with it"),
    Case("run: a terminal's command", shown(*PREDICT, TERMINAL), "\\x1b]0;owned"),
]
