"""Golden tables: a handful of records made by hand, every number against scipy or arithmetic."""

import json
import math

import numpy as np
import pytest
from scipy import stats

from petl.composed import composed
from petl.config import UserError
from petl.report import published, render, tables
from petl.report.layout import MISSING
from tests.report.made import made

PA = {0: 43.1, 1: 43.5, 2: 42.9, 3: 43.3, 4: 43.2}
SCALED = {0: 43.9, 1: 44.4, 2: 43.4, 7: 50.0}
LEARNED = {0: 43.9, 1: 44.2, 2: 43.6}


def runs():
    """Table 5: PA with five seeds, scaled PA with four, a trained scale with three, LoRA with one, and another
    with none."""
    found = []
    for row, values in (("PA", PA), ("Scaled PA, s=4", SCALED), ("Scaled PA, trainable s", LEARNED)):
        numbers = ({"rouge1": v + 10, "rouge2": v, "rougeL": v + 5} for v in values.values())
        found += [made(f"table5/{row}", "xsum", seed, **n) for seed, n in zip(values, numbers, strict=True)]
    found.append(made("table5/LoRA, s=4", "xsum", 0, rouge1=1.0, rouge2=2.0, rougeL=3.0))
    return found


@pytest.fixture(scope="module")
def golden():
    return tables.table("table5", "mini", runs())


def row(table, name):
    cells = next(row for row in table.rows if row[0].plain == name)
    return dict(zip(table.columns, cells, strict=True))


def datum(table, name, metric="rouge2"):
    return next(line for line in table.data if (line["row"], line["metric"]) == (name, metric))


# Numbers --------------------------------------------------------------------------------------------------------------


def test_mean_and_standard_deviation(golden):
    m, s = np.mean(list(PA.values())), np.std(list(PA.values()), ddof=1)
    assert row(golden, "PA")["ours"].plain == f"{m + 10:.2f} ± {s:.2f} / {m:.2f} ± {s:.2f} / {m + 5:.2f} ± {s:.2f}"
    assert datum(golden, "PA")["n"] == 5 and datum(golden, "PA")["seeds"] == "0 1 2 3 4"


def test_fewer_and_other_seeds_are_shown(golden):
    assert [row(golden, name)["seeds"].plain for name in ("PA", "Scaled PA, s=4", "LoRA, s=4", "LoRA, s=1")] == [
        "5: 0-4",
        "4 of 5: 0-2, 7",
        "1 of 5: 0",
        MISSING,
    ]


def test_one_seed_has_no_spread(golden):
    assert row(golden, "LoRA, s=4")["ours"].plain == "1.00 / 2.00 / 3.00"
    assert row(golden, "LoRA, s=4")["over it, ours"].plain == "-41.10 (one seed)"
    assert datum(golden, "LoRA, s=4")["std"] is datum(golden, "LoRA, s=4")["p"] is None


def test_differences_are_paired_tested_and_corrected(golden):
    """Scaled PA over PA, and the trained scale over the fixed one, on seeds 0, 1, 2: two tests, so Holm doubles the
    smaller p."""
    over = [[SCALED[s] - PA[s] for s in (0, 1, 2)], [LEARNED[s] - SCALED[s] for s in (0, 1, 2)]]
    ps = [stats.ttest_1samp(d, 0).pvalue for d in over]
    assert ps[0] < ps[1]
    for name, d, p, corrected in zip(
        ("Scaled PA, s=4", "Scaled PA, trainable s"), over, ps, (2 * ps[0], ps[1]), strict=True
    ):
        line, interval = datum(golden, name), stats.t.interval(0.95, 2, np.mean(d), stats.sem(d))
        assert line["over"] == pytest.approx(np.mean(d), abs=1e-6) and line["over_n"] == 3
        assert (line["over_low"], line["over_high"]) == pytest.approx(interval, abs=1e-5)
        assert line["p"] == pytest.approx(p, abs=1e-6) and line["p_holm"] == pytest.approx(corrected, abs=1e-6)
        shown = row(golden, name)["over it, ours"].plain
        assert shown.startswith(f"{np.mean(d):+.2f} [{interval[0]:+.2f}, {interval[1]:+.2f}], p = {corrected:.3f}")
        assert shown.endswith("*") == (corrected < 0.05)


