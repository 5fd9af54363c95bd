"""Every knob: its type, its default and what it means. YAML only deviates from what stands here.

Nothing heavy is imported: `train.py --help` and every refusal of a command line happen before torch is loaded.
`petl/command.py` reads a `Config` out of the composed YAML once; below it there is no DictConfig. What types cannot say
is in `petl/grid.py` (a delta) and `petl/checks.py` (a run).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

TRACKERS = ("none", "tensorboard", "trackio", "wandb", "mlflow")  # petl.training.trackers
FORMS = ("relu", "gelu", "tanh", "silu", "linear", "softmax", "prompt")  # petl.design.forms.FORMS, and prompt


class UserError(Exception):
    """Something the user can put right: the message says how. Printed without a traceback."""

    exit_code = 2


class Position(StrEnum):
    """The modified representation h, and with it where a delta acts (paper, Sec. 3.1 and Table 1)."""

    attn = "attn"  # output of every attention sub-layer (encoder self, decoder self, cross)
    ffn = "ffn"  # output of every feed-forward sub-layer
    heads = "heads"  # every attention head, before the output projection W_o
    qv = "qv"  # query and value projections of every attention
    fc = "fc"  # the two matrices of every feed-forward sub-layer
    block = "block"  # the residual stream after the feed-forward sub-layer (Pfeiffer)
    input = "input"  # the embedded input sequence (prompt tuning)


class Insertion(StrEnum):
    parallel = "parallel"  # f reads x, the input of the sub-layer
    sequential = "sequential"  # f reads h, its output


class Rule(StrEnum):
    """The composition function h <- compose(h, dh)."""

    add = "add"  # h + dh
    gated = "gated"  # (1 - lambda) h + lambda dh, lambda the softmax mass of the prefix (Eq. 7); heads only
    scaled = "scaled"  # h + s dh, s a constant
    learned = "learned"  # h + s dh, s trained from 1


class Norm(StrEnum):
    none = "none"
    input = "input"  # a trained LayerNorm on what f reads
    output = "output"  # a trained LayerNorm on s dh, after the scale


class Init(StrEnum):
    bert = "bert"  # both matrices N(0, 0.02^2), biases zero
    lora = "lora"  # down Kaiming-uniform(a=sqrt 5), up and biases zero: the delta starts at zero


class Dropout(StrEnum):
    none = "none"
    hidden = "hidden"  # the backbone's `dropout` rate
    attention = "attention"  # the backbone's `attention_dropout` rate
    own = "own"  # `dropout_rate`


class Precision(StrEnum):
    auto = "auto"  # what the device is best at: bf16 on GPUs that have it, fp16 on other GPUs, fp32 on a CPU
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"  # with loss scaling; GPUs only


class Optimiser(StrEnum):
    adamw = "adamw"  # torch's
    transformers = "transformers"  # AdamW of transformers 4.9, as the paper: other place of eps, decay after the update


@dataclass
class Delta:
    """One point of the grid: h <- compose(h, f(x)). See `petl/design/delta.py` for the equations."""

    form: str = "relu"  # nonlinearity phi of f(x) = phi(x W_down) W_up, one of FORMS; prompt: trained input vectors
    position: Position = Position.ffn  # which h
    insertion: Insertion = Insertion.parallel  # what f reads
    compose: Rule = Rule.add  # how dh meets h
    s: float = 1.0  # scale of dh, for `scaled`
    size: int | None = None  # bottleneck r or prefix length l; none: from the budget
    paper: int | None = None  # its size in the paper; budget=paper takes the same share of another backbone
    bias: bool = True  # biases on W_down and W_up
    norm: Norm = Norm.none  # trained LayerNorm inside the delta
    init: Init = Init.lora  # how W_down and W_up start
    dropout: Dropout = Dropout.none  # whose rate the delta's dropout has
    dropout_rate: float = 0.0  # the rate, for dropout=own
    dropout_on: str = "bottleneck"  # bottleneck: after phi; input: on what f reads; prefix: on the prefix itself
    network: int | None = None  # heads: width of the network that re-parameterises the prefix; none: free parameters
    scale_query: bool = True  # heads: the delta's query has the attention's 1/sqrt(d_head)
    before_wo: bool = False  # attn: h is the concatenated heads, before W_o, rather than W_o's output
    reads_stream: bool = False  # ffn, parallel: x is the residual stream, also where a pre-LN block normalises it first
    layers: list[int] | None = None  # layers of each stack; none: all
    sites: list[str] | None = None  # of encoder, decoder, cross; none: all that the backbone has


@dataclass
class Method:
    name: str = "???"
    title: str = ""  # how tables call it
    deltas: dict[str, Delta] = field(default_factory=dict)  # the rows of the grid it consists of
    takes: str = "main"  # the delta that takes the rest of a budget; the others keep their sizes
    tune: list[str] = field(default_factory=list)  # glob patterns of the backbone's own parameters that train


@dataclass
class Composition:
    rule: Rule = Rule.add
    s: float = 1.0


@dataclass
class Budget:
    """At most one is given; none of them: each method's own size in the paper (on other backbones the same share)."""

    size: int | None = None  # r or l of the delta that takes the budget
    percent: float | None = None  # largest size whose parameters (paper's rule) are at most this share of the backbone
    parameters: int | None = None  # likewise, an absolute count


@dataclass
class Backbone:
    name: str = "???"  # for the record
    path: str = "???"  # hub id, local folder, or mini:bart | mini:mbart | mini:roberta
    revision: str | None = None  # pinned hub revision
    random: bool = False  # same architecture and tokenizer, weights drawn from the seed
    dropout: float | None = None  # overrides of the model's own rates
    attention_dropout: float | None = None
    activation_dropout: float | None = None


