"""The paper's claims, judged by the published numbers, by re-implementations and by our records. Needs no torch.

python scripts/claims.py [C4 C13] [--scale mini]   to the terminal, from results/runs and the runs of this machine
python scripts/claims.py --write                   results/claims.md and claims.json, from results/runs alone
python scripts/claims.py --check                   exit code 1 where they are not what results/runs gives
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
COMMITTED = ROOT / "results" / "runs"
SCALES = ("paper", "mini")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ids", nargs="*", metavar="claim", help="C1 ... C20: with their contrasts; default: a summary")
    parser.add_argument("--scale", help="paper or mini; default: both")
    parser.add_argument("--records", type=Path, action="append", help="a folder of records; may be repeated")
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
    from petl.report import claims_tables
    from petl.report.render import markdown

    found, sources = judged(given, given.records or [COMMITTED, Path("outputs") / "records"])
    by_id = {claim.id: claim for claim in found}
    for name in given.ids:
        if name not in by_id:
            raise UserError(choice("claim", name, by_id))
        print(markdown(claims_tables.details(by_id[name], sources)))
    if not given.ids:
        print(markdown(claims_tables.summary(found, sources)))
    return 0


def files(given: argparse.Namespace) -> int:
    from petl.report import claims, claims_tables
    from petl.report.render import settle

    found, sources = judged(given, given.records or [COMMITTED])
    told = json.dumps(claims.as_json(found), indent=1, ensure_ascii=False) + "\n"
    folder = ROOT / "results"
    wanted = {folder / "claims.md": claims_tables.document(found, sources), folder / "claims.json": told}
    return settle(wanted, given.check, ROOT)


def judged(given: argparse.Namespace, folders: list[Path]) -> tuple[list, dict[str, str]]:
    from petl import records
    from petl.report import claims

    scales, runs = [given.scale] if given.scale else SCALES, records.below(*folders)
    return claims.claims({scale: runs for scale in scales}), claims.sources(scales)


if __name__ == "__main__":
    sys.exit(main())
