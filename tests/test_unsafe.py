"""A file of conf/ that someone passed on is data: it runs nothing and reads no environment."""

import shutil

import pytest

from petl import command, words
from petl.config import UserError

EVIL = {  # a preset -> what the answer names
    "task: {data: '${oc.env:HOME}'}": "task.data",
    "task: {data: '${oc.decode:${oc.env:HOME}}'}": "task.data",
    "method: {title: '${oc.${scale}:HOME}'}": "method.title",
    "method: {deltas: {_target_: {form: relu}}}": "_target_",
    "paper: {_target_: {main: 3}}": "_target_",
    "hydra: {launcher: {_target_: os.system}}": "hydra.launcher._target_",
    "hydra: {sweeper: {_target_: os.system}}": "hydra.sweeper._target_",
    "hydra: {callbacks: {evil: {_target_: os.system}}}": "hydra.callbacks.evil",
    "hydra: {job_logging: {handlers: {evil: {(): os.system}}}}": "hydra.job_logging.handlers.evil",
    "hydra: {run: {dir: /tmp/elsewhere}}": "hydra.run.dir",
    "hydra: {sweeper: {params: {task.data: '${oc.env:HOME}'}}}": "no resolver",
    "rows: {one: {words: 'task.data=${oc.env:HOME}'}}": "no resolver",
    "rows: {one: {words: 'recipe._target_=x'}}": "_target_",
}


@pytest.fixture
def conf(tmp_path, monkeypatch):
    """A copy of conf/ that is read instead."""
    copy = shutil.copytree(words.CONF, tmp_path / "conf")
    for module in (words, command):
        monkeypatch.setattr(module, "CONF", copy)
    return copy


@pytest.mark.parametrize("content", EVIL)
def test_a_preset_is_data(conf, content):
    (conf / "experiment" / "evil.yaml").write_text(f"# @package _global_\n{content}\n")
    with pytest.raises(UserError) as told:
        for run in command.expand(["experiment=evil"]):
            command.read(run)
    assert EVIL[content] in str(told.value)


def test_every_preset_of_ours_is_one(conf):
    for name in command.options("experiment"):
        command.expand([f"experiment={name}"])
