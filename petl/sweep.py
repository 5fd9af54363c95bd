"""Many runs: here one after the other, each in a fresh process, or handed to a launcher. Never loads torch.

Whatever becomes of a run, the others are done. Several sweeps may share the work, on one machine or on many that share
the folders: a run that another process is at comes last here, and is not done again once that has done it.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from petl.apart import Verdict
from petl.config import Config, UserError
from petl.leaves import reader
from petl.packs import packs, refuse
from petl.turn import Todo, Turn

PAUSE = 1.0  # seconds between two looks at what other processes are at
STATES = ("done", "skipped", "failed", "stopped", "running")  # stopped: by a signal; running: by another process

Elsewhere = Callable[[list[Sequence[str]]], list[Verdict]]  # runs -> what became of each: petl.cluster


def many(runs: Sequence[Sequence[str]], elsewhere: Elsewhere | None = None) -> int:
    """Do the runs, whatever becomes of each: here one after the other, or `elsewhere`, all that are not done at once.

    Returns 0 if each has its record, else 1.
    """
    if "RANK" in os.environ:
        raise UserError("-m under torchrun: a sweep starts the processes of each run itself; give torchrun one run.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the run under way is told, too
    shared = [word for word in runs[0] if all(word in run for run in runs)] if len(runs) > 1 else []
    names = [" ".join(word for word in words if word not in shared) for words in runs]
    print(f"{len(runs)} run{'s' * (len(runs) > 1)} {' '.join(shared)}".rstrip(), flush=True)
    found = settled(runs)
    verdicts = _handed_over(runs, found, elsewhere) if elsewhere else _in_turn(runs, found, names)
    print("\n" + table([(state, note, name) for (state, note), name in zip(verdicts, names, strict=True)]))
    return int(any(state not in ("done", "skipped") for state, _ in verdicts))


def settled(runs: Sequence[Sequence[str]]) -> list[Config | Verdict]:
    """The config of each run that is to be done, or what has become of it already."""
    from petl.records import Shared, find

    read, shared, found = reader(), Shared(), []
    for words in runs:
        try:
            config = read(words)
            refuse(config)
            done = not config.runtime.force and find(config, shared)
            found.append(("skipped", "already done") if done else config)
        except UserError as error:
            found.append(("failed", str(error).partition("\n")[0]))
    return found


def table(rows: Sequence[tuple[str, str, str]]) -> str:
    """(state, what there is to say, words) of every run, and how many of each state."""
    width = max(len(words) for _, _, words in rows)
    lines = [f"{state:<8} {words:<{width}}  {note}".rstrip() for state, note, words in rows]
    counts = {state: sum(row[0] == state for row in rows) for state in STATES}
    told = [f"{count} {state}" for state, count in counts.items() if count or state in STATES[:3]]
    return "\n".join([*lines, ", ".join(told)])


def _handed_over(
    runs: Sequence[Sequence[str]], found: Sequence[Config | Verdict], elsewhere: Elsewhere
) -> list[Verdict]:
    if any(isinstance(verdict, Config) and verdict.runtime.pack > 1 for verdict in found):
        raise UserError("runtime.pack with hydra/launcher: a launcher gives each run a job of its own.")
    verdicts = {number: verdict for number, verdict in enumerate(found) if not isinstance(verdict, Config)}
    configs = {number: config for number, config in enumerate(found) if isinstance(config, Config)}
    print(f"{len(configs)} of them to the launcher; python scripts/status.py shows how far they are", flush=True)
    while left := [number for number in configs if number not in verdicts]:
        made = dict(zip(left, elsewhere([runs[number] for number in left]), strict=True))
        verdicts |= {number: verdict for number, verdict in made.items() if verdict[0] != "running"}
        _wait_for([configs[number] for number in left if number not in verdicts])
    return [verdicts[number] for number in range(len(runs))]


def _wait_for(runs: Sequence[Config]) -> None:
    """Until nobody is at any of the runs any more."""
    from petl.records import claims

    watch = claims.Watch()
    if runs:
        print(f"waiting for {len(runs)} that other processes are at", flush=True)
    while any(not watch.is_free(run, claims.newest(run)) for run in runs):
        time.sleep(PAUSE)


def _in_turn(runs: Sequence[Sequence[str]], found: Sequence[Config | Verdict], names: Sequence[str]) -> list[Verdict]:
    from petl.records import claims

    turn = Turn(claims.Watch())
    verdicts = {number: verdict for number, verdict in enumerate(found) if not isinstance(verdict, Config)}
    configs = {number: config for number, config in enumerate(found) if isinstance(config, Config)}
    before = {number: claims.newest(config).number for number, config in configs.items()}
    print(f"{len(verdicts) and len(found) - len(configs)} of them settled already" * bool(verdicts), flush=True)
    told, how_far, all_packs = False, HowFar(names, configs), packs(configs)
    todo = {
        number: Todo(runs[number], config, before[number], names[number], f"[{number + 1}/{len(runs)}]")
        for number, config in configs.items()
    }
    while left := _left(all_packs, verdicts):
        known = len(verdicts)
        for pack in left:
            made = turn.take([todo[number] for number in pack])
            verdicts |= {number: verdict for number, verdict in zip(pack, made, strict=True) if verdict}
            if any(verdict and verdict[0] != "skipped" for verdict in made) and len(verdicts) < len(runs):
                how_far.tell()
        if len(verdicts) == known:
            if not told:
                print(f"\nwaiting for {sum(map(len, left))} that other processes are at", flush=True)
            told = True
            time.sleep(PAUSE)
    return [verdicts[number] for number in range(len(runs))]


def _left(all_packs: Sequence[Sequence[int]], verdicts: Mapping[int, Verdict]) -> list[list[int]]:
    left = [[number for number in pack if number not in verdicts] for pack in all_packs]
    return [pack for pack in left if pack]


class HowFar:
    """Tells counts and time left of what the sweep found to do, whoever does it; as often as it costs 1% of the time.

    It looks at every run, which takes seconds where there are thousands.
    """

    def __init__(self, names: Sequence[str], configs: dict[int, Config]) -> None:
        groups = (" ".join(word for word in names[number].split() if word[:5] != "seed=") for number in configs)
        self._runs, self._next = list(zip(groups, configs.values(), strict=True)), 0.0

    def tell(self) -> None:
        from petl.records import status

        if (started := time.monotonic()) < self._next:
            return
        print(status.line(status.survey(self._runs)), flush=True)
        self._next = (ended := time.monotonic()) + 100 * (ended - started)
