"""The post-processing against the original Perl, on noise made here.

romanian_noise.jsonl.gz holds what Moses' scripts (perl 5.36) made of 1,500 lines of `noise.lines(0, ...)`. With a
checkout of mosesdecoder, fresh noise goes through both: PETL_MOSES=FOLDER PETL_LINES=100000 pytest THIS_FILE
"""

import gzip
import json
import os
from pathlib import Path

import pytest

from petl.metrics.romanian import process

from .noise import lines, perl

KEPT = Path(__file__).with_name("romanian_noise.jsonl.gz")
MOSES = os.environ.get("PETL_MOSES")


def test_noise_as_the_perl_chain():
    with gzip.open(KEPT, "rt", encoding="utf-8") as file:
        kept = [json.loads(line) for line in file]
    assert [line["raw"] for line in kept] == list(lines(0, 1500))
    assert [line["raw"] for line in kept if process(line["raw"]) != line["processed"]] == []


@pytest.mark.skipif(not MOSES, reason="PETL_MOSES names no checkout of mosesdecoder")
def test_fresh_noise_as_the_perl_chain():
    raw = list(lines(int.from_bytes(os.urandom(4)), int(os.environ.get("PETL_LINES", "20000"))))
    wrong = [(a, b) for a, b in zip(raw, perl(raw, Path(MOSES or "")), strict=True) if process(a) != b]
    assert len(wrong) <= 0.001 * len(raw), wrong[:5]
