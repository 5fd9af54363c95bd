"""The hooks that carry x to f and dh to h. They are installed once and stay: torch.compile sees one fixed graph.

They are bound methods of small objects, so that a deep copy of the model gets hooks of its own.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from petl.backbone.places import Span
from petl.design.delta import Delta
from petl.design.heads import Heads, Network
from petl.design.prompt import Prompt


class Tap:
    """One delta at one span."""

    def __init__(self, delta: Delta, span: Span) -> None:
        self.delta, self.through = delta, span.through
        self.stashes = span.reader is not None and span.reader is not span.writer
        self.reads_input = span.reader is span.writer
        self.x: Tensor | None = None
        if span.reader is not None and self.stashes:
            span.reader.register_forward_pre_hook(self.read)
        if span.at_input:
            span.writer.register_forward_pre_hook(self.write_input)
        else:
            span.writer.register_forward_hook(self.write_output)

    def read(self, module: nn.Module, args: tuple) -> None:
        self.x = args[0]

    def write_input(self, module: nn.Module, args: tuple) -> tuple:
        return (args[0] + self._change(args[0], args[0]), *args[1:])

    def write_output(self, module: nn.Module, args: tuple, output: Any) -> Any:
        if isinstance(output, tuple):
            return (output[0] + self._change(args[0], output[0]), *output[1:])
        return output + self._change(args[0], output)

    def _change(self, given: Tensor, h: Tensor) -> Tensor:
        x = given if self.reads_input else h
        if self.stashes:
            x, self.x = self.x, None  # a stash that stays would pin the activation
        elif self.through is not None:
            x = self.through.forward(x)
        return self.delta(x)


class Feeder:
    """Gives the prefixes of one prefix network to the heads of its layers, once per pass through the stack."""

    def __init__(self, network: Network, heads: list[Heads], owner: nn.Module) -> None:
        self.network, self.heads = network, heads
        owner.register_forward_pre_hook(self.feed)

    def feed(self, module: nn.Module, args: tuple) -> None:
        parts = self.network().flatten(-5, -4).unbind(-4)  # not by index: each would have a gradient as large as all
        for i, heads in enumerate(self.heads):
            heads.prefix = (parts[2 * i], parts[2 * i + 1])


class Query:
    """Gives the heads W_q LN(x), the query of a delta that has a LayerNorm of its own."""

    def __init__(self, heads: Heads, query: nn.Linear) -> None:
        self.heads = heads
        query.register_forward_hook(self.read)

    def read(self, module: nn.Linear, args: tuple, output: Tensor) -> None:
        assert self.heads.norm is not None
        self.heads.own_query = F.linear(self.heads.norm(args[0]), module.weight, module.bias)


class OwnDropout(nn.Dropout):
    """A backbone's functional dropout as a module, so that h after it can be reached (BART, mBART)."""

    def hook(self, module: nn.Module, args: tuple, output: Tensor) -> Tensor:
        return self(output)


class Prepend:
    """Puts a prompt before the embedded input of `owner`, and keeps positions, masks and outputs in step."""

    def __init__(self, prompt: Prompt, owner: nn.Module, words: nn.Module | None) -> None:
        self.prompt, self.words = prompt, words
        owner.register_forward_pre_hook(self.embed, with_kwargs=True)

    def embed(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        given = dict(zip(("input_ids", "attention_mask"), args, strict=False)) | kwargs
        if self.words is not None:
            if (embeds := given.get("inputs_embeds")) is None:
                embeds = self.words(given["input_ids"])
            given.update(input_ids=None, inputs_embeds=self.prompt(embeds))
        if given.get("attention_mask") is not None:
            given["attention_mask"] = self.prompt.mask(given["attention_mask"])
        return (), given

    def join(self, module: nn.Module, args: tuple) -> tuple:
        return (self.prompt(args[0]), *args[1:])

    def shorten(self, module: nn.Module, args: tuple) -> tuple:
        return (args[0][:, : -self.prompt.length], *args[1:])

    def pad(self, module: nn.Module, args: tuple, output: Tensor) -> Tensor:
        return self.prompt.pad(output)

    def cut(self, module: nn.Module, args: tuple, output: Any) -> Any:
        output.last_hidden_state = output.last_hidden_state[:, self.prompt.length :]
        return output

    def listen(self, keyword: str) -> Listener:
        return Listener(self.prompt, keyword)


class Listener:
    """Widens the same mask for another module that takes it (the decoder's view of the encoder)."""

    def __init__(self, prompt: Prompt, keyword: str) -> None:
        self.prompt, self.keyword = prompt, keyword

    def widen(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        if kwargs.get(self.keyword) is not None:
            kwargs = {**kwargs, self.keyword: self.prompt.mask(kwargs[self.keyword])}
        return args, kwargs
