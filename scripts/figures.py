"""Figures 2, 4 and 5 of the paper with our records beside them, learning curves and cost. Needs no torch.

python scripts/figures.py             results/figures/<scale>/, from results/runs alone: svg and png, both scales
python scripts/figures.py --check     exit code 1 where what is there is not what results/runs gives
python scripts/figures.py --records outputs/records --to FOLDER     from the runs of this machine, elsewhere
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
SCALES = ("mini", "paper")  # whose figures are committed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", help="paper or mini; default: both")
    parser.add_argument("--records", type=Path, action="append", help="a folder of records; may be repeated")
    parser.add_argument("--to", type=Path, default=ROOT / "results" / "figures", help="where <scale>/ is written")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()

    from petl.config import UserError

    try:
        return files(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def files(given: argparse.Namespace) -> int:
    from petl import records
    from petl.report import figures, render, style

    runs = records.below(*(given.records or [ROOT / "results" / "runs"]))
    wanted, strays = {}, 0
    for scale in [given.scale] if given.scale else SCALES:
        for drawing in figures.drawings(scale, runs):
            wanted[given.to / scale / f"{drawing.name}.svg"] = style.svg(drawing.figure)
            wanted[given.to / scale / f"{drawing.name}.png"] = style.png(drawing.figure)
        for path in set((given.to / scale).glob("*.*")) - wanted.keys():
            if not given.check:
                path.unlink()
            print(f"{path} {'is of no record' if given.check else 'removed: it is of no record'}")
            strays += 1
    return render.settle(wanted, given.check, ROOT) or int(given.check and strays > 0)


if __name__ == "__main__":
    sys.exit(main())
