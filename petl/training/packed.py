"""One pass of the backbone for the micro-batches of several runs, whose deltas have a leading dimension.

The micro-batches are padded to the longest and the one of most rows, and lie behind each other. Padding to the right
is masked: it changes rounding alone. Each run's loss is that of its own rows and targets, and dropout draws for each
run, from the run's own stream, the numbers that it would draw alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from petl.backbone.pack import Pack
from petl.design import pack as grouped
from petl.design.heads import Heads
from petl.design.prompt import Prompt
from petl.training.batches import Batch
from petl.training.gradients import Gradient, Wanted, trained_of
from petl.training.loss import inputs, logits, summed_loss
from petl.training.memory import ones_like
from petl.training.streams import Stream

ROOM = 16  # positions that a pass may need beyond its longest row
WORK = {"cpu": 3e9, "cuda": 2e13}  # floating-point operations of a pass, up to which sharing it pays (docs/using.md)


def pays(wanted: Sequence[Wanted], work: int) -> bool:
    """Whether telling a device of all these micro-batches alone takes longer than computing them in one pass does.

    work: floating-point operations of a token. Where there are too few positions to tell widths apart, it does not.
    """
    most: Any = wanted[0].model.config.max_position_embeddings  # type: ignore[union-attr]
    for parts in zip(*(one.step.micro_batches for one in wanted), strict=True):
        batches = [batch for _, batch in parts]
        wide = [max(width) for width in zip(*map(widths, batches), strict=True)]
        tokens = len(batches) * max(len(batch["labels"]) for batch in batches) * sum(wide) / len(wide)
        if tokens * work > WORK[wanted[0].accelerator.device.type] or max(wide) + ROOM > most:
            return False
    return True


def work_of(model: nn.Module) -> int:
    """Floating-point operations of a token in the backbone's matrices, forwards and back to what it was given."""
    return 4 * sum(module.weight.numel() for module in model.modules() if isinstance(module, nn.Linear))


def widths(batch: Batch) -> list[int]:
    """Tokens of the source, and of the target if there is one."""
    return [batch[name].shape[1] for name in ("input_ids", "labels") if batch[name].dim() == 2]


class Packed:
    """Computes the gradients of several runs in one pass."""

    def __init__(self, models: Sequence[nn.Module]) -> None:
        self.pack = Pack(models)
        self.trained = list(map(trained_of, models))
        self.added, self.taken = _sizes(models[0])
        self.pad = int(models[0].config.pad_token_id)  # type: ignore[union-attr, arg-type]  # a backbone's config

    def compute(self, wanted: Sequence[Wanted]) -> list[tuple[float, float]]:
        """`compute_gradients` of every run."""
        gradients = [Gradient(one, trained) for one, trained in zip(wanted, self.trained, strict=True)]
        for parts in zip(*(one.step.micro_batches for one in wanted), strict=True):
            means = self._backward(wanted, [index for index, _ in parts], [batch for _, batch in parts])
            self.pack.hand_out()
            for gradient, mean in zip(gradients, means, strict=True):
                gradient.add(mean)
        return [gradient.finish() for gradient in gradients]

    def _backward(self, wanted: Sequence[Wanted], indices: Sequence[int], batches: Sequence[Batch]) -> list[Tensor]:
        """Add the gradients of a micro-batch of each run to the pack's `.grad`; the losses."""
        accelerator = wanted[0].accelerator
        device = accelerator.device
        full = [bool(batch["attention_mask"].all()) for batch in batches]
        batches = [{name: tensor.to(device, non_blocking=True) for name, tensor in batch.items()} for batch in batches]
        layout = Layout([len(batch["labels"]) for batch in batches], list(map(widths, batches)), self.added, self.taken)
        given = layout.join([inputs(self.pack.model, batch) for batch in batches], self.pad)
        streams = [
            Stream(device, one.config.seed, "dropout", one.step.number, index)
            for one, index in zip(wanted, indices, strict=True)
        ]
        with accelerator.autocast(), Abreast(layout, streams, full):
            made = logits(self.pack.model, given)
        losses = []
        for i, (one, batch) in enumerate(zip(wanted, batches, strict=True)):
            own, labels = layout.cut(made, i), batch["labels"]
            losses.append(summed_loss(own, labels, one.config.recipe.label_smoothing) / one.step.total)
        scalers = [one.accelerator.scaler for one in wanted]
        scaled = [s.scale(loss) if s is not None else loss for s, loss in zip(scalers, losses, strict=True)]
        torch.autograd.backward(scaled)
        return [loss.detach() for loss in losses]


