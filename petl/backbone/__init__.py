"""Where the points of the grid live in a real model.

anatomy.py    names, one table entry per architecture
places.py     from a position to the modules that read x and write h
hooks.py      what carries x to f and dh to h
attention.py  attention with a delta in its heads
attach.py     a method into a model
sizes.py      a budget against a real model
decode.py     keys and values while a text is written
merge.py      a trained method made part of the backbone
state.py      tuned tensors, counts, the describe table
load.py       backbones from the hub, a folder, the miniatures, or the meta device
"""

from petl.backbone.attach import attach
from petl.backbone.decode import cache
from petl.backbone.load import load
from petl.backbone.merge import fold, merge
from petl.backbone.sizes import resolve
from petl.backbone.state import Counts, counts, describe, load_tuned, table, tuned_state

__all__ = [
    "Counts",
    "attach",
    "cache",
    "counts",
    "describe",
    "fold",
    "load",
    "load_tuned",
    "merge",
    "resolve",
    "table",
    "tuned_state",
]
