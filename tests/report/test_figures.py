"""The points of the figures, their looks, and that the same records give the same bytes."""

import pytest

from petl.report import figures, figures_of_runs, points, published, style
from petl.report.cells import cells
from tests.report.made import made

LORA = "figure4/LoRA, r=200"


def runs(scale: str = "mini", **changed):
    """Three seeds of LoRA on xsum, with a learning curve."""
    found = [made(LORA, "xsum", seed, scale, rouge2=20.0 + seed, rouge2_truncated=20.0 + seed) for seed in range(3)]
    for run in found:
        run["history"] = [{"step": 8, "loss": 3.0, "lr": 1e-3}, {"step": 16, "loss": 2.0, "dev": {"rouge2": 19.0}}]
        run.update(changed)
    return found


def lora(scale: str, found) -> points.Point:
    by_series = {p.printed: p for p in points.points("figure4", "xsum", "rouge2", scale, found)}
    return by_series[7.2, 20.29]


def test_a_point_has_what_is_printed_and_ours_by_seed():
    point = lora("mini", runs())
    assert (point.series, point.across, point.ours) == ("LoRA", False, {0: 20.0, 1: 21.0, 2: 22.0})


def test_a_row_that_was_not_run_has_the_printed_point_only():
    point = lora("mini", [])
    assert point.printed == (7.2, 20.29) and point.ours == {} and point.share is None


def test_a_miniatures_share_is_of_the_miniature():
    assert lora("mini", runs()).share == pytest.approx(100 * 100 / 2000)


def test_on_the_papers_backbones_the_share_is_by_the_papers_rule():
    counts = {"trained": 0, "stored": 0, "paper": 29_491_200, "backbone": 406_291_456, "percent": 0}
    assert lora("paper", runs("paper", parameters=counts)).share == pytest.approx(7.2)


def test_full_fine_tuning_is_a_line_across():
    found = points.points("figure2", "xsum", "rouge2", "mini", [])
    assert [p.series for p in found if p.across] == ["Full fine-tuning"]


def test_no_two_methods_look_alike():
    rows = [row for name in points.ORDER for row in published.table(name)["rows"]]
    kinds = {(row["overrides"]["method"], row["overrides"].get("position")) for row in rows}
    assert len({tuple(points.look(row).values()) for row in rows}) == len(kinds)


def test_measured_points_stand_at_their_mean_with_one_standard_deviation():
    with style.look():
        drawing = figures.of_paper("figure4", "mini", runs())
    (bars,) = drawing.figure.axes[1].containers
    (low, high) = bars[2][0].get_segments()[0][:, 1]
    assert (low, high) == pytest.approx((20.0, 22.0))


def test_a_panel_says_how_many_rows_and_seeds_it_has():
    found = points.points("figure4", "xsum", "rouge2", "mini", runs())
    assert figures.extent(found) == "1 of 14 rows, 3 seeds"


@pytest.mark.parametrize("save", [style.svg, style.png])
def test_the_same_records_give_the_same_bytes(save):
    one, other = (figures.of_paper("figure2", "mini", []) for _ in range(2))
    assert save(one.figure) == save(other.figure)


def test_an_svg_names_no_day_and_no_place():
    text = style.svg(figures.of_paper("figure2", "mini", []).figure).decode()
    assert "date" not in text and "<image" not in text


def test_inline_figures_share_no_id():
    import re

    with style.look():
        drawn = [style.inline(figures.of_paper(name, "mini", [])) for name in ("figure2", "figure5")]
    ids = [set(re.findall(r'id="([^"]+)"', text)) for text in drawn]
    assert ids[0] and not ids[0] & ids[1]
    for text, own in zip(drawn, ids, strict=True):
        assert set(re.findall(r'href="#([^"]+)"', text)) <= own


def test_a_mean_curve_has_the_steps_that_all_runs_have():
    assert figures_of_runs.average([[(1, 2.0), (2, 4.0)], [(2, 6.0), (3, 8.0)]]) == ([2], [5.0])


def test_cost_leaves_out_runs_on_another_machine_and_says_so():
    found = [made("table6/BitFit", "xsum", seed, rouge2=17.0) for seed in range(3)]
    found[0]["device"] = "a card"
    (cell,) = [c for c in cells("table6", "mini", found) if c.records]
    (kept,), said = figures_of_runs.on_one_machine([cell])
    assert list(kept.records) == [1, 2]
    assert "1 of 3 runs" in said


def test_tasks_that_were_run_have_curves_and_cost():
    found = [made("table6/BitFit", "xsum", seed, rouge2=17.0) for seed in range(2)]
    names = [drawing.name for drawing in figures_of_runs.drawings("mini", found)]
    assert names == ["curves-xsum-dev", "curves-xsum-loss", "cost-xsum"]
