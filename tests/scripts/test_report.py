"""scripts/figures.py and report.py: without torch, the same bytes from another process, and stale files named."""

import pytest

from petl import records
from tests.report.made import made
from tests.report.test_render import script


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        run = made("table6/BitFit", "xsum", seed, rouge2=17.0 + seed)
        records.write(run, folder / f"bitfit-{run['identity']}.json")
    return folder


def test_the_page_is_the_same_from_another_process(runs, tmp_path):
    words = ("report", "--to", str(tmp_path / "report.html"))
    first = script(*words, folder=runs)
    assert first.returncode == 0 and not first.stderr
    assert script(*words, "--check", folder=runs).returncode == 0


def test_figures_are_the_same_from_another_process_and_stale_ones_are_named(runs, tmp_path):
    words = ("figures", "--scale", "mini", "--to", str(tmp_path))
    assert script(*words, folder=runs).returncode == 0
    (tmp_path / "mini" / "figure2.svg").write_text("other", encoding="utf-8")
    (tmp_path / "mini" / "cost-sst2.svg").touch()
    done = script(*words, "--check", folder=runs)
    assert done.returncode == 1
    told = [line for line in done.stdout.splitlines() if "is of no record" in line or "is not what" in line]
    assert [name for line in told for name in ("cost-sst2.svg", "figure2.svg") if name in line] == [
        "cost-sst2.svg",
        "figure2.svg",
    ]


@pytest.mark.parametrize("name", ["figures", "report"])
def test_a_wrong_scale_ends_with_code_2(name):
    done = script(name, "--scale", "huge")
    assert done.returncode == 2 and done.stderr.startswith("error: ")
