"""What a pack costs: training steps of several seeds in one pass of the backbone, beside those of each seed alone.

python scripts/packs.py method=mam task=sst2 [--runs 5] [--rounds 20]

Every step alone and all steps in one pass take turns. Printed are medians over the rounds, as times of one step alone:
the steps of all runs in one pass, the padding in it, and the floor: the frozen backbone on so many times the rows of
one batch, without padding, against that batch. A pass cannot gain more than the floor does.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from petl import backbone, tasks  # noqa: E402
from petl.command import read  # noqa: E402
from petl.config import UserError  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*", help="as of train.py")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=20)
    asked = parser.parse_args()
    try:
        measured = measure(asked.words, asked.runs, asked.rounds)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return UserError.exit_code
    print(" ".join(asked.words), *(f"{name} {value}" for name, value in measured.items()), sep="\n  ")
    return 0


def measure(words, runs, rounds):
    from petl.backbone.pack import share
    from petl.training import packed, ranks
    from petl.training.batches import Steps
    from petl.training.fit import take_step
    from petl.training.gradients import Wanted, compute_gradients
    from petl.training.optimiser import make_optimiser

    configs = [read([*words, f"seed={seed}"]) for seed in range(runs)]
    accelerator = ranks.start(configs[0].runtime, configs[0].recipe.precision)
    kinds = len(tasks.find(configs[0].task.name).labels) or None
    members, steps = [], []
    for config in configs:
        model, tokenizer = backbone.load(config.backbone, config.task.kind, kinds, config.seed, config.runtime.offline)
        method, _ = backbone.resolve(model, config.method, config.budget)
        backbone.attach(model, method, config.seed, config.recipe.train_head)
        model.to(accelerator.device).train()
        rows = tasks.load(config.task, config.runtime.cache, config.runtime.offline).train
        encoded = tasks.encode(rows, tokenizer, config.task)
        steps.append(Steps(encoded, tasks.Collator(tokenizer.pad_token_id), config.recipe, config.seed))
        members.append((model, config, accelerator.prepare_optimizer(make_optimiser(model, config.recipe))))
    share([model for model, *_ in members])
    together = packed.Packed([model for model, *_ in members])
    frozen, _ = backbone.load(configs[0].backbone, configs[0].task.kind, kinds, 0, configs[0].runtime.offline)
    floor = floor_of(frozen.to(accelerator.device).train(), accelerator)

    def wanted(number):
        return [
            Wanted(model, plan[number], config, accelerator, optimiser, [])
            for (model, config, optimiser), plan in zip(members, steps, strict=True)
        ]

    def moved(asked, answers):
        for one, (_, norm) in zip(asked, answers, strict=True):
            take_step(one.optimiser, norm, one.config.recipe.lr, one.config.recipe.max_grad_norm)

    seconds, tokens = {"alone": [], "pass": [], "frozen": [], "frozen x runs": []}, []
    for number in range(rounds + 2):
        asked = wanted(number)
        batch = asked[0].step.micro_batches[0][1]
        for name, work in {
            "alone": lambda asked=asked: [moved([one], [compute_gradients(*one)]) for one in asked],
            "pass": lambda asked=asked: moved(asked, together.compute(asked)),
            "frozen": lambda batch=batch: floor(batch, 1),
            "frozen x runs": lambda batch=batch: floor(batch, runs),
        }.items():
            seconds[name].append(timed(work, accelerator.device))
        tokens.append(padding([part for one in asked for _, part in one.step.micro_batches[:1]], packed.widths))
    kept = {name: values[2:] for name, values in seconds.items()}
    share_of = [value / (alone / runs) for value, alone in zip(kept["pass"], kept["alone"], strict=True)]
    floors = [many / one for many, one in zip(kept["frozen x runs"], kept["frozen"], strict=True)]
    return {
        "one step alone": f"{statistics.median(kept['alone']) / runs:.4f} s",
        f"{runs} steps in one pass": f"{statistics.median(share_of):.2f} steps alone",
        f"frozen backbone, {runs} x the rows, no padding": f"{statistics.median(floors):.2f} of one batch",
        "tokens in the pass, padding included": f"{statistics.mean(tokens):.2f} of those alone",
        "shared by runtime.pack": packed.pays(wanted(0), packed.work_of(members[0][0])),
    }


def floor_of(model, accelerator):
    import torch

    from petl.training.loss import forward, summed_loss

    model.requires_grad_(False)
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding):
            module.register_forward_hook(lambda module, args, output: output.requires_grad_())

    def passed(batch, times):
        batch = {name: torch.cat([tensor.to(accelerator.device)] * times) for name, tensor in batch.items()}
        with accelerator.autocast():
            logits = forward(model, batch)
        summed_loss(logits, batch["labels"]).backward()

    return passed


def padding(batches, widths):
    wide = [max(width) for width in zip(*map(widths, batches), strict=True)]
    alone = sum(len(batch["labels"]) * sum(widths(batch)) for batch in batches)
    return len(batches) * max(len(batch["labels"]) for batch in batches) * sum(wide) / alone


def timed(work, device):
    """Seconds; on a CPU of this process alone, whatever else the machine does."""
    import torch

    def now():
        if device.type != "cuda":
            return time.process_time()
        torch.cuda.synchronize()
        return time.perf_counter()

    start = now()
    work()
    return now() - start


if __name__ == "__main__":
    sys.exit(main())
