"""The embedded corpora on disk: built once from packages, under the user's cache folder, with a manifest."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from petl.config import UserError
from petl.mini import catalogues, nli, packages, text

EDITION = 5  # of the rules in this folder; another edition builds its corpora anew
TASKS = ("xsum", "en_ro", "mnli", "sst2")
SPLITS = ("train", "dev", "test")


def home(cache: Path | None) -> Path:
    """<cache>/mini; the cache is $XDG_CACHE_HOME/petl or ~/.cache/petl unless given."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "petl"
    return Path(cache or default) / "mini"


def build(cache: Path | None = None, progress: bool = True) -> Path:
    """Make every task's rows and the pre-training text, unless they are there; returns their folder.

    Files appear by renaming, the manifest last: a folder with a manifest is complete.
    """
    folder = home(cache)
    current = versions()
    if not _lacks(folder, current):
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    say = _teller(progress)
    say("reading packages")
    source, catalogue, glosses, review, lexicon = text.sources(folder)
    docs = [doc for package in source for doc in text.documented(package)]
    entries = [entry for package in catalogue for entry in catalogues.read(package)]
    say(f"{len(docs):,} docstrings and {len(entries):,} translations; making rows")
    tasks = {"xsum": text.xsum(docs), "en_ro": text.en_ro(entries), "sst2": text.sst2(review), "mnli": nli.mnli()}
    say("pre-training text")
    held = [tasks["xsum"], tasks["en_ro"], tasks["sst2"]]
    plain = {
        "en": text.english(docs, source, entries, review, held),
        "ro": text.romanian(entries, glosses, held),
        "opinions": text.opinions(review, lexicon, held),
        "wordnet": text.definitions(lexicon, held),
        "nli": nli.passages(tasks["mnli"]),
    }
    # What the tasks lose or hide stays out of the pre-training text: it is made before.
    tasks |= {"xsum": text.apart(text.hidden(tasks["xsum"])), "en_ro": text.apart(tasks["en_ro"])}
    files = {f"{task}.jsonl": _jsonl(rows) for task, rows in tasks.items()}
    files |= {f"{language}.txt": "\n".join(lines) for language, lines in plain.items()}
    (folder / "manifest.json").unlink(missing_ok=True)  # no mixture of two editions passes for complete
    for name, content in files.items():
        _write(folder / name, content)
    manifest = {
        "edition": EDITION,
        "packages": current,
        "licences": {package.name: package.licence for package in [*source, *catalogue, glosses, review, lexicon]},
        "sha256": {name.partition(".")[0]: _sha256(content) for name, content in files.items()},
        "rows": {task: {split: len(part) for split, part in rows.items()} for task, rows in tasks.items()},
        "words": {name: sum(len(line.split()) for line in lines) for name, lines in plain.items()},
    }
    _write(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    say("; ".join(f"{task} {sum(counts.values()):,}" for task, counts in manifest["rows"].items()))
    return folder


def rows(task: str, cache: Path | None = None) -> dict[str, list[dict]]:
    """The rows of an embedded task by split."""
    path = rows_file(task, cache)
    split: dict[str, list[dict]] = {name: [] for name in SPLITS}
    content = path.read_text("utf-8")
    if _sha256(content) != manifest(cache)["sha256"][task]:
        raise UserError(f"{path} is not as it was built: delete it, then run `python -m petl.mini`")
    for line in content.splitlines():
        row = json.loads(line)
        split[row.pop("split")].append(row)
    return split


def rows_file(task: str, cache: Path | None = None) -> Path:
    """Where the rows of an embedded task are. A UserError unless the embedded text is whole and current."""
    if task not in TASKS:
        raise UserError(f"no embedded task {task!r}; there are {', '.join(TASKS)}")
    manifest(cache)
    return home(cache) / f"{task}.jsonl"


def texts(language: str, cache: Path | None = None) -> list[str]:
    """The pre-training text, one short text per item."""
    manifest(cache)
    return (home(cache) / f"{language}.txt").read_text("utf-8").split("\n")


def manifest(cache: Path | None = None) -> dict:
    """Package versions and licences, SHA-256 and size of every corpus. A UserError unless it is whole and current."""
    folder = home(cache)
    if why := _lacks(folder, versions()):
        own = f" --cache {cache}" if cache else ""
        raise UserError(f"the embedded text in {folder} {why}: run `python -m petl.mini{own}`")
    return json.loads((folder / "manifest.json").read_text("utf-8"))


def versions() -> dict[str, str]:
    """Of every package that is read."""
    here = {name: packages.version(name) for name in packages.INSTALLED}
    return here | dict(requirement.split("==") for requirement in packages.PINNED)


def _lacks(folder: Path, current: dict[str, str]) -> str:
    """Why the text in `folder` is not what a build would make now; nothing if it is."""
    path = folder / "manifest.json"
    if not path.exists():
        return f"is not built yet ({path.name} is missing)"
    found = json.loads(path.read_text("utf-8"))
    if found["edition"] != EDITION:
        return f"is of edition {found['edition']}, and this is edition {EDITION}"
    if found["packages"] != current:
        names = sorted(dict(found["packages"].items() ^ current.items()))
        return f"was read from other versions ({', '.join(names[:4])})"
    files = [f"{name}.jsonl" if name in TASKS else f"{name}.txt" for name in found["sha256"]]
    gone = [name for name in files if not (folder / name).exists()]
    return f"is no longer whole ({', '.join(gone)} is missing)" if gone else ""


def _jsonl(parts: text.Rows) -> str:
    lines = [json.dumps({"split": split} | row, ensure_ascii=False) for split in SPLITS for row in parts[split]]
    return "\n".join(lines) + "\n"


def _write(path: Path, content: str) -> None:
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(content, "utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)  # on a full disk it would take what little room there is


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()


def _teller(progress: bool) -> Callable[[str], None]:
    start = time.monotonic()

    def say(what: str) -> None:
        if progress:
            print(f"embedded text {time.monotonic() - start:5.0f} s  {what}", file=sys.stderr, flush=True)

    return say
