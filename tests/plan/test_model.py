"""The model on paper against the one on the meta device, to the last parameter."""

from math import prod

import pytest

from petl.backbone.load import shapes
from petl.command import read
from petl.config import UserError
from petl.parameters import HUB, architecture, measure
from petl.plan import backbones
from petl.plan.model import model_of
from petl.report import published
from petl.report.experiments import NAMES

ROWS = {
    tuple(published.words(row, task)): None
    for name in NAMES
    for row in published.table(name)["rows"]
    for task in row["metrics"]
}
OTHERS = [
    "method=lora method.deltas.main.layers=[0,1]",
    "method=parallel position=attn method.deltas.main.sites=[cross]",
    "method=adapter position=fc budget.size=7",
    "method=parallel position=fc composition=learned",
    "method=mam budget.percent=4.2",
    "method=pfeiffer task=sst2",
    "method=adapter composition=learned method.deltas.main.norm=input",
    "method=mh_parallel task=sst2",
]


def agrees(words) -> None:
    config = read(words)
    ours, exact = model_of(config), measure(config).parameters
    assert (ours.trained, ours.percent) == (exact["trained"], pytest.approx(exact["percent"], rel=1e-12))


@pytest.mark.parametrize("words", OTHERS)
def test_counts_are_those_of_the_real_model(words):
    agrees(words.split())


@pytest.mark.parametrize("words", [*ROWS][::20], ids=" ".join)
def test_counts_of_rows_of_the_paper(words):
    agrees(words)


@pytest.mark.slow
@pytest.mark.parametrize("scale", ["paper", "mini"])
def test_counts_of_all_rows_of_the_paper(scale):
    for words in ROWS:
        agrees([*words[:-1], f"scale={scale}"])


@pytest.mark.parametrize("path", [*backbones.HUB, "mini:bart", "mini:mbart", "mini:roberta"])
def test_tensors_have_transformers_names_and_shapes(path):
    task = "sst2" if "roberta" in path else "xsum"
    backbone = read([f"backbone.path={path}", f"task={task}"]).backbone
    model = shapes(architecture(backbone), "classification" if task == "sst2" else "generation", 2)
    real = {name: tuple(p.shape) for name, p in model.named_parameters()}
    paper = backbones.on_paper(backbone, 2)
    assert paper.tensors == real
    assert path not in HUB or paper.parameters == sum(
        prod(s) for n, s in real.items() if not n.startswith("classifier")
    )


def test_another_architecture_is_refused(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    config = read([f"backbone.path={tmp_path}"])
    with pytest.raises(UserError, match="bart, mbart, roberta"):
        model_of(config)
