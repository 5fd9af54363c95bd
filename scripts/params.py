"""Parameters counted to the last one, without weights: of the paper's tables, or of one configuration.

python scripts/params.py [--table table6] [--scale mini] [--json]     beside what the paper prints, and why
python scripts/params.py method=mam task=xsum scale=paper budget=6.7%   any configuration, in train.py's words
python scripts/params.py --write                                      results/tables/<scale>/parameters.md
python scripts/params.py --check                                      exit code 1 where that file is stale
"""

import argparse
import json
import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="a configuration, as train.py takes it")
    parser.add_argument("--table", help="table2 ... table6, table12, figure2, figure4; default: all of them")
    parser.add_argument("--scale", default="paper", help="paper or mini")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--write", action="store_true", help="write the page under results/tables")
    parser.add_argument("--check", action="store_true", help="compare with the page under results/tables")
    given = parser.parse_args()

    from petl.config import UserError

    try:
        return one(given) if given.words else many(given)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


def one(given: argparse.Namespace) -> int:
    from petl.command import read

    config = read(given.words)  # refuses wrong words before torch is loaded
    from petl.parameters import measure

    found = measure(config)
    if given.json:
        print(json.dumps({"sizes": found.sizes, **found.parameters}, indent=1))
        return 0
    counts = found.parameters
    print(f"{config.method.title or config.method.name} on {config.backbone.path}\n{found.line}")
    for name in ("trained", "stored", "paper"):
        share = 100 * counts[name] / counts["backbone"]
        print(f"{name:<8} {counts[name]:>12,}  {share:.3f}% of {counts['backbone']:,}")
    return 0


def many(given: argparse.Namespace) -> int:
    from petl.report import parameters
    from petl.report.published import table

    names = [given.table] if given.table else parameters.TABLES
    if given.table and given.table not in parameters.TABLES:
        table(given.table)
        print(f"error: {given.table} has no parameters; {', '.join(parameters.TABLES)} have.", file=sys.stderr)
        return 2
    tables = {name: parameters.lines(name, counted, given.scale) for name in names}
    if given.json:
        print(json.dumps({name: [asdict(line) for line in found] for name, found in tables.items()}, indent=1))
    elif given.write or given.check:
        return page(parameters.document(tables), given)
    else:
        print("\n".join([*(parameters.text(*item) for item in tables.items()), parameters.LEGEND]))
    return 0


def counted(words: list[str]) -> tuple[dict, dict]:
    return _counted(tuple(words))


@cache
def _counted(words: tuple[str, ...]) -> tuple[dict, dict]:
    from petl.command import read
    from petl.parameters import measure

    found = measure(read(words))
    return found.sizes, found.parameters


def page(text: str, given: argparse.Namespace) -> int:
    path = ROOT / "results" / "tables" / given.scale / "parameters.md"
    if given.check:
        fresh = path.exists() and path.read_text(encoding="utf-8") == text
        print(f"{path.relative_to(ROOT)} {'is what the grid gives' if fresh else 'is stale: run with --write'}.")
        return 0 if fresh else 1
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
