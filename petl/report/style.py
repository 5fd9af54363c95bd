"""How every figure looks, and how it becomes bytes that are the same each time.

Colours are Okabe and Ito's (2008), told apart with every kind of colour vision, and no two series share a marker, so a
figure survives black-and-white print. Ink, paper and the darkest blue are the page's own in the page.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, PAPER, GREY = "#1a1a1a", "#fefefe", "#8c8c8c"
BLUE, VERMILION = "#0072b2", "#d55e00"
COLOURS = (BLUE, VERMILION, "#009e73", "#cc79a7", "#e69f00", "#56b4e9", GREY)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "<", "h", ">", "*", "d")  # fmt: skip
WIDTH = 7.0  # inches: a page between its margins

_RC: dict[Any, Any] = {
    "svg.hashsalt": "petl",
    "svg.fonttype": "path",  # the same on every machine
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.ymargin": 0.1,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 5.5,
    "errorbar.capsize": 2,
    "legend.frameon": False,
    "figure.facecolor": PAPER,
    "axes.facecolor": "none",
    **{name: INK for name in ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")},
}


@dataclass(frozen=True)
class Drawing:
    """A figure, the name of its files, and what is said above and below it."""

    name: str
    title: str
    caption: str
    figure: Figure


@contextmanager
def look() -> Iterator[None]:
    """Draw and save under this: whatever a user's matplotlibrc says, the figure is the same."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


def mark(number: int) -> dict[str, Any]:
    """Colour and marker of the series `number`: different for every two below 91."""
    return {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)]}


def plain_log(axes: Axes) -> None:
    """A logarithmic x axis that says 0.1, 1 and 10."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")


def settle(figure: Figure) -> None:
    """Lay out once: what is saved later, in whichever format, has every part in the same place."""
    if engine := figure.get_layout_engine():
        engine.execute(figure)
        figure.set_layout_engine("none")


def svg(figure: Figure) -> bytes:
    """Coordinates to a hundredth of a point."""
    drawn = _saved(figure, "svg", metadata={"Date": None, "Creator": None})
    return re.sub(rb' d="[^"]+"', lambda path: re.sub(rb"(\.\d\d)\d+", rb"\1", path[0]), drawn)


def png(figure: Figure) -> bytes:
    return _saved(figure, "png", metadata={"Software": None}, dpi=160)


def inline(drawing: Drawing) -> str:
    """The SVG as part of a page: in the page's colours, with its caption read out, and no id that another one has."""
    drawn = svg(drawing.figure).decode()
    drawn = re.sub(r"<!--.*?-->|\s+", lambda found: " " * found[0].isspace(), drawn[drawn.index("<svg ") :])
    for colour, own in {INK: "currentColor", PAPER: "var(--card)", BLUE: "var(--blue)"}.items():
        drawn = drawn.replace(colour, own)
    used = set(re.findall(r'(?:href="|url\()#([^")]+)', drawn))
    drawn = re.sub(r' id="([^"]+)"', lambda i: f' id="{drawing.name}-{i[1]}"' if i[1] in used else "", drawn)
    drawn = re.sub(r'(href="|url\()#', rf"\1#{drawing.name}-", drawn)
    drawn = re.sub(r' (width|height)="[\d.]+pt"', "", drawn, count=2)
    wide = f'width="{120 * drawing.figure.get_figwidth():.0f}"'
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(drawing.title)}" {wide} ', 1)


def _saved(figure: Figure, kind: str, **how: Any) -> bytes:
    held = io.BytesIO()
    with look():
        figure.savefig(held, format=kind, bbox_inches=None, **how)
    return held.getvalue()
