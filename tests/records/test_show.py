from __future__ import annotations

from petl.records import summary

GOLDEN = """\
MAM adapter on xsum · mini · mini:bart · seed 0
--------------------------------------------------------------------------------
parameters   12,345 trained, 12,000 stored, 5.50% of 200,000 by the paper's count
dev          loss 2.500  rouge2 11.25  (10 rows)
test         loss 2.625  rouge2 10.50  (1,200 rows)
selected     step 1,200, dev rouge2 11.250
time         load 1.5 s, train 1 min 15 s, test 3.2 s  (cpu, 1 process, peak 1,234 MB)

1  source       the source 0
   reference    the reference
   prediction   a guess
2  source       the source 1
   reference    the reference
   prediction   a guess
3  source       the source 2
   reference    the reference
   prediction   a guess
4  source       the source 3
   reference    the reference
   prediction   a guess
5  source       the source 4
   reference    the reference
   prediction   (nothing)

record       records/mini/xsum/mam-0.json"""


def test_golden(make):
    assert summary(make(), "records/mini/xsum/mam-0.json", width=80) == GOLDEN


def test_long_texts_are_cut_to_the_width(make):
    text = "word " * 100
    shown = summary(make(examples=[{"source": text, "reference": text, "prediction": text}]), width=80)
    assert [len(line) <= 80 for line in shown.splitlines() if "word" in line] == [True] * 3


def test_untuned(make):
    record = make(selected={"step": 0, "metric": None, "value": None})
    assert "the untuned model" in summary(record)
