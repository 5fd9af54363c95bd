"""conf/experiment out of results/paper.json: each table and figure as a sweep, with costs by petl.plan in its header.

python scripts/experiments.py           writes the files
python scripts/experiments.py --check   exit code 1 where a file is not what it would write
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl.command import CONF, read  # noqa: E402
from petl.plan.estimate import estimate  # noqa: E402
from petl.plan.hardware import device  # noqa: E402
from petl.plan.model import model_of  # noqa: E402
from petl.report import experiments  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing")
    check = parser.parse_args().check
    costs = experiments.Costs(hours("paper", "a100-80"), hours("mini", "core"), "an A100-80GB", "one CPU core")
    stale = 0
    for name in experiments.NAMES:
        path, text = CONF / "experiment" / f"{name}.yaml", experiments.preset(name, costs)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale += 1
            print(f"{path.relative_to(CONF.parent)} " + ("is stale: run without --check." if check else "written"))
            if not check:
                path.write_text(text, encoding="utf-8")
    return int(check and stale > 0)


def hours(scale: str, gpu: str) -> Callable[[Sequence[str], str], float]:
    """Of a run, by the words of its row and its task."""

    @cache
    def of(words: tuple[str, ...], task: str) -> float:
        config = read([*words, f"task={task}", f"scale={scale}"])
        return estimate(config, model_of(config), device(gpu)).hours

    return lambda words, task: of(tuple(words), task)


if __name__ == "__main__":
    sys.exit(main())