def test_the_papers_own_difference_stands_beside(golden):
    assert row(golden, "Scaled PA, s=4")["over it, paper"].plain == "+0.56"
    assert row(golden, "PA")["over it, paper"].plain == "" == row(golden, "PA")["over it, ours"].plain


def test_the_best_is_bold_and_ties_are_both(golden):
    assert row(golden, "Scaled PA, s=4")["ours"].best == {0, 1, 2} == row(golden, "Scaled PA, s=4")["paper"].best
    assert not row(golden, "PA")["ours"].best
    tied = tables.table("table2", "mini", [])
    best = [cells[0].plain for cells in tied.rows if any(cell.plain.startswith("94.2") and cell.best for cell in cells)]
    assert best == ["LoRA", "Adapter", "MAM Adapter"]


def test_full_fine_tuning_is_never_the_best():
    found = [
        made("table6/Full fine-tuning, our run", "xsum", 0, rouge2=99.0),
        made("table6/BitFit", "xsum", 0, rouge2=1.0),
    ]
    table = tables.table("table6", "mini", found)
    assert not any(row(table, name)["ours"].best for name in ("Full fine-tuning, our run", "BitFit"))


def test_median_as_the_paper_has_it_on_glue_or_as_asked():
    found = [made("table2/LoRA", "sst2", seed, accuracy=value) for seed, value in enumerate((90.0, 91.0, 95.0))]
    for statistic, shown in (("paper", 91.0), ("median", 91.0), ("mean", 92.0)):
        table = tables.table("table2", "mini", found, statistic=statistic)
        assert [line["ours"] for line in table.data if line["row"] == "LoRA"] == [None, shown]


def test_reimplementations_stand_beside_what_they_are_of(golden):
    assert row(golden, "Scaled PA, trainable s")["Fork, 2026"].plain == "— / 21.66 / —"
    assert (
        row(golden, "PA")["AdapterHub, 2022"].plain == "44.88 / 21.53 / 36.55"
    )  # given for Table 12's PA (ffn), r=512


# What is not there ----------------------------------------------------------------------------------------------------


def test_a_missing_cell_is_a_dash_and_a_command(golden):
    assert row(golden, "LoRA, s=1")["ours"].plain == MISSING
    assert golden.fill == {
        "LoRA, s=4, XSum: 1 of 5 seeds": "python train.py -m method=lora_ffn task=xsum scale=mini seed=1,2,3,4",
        "LoRA, s=1, XSum: 0 of 5 seeds": (
            "python train.py -m method=lora_ffn composition=add task=xsum scale=mini seed=0,1,2,3,4"
        ),
        "Scaled PA, s=4, XSum: 4 of 5 seeds": "python train.py method=scaled_parallel task=xsum scale=mini seed=3",
        "Scaled PA, trainable s, XSum: 3 of 5 seeds": (
            "python train.py -m method=scaled_parallel_learned task=xsum scale=mini seed=3,4"
        ),
    }


def test_nan_is_no_number_and_is_named():
    table = tables.table(
        "table5", "mini", [*runs(), made("table5/LoRA, s=1", "xsum", 4, rouge1=1.0, rouge2=math.nan, rougeL=2.0)]
    )
    assert row(table, "LoRA, s=1")["ours"].plain == "1.00 / — / 2.00"
    assert row(table, "LoRA, s=1")["seeds"].notes == ("R1",)
    assert table.notes["R1"] == "LoRA, s=1, XSum: R-2 of seed 4 is no finite number."


def test_records_of_two_protocols_never_mix():
    other = [made("table5/PA", "xsum", seed, rouge1=0.0, rouge2=0.0, rougeL=0.0) for seed in (5, 6)]
    for run in other:
        run["signature"] = "another metric"
    table = tables.table("table5", "mini", [*runs(), *other])
    assert datum(table, "PA")["seeds"] == "0 1 2 3 4"
    assert table.notes["R1"] == "PA, XSum: seeds 5, 6 left out: other metric."


def test_no_records_at_all():
    table = tables.table("table5", "paper", [])
    assert {row(table, line["row"])["ours"].plain for line in published.table("table5")["rows"]} == {MISSING}
    assert len(table.fill) == 5 and "ours - paper" in table.columns


