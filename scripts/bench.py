"""What a training step, its memory, beam search, start-up, tokenising and a sweep cost, all systems in turn.

python scripts/bench.py                          all of it, some minutes: results/bench/<device>.json and .md
python scripts/bench.py --only mam --only lora   these systems (and what they are held against), printed only
python scripts/bench.py --rounds 15              more rounds; fewer are faster, and noisier

Other libraries live in an environment of their own, which `make oracles` sets up: without it their rows say so.
"""

import argparse
import json
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", default=[], metavar="SYSTEM", help="may be repeated")
    parser.add_argument("--rounds", type=int, default=7, help="of training steps; of all else about half")
    parser.add_argument("--device", choices=("cpu", "cuda"), help="default: cuda where torch sees one")
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-oracles/bin/python", help="their interpreter")
    parser.add_argument("--results", type=Path, default=ROOT / "results" / "bench")
    given = parser.parse_args()

    from petl.bench.rows import table
    from petl.bench.run import bench
    from petl.bench.words import OURS

    if unknown := [name for name in given.only if name not in OURS]:
        parser.error(f"no system {unknown[0]!r}; there are {', '.join(OURS)}")
    if given.rounds < 1:
        parser.error(f"--rounds {given.rounds}: at least 1")
    found = bench(given.only, given.rounds, given.device, given.peers, lambda text: print(text, file=sys.stderr))
    text = table(found.rows, found.head)
    print(text)
    if not given.only:
        given.results.mkdir(parents=True, exist_ok=True)
        path = given.results / f"{found.name}.json"
        path.write_text(json.dumps([row.plain() for row in found.rows], indent=1, ensure_ascii=False) + "\n")
        path.with_suffix(".md").write_text(text)
        print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
