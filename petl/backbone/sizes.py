"""A budget against a real model: what one unit of size costs at every place, and the sizes that follow."""

from __future__ import annotations

from transformers import PreTrainedModel

from petl.backbone.anatomy import anatomy
from petl.backbone.places import attentions, spans
from petl.backbone.state import counts
from petl.config import Budget, Delta, Method, Position
from petl.design import budget as arithmetic


def resolve(model: PreTrainedModel, method: Method, budget: Budget) -> tuple[Method, str]:
    """`method` with its sizes for `model` (untouched; a meta model will do), and the line that says what was chosen."""
    units = {name: unit(model, delta) for name, delta in method.deltas.items()}
    kind = "generation" if model.config.is_encoder_decoder else "classification"
    resolved = arithmetic.resolve(method, budget, units, shape(model), kind)
    return resolved, arithmetic.explain(resolved, units, shape(model)) if units else "no delta: nothing to size"


def shape(model: PreTrainedModel) -> arithmetic.Shape:
    config = model.config
    return arithmetic.Shape(config.hidden_size, config.num_hidden_layers, counts(model).backbone)


def unit(model: PreTrainedModel, delta: Delta) -> int:
    """Parameters of one unit of size, over all places of the delta (paper's rule)."""
    base, places = model.base_model, anatomy(model.config.model_type)
    if delta.position is Position.input:
        return model.config.hidden_size
    if delta.position is Position.heads:
        return sum(2 * layer.linear(part.value).out_features for layer, part in attentions(base, places, delta))
    return sum(span.d_in + span.d_out for span in spans(base, places, delta))