class Layout:
    """Where each run's rows and tokens lie in a pass.

    A tensor of the pass has `height` rows for every run; where a run has fewer, its last is there again, without a
    target. Of two or three dimensions after the rows, as in [rows, tokens, d] and [rows, heads, tokens, tokens], those
    that are a width of the pass are cut to the run's own. So that a size tells what it is, no two widths are the same,
    nor are they any other size: a column or two of padding more.
    """

    def __init__(self, rows: list[int], wide: list[list[int]], added: set[int], taken: set[int]) -> None:
        self.rows, self.height, self.added = rows, max(rows), added
        self.widths: list[int] = []
        self.own: list[dict[int, int]] = [{} for _ in rows]  # of each run: width in the pass -> its own
        taken = set(taken)
        for own in zip(*wide, strict=True):
            width = next(w for w in range(max(own), 2**31) if not taken & {w + more for more in added})
            taken |= {width + more for more in added}
            self.widths.append(width)
            for i, narrow in enumerate(own):
                self.own[i] |= {width + more: narrow + more for more in added}

    def join(self, given: Sequence[dict[str, Tensor]], pad: int) -> dict[str, Tensor]:
        """What the runs' models would be given, for all of them."""
        return {
            name: torch.cat([self._padded(name, one[name], pad) for one in given])
            for name in given[0]
        }  # fmt: skip

    def _padded(self, name: str, tensor: Tensor, pad: int) -> Tensor:
        width = self.widths[name.startswith("decoder")]
        value = pad if name.endswith("input_ids") else 0
        tensor = torch.cat([tensor, tensor[-1:].expand(self.height - len(tensor), -1)])
        return F.pad(tensor, (0, width - tensor.shape[1]), value=value)

    def size(self, shape: Sequence[int], i: int) -> list[int]:
        """Of run i alone, the shape of what has `shape` in the pass."""
        dims = {3: (1,), 4: (2, 3)}.get(len(shape), ())
        own = [self.own[i].get(size, size) if dim in dims else size for dim, size in enumerate(shape)]
        return own if shape[0] == 1 else [self.rows[i], *own[1:]]

    def cut(self, tensor: Tensor, i: int) -> Tensor:
        """The part of run i."""
        sizes = self.size(tensor.shape, i)
        if len(tensor) > 1:
            tensor = tensor.narrow(0, i * self.height, sizes[0])
        for dim, size in enumerate(sizes[1:], 1):
            if size != tensor.shape[dim]:
                tensor = tensor.narrow(dim, 0, size)
        return tensor

    def lay(self, parts: Sequence[Tensor], shape: Sequence[int]) -> Tensor:
        """The parts of all runs, [P * height, ...], with zeros between them."""
        sizes = [self.height, *shape[1:]]
        return torch.cat([self._filled(part, sizes) for part in parts])

    def _filled(self, part: Tensor, sizes: Sequence[int]) -> Tensor:
        if [*part.shape] == sizes:
            return part
        return F.pad(
            part, [more for size, has in zip(sizes[::-1], part.shape[::-1], strict=True) for more in (0, size - has)]
        )


class Abreast(TorchFunctionMode):
    """Within: matrices and norms with a leading dimension, and dropout of each run from its own stream.

    full: the runs whose micro-batch has no padding. Alone, attention would be given no mask, which chooses its kernel,
    and with it what dropout draws.
    """

    def __init__(self, layout: Layout, streams: Sequence[Stream], full: Sequence[bool]) -> None:
        super().__init__()
        self.layout, self.streams, self.full = layout, streams, full

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        given = kwargs or {}
        if func is F.linear:
            return _linear(*args, **given)
        if func is F.layer_norm:
            return _layer_norm(*args, **given)
        if func is F.dropout:
            return self._dropout(*args, **given)
        if func is F.scaled_dot_product_attention and given.get("dropout_p"):
            return self._attention(*args, **given)
        return func(*args, **given)

    def _dropout(self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0:
            return x
        masks = []
        for i, stream in enumerate(self.streams):
            with stream:
                rows, *shape = self.layout.size(x.shape, i)
                masks.append(F.dropout(ones_like(x, rows, shape), p))
        return x * self.layout.lay(masks, x.shape)

    def _attention(self, query: Tensor, key: Tensor, value: Tensor, attn_mask: Tensor | None, **given: Any) -> Tensor:
        made = []
        for i, stream in enumerate(self.streams):
            q, k, v = (self.layout.cut(tensor, i) for tensor in (query, key, value))
            mask = None if attn_mask is None or self._unmasked(key, i) else self.layout.cut(attn_mask, i)
            with stream:
                made.append(F.scaled_dot_product_attention(q, k, v, attn_mask=mask, **given))
        return self.layout.lay(made, query.shape)

    def _unmasked(self, key: Tensor, i: int) -> bool:
        """Whether all of run i's keys are the source's, and none is masked."""
        return self.full[i] and key.shape[2] - self.layout.widths[0] in self.layout.added


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if weight.dim() == 3 or (bias is not None and bias.dim() == 2):
        return grouped.linear(x, weight, bias)
    return F.linear(x, weight, bias)


def _layer_norm(x: Tensor, shape: Any, weight: Tensor, bias: Tensor, eps: float = 1e-5) -> Tensor:
    if weight.dim() == 2 or bias.dim() == 2:
        return grouped.layer_norm(x, weight, bias, eps)
    return F.layer_norm(x, shape, weight, bias, eps)


def _sizes(model: Any) -> tuple[set[int], set[int]]:
    """What deltas add to widths, and the sizes that no width may be confused with."""
    heads = [module.shape for module in model.modules() if isinstance(module, Heads)]
    prompts = [module.length for module in model.modules() if isinstance(module, Prompt)]
    longer = {length for _, length, _ in heads} | set(prompts)
    added = {0} | longer | {one + other for one in longer for other in prompts}
    d_head = model.config.hidden_size // model.config.num_attention_heads
    return added, longer | {d_head, *(size for *_, size in heads)}
