"""A sweep on a cluster: a launcher of Hydra's, for Slurm (submitit) or Ray, starts a job for each run.

A job starts its run in a process of its own (petl.apart), several with runtime.processes=, and tells how that ended.
All machines share the folders of runs and records: runs are found, skipped and resumed as on one machine. Imports no
torch.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module, metadata
from typing import Any

from hydra import initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.plugins.launcher import Launcher
from hydra.types import HydraContext
from omegaconf import DictConfig

from petl.apart import Verdict, apart
from petl.command import CONF, compose_hydra
from petl.config import UserError
from petl.refusals import choice

SLURM, RAY = ("slurm", "hydra-submitit-launcher"), ("ray", "hydra-ray-launcher")  # extra, distribution
NEEDS = {"slurm": SLURM, "submitit_slurm": SLURM, "submitit_local": SLURM, "ray_cluster": RAY, "ray": RAY}


def launcher(name: str, words: Sequence[str]) -> Callable[[list[Sequence[str]]], list[Verdict]]:
    """What hands runs to the launcher of that name, set as `words` say, and waits: runs -> what became of each.

    UserError for what could not work: a launcher that is not there, here or, once it knows its cluster, too few GPUs.
    """
    _refuse_absent(name)
    settings = [word for word in words if word.lstrip("+").startswith(("hydra/", "hydra.", "runtime."))]
    if not any(word.startswith("runtime.processes=") for word in words):
        settings.append("runtime.processes=1")
    composed = compose_hydra(settings)
    _refuse_nodes(composed.hydra.launcher)
    return partial(_launch, name, composed)


def _launch(name: str, composed: DictConfig, runs: Sequence[Sequence[str]]) -> list[Verdict]:
    job = partial(_job, os.getcwd(), int(composed.runtime.processes))
    with initialize_config_dir(str(CONF), version_base="1.3", job_name="petl"):
        context = HydraContext(GlobalHydra.instance().config_loader(), Callbacks())
        starts = Plugins.instance().instantiate_launcher(hydra_context=context, task_function=job, config=composed)
        _refuse_starving(starts, name)
        with _each_for_itself(starts):
            return [_verdict(told) for told in starts.launch([list(run) for run in runs], 0)]


def _job(folder: str, processes: int, composed: DictConfig) -> Verdict:
    """What runs on the cluster. Its words are what Hydra noted of them."""
    os.chdir(folder)
    GlobalHydra.instance().clear()  # it came along, and composing makes its own
    words = [word for word in HydraConfig.get().overrides.task if not word.startswith("runtime.processes=")]
    return apart([*words, f"runtime.processes={processes}"], processes)


def _verdict(told: Any) -> Verdict:
    """Of what a launcher returned for a job, or of the error in its place."""
    try:
        if isinstance(told, Exception):
            raise told
        return told.return_value
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        return "failed", f"its job was lost: {type(error).__name__}: {reason}"


@contextmanager
def _each_for_itself(starts: Launcher) -> Iterator[None]:
    """A job that is lost (its machine died, its time was up) is one failed run.

    Both plugins wait for their jobs in turn and raise the first such error before they look at the others: here it
    stands for what the job returns.
    """
    if (wait := _wait_of(starts)) is None:
        yield
        return
    owner, name, shaped = wait
    original = getattr(owner, name)

    def patient(*args: Any, **keywords: Any) -> Any:
        try:
            return original(*args, **keywords)
        except Exception as error:
            return shaped(error)

    setattr(owner, name, patient)
    try:
        yield
    finally:
        setattr(owner, name, original)


def _wait_of(starts: Launcher) -> tuple[Any, str, Callable[[Exception], Any]] | None:
    """Where a plugin waits for a job: owner and name of the function, and an error in the shape of what it returns."""
    plugin = type(starts).__module__
    if plugin.startswith("hydra_plugins.hydra_submitit_launcher"):
        return import_module("submitit").Job, "results", lambda error: [error]
    if plugin.startswith("hydra_plugins.hydra_ray_launcher"):
        return import_module("ray"), "get", lambda error: error
    return None


# Refusals -------------------------------------------------------------------------------------------------------------


def _refuse_absent(name: str) -> None:
    if name not in NEEDS:
        raise UserError(choice("hydra/launcher", name, NEEDS))
    extra, distribution = NEEDS[name]
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        raise UserError(f"hydra/launcher={name} needs {distribution}: pip install -e '.[{extra}]'") from None
    if name in ("slurm", "submitit_slurm") and not shutil.which("sbatch"):
        raise UserError(f"hydra/launcher={name}: there is no sbatch here; start it where Slurm takes jobs.")


def _refuse_nodes(asked: DictConfig) -> None:
    nodes, tasks = asked.get("nodes", 1), asked.get("tasks_per_node", 1)
    if nodes != 1 or tasks != 1:
        raise UserError(
            f"hydra.launcher.nodes={nodes} hydra.launcher.tasks_per_node={tasks}: a run of a sweep has one node and "
            "starts its own processes: runtime.processes=4, say."
        )


def _refuse_starving(starts: Any, name: str) -> None:
    """Runs that a Ray cluster would let wait for ever."""
    if NEEDS[name] is not RAY:
        return
    import_module("hydra_plugins.hydra_ray_launcher._launcher_util").start_ray(starts.ray_cfg.init)
    has, remote = import_module("ray").cluster_resources(), starts.ray_cfg.remote
    for what, asked in (("GPU", remote.get("num_gpus") or 0), ("CPU", remote.get("num_cpus") or 1)):
        if asked > has.get(what, 0):
            raise UserError(
                f"hydra/launcher={name}: a run asks for {asked:g} {what}s, and the Ray cluster has "
                f"{has.get(what, 0):g}: it would wait for ever. runtime.processes= is the GPUs of a run; "
                f"hydra.launcher.ray.remote.num_{what.lower()}s=0 asks for none."
            )
