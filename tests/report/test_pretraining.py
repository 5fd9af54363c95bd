import pytest

from petl.composed import composed
from petl.report import pretraining, readme


def record(task, seed, value, steps=None, random=False, method="mam", scale="mini", data="d", weights="w", factor=1):
    metric = pretraining.METRIC.get(task, "accuracy")
    recipe = composed((f"task={task}",)).recipe
    steps = recipe.steps if steps is None else steps
    return {
        "config": {
            "scale": scale, "seed": seed, "method": {"name": method}, "task": {"name": task},
            "recipe": {"steps": steps, "lr": factor * recipe.lr}, "backbone": {"random": random},
        },
        "metrics": {"test": {metric: value}},
        "data": {"sha256": {"train": data}},
        "backbone": {"path": "mini:bart", "sha256": weights},
        "protocol": {},
        "signature": "",
    }  # fmt: skip


RECORDS = [
    record("xsum", 0, 9.0), record("xsum", 1, 11.0), record("xsum", 0, 4.0, steps=0), record("xsum", 1, 4.0, steps=0),
    record("xsum", 0, 10.0, random=True), record("sst2", 0, 80.0), record("xsum", 0, 99.0, method="lora"),
    record("xsum", 0, 99.0, scale="paper"), record("xsum", 0, 99.0, factor=2), record("xsum", 0, 99.0, steps=400),
]  # fmt: skip


def test_arms_are_told_apart_and_other_runs_left_out():
    xsum, sst2 = pretraining.lines(RECORDS)
    assert xsum.arms == {"untouched": {0: 4.0, 1: 4.0}, "random": {0: 10.0}, "pretrained": {0: 9.0, 1: 11.0}}
    assert sst2.arms == {"untouched": {}, "random": {}, "pretrained": {0: 80.0}}


def test_differences_are_paired_by_seed():
    xsum, _ = pretraining.lines(RECORDS)
    assert xsum.differences("untouched") == [5.0, 7.0]
    assert xsum.differences("random") == [-1.0]


def test_the_table_shows_missing_cells_and_counts():
    table = pretraining.markdown(pretraining.lines(RECORDS)).splitlines()
    assert table[2] == (
        "| xsum | rouge2 | 4.00 ± 0.00 (n=2) | 10.00 (n=1) | 10.00 ± 1.41 (n=2) "
        "| +6.00 [+5.00, +7.00], 2 of 2, p = 0.105 | -1.00 [-1.00, -1.00], 0 of 1 |"
    )
    assert table[3].startswith("| sst2 | accuracy | — | — | 80.00 (n=1) | — | — |")


def test_parts_are_filled_between_their_markers():
    text = "a\n<!-- x -->old\n<!-- /x -->\nb"
    assert readme.filled(text, {"x": "new"}) == "a\n<!-- x -->\nnew\n<!-- /x -->\nb"
    with pytest.raises(KeyError, match="y"):
        readme.filled(text, {"y": ""})


@pytest.mark.parametrize("other", [{"data": "changed"}, {"weights": "changed"}])
def test_records_of_other_rows_or_weights_do_not_mix(other):
    with pytest.raises(ValueError, match="do not mix"):
        pretraining.lines([record("xsum", 0, 1.0), record("xsum", 1, 1.0, **other)])
