from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from petl.config import Config, Delta, Position, Runtime, UserError
from petl.records import canonical, identity, record_path, run_dir


def test_identity_is_twelve_hex_digits_that_stay(config):
    assert identity(config) == "ead3b538774e"


def test_where_and_for_what_preset_a_run_happens_does_not_matter(config):
    elsewhere = replace(config, runtime=Runtime(output="x", device="cuda", workers=9, force=True), experiment="table2")
    assert identity(elsewhere) == identity(config)


def test_what_is_only_shown_does_not_matter(config):
    shown = replace(
        config, method=replace(config.method, title="Mix"), backbone=replace(config.backbone, name="BART, small")
    )
    assert identity(shown) == identity(config)


@pytest.mark.parametrize(
    "change",
    [
        lambda config: replace(config, seed=1),
        lambda config: replace(config, recipe=replace(config.recipe, lr=0.5)),
        lambda config: replace(config, method=replace(config.method, deltas={"main": Delta(s=2.0)})),
        lambda config: replace(config, method=replace(config.method, deltas={"other": Delta(s=4.0)})),
        lambda config: replace(config, position=Position.attn),
        lambda config: replace(config, task=replace(config.task, limit_dev=3)),
    ],
)
def test_what_a_run_computes_matters(config, change):
    assert identity(change(config)) != identity(config)


def test_a_whole_number_is_the_same_setting_as_an_integer(config):
    assert identity(replace(config, method=replace(config.method, deltas={"main": Delta(s=4)}))) == identity(config)


def test_a_knob_added_later_with_its_default_renames_nothing(config):
    @dataclass
    class Later(Config):
        added: int = 7

    later = Later(**{name: getattr(config, name) for name in config.__dataclass_fields__})
    assert identity(later) == identity(config)
    assert identity(replace(later, added=8)) != identity(config)


def test_canonical_tells_every_knob_as_json(config):
    told = canonical(config)
    assert told["method"]["deltas"]["main"]["position"] == "ffn"
    assert "lr" in told["recipe"]
    assert "runtime" not in told


def test_paths_follow_from_scale_task_method_and_identity(config):
    key = identity(config)
    assert run_dir(config).parts[-4:] == ("mini", "xsum", "mam", key)
    assert record_path(config).parts[-3:] == ("mini", "xsum", f"mam-{key}.json")


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/b", "a\\b", "", ".", "..", "a..b", "x\0", "x" * 300, "é", "a b", "-x", "x\n"]
)
def test_a_name_that_is_no_plain_file_name_is_refused(config, name):
    for bad in (
        replace(config, scale=name),
        replace(config, task=replace(config.task, name=name)),
        replace(config, method=replace(config.method, name=name)),
    ):
        for path in (run_dir, record_path):
            with pytest.raises(UserError, match="becomes part of a path"):
                path(bad)
