"""Check every case of a folder laid out like the authors' fixtures: one line each, exit code 1 if any misses.

python scripts/check_official.py DIR [--attention eager] [--dtype float32]
"""

import argparse
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--attention", choices=("sdpa", "eager"), default="sdpa")
    parser.add_argument("--dtype", choices=("float64", "float32"), default="float64")
    parser.add_argument("--rtol", type=float, help="default: 1e-9 in float64, 1e-4 in float32")
    arguments = parser.parse_args()

    import torch

    from petl.backbone import parity

    rtol = arguments.rtol or (1e-9 if arguments.dtype == "float64" else 1e-4)
    found = parity.cases(arguments.folder)
    if not found:
        print(
            f"{arguments.folder}: no case (a folder ARCH/METHOD with meta.json beside ARCH/config.json)",
            file=sys.stderr,
        )
        return 2
    missed = skipped = 0
    for case in found:
        result = parity.check(case, arguments.attention, getattr(torch, arguments.dtype))
        print(parity.line(result, rtol), flush=True)
        skipped += bool(result.skipped)
        missed += not result.skipped and not result.passes(rtol)
    print(f"{len(found) - missed - skipped} passed, {missed} failed, {skipped} skipped")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
