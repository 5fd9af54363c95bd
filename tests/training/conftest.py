"""A backbone and a task small enough to train in a second, made here: no network, no shipped weights."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    BartConfig,
    BartForConditionalGeneration,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from petl.config import (
    Backbone,
    Config,
    Delta,
    Generation,
    Init,
    Insertion,
    Method,
    Position,
    Recipe,
    Rule,
    Runtime,
    Task,
)

WORDS = [f"w{i}" for i in range(20)]
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TINY: dict[str, Any] = {"vocab_size": len(SPECIAL) + len(WORDS), "max_position_embeddings": 32, "init_std": 0.3}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def tokenizer() -> PreTrainedTokenizerFast:
    vocabulary = {word: number for number, word in enumerate(SPECIAL + WORDS)}
    core = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    core.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    names = {
        "bos_token": "<s>",
        "pad_token": "<pad>",
        "eos_token": "</s>",
        "unk_token": "<unk>",
        "mask_token": "<mask>",
    }
    return PreTrainedTokenizerFast(tokenizer_object=core, model_max_length=30, **names)


def bart(dropout: float = 0.1) -> Any:
    torch.manual_seed(0)
    half: dict[str, Any] = {
        side: {f"{side}_layers": 1, f"{side}_attention_heads": 2, f"{side}_ffn_dim": 32}
        for side in ("encoder", "decoder")
    }
    rates: dict[str, Any] = {"dropout": dropout, "attention_dropout": dropout, "activation_dropout": 0.0}
    config = BartConfig(**TINY, d_model=16, **half["encoder"], **half["decoder"], **rates, forced_eos_token_id=None)
    return BartForConditionalGeneration(config)


def roberta() -> Any:
    torch.manual_seed(0)
    sizes: dict[str, Any] = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    tiny: dict[str, Any] = {"vocab_size": TINY["vocab_size"], "max_position_embeddings": 34, "initializer_range": 0.3}
    return RobertaForSequenceClassification(RobertaConfig(**tiny, **sizes, type_vocab_size=1))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders bart, roberta (weights and tokenizer), xsum (copy the second word), sst2 (is w0 in the text)."""
    root = tmp_path_factory.mktemp("tiny")
    for name, model in (("bart", bart()), ("roberta", roberta())):
        model.save_pretrained(root / name)
        tokenizer().save_pretrained(root / name)
    chance = random.Random(0)
    rows: dict[str, list[dict[str, Any]]] = {"xsum": [], "sst2": []}
    for number in range(48):
        words = chance.sample(WORDS, chance.randint(3, 8))
        rows["xsum"].append({"id": f"x{number}", "document": " ".join(words), "summary": f"{words[1]} {words[0]}"})
        rows["sst2"].append({"id": f"s{number}", "sentence": " ".join(words), "label": int("w0" in words)})
    for name, made in rows.items():
        (root / name).mkdir()
        for split, part in (("train", made[:32]), ("dev", made[32:40]), ("test", made[40:])):
            lines = "".join(json.dumps(row) + "\n" for row in part)
            (root / name / f"{split}.jsonl").write_text(lines)
    return root


@pytest.fixture
def configure(tiny: Path, tmp_path: Path) -> Callable[..., Config]:
    """configure(task="xsum" | "sst2", **recipe) -> a config of 6 steps whose output goes to this test's folder."""

    def build(task: str = "xsum", runtime: dict[str, Any] | None = None, seed: int = 0, **recipe: Any) -> Config:
        generation = task == "xsum"
        knobs: dict[str, Any] = {"steps": 6, "batch": 8, "lr": 0.01, "eval_every": 2, "eval_batch": 3, **recipe}
        where = {"output": str(tmp_path / "out"), "records": str(tmp_path / "records"), "device": "cpu"}
        adapter = Delta(
            position=Position.ffn, insertion=Insertion.parallel, compose=Rule.scaled, s=4.0, size=8, init=Init.lora
        )
        return Config(
            seed=seed,
            method=Method("pa", "Parallel adapter", {"main": adapter}),
            backbone=Backbone("tiny", str(tiny / ("bart" if generation else "roberta"))),
            task=Task(
                name=task,
                kind="generation" if generation else "classification",
                data=str(tiny / task),
                max_source=24,
                max_target=8,
                select="rouge2" if generation else "accuracy",
                generation=Generation(beams=2, max_length=6),
            ),
            recipe=Recipe(**knobs),
            runtime=Runtime(**{**where, **(runtime or {})}),
        )

    return build