@dataclass
class Generation:
    beams: int = 1
    max_length: int = 64  # tokens of the output, start token included
    min_length: int = 0
    no_repeat_ngram: int = 0
    length_penalty: float = 1.0
    force_end: bool = False  # an output that reaches max_length ends with the end token (transformers 4.9, BART, mBART)


@dataclass
class Task:
    name: str = "???"  # key of petl.tasks.TASKS
    kind: str = "???"  # generation | classification
    data: str | None = None  # hub id, or a folder or file of your own (jsonl, csv, parquet); none: the embedded rows
    revision: str | None = None  # pinned hub revision of the data: a commit, tag or branch
    dev: str | None = None  # own dev file; none: split off `data` by content
    test: str | None = None  # own test file; likewise
    max_source: int = 512  # tokens; longer sources are cut
    max_target: int = 128
    limit_train: int | None = None  # at most so many rows
    limit_dev: int | None = None
    limit_test: int | None = None
    select: str = "???"  # the dev metric that selects the best checkpoint
    generation: Generation = field(default_factory=Generation)


@dataclass
class Recipe:
    steps: int | None = None  # optimiser steps, 0 tests the untuned backbone; or
    epochs: float | None = None  # passes over the training rows
    batch: int = 32  # rows per optimiser step; or
    batch_tokens: int | None = None  # padded tokens per optimiser step
    accumulate: int = 1  # micro-batches per optimiser step
    lr: float = 1e-3
    warmup: float = 0.0  # share of the steps
    lr_end: float = 1e-7  # polynomial decay of power 1 from lr to lr_end
    optimiser: Optimiser = Optimiser.adamw
    betas: list[float] = field(default_factory=lambda: [0.9, 0.999])
    eps: float = 1e-8
    weight_decay: float = 0.0  # not on biases and LayerNorms
    max_grad_norm: float = 1.0  # 0: no clipping
    label_smoothing: float = 0.0
    precision: Precision = Precision.fp32  # of training and evaluation; the record tells what `auto` was
    gradient_checkpointing: bool = False
    eval_every: int | None = None  # optimiser steps; none: ten times a run
    eval_batch: int = 32
    s: float = 4.0  # the s of composition=scaled (the paper tunes it on dev: 4 on XSum and en-ro, 2 on GLUE)
    train_head: bool = False  # train a classification head too (the paper's code leaves it at its random start)


@dataclass
class Runtime:
    """Where and how a run happens; never what it computes. Not part of a run's identity."""

    output: str = "outputs"  # checkpoints, predictions, logs: <output>/<scale>/<task>/<method>/<identity>
    records: str = "outputs/records"  # finished records: <records>/<scale>/<task>/<method>-<identity>.json
    cache: str | None = None  # embedded text, tokenised data; none: the user's cache folder
    force: bool = False  # run again although the record exists; the old one stays until the new one is complete
    device: str = "auto"  # auto | cpu | cuda
    processes: int | None = None  # refuse to start with another world size than this
    pack: int = 1  # -m: so many runs of a sweep, alike but for seed, lr and s, side by side in one process
    threads: int = 1  # of torch, each process: on a CPU sums round by their number, so the same one everywhere
    workers: int = 0  # data loader processes
    progress: bool = True  # progress bar on a terminal; plain lines otherwise
    offline: bool = False  # never ask the hub
    examples: int = 5  # decoded rows in the record; 0 for one that is published: they are text of others
    tracker: str = "none"  # watches the run, one of TRACKERS


@dataclass
class Config:
    """One run. The same values give the same run, `runtime` aside."""

    seed: int = 0
    scale: str = "mini"
    experiment: str | None = None
    position: Position = Position.ffn
    insertion: Insertion = Insertion.parallel
    composition: Composition = field(default_factory=Composition)
    budget: Budget = field(default_factory=Budget)
    method: Method = field(default_factory=Method)
    backbone: Backbone = field(default_factory=Backbone)
    task: Task = field(default_factory=Task)
    recipe: Recipe = field(default_factory=Recipe)
    runtime: Runtime = field(default_factory=Runtime)


@dataclass
class Released:
    """What the released code does at the chosen position: said in conf/position and conf/backbone, used by deltas."""

    norm: Norm = Norm.none
    dropout: Dropout = Dropout.none
    scale_query: bool = True
    network: int | None = None
    before_wo: dict[str, bool] = field(default_factory=dict)  # insertion -> Delta.before_wo
    reads_stream: dict[str, bool] = field(default_factory=dict)  # insertion -> Delta.reads_stream
    prefix_network: int | None = None  # of the backbone: Delta.network of a prefix
    heads_norm: Norm = Norm.none  # of the backbone: Delta.norm and .scale_query of a multi-head adapter
    heads_scale_query: bool = True


@dataclass
class Row:
    """One row of a table, as a preset of conf/experiment says it."""

    words: str = ""  # of a command line
    paper_seeds: list[int] = field(default_factory=list)  # which the paper ran: seed=paper


@dataclass
class Composed(Config):
    """What conf/ composes to: a Config, and the tables that its interpolations chose from."""

    released: Released = field(default_factory=Released)
    paper: dict[str, dict[str, int]] = field(default_factory=dict)  # kind of task -> delta -> size in the paper
    rows: dict[str, Row] = field(default_factory=dict)  # of a preset: what it is called -> what it is
