"""From a budget to the sizes r and l of a method's deltas, and back to parameters.

Counts follow the paper's rule (Sec. 4.1, Tables 9-11): matrices only, after re-parameterisation. They are linear in the
size: a delta has `unit` parameters for each unit of r or l, for instance 2d for an adapter at one place.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from petl.config import Budget, Delta, Method, Position, UserError


@dataclass(frozen=True)
class Shape:
    """What a share depends on: width d, layers L of each stack, and parameters of the backbone."""

    width: int
    layers: int
    parameters: int

    def per_unit(self, delta: Delta) -> float:
        """Share of the backbone of one unit of size, up to a factor that is the same for every backbone."""
        depth = 1 if delta.position is Position.input else self.layers
        return self.width * depth / self.parameters


# Where the paper states its sizes: bart-large (also the denominator of its en-ro rows) and roberta-base
PAPER = {"generation": Shape(1024, 12, 406_291_456), "classification": Shape(768, 12, 124_055_040)}


def resolve(method: Method, budget: Budget, units: dict[str, int], backbone: Shape, kind: str) -> Method:
    """The method with every size set.

    The delta `method.takes` takes what the budget leaves after the others. Without a budget every delta has its size
    in the paper, on a backbone of another shape the size with the same share. UserError for a budget below one unit.
    """
    sizes = {name: delta.size or paper_size(delta, backbone, kind) for name, delta in method.deltas.items()}
    if budget.size is not None:
        sizes[method.takes] = budget.size
    elif budget.percent is not None or budget.parameters is not None:
        sizes[method.takes] = _fit(method, budget, units, backbone, sizes)
    return replace(method, deltas={name: replace(delta, size=sizes[name]) for name, delta in method.deltas.items()})


def paper_size(delta: Delta, backbone: Shape, kind: str) -> int:
    """`delta.paper`, or on another shape the size whose share of the backbone is nearest to the paper's."""
    if delta.paper is None:
        raise UserError("A delta has no size: set its `size`, or `paper` for its size in the paper, or give a budget.")
    reference = PAPER[kind]
    if (backbone.width, backbone.layers) == (reference.width, reference.layers):
        return delta.paper
    return max(1, round(delta.paper * reference.per_unit(delta) / backbone.per_unit(delta)))


def _fit(method: Method, budget: Budget, units: dict[str, int], backbone: Shape, sizes: dict[str, int]) -> int:
    share = int((budget.percent or 0) * backbone.parameters / 100)
    limit = share if budget.parameters is None else budget.parameters
    others = sum(units[name] * size for name, size in sizes.items() if name != method.takes)
    size = (limit - others) // units[method.takes]
    if size < 1:
        least = units[method.takes] + others
        raise UserError(
            f"A budget of {limit:,} parameters is too small for method={method.name}: its smallest is {least:,} "
            f"({100 * least / backbone.parameters:.3f}% of the backbone's {backbone.parameters:,})."
        )
    return size


def explain(method: Method, units: dict[str, int], backbone: Shape) -> str:
    """One line: each size, its parameters by the paper's rule, and the share with its denominator."""
    parts = [f"{name} {delta.size}" for name, delta in method.deltas.items()]
    total = sum(units[name] * (delta.size or 0) for name, delta in method.deltas.items())
    share = f"{100 * total / backbone.parameters:.3f}% of the backbone's {backbone.parameters:,} parameters"
    return f"sizes: {', '.join(parts)} ({total:,} parameters by the paper's rule, {share})"
