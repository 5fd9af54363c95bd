"""Tables 7 and 8: rows of the data sets and settings of training, printed and ours."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from petl.composed import composed
from petl.report import published
from petl.report.cells import Record
from petl.report.layout import MISSING, Entry, Table, entry

SPLITS = ("train", "dev", "test")
SETTINGS = {
    "lr": "learning rate",
    "batch": "batch (rows)",
    "batch_tokens": "batch (tokens)",
    "label_smoothing": "label smoothing",
    "max_grad_norm": "max. gradient norm",
    "weight_decay": "weight decay",
    "steps": "steps",
    "epochs": "epochs",
}


def table7(scale: str, runs: Sequence[Record]) -> Table:
    """Rows as printed, as corrected, and those of our runs."""
    rows = []
    for line in published.table("table7")["rows"]:
        right = line.get("corrected", line["rows"])
        shown = tuple(
            f"{line['rows'][s]:,}" + (f" [{right[s]:,}]" if right[s] != line["rows"][s] else "") for s in SPLITS
        )
        rows.append([entry(line["row"], *line["footnotes"]), *map(entry, shown), *_of_runs(line["task"], scale, runs)])
    intro = "Printed rows, corrected in brackets; ours: rows of the runs at hand, at dev those that are scored."
    return _table("table7", intro, ["data set", *SPLITS, *SPLITS], [("", 1), ("paper", 3), (f"ours, {scale}", 3)], rows)


def table8(scale: str, runs: Sequence[Record]) -> Table:
    """The settings of the parameter-efficient methods: printed, and what conf/recipe composes to."""
    rows = []
    for line in published.table("table8")["rows"]:
        recipe = composed(("method=mam", f"task={line['tasks'][0]}", f"scale={scale}")).recipe
        ours = {key: getattr(recipe, key) for key in SETTINGS} | ({"batch": None} if recipe.batch_tokens else {})
        rows.append(
            [entry(line["row"], *line["footnotes"]), entry("paper"), *map(_setting, map(line["recipe"].get, SETTINGS))]
        )
        rows.append([entry(""), entry(f"ours, {scale}"), *map(_setting, ours.values())])
    intro = "Ours: conf/recipe, as method=mam composes it."
    columns = ["task", "", *SETTINGS.values()]
    return _table("table8", intro, columns, [], rows, rules=list(range(2, len(rows), 2)))


def _of_runs(task: str, scale: str, runs: Sequence[Record]) -> list[Entry]:
    """Every number of rows that the runs of a task have; a knob can limit them."""
    own = [r["data"]["rows"] for r in runs if (r["config"]["scale"], r["config"]["task"]["name"]) == (scale, task)]
    return [
        entry(" / ".join(f"{n:,}" for n in sorted({rows[split] for rows in own if split in rows})) or MISSING)
        for split in SPLITS
    ]


def _setting(value: float | None) -> Entry:
    return entry(MISSING if value is None else f"{value:,}" if isinstance(value, int) else f"{value:g}")


def _table(
    name: str,
    intro: str,
    columns: list[str],
    spans: list[tuple[str, int]],
    rows: list[list[Entry]],
    rules: Sequence[int] = (),
) -> Table:
    table = published.table(name)
    notes = published.footnotes([*table["footnotes"], *(note for line in table["rows"] for note in line["footnotes"])])
    title = f"Table {name[5:]}. {table['caption']}"
    return Table(name, title, intro, columns, rows, spans, list(rules), notes)


TABLES: dict[str, Callable[[str, Sequence[Record]], Table]] = {"table7": table7, "table8": table8}
