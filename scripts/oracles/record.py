"""Numbers of independent libraries, for scripts/check_oracles.py. Runs in the oracle environment and imports no petl.

python scripts/oracles/record.py DIR     writes ARCH/{config.json, backbone, inputs} and, for every case,
                                         ARCH/LIBRARY-METHOD/{meta.json, tuned, outputs, grads}, tensors as safetensors

Backbones are tiny and random, in double precision and evaluation mode; every tuned tensor is moved off its start.
"""

# pyright: reportMissingImports=false

from __future__ import annotations

import json
import logging
import sys
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import adapters
import peft
import torch
import transformers
from safetensors.torch import save_file

SEQ2SEQ = {
    "vocab_size": 40, "d_model": 16, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "max_position_embeddings": 40,
    "init_std": 0.3, "decoder_start_token_id": 2,
}  # fmt: skip
ENCODER = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 40, "type_vocab_size": 1, "initializer_range": 0.3, "num_labels": 3,
}  # fmt: skip
BACKBONES = {
    "bart": (transformers.BartConfig, transformers.BartForConditionalGeneration, SEQ2SEQ),
    "mbart": (transformers.MBartConfig, transformers.MBartForConditionalGeneration, SEQ2SEQ),
    "roberta": (transformers.RobertaConfig, transformers.RobertaForSequenceClassification, ENCODER),
}
QV = {"seq2seq": ["q_proj", "v_proj"], "roberta": ["query", "value"]}
FC = {"seq2seq": ["fc1", "fc2"], "roberta": r".*layer\.\d+\.(intermediate|output)\.dense"}
V_FC2 = {"seq2seq": ["v_proj", "fc2"], "roberta": r".*(\.self\.value|layer\.\d+\.output\.dense)"}
FC2 = {"seq2seq": ["fc2"], "roberta": r".*layer\.\d+\.output\.dense"}


@dataclass
class Case:
    """One method of one library; `difference`: the key in petl/oracles/differences.py of what it shows, if any."""

    name: str
    config: Any
    architectures: tuple[str, ...] = tuple(BACKBONES)
    attention: str = "eager"
    difference: str | None = None

    @property
    def library(self) -> str:
        return "peft" if isinstance(self.config, peft.PeftConfig) else "adapters"


def cases() -> list[Case]:
    parallel = adapters.ParBnConfig(reduction_factor=4, scaling=4.0)
    houlsby = adapters.DoubleSeqBnConfig(reduction_factor=4, non_linearity="relu", cross_adapter=True)
    attention = adapters.ParBnConfig(
        mh_adapter=True, output_adapter=False, cross_adapter=True, reduction_factor=4, scaling=1.0, ln_before=True
    )
    prefix = adapters.PrefixTuningConfig(prefix_length=3, bottleneck_size=8)
    free = adapters.PrefixTuningConfig(prefix_length=3, flat=True)
    ffn = adapters.LoRAConfig(selfattn_lora=False, intermediate_lora=True, output_lora=True, r=3, alpha=12)
    found = [
        Case("parallel", parallel),
        Case("parallel_learned", adapters.ParBnConfig(reduction_factor=4, scaling="learned")),
        Case("parallel_attn", attention, ("bart", "roberta")),
        Case("parallel_attn", attention, ("mbart",), difference="stream"),
        Case("pfeiffer", adapters.SeqBnConfig(reduction_factor=4)),
        Case("houlsby", houlsby),
        Case("houlsby_default", adapters.DoubleSeqBnConfig(reduction_factor=4)),
        Case("lora", adapters.LoRAConfig(r=3, alpha=6)),
        Case("lora_ffn", ffn),
        Case("prefix", prefix),
        Case("prefix_free", free),
        Case("mam", adapters.MAMConfig(prefix, parallel)),
        Case("prefix_sdpa", free, ("bart", "mbart"), "sdpa", "sdpa"),
        Case("mam_sdpa", adapters.MAMConfig(prefix, parallel), ("bart", "mbart"), "sdpa", "sdpa"),
    ]
    for kind, named in {"seq2seq": ("bart", "mbart"), "roberta": ("roberta",)}.items():
        found += [
            Case("lora", peft.LoraConfig(r=3, lora_alpha=6, target_modules=QV[kind]), named),
            Case("lora_ffn", peft.LoraConfig(r=3, lora_alpha=12, target_modules=FC[kind]), named),
            Case("ia3_v_ffn", peft.IA3Config(target_modules=V_FC2[kind], feedforward_modules=FC2[kind]), named),
        ]
    return found


