"""mini.py as a user calls it."""

from __future__ import annotations

import pytest

from petl import records
from scripts import mini
from tests.report.made import made


@pytest.fixture
def keep(tmp_path):
    def kept(*arguments, **numbers) -> None:
        record = made(*arguments, **numbers)
        records.write(record, tmp_path / f"{record['identity']}.json")

    return kept


def said(capsys) -> dict[str, list[str]]:
    """heading -> lines of the table or figure."""
    found: dict[str, list[str]] = {}
    heading = ""
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            found[heading].append(" ".join(line.split()))
        else:
            heading = line
            found[heading] = []
    return found


def test_the_status_counts_the_seeds_of_every_row(tmp_path, keep, capsys):
    for seed in (0, 3):
        keep("table6/BitFit", "xsum", seed, rouge2=1.0)
    assert mini.main(["--status", "--records", str(tmp_path)]) == 1
    told = said(capsys)
    assert "BitFit xsum 2 of 5" in told["Table 6"] and "BitFit en_ro 0 of 5" in told["Table 6"]
    assert "BitFit xsum 2 of 5" in told["Figure 4"], "the same runs stand in several tables"
    assert "BitFit mnli 0 of 5" in told["Table 2"]


def test_a_run_of_several_tables_is_missing_once(tmp_path, keep, capsys):
    def missing() -> int:
        assert mini.main(["--status", "--records", str(tmp_path)]) == 1
        return int(list(said(capsys))[-1].split()[0])

    before = missing()
    keep("table6/BitFit", "xsum", 0, rouge2=1.0)  # also of Figures 2 and 4
    assert missing() == before - 1


STAND_IN = """import os, sys
print(*sys.argv[1:], os.environ["OMP_NUM_THREADS"])
sys.exit(int("seed=9" in sys.argv))
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "train.py").write_text(STAND_IN)
    monkeypatch.setattr(mini, "ROOT", tmp_path)
    monkeypatch.setattr(mini, "LOGS", tmp_path / "logs")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    return tmp_path


def test_processes_share_one_sweep_of_all_tables(root, capfd):
    assert mini.main(["task=sst2", "--jobs", "3", "--records", str(root / "records")]) == 0
    told = capfd.readouterr().out.split()
    assert told == (root / "logs" / "2.log").read_text().split() == (root / "logs" / "3.log").read_text().split()
    assert told[0] == "-m" and "experiment=table2" in told[1] and "figure5" in told[1]
    assert told[2:] == [f"runtime.records={root / 'records'}", "runtime.examples=0", "task=sst2", "1"]


def test_a_failed_run_is_told_by_the_exit_code(root):
    assert mini.main(["seed=9", "--jobs", "2"]) == 1


@pytest.mark.parametrize("words", [["--status", "task=xsum"], ["--jobs", "0"]])
def test_words_without_effect_are_refused(words):
    with pytest.raises(SystemExit) as refused:
        mini.main(words)
    assert refused.value.code == 2
