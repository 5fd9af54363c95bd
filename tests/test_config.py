"""conf/: everything in it composes, its rows are the paper's, and the command line has the last word."""

from dataclasses import fields, is_dataclass
from itertools import product

import pytest
import yaml

from petl.checks import validate
from petl.command import CONF, expand, groups, options, read
from petl.config import FORMS, Config, Delta, Dropout, Init, Insertion, Norm, Position, Rule

METHODS, TASKS, SCALES = options("method"), options("task"), options("scale")


def main(*words: str) -> Delta:
    return read(words).method.deltas["main"]


def makes_a_run(method: str, task: str, scale: str) -> None:
    config = read([f"method={method}", f"task={task}", f"scale={scale}"])
    assert (config.method.name, config.task.name, config.scale) == (method, task, scale)
    assert all(delta.paper for delta in config.method.deltas.values())


@pytest.mark.parametrize("task", ["xsum", "mnli"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_run(method, task):
    makes_a_run(method, task, "mini")


@pytest.mark.parametrize("task, scale", list(product(TASKS, SCALES)))
@pytest.mark.parametrize("method", ["mam", "full"])  # full has recipes of its own
def test_every_task_makes_a_run_at_every_scale(method, task, scale):
    makes_a_run(method, task, scale)


@pytest.mark.slow
@pytest.mark.parametrize("method", METHODS)
def test_every_method_makes_a_run_of_every_task_at_every_scale(method):
    for task, scale in product(TASKS, SCALES):
        makes_a_run(method, task, scale)


@pytest.mark.parametrize("option", options("position"))
def test_every_position_has_a_method(option):
    method = {"heads": "mh_parallel", "block": "pfeiffer", "input": "prompt"}.get(option, "parallel")
    words = [f"method={method}"] if option == "input" else [f"method={method}", f"position={option}"]
    assert main(*words).position is Position(option)


@pytest.mark.parametrize("option", options("composition"))
def test_every_composition_has_a_method(option):
    assert main(f"method={'prefix' if option == 'gated' else 'parallel'}", f"composition={option}").compose is Rule(
        option
    )


@pytest.mark.parametrize("option", options("backbone"))
def test_every_backbone_composes(option):
    assert read([f"backbone={option}"]).backbone.name == option


@pytest.mark.parametrize("option", options("experiment"))
def test_every_preset_is_a_sweep_of_valid_runs(option):
    for run in expand([f"experiment={option}"])[:2]:
        read(run)


@pytest.mark.parametrize("option", options("budget"))
def test_budget_files_say_what_they_are_called(option):
    held = yaml.safe_load((CONF / "budget" / f"{option}.yaml").read_text())
    told = (
        {"percent": float(option[:-1])}
        if option.endswith("%")
        else {"size": int(option[1:])}
        if option != "paper"
        else {}
    )
    assert held == told


def test_every_group_is_listed():
    assert {"method", "position", "insertion", "composition", "budget", "task", "scale", "recipe", "backbone"} <= set(
        groups()
    )


@pytest.mark.parametrize("path", sorted((CONF / "backbone").glob("*.yaml")), ids=lambda path: path.stem)
def test_backbone_files_say_how_a_prefix_behaves(path):
    assert set(yaml.safe_load(path.read_text())["released"]) == {"prefix_network", "heads_norm", "heads_scale_query"}


def test_forms_are_those_of_the_design():
    from petl.design.forms import FORMS as implemented

    assert set(FORMS) == {*implemented, "prompt"}


def test_defaults_are_valid_but_for_what_has_none():
    config = Config()
    config.method.name = config.backbone.name = config.task.name = "x"
    config.backbone.path, config.task.kind, config.task.select = "mini:bart", "generation", "loss"
    config.method.tune, config.recipe.steps = ["*"], 1
    validate(config)


# Rows of the paper ----------------------------------------------------------------------------------------------------

ROWS = {  # words -> paper size of main, s, compose, init
    "method=prefix task=xsum": (200, 1, Rule.gated, Init.lora),
    "method=prefix task=mnli": (32, 1, Rule.gated, Init.lora),
    "method=prefix_nogate task=en_ro": (30, 1, Rule.add, Init.lora),
    "method=lora task=xsum": (200, 2, Rule.scaled, Init.lora),
    "method=lora task=sst2": (16, 2, Rule.scaled, Init.lora),
    "method=lora_ffn task=en_ro": (102, 4, Rule.scaled, Init.lora),
    "method=prefix_lora task=xsum": (102, 2, Rule.scaled, Init.lora),
    "method=adapter task=xsum": (200, 1, Rule.add, Init.bert),
    "method=pfeiffer task=en_ro": (600, 1, Rule.add, Init.bert),
    "method=parallel task=xsum": (512, 1, Rule.add, Init.bert),
    "method=scaled_parallel task=xsum": (512, 4, Rule.scaled, Init.lora),
    "method=scaled_parallel_learned task=xsum": (512, 1, Rule.learned, Init.lora),
    "method=mam task=xsum": (512, 4, Rule.scaled, Init.lora),
    "method=mam task=mnli": (16, 2, Rule.scaled, Init.lora),
    "method=prompt task=xsum": (300, 1, Rule.add, Init.lora),
    "method=prompt task=en_ro": (200, 1, Rule.add, Init.lora),
}


@pytest.mark.parametrize("words", ROWS)
def test_row_has_the_papers_numbers(words):
    d = main(*words.split(), "scale=paper")
    assert (d.paper, d.s, d.compose, d.init) == ROWS[words]


def test_mam_is_a_gated_prefix_and_a_scaled_parallel_adapter():
    heads, ffn = read(["method=mam", "scale=paper"]).method.deltas.values()
    assert (heads.form, heads.position, heads.compose, heads.paper, heads.network) == (
        "softmax",
        Position.heads,
        Rule.gated,
        30,
        800,
    )
    assert (ffn.form, ffn.position, ffn.insertion, ffn.norm) == ("relu", Position.ffn, Insertion.parallel, Norm.none)


def test_attention_adapters_do_what_the_released_code_does():
    sequential, parallel = main("method=adapter", "position=attn"), main("method=parallel", "position=attn")
    for d in (sequential, parallel):
        assert (d.norm, d.init, d.dropout, d.reads_stream) == (Norm.input, Init.bert, Dropout.attention, False)
    assert not sequential.before_wo and parallel.before_wo


def test_ffn_adapters_do_what_the_released_code_does():
    sequential, parallel = main("method=adapter"), main("method=parallel")
    for d in (sequential, parallel):
        assert (d.norm, d.dropout, d.before_wo) == (Norm.none, Dropout.hidden, False)
    assert not sequential.reads_stream and parallel.reads_stream


def test_the_fixed_attention_deltas_are_those_of_the_attention_position():
    houlsby, pa_pa = (read([f"method={name}"]).method.deltas["attn"] for name in ("houlsby", "pa_pa"))
    for fixed, moved in [
        (houlsby, main("method=adapter", "position=attn")),
        (pa_pa, main("method=parallel", "position=attn")),
    ]:
        assert {f.name: getattr(fixed, f.name) for f in fields(Delta) if f.name != "paper"} == {
            f.name: getattr(moved, f.name) for f in fields(Delta) if f.name != "paper"
        }


@pytest.mark.parametrize(
    "task, norm, scaled", [("xsum", Norm.input, False), ("en_ro", Norm.none, True), ("mnli", Norm.none, True)]
)
def test_multi_head_adapter_follows_the_backbone(task, norm, scaled):
    for words in (["method=mh_parallel"], ["method=parallel", "position=heads"]):
        d = main(*words, f"task={task}")
        assert (d.norm, d.scale_query, d.network) == (norm, scaled, 64)


def test_paper_recipe_of_xsum():
    config = read(["scale=paper", "task=xsum"])
    recipe, generation = config.recipe, config.task.generation
    assert (recipe.steps, recipe.batch, recipe.lr, recipe.max_grad_norm, recipe.label_smoothing) == (
        100000,
        64,
        5e-5,
        0.1,
        0.1,
    )
    assert (generation.beams, generation.max_length, generation.min_length, generation.no_repeat_ngram) == (
        6,
        60,
        10,
        3,
    )
    assert config.backbone.path == "facebook/bart-large"


def test_full_fine_tuning_has_its_own_recipe():
    assert read(["method=full", "task=mnli", "scale=paper"]).recipe.lr == 1e-5
    assert read(["method=full", "task=en_ro", "scale=paper"]).recipe.batch_tokens is None


# The command line has the last word -----------------------------------------------------------------------------------


def test_axes_win_over_the_method():
    d = main(
        "method=adapter", "position=attn", "insertion=parallel", "composition=scaled", "composition.s=2", "task=en_ro"
    )
    assert (d.position, d.insertion, d.compose, d.s) == (Position.attn, Insertion.parallel, Rule.scaled, 2)


def test_axes_reach_the_main_delta_only():
    heads, ffn = read(["method=mam", "composition=add", "budget=r30"]).method.deltas.values()
    assert (heads.compose, ffn.compose, ffn.s) == (Rule.gated, Rule.add, 1)


@pytest.mark.parametrize(
    "word, key, value",
    [("budget=r200", "size", 200), ("budget=3.6%", "percent", 3.6), ("budget.parameters=9", "parameters", 9)],
)
def test_budget(word, key, value):
    budget = read([word]).budget
    assert vars(budget) == {"size": None, "percent": None, "parameters": None} | {key: value}


def test_backbone_wins_over_the_recipe():
    assert read(["backbone=roberta-base", "task=sst2"]).backbone.path == "FacebookAI/roberta-base"


def test_lora_without_its_scale_is_a_plain_sum():
    assert (main("method=lora_ffn", "composition=add").s, main("method=lora", "recipe.s=4").s) == (1, 4)


def test_a_second_delta_can_be_placed():
    config = read(["method=adapter", "+delta@method.deltas.extra=prefix", "method.deltas.extra.size=8"])
    assert list(config.method.deltas) == ["main", "extra"] and config.method.deltas["extra"].size == 8


def test_sweeps_are_products_and_presets_yield_to_the_command_line():
    assert expand(["method=lora,mam", "seed=range(0,2)"]) == [
        [f"method={m}", f"seed={s}"] for m in ("lora", "mam") for s in (0, 1)
    ]
    assert len(expand(["experiment=table2", "seed=5", "method=mam"])) == 2


def test_own_file_is_taken(tmp_path):
    rows = tmp_path / "rows.csv"
    rows.write_text("document,summary\n")
    assert read([f"task.data={rows}"]).task.data == str(rows)


def test_config_is_plain_python():
    def walk(value):
        assert type(value).__module__.partition(".")[0] in ("builtins", "petl")
        if is_dataclass(value):
            [walk(getattr(value, f.name)) for f in fields(value)]
        elif isinstance(value, dict):
            [walk(part) for part in value.values()]

    walk(read(["method=mam"]))