def backbone(architecture: str, attention: str) -> Any:
    """The random backbone: biases and LayerNorms too are moved off zero and one. The same for every case."""
    torch.manual_seed(zlib.crc32(architecture.encode()))
    config, kind, settings = BACKBONES[architecture]
    model = kind(config(**settings, attn_implementation=attention)).double()
    shift(model.parameters(), 0.1)
    return model.eval()


@torch.no_grad()
def shift(parameters: Iterable[torch.Tensor], scale: float) -> None:
    for parameter in parameters:
        parameter.add_(scale * torch.randn_like(parameter))


def inputs(architecture: str) -> dict[str, torch.Tensor]:
    """Right-padded rows of several lengths; labels end in -100 where the output is padded."""
    torch.manual_seed(7)
    ids = torch.randint(4, 40, (5, 7))
    mask = torch.ones_like(ids)
    labels = torch.randint(0, 3, (5,)) if architecture == "roberta" else torch.randint(4, 40, (5, 6))
    for row in range(1, 5):
        ids[row, 7 - row :], mask[row, 7 - row :] = 1, 0
        if labels.dim() == 2:
            labels[row, 6 - row :] = -100
    return {"input_ids": ids, "attention_mask": mask, "labels": labels}


def adapted(model: Any, case: Case) -> Any:
    """The library's method in `model`, in evaluation mode, in double precision."""
    if case.library == "peft":
        model = peft.get_peft_model(model, case.config)
    else:
        adapters.init(model)
        model.add_adapter("oracle", config=case.config)
        model.train_adapter("oracle")
    return model.double().eval()


def record(case: Case, architecture: str, folder: Path) -> None:
    model = backbone(architecture, case.attention)
    own = set(model.state_dict())  # AdapterHub frees the classification head as well, which is no part of the method
    model = adapted(model, case)
    tuned = {name: p for name, p in model.named_parameters() if p.requires_grad and name not in own}
    torch.manual_seed(zlib.crc32(f"{architecture}-{case.library}-{case.name}".encode()))
    shift(tuned.values(), 0.3)
    out = model(**inputs(architecture))
    grads = torch.autograd.grad(out.loss, list(tuned.values()), allow_unused=True)
    folder.mkdir(parents=True)
    save(folder / "tuned", tuned)
    save(folder / "outputs", {"logits": out.logits, "loss": out.loss})
    save(folder / "grads", {name: g for name, g in zip(tuned, grads, strict=True) if g is not None})
    meta = {
        "library": case.library, "version": version(case.library), "transformers": transformers.__version__,
        "attention": case.attention, "difference": case.difference, "config": case.config.to_dict(),
    }  # fmt: skip
    (folder / "meta.json").write_text(json.dumps(meta, indent=1, default=sorted))


def save(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    save_file({name: t.detach().clone().contiguous() for name, t in tensors.items()}, f"{path}.safetensors")


def main(folder: Path) -> None:
    logging.disable(logging.WARNING)
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    for architecture, (config, _, settings) in BACKBONES.items():
        place = folder / architecture
        place.mkdir(parents=True)
        (place / "config.json").write_text(json.dumps({"model_type": config.model_type, **settings}, indent=1))
        save(place / "backbone", backbone(architecture, "eager").state_dict())
        save(place / "inputs", inputs(architecture))
    for case in cases():
        for architecture in case.architectures:
            record(case, architecture, folder / architecture / f"{case.library}-{case.name}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
