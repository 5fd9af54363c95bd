"""`python -m petl.mini`: build the embedded tasks; a second time it finds them built."""

import argparse
import sys
from pathlib import Path

from petl import mini
from petl.config import UserError

parser = argparse.ArgumentParser(prog="python -m petl.mini", description=__doc__)
parser.add_argument("--cache", type=Path, help="cache folder; default $XDG_CACHE_HOME/petl or ~/.cache/petl")
try:
    folder = mini.build(parser.parse_args().cache)
except UserError as error:
    sys.exit(f"error: {error}")
print(folder)
