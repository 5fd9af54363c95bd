"""Tables 1 and 9 to 11 from the grid itself: what conf/method composes to, and what a delta costs where it stands.

A delta's parameters are those of its matrices (Sec. 4.1), linear in its size: (d_in + d_out) for each matrix pair at
each sub-layer. tests/report/test_grid.py counts the same on real models.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from petl.command import options
from petl.composed import composed
from petl.config import Config, Delta, Insertion, Position, Rule, UserError
from petl.mini import backbone_folder
from petl.report import published
from petl.report.layout import MISSING, Entry, Table, entry

FORMS = {"relu": "ReLU", "softmax": "softmax", "gelu": "GELU", "tanh": "tanh", "silu": "SiLU", "linear": ""}
PLACES = {
    Position.heads: "head attn",
    Position.attn: "attn",
    Position.ffn: "ffn",
    Position.qv: "attn query/val",
    Position.fc: "ffn matrices",
    Position.block: "layer output",
    Position.input: "input",
}
RULES = {
    Rule.add: "h <- h + dh",
    Rule.scaled: "h <- h + s*dh",
    Rule.learned: "h <- h + s*dh, s trained",
    Rule.gated: "h <- (1-lambda) h + lambda dh",
}
SUBLAYERS = {"attn": ("encoder", "decoder", "cross"), "ffn": ("encoder", "decoder")}  # of a layer (pair)
PAIRS = {  # position -> its kind of sub-layer, and d_in + d_out in units of d of every matrix pair there
    Position.heads: ("attn", (2,)),
    Position.attn: ("attn", (2,)),
    Position.qv: ("attn", (2, 2)),
    Position.ffn: ("ffn", (2,)),
    Position.fc: ("ffn", (5, 5)),  # d x 4d and 4d x d
    Position.block: ("ffn", (2,)),
}
BACKBONES = {"generation": "bart-large", "classification": "roberta-base"}


# Table 1 --------------------------------------------------------------------------------------------------------------


def table1(scale: str) -> Table:
    """The paper's rows with what they compose to, then every other method of conf/method, delta by delta."""
    printed = published.table("table1")["rows"]
    rows = [_designed(line["row"], _main(line["overrides"]), line) for line in printed]
    known = {line["overrides"]["method"] for line in printed}
    for name in options("method"):
        if name not in known:
            config = _composed([f"method={name}"])
            rows += [_designed(_label(config, key), delta) for key, delta in config.method.deltas.items()]
            rows += [_tuned(config)] if config.method.tune else []
    return Table(
        name="table1",
        title=f"Table 1. {published.table('table1')['caption']}",
        intro="Composed from conf/method; what the paper prints differently stands in brackets. Below the line: the "
        "other methods of the grid.",
        columns=["method", "functional form dh", "insertion", "modified representation", "composition"],
        rows=rows,
        rules=[len(printed)],
        notes=published.footnotes(
            published.table("table1")["footnotes"] + [n for line in printed for n in line["footnotes"]]
        ),
    )


def form(delta: Delta) -> str:
    """dh = f(x) in the paper's letters; a sequential delta reads h."""
    if delta.position is Position.input:
        return "trained vectors"
    x = "h" if delta.insertion is Insertion.sequential else "x"
    inside = f"{x} Wq Pk^T" if delta.position is Position.heads else f"{x} Wdown"
    outside = "Pv" if delta.position is Position.heads else "Wup"
    return f"{FORMS[delta.form]}({inside}) {outside}" if FORMS[delta.form] else f"{inside} {outside}"


def _designed(label: str, found: tuple[Delta, str] | Delta, line: published.Row | None = None) -> list[Entry]:
    delta, place = found if isinstance(found, tuple) else (found, PLACES[found.position])
    composition = "before the first layer" if delta.position is Position.input else RULES[delta.compose]
    told = {"form": form(delta), "insertion": str(delta.insertion), "position": place, "composition": composition}
    beside = [f"{text} [{line[key]}]" if line and line[key] != text else text for key, text in told.items()]
    return [entry(label, *(line["footnotes"] if line else [])), *map(entry, beside)]


def _main(overrides: Mapping[str, Any]) -> tuple[Delta, str]:
    """The delta that the groups speak of, and where it may stand: at ffn, attn or both."""
    words = _words(overrides)
    delta = _composed(words).method.deltas["main"]
    if delta.position is Position.ffn:
        try:
            _composed((*words, "position=attn"))
            return delta, "ffn/attn"
        except UserError:  # the method leaves its position to nobody
            pass
    return delta, PLACES[delta.position]


def _label(config: Config, key: str) -> str:
    return config.method.title + (f": {key}" if len(config.method.deltas) > 1 else "")


def _tuned(config: Config) -> list[Entry]:
    what = "every parameter" if config.method.tune == ["*"] else ", ".join(config.method.tune)
    return [entry(config.method.title), entry("the backbone's own"), entry(""), entry(what), entry("")]


# Tables 9 to 11 -------------------------------------------------------------------------------------------------------


