"""Proofs against independent libraries (AdapterHub's adapters, peft): one line each, exit code 1 if any misses.

python scripts/check_oracles.py --python .venv-oracles/bin/python     record in that environment, then compare
python scripts/check_oracles.py DIR                                   compare what record.py wrote to DIR
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of recorded cases")
    parser.add_argument("--python", type=Path, help="the interpreter of the oracle environment")
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa", help="ours; the libraries' is eager")
    parser.add_argument("--rtol", type=float, default=1e-9)
    given = parser.parse_args()
    if (given.folder is None) == (given.python is None):
        parser.error("give a folder of recorded cases, or --python for recording them")
    if given.folder:
        return compare(given.folder, given.attention, given.rtol)
    with tempfile.TemporaryDirectory() as folder:
        recorded = subprocess.run([given.python, ROOT / "scripts" / "oracles" / "record.py", folder])
        if recorded.returncode:
            print("Recording failed in the oracle environment; see above.", file=sys.stderr)
            return 2
        return compare(Path(folder), given.attention, given.rtol)


def compare(folder: Path, attention: str, rtol: float) -> int:
    from petl.config import UserError
    from petl.official.cases import find
    from petl.oracles import differences, proof

    results = []
    for case in find(folder):
        try:
            results.append(proof.check(case, attention))
        except UserError as error:
            print(f"{case}: {error}", file=sys.stderr)
            return 2
        print(proof.line(results[-1], rtol), flush=True)
    if not results:
        print(f"{folder}: no case (a folder ARCH/METHOD with meta.json beside ARCH/config.json)", file=sys.stderr)
        return 2
    missed = [result for result in results if not result.passes(rtol)]
    apart = sum(bool(result.difference) for result in results if result not in missed)
    print(f"{len(results) - len(missed) - apart} agree, {apart} differ as known, {len(missed)} failed\n")
    print("Known differences, measured above:")
    print(*(f"  [{key}] {sentence}" for key, sentence in differences.MEASURED.items()), sep="\n")
    print("and others:")
    print(*(f"  {sentence}" for sentence in differences.STATED), sep="\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
