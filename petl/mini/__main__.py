"""`python -m petl.mini`: build the embedded tasks; a second time it finds them built."""

import argparse
import sys
from pathlib import Path

from petl import mini
from petl.config import UserError
from petl.mini.corpora import home
from petl.refusals import screen
from petl.training import NoRoom, disk

NEED = 330_000_000  # bytes of the packages, 250 MB, and of the text made of them

parser = argparse.ArgumentParser(prog="python -m petl.mini", description=__doc__)
parser.add_argument("--cache", type=Path, help="cache folder; default $XDG_CACHE_HOME/petl or ~/.cache/petl")
cache = parser.parse_args().cache
try:
    with disk.told(home(cache), NEED, "the embedded text"):
        folder = mini.build(cache)
except UserError as error:
    print(f"error: {screen(str(error))}", file=sys.stderr)
    sys.exit(error.exit_code)
except NoRoom as error:
    print(f"stopped: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
print(folder)
