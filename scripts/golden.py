"""The loss curves of tests/training/curves.json, fifty steps of every method on every architecture, computed anew.

python scripts/golden.py                  compare all: exit code 1 if one differs
python scripts/golden.py mam/bart         some
python scripts/golden.py --write          take what is computed now for golden: results have changed on purpose

Losses are equal to the bit where the file was written: same torch, same kind of processor, AVX2. Elsewhere that is
said, and a stated relative tolerance applies.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))


def main() -> int:
    from tests.training import curves

    if any(os.environ.get(name) != value for name, value in curves.KERNELS.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **curves.KERNELS})
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="METHOD/ARCHITECTURE")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in curves.names()]:
        parser.error(f"no curve {unknown[0]}; there are {', '.join(curves.names())}")
    golden = json.loads(curves.FILE.read_text()) if curves.FILE.exists() else {"losses": {}}
    found = {name: curves.curve(name) for name in given.names or curves.names()}
    if given.write:
        told = {"place": curves.place(), "losses": dict(sorted({**golden["losses"], **found}.items()))}
        curves.FILE.write_text(shown(told))
        return 0
    elsewhere, different = curves.elsewhere(golden["place"]), 0
    if elsewhere:
        print(f"{elsewhere}: bits may differ, so losses are compared to {curves.NEAR:g}, relative")
    for name, losses in found.items():
        wrong = (
            curves.differs(losses, golden["losses"][name], exactly=not elsewhere)
            if name in golden["losses"]
            else "not written"
        )
        different += bool(wrong)
        print(f"{name:<34} {wrong or 'equal'}")
    print(f"{len(found) - different}/{len(found)} {f'within {curves.NEAR:g}' if elsewhere else 'to the bit'}")
    return int(different > 0)


def shown(told: dict) -> str:
    """JSON, a line for each curve."""
    lines = ",\n".join(f" {json.dumps(name)}: {json.dumps(losses)}" for name, losses in told["losses"].items())
    return f'{{"place": {json.dumps(told["place"])},\n"losses": {{\n{lines}\n}}}}\n'


if __name__ == "__main__":
    sys.exit(main())
