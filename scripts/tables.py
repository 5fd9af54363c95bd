"""The paper's tables with our records beside them. Needs no torch.

python scripts/tables.py table6 [--scale paper]   to the terminal, from results/runs and the runs of this machine
python scripts/tables.py --write                  results/tables/<scale>/, from results/runs alone: md, tex, html, csv
python scripts/tables.py --check                  exit code 1 where what is there is not what results/runs gives

Where learning rates were tuned (scripts/mini.py), each table of results has a second one at those, and --write writes
results/rates.json, too.
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
COMMITTED = ROOT / "results" / "runs"
SCALES = ("mini", "paper")  # whose tables are committed


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="table", help="table1 ... table12; default: all of them")
    parser.add_argument("--scale", help="paper or mini; default: mini, with --write and --check both")
    parser.add_argument("--records", type=Path, action="append", help="a folder of records; may be repeated")
    parser.add_argument("--statistic", default="paper", help="mean, median, or paper: the one that the paper has there")
    parser.add_argument("--protocol", help="whole or paper; default: the paper's at its own scale")
    parser.add_argument("--format", default="md", help="md, tex, html or csv, to the terminal")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()

    from petl.config import UserError

    try:
        return files(given) if given.write or given.check else show(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def show(given: argparse.Namespace) -> int:
    from petl.config import UserError
    from petl.refusals import choice
    from petl.report import render

    if given.format not in render.FORMATS:
        raise UserError(choice("format", given.format, render.FORMATS))
    folders = given.records or [COMMITTED, Path("outputs") / "records"]
    for table in made(given, given.scale or "mini", folders):
        print(render.FORMATS[given.format](table))
    return 0


def files(given: argparse.Namespace) -> int:
    from petl import records
    from petl.report import rates, render
    from petl.report.tables import NAMES

    told = rates.as_json(records.below(*(given.records or [COMMITTED])))
    wanted: dict[Path, str | None] = {ROOT / "results" / "rates.json": told or None}
    for scale in [given.scale] if given.scale else SCALES:
        folder = ROOT / "results" / "tables" / scale
        tables = made(given, scale, given.records or [COMMITTED])
        perhaps = [f"{name}-tuned" for name in given.names or NAMES]
        wanted |= {folder / f"{name}.{ending}": None for name in perhaps for ending in render.FORMATS}
        wanted |= {folder / f"{t.name}.{ending}": f(t) for t in tables for ending, f in render.FORMATS.items()}
        if not given.names:
            wanted[folder / "tables.tex"] = render.latex_document([t.name for t in tables])
    return render.settle(wanted, given.check, ROOT)


def made(given: argparse.Namespace, scale: str, folders: list[Path]) -> list:
    from petl import records
    from petl.report import tables

    runs, scores = records.below(*folders), records.scores_below(*folders)
    return tables.every(given.names or tables.NAMES, scale, runs, scores, given.statistic, given.protocol)


if __name__ == "__main__":
    sys.exit(main())
