"""Fill the generated parts of README.md from the committed records; `--check`: exit code 1 if they are stale."""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))

from petl.report.readme import filled, parts  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    path = ROOT / "README.md"
    text = path.read_text()
    new = filled(text, parts(ROOT / "results" / "runs"))
    if check and new != text:
        print("README.md is not what results/runs gives: run `make readme`.", file=sys.stderr)
        return 1
    if not check:
        path.write_text(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