def test_at_the_papers_scale_there_is_a_difference_from_it():
    found = [
        made("table5/PA", "xsum", 0, "paper", rouge1_truncated=45.0, rouge2_truncated=21.0, rougeLsum_truncated=36.0)
    ]
    table = tables.table("table5", "paper", found)
    assert row(table, "PA")["ours - paper"].plain == "+0.65 / +0.02 / +0.02"


def test_scores_of_test_rows_give_an_interval(tmp_path):
    found, files = [], {}
    for name, lead in (("PA", 0.0), ("Scaled PA, s=4", 1.0)):
        run = made(f"table5/{name}", "xsum", 0, rouge2=20 + lead)
        scores = [round(20 + lead + math.sin(i), 2) for i in range(100)]
        files[run["identity"]] = tmp_path / f"{name}.scores.json"
        files[run["identity"]].write_text(json.dumps({"rows_sha256": {"test": "r"}, "test": {"rouge2": scores}}))
        found.append(run)
    table = tables.table("table5", "mini", found, files)
    assert row(table, "Scaled PA, s=4")["over test rows"].plain == "[+1.00, +1.00], p < 0.001"
    assert row(table, "LoRA, s=4")["over test rows"].plain == MISSING


# Tuned learning rates -------------------------------------------------------------------------------------------------


def at(factor, value, row="PA", dev=0.0, seed=0):
    rate = factor * composed(("task=xsum",)).recipe.lr
    run = made(f"table5/{row}", "xsum", seed, words=(f"recipe.lr={rate:g}",), rouge1=value, rouge2=value, rougeL=value)
    run["selected"]["value"] = dev
    return run


def test_a_table_comes_again_at_tuned_rates():
    found = [at(0.5, 1.0, dev=1), at(1, 2.0, dev=2), at(2, 3.0, dev=3), at(4, 9.0, dev=1)]
    found += [at(2, 5.0, seed=1), at(1, 9.0, "LoRA, s=4")]
    one, tuned = tables.every(["table5"], "mini", found)
    assert (one.name, tuned.name) == ("table5", "table5-tuned")
    assert row(one, "PA")["ours"].parts[0] == "2.00" and "lr" not in one.columns
    twice = f"{2 * composed(('task=xsum',)).recipe.lr:g}"
    assert row(tuned, "PA")["ours"].parts[0] == "4.00 ± 1.41" and row(tuned, "PA")["lr"].plain == twice
    assert datum(tuned, "PA")["lr"] == float(twice) and datum(tuned, "LoRA, s=4")["lr"] is None
    assert row(tuned, "LoRA, s=4")["ours"].plain == row(tuned, "LoRA, s=4")["lr"].plain == MISSING
    assert list(tuned.fill) == ["PA, XSum: 2 of 5 seeds"], "what has no rate yet cannot be run"
    assert tuned.fill["PA, XSum: 2 of 5 seeds"].endswith(f"recipe.lr={twice} seed=2,3,4")


def test_before_a_rate_is_tuned_there_is_one_table():
    assert [table.name for table in tables.every(["table5", "table8"], "mini", runs())] == ["table5", "table8"]


# Other tables ---------------------------------------------------------------------------------------------------------


def test_table_7_has_the_errata_and_our_rows():
    table = tables.table("table7", "mini", runs())
    first = [cell.plain for cell in table.rows[0]]
    assert first == ["XSum", "204,045", "113,332 [11,332]", "113,334 [11,334]", "9", "5", "7"]


def test_table_8_at_the_papers_scale_is_the_papers():
    table = tables.table("table8", "paper", [])
    for printed, ours in zip(table.rows[::2], table.rows[1::2], strict=True):
        assert [cell.plain for cell in printed[2:]] == [cell.plain for cell in ours[2:]]


@pytest.mark.parametrize("name", tables.NAMES)
@pytest.mark.parametrize("ending", list(render.FORMATS))
def test_every_table_renders_and_is_the_same_twice(name, ending):
    text = render.FORMATS[ending](tables.table(name, "paper", []))
    assert text.endswith("\n") and text == render.FORMATS[ending](tables.table(name, "paper", []))


@pytest.mark.parametrize(
    "words",
    [("table13", "mini"), ("table6", "hug"), ("table6", "mini", None, "mode"), ("table6", "mini", None, "mean", "x")],
)
def test_wrong_words_are_refused(words):
    name, scale, *more = words
    with pytest.raises(UserError, match="no such"):
        tables.table(name, scale, [], *more)
