"""Command lines: sane words, odd ones, and what is no word at all."""

from __future__ import annotations

from enum import Enum
from typing import Any, get_args, get_origin

from hypothesis import strategies as st

from petl.words import _keys, groups, options, type_of

KEYS = [key for key in _keys() if not key.startswith(("method.deltas.", "runtime.tracker"))]
DELTA = [key.removeprefix("method.deltas.main.") for key in _keys() if key.startswith("method.deltas.")]
ODD = [
    *("", "null", "None", "~", "nan", "inf", "-inf", "1e309", "1e-400", "0", "-0.0", "-1", "1_000", "0x10", "1" * 5000),
    *(
        "true",
        "FALSE",
        "yes",
        "[]",
        "{}",
        "[1,2",
        "[[[[",
        "{a:b}",
        "'",
        '"',
        "\\",
        "\\'",
        "${oc.env:HOME}",
        "${x}",
        "$",
    ),
    *(
        "a b",
        " ",
        "é",
        "ａ",
        "\u202eabc",
        "\x00",
        "\n",
        "\r\n",
        "\x1b[31m",
        "\ud800",
        "😀",
        "..",
        "../..",
        "/etc/passwd",
    ),
    *("．．／x", "x" * 300, "y" * 70_000, "CON", "-", "--", "a=b", "=", "mini:bart", "mini:", "hf/x", "a/b/c", "%s%n"),
    *("1,2", "1,", ",", "range(3)", "range(0,1,0)", "range(5,1)", "range(0,1e30)", "choice(a,b)", "interval(0,1)"),
    *("glob(*)", "shuffle(1,2)", "sort(3,2)", "tag(a,1)", "int(3)", "float(x)", "str(1)", "bool(2)", "json_str([1])"),
    *(
        "extend_list(1)",
        "choice()",
        "[" * 2000,
        "[" * 400 + "]" * 400,
        "(" * 50,
        "1" + "0" * 400,
        "9" * 30,
        "1e400",
        "2147483648",
        "main",
    ),
]


def sane(key: str) -> st.SearchStrategy[str]:
    """A value of the key's type; not always one that makes sense."""
    tp: Any = type_of(key)
    if isinstance(tp, type) and issubclass(tp, Enum):
        return st.sampled_from([member.value for member in tp])
    if get_origin(tp) is list:
        inner = _plain(get_args(tp)[0])
        return st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
    return _plain(tp)


def _plain(tp: Any) -> st.SearchStrategy[str]:
    numbers = st.one_of(st.integers(0, 64), st.sampled_from([128, 1024, 2**31 - 1, 2**40])).map(str)
    shares = st.one_of(st.sampled_from(["0", "1e-3", "0.1", "0.5", "4"]), st.floats(width=32).map(str))
    texts = st.sampled_from(["lora", "main", "xsum", "relu", "bleu", "accuracy", "loss", "bottleneck", "auto", "cpu"])
    return {int: numbers, float: shares, bool: st.sampled_from(["true", "false"])}.get(tp, texts)


def _of_delta(key: str) -> st.SearchStrategy[str]:
    full = sane(f"method.deltas.main.{key}")
    return st.tuples(st.sampled_from(["main", "main", "main", "heads"]), full).map(
        lambda told: f"method.deltas.{told[0]}.{key}={told[1]}"
    )


def often(*strategies: st.SearchStrategy) -> st.SearchStrategy:
    """Any of these, one that stands twice twice as often: `one_of` draws from each alike, however often it stands."""
    return st.integers(0, len(strategies) - 1).flatmap(strategies.__getitem__)


CHOSEN = st.sampled_from([group for group in groups() if group != "delta"]).flatmap(
    lambda group: st.sampled_from(options(group)).map(lambda option: f"{group}={option}")
)
KNOWN = st.sampled_from(KEYS).flatmap(lambda key: sane(key).map(lambda value: f"{key}={value}"))
IN_DELTA = st.sampled_from(DELTA).flatmap(_of_delta)
ADDED = st.sampled_from(["extra", "b", "_target_", "1x", "é"]).flatmap(
    lambda name: st.sampled_from(["adapter", "lora", "prefix"]).map(lambda d: f"+delta@method.deltas.{name}={d}")
)
METHODS = options("method")
IN_GRID = st.lists(  # of the axes and budgets
    st.sampled_from(["position", "insertion", "composition", "budget"]).flatmap(
        lambda group: st.sampled_from(options(group)).map(lambda option: f"{group}={option}")
    ),
    max_size=1,
)
NAMES = st.one_of(
    st.sampled_from([*KEYS, *groups()]), st.sampled_from(["hydra.run.dir", "hydra/launcher", "hydra.searchpath", "x.y"])
)
ODDLY = st.tuples(
    st.sampled_from(["", "", "", "+", "++", "~"]), NAMES, st.sampled_from(["=", "=", "=", "", "@x=", " = ", "=="]),
    st.one_of(st.sampled_from(ODD), st.text(max_size=30)),
).map("".join)  # fmt: skip
WORD = often(CHOSEN, CHOSEN, KNOWN, KNOWN, IN_DELTA, ADDED, ODDLY, st.sampled_from(ODD), st.text(max_size=40))
PICKED = st.lists(CHOSEN, max_size=3, unique_by=lambda word: word.partition("=")[0])
SANE = st.lists(st.one_of(CHOSEN, KNOWN, IN_DELTA), max_size=3, unique_by=lambda word: word.partition("=")[0])
SWEPT = st.lists(st.one_of(CHOSEN, ODDLY), min_size=1, max_size=3).map(lambda line: ["-m", *line])
LINES = often(PICKED, PICKED, SANE, SANE, st.lists(WORD, max_size=6), SWEPT)
