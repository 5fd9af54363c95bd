"""Using what was trained.

    tuned = petl.load("outputs/mini/xsum/mam/05e188b59d65")     # or an exported folder, a record, an identity
    tuned.generate(["a document"])                              # tuned.predict(texts or pairs) of a classification task
    tuned.model, tuned.tokenizer                                # transformers' own, the method attached

find.py    what RUN means: folders, records, identities; no torch
restore.py a trained model put together again
model.py   what it answers
export.py  what was trained, as a folder of its own
folder.py  an exported folder: written whole, read with nothing executed
peft.py    LoRA as Hugging Face's peft keeps it
card.py    the model card, from the record alone; no torch
push.py    an exported folder to the hub
texts.py   texts out of a user's file, and answers beside them; no torch
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from petl.tuned.model import Tuned


def load(run: str | Path, device: str = "auto", backbone: str | None = None) -> Tuned:
    """The trained model of `run`, in evaluation mode, decoding as its run did.

    `run` is a run's folder, an exported folder, a record's file, or the first digits of an identity. `device` is auto,
    cpu or cuda. `backbone` says where the backbone is on this machine, if not where it was; another one than the
    record's is refused. Raises petl.config.UserError with what was tried. Nothing in a folder is executed.
    """
    from petl.tuned.find import find
    from petl.tuned.restore import restore  # torch and transformers are loaded from here on

    return restore(find(run), device, backbone)
