"""Proofs against numbers of the authors' code: one line each, exit code 1 if any misses.

python scripts/check_official.py DIR [--attention eager] [--dtype float32]     cases ARCH/METHOD below DIR
python scripts/check_official.py --trace DIR [--fixtures DIR]                  a short training, step by step
"""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="a folder of cases")
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--rtol", type=float, help="default: 1e-9 in float64, 1e-4 in float32")
    parser.add_argument("--trace", type=Path, help="a folder with meta.json and tuned_after.safetensors")
    parser.add_argument("--fixtures", type=Path, help="where the case is that a trace starts from")
    given = parser.parse_args()
    if (given.folder is None) == (given.trace is None):
        parser.error("give a folder of cases, or --trace DIR")

    from petl.config import UserError

    rtol = given.rtol or (1e-9 if given.dtype == "float64" else 1e-4)
    try:
        return trace(given.trace, given.fixtures, rtol) if given.trace else check(given, rtol)
    except (UserError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 2


def check(given: argparse.Namespace, rtol: float) -> int:
    import torch

    from petl.official import cases

    found = cases.find(given.folder)
    if not found:
        print(f"{given.folder}: no case (a folder ARCH/METHOD with meta.json beside ARCH/config.json)", file=sys.stderr)
        return 2
    missed = skipped = 0
    for case in found:
        result = cases.check(case, given.attention, getattr(torch, given.dtype))
        print(cases.line(result, rtol), flush=True)
        skipped += bool(result.skipped)
        missed += not result.skipped and not result.passes(rtol)
    print(f"{len(found) - missed - skipped} passed, {missed} failed, {skipped} skipped")
    return 1 if missed else 0


def trace(folder: Path, fixtures: Path | None, rtol: float) -> int:
    from petl.official.trace import replay

    result = replay(folder, fixtures, rtol)
    errors = "  ".join(f"{name} {error:.1e}" for name, error in result.errors.items())
    print(f"{'ok' if result.passes(rtol) else 'MISS':<5} {result.start} over {result.steps} steps  {errors}")
    return 0 if result.passes(rtol) else 1


if __name__ == "__main__":
    sys.exit(main())
