"""What a run or a sweep costs, before it starts: no weights, no torch, seconds. Estimated by the model of docs/plan.md.

python scripts/plan.py experiment=table6 scale=paper              runs to do, memory, time, disk; on an A100 with 80 GB
python scripts/plan.py experiment=table6 scale=paper --gpu h100   on another GPU, also --json
python scripts/plan.py method=mam task=xsum scale=paper seed=0,1  any words of train.py -m
python scripts/plan.py experiment=table6 scale=paper --sbatch     a Slurm array of the runs that are not done
python scripts/plan.py --reported                                 what the model is held against
"""

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT))
from petl.config import UserError  # noqa: E402
from petl.refusals import screen  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="as train.py -m takes them")
    parser.add_argument("--gpu", metavar="NAME", help="a100-80 (default), h100, b200, ...; core: a CPU core")
    parser.add_argument("--json", action="store_true", help="as JSON")
    parser.add_argument("--sbatch", action="store_true", help="as a script for sbatch")
    parser.add_argument("--reported", action="store_true", help="what the model is held against")
    given = parser.parse_intermixed_args()
    try:
        return answer(given)
    except UserError as error:
        print(f"error: {screen(str(error))}", file=sys.stderr)
        return UserError.exit_code


def answer(given: argparse.Namespace) -> int:
    from petl import command
    from petl.plan import hardware, reported, runs, show
    from petl.records import below

    if given.reported:
        print(f"{reported.table()}\n\n{reported.measured(below(ROOT / 'results' / 'runs'))}")
        return 0
    expanded = command.expand([word for word in given.words if word not in ("-m", "--multirun")])
    groups = runs.groups(expanded)
    scales = {group.config.scale for group in groups}
    device = hardware.device(given.gpu or ("core" if scales == {"mini"} else "a100-80"))
    gpus = max(group.config.runtime.processes or 1 for group in groups)
    if given.json:
        print(json.dumps(show.as_json(groups, device), indent=1))
    elif given.sbatch:
        print(show.sbatch(groups, device, gpus))
    else:
        print(show.text(groups, device))
        print(f"\nOn Slurm: {show.launcher(given.words, groups, device, gpus)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
