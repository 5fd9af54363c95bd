"""One page with all that the records say: claims, tables, figures, curves, cost, runs, examples. Needs no torch.

python scripts/report.py             results/report.html, from results/runs alone: a file that opens offline
python scripts/report.py --check     exit code 1 where it is not what results/runs gives
python scripts/report.py --records outputs/records --to my.html     from the runs of this machine, decoded text included
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", help="paper or mini; default: those that have records, at least mini")
    parser.add_argument("--records", type=Path, action="append", help="a folder of records; may be repeated")
    parser.add_argument("--to", type=Path, default=ROOT / "results" / "report.html", help="where the page is written")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()

    from petl.config import UserError

    try:
        return write(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def write(given: argparse.Namespace) -> int:
    from petl import records
    from petl.report import page, render

    folders = given.records or [ROOT / "results" / "runs"]
    runs = records.below(*folders)
    scales = [given.scale] if given.scale else sorted({"mini", *(run["config"]["scale"] for run in runs)})
    return render.settle({given.to: page.page(runs, records.scores_below(*folders), scales)}, given.check, ROOT)


if __name__ == "__main__":
    sys.exit(main())
