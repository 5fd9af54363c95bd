"""Pre-train a miniature backbone on the embedded text and write it to its folder: see petl/mini/pretrain.py."""

import argparse
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from petl import mini  # noqa: E402
from petl.config import UserError  # noqa: E402
from petl.refusals import screen  # noqa: E402

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", choices=mini.BACKBONES)
parser.add_argument("--minutes", type=float, help="length of the run by the clock (default 35)")
parser.add_argument("--tokens", type=int, help="length of the run in tokens; then the result depends on the seed alone")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
parser.add_argument("--cache", type=Path, help="where the embedded text is, and where the run's state goes")
parser.add_argument("--out", type=Path, help="folder to export to (default: the backbone's own)")
parser.add_argument("--note", default="", help="a sentence for the card")

if __name__ == "__main__":
    args = parser.parse_args()
    if args.minutes and args.tokens:
        parser.error("--minutes or --tokens, not both")
    from petl.mini.export import replaceable
    from petl.mini.pretrain import pretrain

    try:
        if args.out:
            replaceable(args.out)  # told now, not after the run
        pretrain(**vars(args))
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
