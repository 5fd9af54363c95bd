"""Train, test and record one method on one task: `python train.py method=mam task=xsum`. All words: `--help`.

Exit codes: 0 there is a record, 1 a crash or a failed run of a sweep, 2 words that make no run, 3 a loss that is no
number, 4 no room on the disk, 5 no memory, 75 another process is at the run, 128 + n ended by signal n. Nothing heavy
is imported here: a wrong word is answered before torch is loaded.
"""

from __future__ import annotations

import os
import sys

sys.path.append(sys.path.pop(0))  # installed packages first: a torch.py or rouge/ lying here is not imported,
os.environ["PYTHONSAFEPATH"] = "1"  # nor one in the working directory by the processes that this one starts

from collections.abc import Sequence

import hydra
from omegaconf import DictConfig

from petl import command, launch, paths, sweep
from petl.config import UserError
from petl.refusals import screen
from petl.words import launcher_of

SWEEP = {"-m", "--multirun"}
SHOW = {
    "--cfg",
    "-c",
    "--info",
    "-i",
    "--resolve",
    "--package",
    "-p",
}  # show the config, run nothing
HELP = {"--help", "-h", "--hydra-help", "--version", "--shell-completion", "-sc"}


def main(argv: Sequence[str]) -> int:
    try:
        return answer(list(argv))
    except UserError as error:
        if launch.LEADER:
            print(f"error: {screen(str(error))}\n\npython train.py --help lists what there is.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\ninterrupted; the same command goes on from the last checkpoint.", file=sys.stderr)
        return 130


def answer(argv: list[str]) -> int:
    flags = {word.partition("=")[0] for word in argv if word.startswith("-")}
    words = [word for word in argv if word not in SWEEP]
    if flags & (HELP | SHOW) and (others := sorted(flags - HELP - SHOW - SWEEP)):
        raise UserError(f"{others[0]}: no such flag beside {', '.join(sorted(flags & (HELP | SHOW)))}.")
    if flags & HELP:
        return by_hydra(argv)
    if flags & SHOW:
        command.read([word for word in words if "=" in word and not word.startswith(("-", "hydra"))])
        return by_hydra(argv)
    if not flags & SWEEP:
        if keys := command.left_open(words):
            raise UserError(f"this experiment is a sweep over {', '.join(keys)}: python train.py -m ... runs it.")
        if (config := command.read(words)).runtime.pack > 1:
            raise UserError(f"runtime.pack={config.runtime.pack}: of several runs, python train.py -m seed=0,1,2 ...")
        return run(config)
    runs = command.expand(words)
    if name := launcher_of(words):
        from petl import cluster

        return sweep.many(runs, cluster.launcher(name, words))
    return sweep.many(runs)


def run(config: command.Config) -> int:
    from petl.records import claims
    from petl.training import Halted

    try:
        launch.one(config)
    except Halted as error:
        print(f"stopped: {error}", file=sys.stderr)
        return error.exit_code
    except claims.Held as error:
        print(f"held: {error}; python scripts/status.py shows how far it is.", file=sys.stderr)
        return claims.ELSEWHERE
    return 0


def by_hydra(argv: list[str]) -> int:
    """Help, completion and shown configs are Hydra's work."""
    sys.argv[1:] = [paths.quoted(word) for word in argv]
    hydra_main()
    return 0


@hydra.main(version_base="1.3", config_path="conf", config_name="config")
def hydra_main(composed: DictConfig) -> None:
    """Never gets here: Hydra has shown what was asked for."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
