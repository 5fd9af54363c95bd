from petl.report import worth
from tests.report.made import made

MEASURED = {
    "sst2": {
        "sha256": "now",
        "baselines": {"majority": {"accuracy": 50.04}, "bag of words": {"accuracy": 70.0}},
        "overlaps": {"rows": 2400, "near one in train": 3},
    }
}


def run(seed: int, accuracy: float, sha256: str):
    record = made("table2/MAM Adapter", "sst2", seed, accuracy=accuracy)
    record["data"]["sha256"]["embedded sst2"] = sha256
    return record


def test_a_line_says_what_is_gained_and_what_has_been_seen():
    line = worth.markdown(MEASURED, [run(0, 60.0, "now"), run(1, 61.0, "now")]).splitlines()[2]
    assert line == "| sst2 | accuracy | majority 50.0, bag of words 70.0 | 60.5 (n=2) | — | 3 of 2,400 |"


def test_runs_of_other_rows_are_left_out():
    assert "| — | — |" in worth.markdown(MEASURED, [run(0, 60.0, "before")])
