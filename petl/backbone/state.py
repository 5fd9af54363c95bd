"""What a method is inside a model: its tuned tensors, its parameter counts, its table."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from petl.backbone.attach import Placed, heads_of, placed
from petl.config import Insertion, Position, Rule, UserError
from petl.design.heads import Network


def tuned_state(model: nn.Module) -> dict[str, Tensor]:
    """The tuned tensors by name; a tied tensor appears once, under its first name."""
    return {name: p.detach() for name, p in model.named_parameters() if p.requires_grad}


@torch.no_grad()
def load_tuned(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Copies `state` into the tuned tensors. UserError where names or shapes are not exactly the model's."""
    own = {name: p for name, p in model.named_parameters() if p.requires_grad}
    missing, unknown = sorted(own.keys() - state.keys()), sorted(state.keys() - own.keys())
    wrong = [n for n in own.keys() & state.keys() if own[n].shape != state[n].shape]
    if missing or unknown or wrong:
        raise UserError(
            f"These weights are not this method's: {len(missing)} missing {missing[:3]}, "
            f"{len(unknown)} unknown {unknown[:3]}, "
            f"{len(wrong)} of another shape {wrong[:3]}."
        )
    for name, parameter in own.items():
        parameter.copy_(state[name])


@dataclass(frozen=True)
class Counts:
    """Parameters, exactly. Percentages are of `backbone`: the pretrained model without a classification head."""

    backbone: int
    trained: int  # with requires_grad, biases, norms, prefix networks and a trained head included
    stored: int  # what is kept after training: prefixes instead of the networks that make them
    paper: int  # the paper's rule: matrices only, after re-parameterisation

    def percent(self, count: int) -> float:
        return 100 * count / self.backbone


def counts(model: PreTrainedModel) -> Counts:
    heads = tuple(f"{head}." for head in heads_of(model))
    own = [(n, p) for n, p in model.named_parameters() if "petl_" not in n and not n.startswith(heads)]
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    networks = [m for m in model.modules() if isinstance(m, Network)]
    stored = trained - sum(p.numel() for network in networks for p in network.parameters())
    stored += sum(_product(network.shape) for network in networks)
    matrices = sum(row.unit * (row.spec.size or 0) for row in placed(model))
    tuned = sum(p.numel() for _, p in own if p.requires_grad)
    return Counts(sum(p.numel() for _, p in own), trained, stored, matrices + tuned)


def _product(shape: tuple[int, ...]) -> int:
    return int(torch.tensor(shape).prod())


@dataclass(frozen=True)
class Row:
    """One line of `describe`."""

    delta: str
    where: str
    reads: str
    form: str
    composition: str
    size: int
    parameters: int  # trained
    percent: float


def describe(model: PreTrainedModel) -> list[Row]:
    """One row for each delta, and one for the backbone's own parameters that train."""
    backbone = counts(model).backbone
    rows = [_row(model, row, backbone) for row in placed(model)]
    own = sum(p.numel() for n, p in model.named_parameters() if p.requires_grad and "petl_" not in n)
    if own:
        rows.append(Row("(own)", "the backbone's own tensors", "-", "-", "-", 0, own, 100 * own / backbone))
    return rows


def _row(model: PreTrainedModel, row: Placed, backbone: int) -> Row:
    spec, modules = row.spec, [model.get_submodule(path) for path in row.paths]
    parameters = {id(p): p.numel() for module in modules for p in module.parameters()}
    if spec.position is Position.heads and spec.network is not None:
        parameters |= {id(p): p.numel() for m in model.modules() if isinstance(m, Network) for p in m.parameters()}
    total = sum(parameters.values())
    sites = sorted({place.split(".")[0] for place in row.places})
    where = f"{spec.position.value}: {len(row.places)} places ({', '.join(sites)})"
    reads = {Position.heads: "the queries x W_q", Position.input: "nothing"}.get(
        spec.position, "x, the input" if spec.insertion is Insertion.parallel else "h, the output"
    )
    composition = {
        Rule.add: "h + dh",
        Rule.gated: "(1-g) h + g dh",
        Rule.scaled: f"h + {spec.s:g} dh",
        Rule.learned: "h + s dh, s trained",
    }[spec.compose]
    return Row(row.name, where, reads, spec.form, composition, spec.size or 0, total, 100 * total / backbone)


def table(rows: list[Row]) -> str:
    """`describe` as aligned text."""
    header = ("delta", "where", "reads", "form", "composition", "size", "parameters", "% of backbone")
    lines = [header] + [
        (r.delta, r.where, r.reads, r.form, r.composition, str(r.size), f"{r.parameters:,}", f"{r.percent:.3f}")
        for r in rows
    ]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)