def table9(scale: str) -> Table:
    """Sub-layers of a layer (pair): with a decoder three attentions and two FFNs."""
    printed = published.table("table9")
    counts = {2: {kind: len(sites) for kind, sites in SUBLAYERS.items()}, 1: dict.fromkeys(SUBLAYERS, 1)}
    rows = []
    for line, stacks in zip(printed["rows"], (2, 1), strict=True):
        told = [_beside(str(counts[stacks][kind]), str(line["sublayers"][kind])) for kind in SUBLAYERS]
        rows.append([entry(line["row"], *line["footnotes"]), *map(entry, told)])
    return _counted("table9", ["backbone", "N_attn", "N_ffn"], rows)


def table10(scale: str) -> Table:
    """Parameters at one sub-layer, as formulas."""
    rows = []
    for line in published.table("table10")["rows"]:
        told = []
        for kind in SUBLAYERS:
            overrides, shown = line["overrides"][kind], line["formulas"][kind]
            told.append(MISSING if overrides is None else _beside(_formula(overrides), shown.rpartition("= ")[2]))
        rows.append([entry(line["row"], *line["footnotes"]), *map(entry, told)])
    return _counted("table10", ["method", "at an attention", "at an FFN"], rows)


def table11(scale: str) -> Table:
    """Parameters in the whole model: the formula, for each unit of size, and in all at the paper's size."""
    shape = shapes(scale)["generation"]
    rows = []
    for line in published.table("table11")["rows"]:
        deltas = _composed(_words(line["overrides"])).method.deltas
        units = {name: unit(delta, **shape) for name, delta in deltas.items()}
        total = sum(units[name] * (delta.paper or 0) for name, delta in deltas.items())
        whole = " + ".join(_whole(delta) for delta in deltas.values())
        at = ", ".join(f"{letter(delta)}={delta.paper}" for delta in deltas.values())
        rows.append(
            [
                entry(line["row"], *line["footnotes"]),
                entry(_beside(whole, line["formula"].replace("*3*12", "*3*L").replace("*2*12", "*2*L"))),
                entry(" + ".join(f"{count:,}" for count in units.values())),
                *([entry(f"{total:,} ({at})")] if scale == "paper" else []),
            ]
        )
    columns = ["method", "formula", f"for each l or r (d={shape['width']}, L={shape['layers']})"]
    return _counted("table11", [*columns, *(["at the paper's size"] if scale == "paper" else [])], rows)


def unit(delta: Delta, width: int, layers: int, stacks: int) -> int:
    """Parameters of `delta` for each unit of its size."""
    if delta.position is Position.input:
        return width
    kind, pairs = PAIRS[delta.position]
    return sum(pairs) * width * layers * (len(SUBLAYERS[kind]) if stacks == 2 else 1)


def letter(delta: Delta) -> str:
    return "l" if delta.position is Position.input or delta.form == "softmax" else "r"


@cache
def shapes(scale: str) -> dict[str, dict[str, int]]:
    """kind of task -> width, layers and stacks of its backbone: the paper's, or those of the miniatures."""
    if scale == "paper":
        return {kind: published.paper()["shapes"][name] for kind, name in BACKBONES.items()}
    bart, roberta = (
        json.loads((backbone_folder(name) / "config.json").read_text(encoding="utf-8")) for name in ("bart", "roberta")
    )
    return {
        "generation": {"width": bart["d_model"], "layers": bart["encoder_layers"], "stacks": 2},
        "classification": {"width": roberta["hidden_size"], "layers": roberta["num_hidden_layers"], "stacks": 1},
    }


def _whole(delta: Delta) -> str:
    if delta.position is Position.input:
        return f"{letter(delta)}*d"
    kind, pairs = PAIRS[delta.position]
    return f"{sum(pairs)}*{letter(delta)}*d*{len(SUBLAYERS[kind])}*L"


def _formula(overrides: Mapping[str, Any]) -> str:
    delta = _composed(_words(overrides)).method.deltas["main"]
    return f"{sum(PAIRS[delta.position][1])}*{letter(delta)}*d"


def _counted(name: str, columns: list[str], rows: list[list[Entry]]) -> Table:
    table = published.table(name)
    notes = published.footnotes([*table["footnotes"], *(note for line in table["rows"] for note in line["footnotes"])])
    intro = "Counted from the positions of the grid; what the paper prints differently stands in brackets."
    return Table(name, f"Table {name[5:]}. {table['caption']}", intro, columns, rows, notes=notes)


def _beside(ours: str, printed: str) -> str:
    return ours if ours == printed else f"{ours} [{printed}]"


def _words(overrides: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{key}={value}" for key, value in overrides.items())


def _composed(words: Sequence[str]) -> Config:
    """At the paper's scale: a method is the same on all."""
    return composed((*words, "task=xsum", "scale=paper"))


TABLES: dict[str, Callable[[str], Table]] = {"table1": table1, "table9": table9, "table10": table10, "table11": table11}
