"""One run, from its config to its record."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Generator
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from transformers.utils.logging import disable_progress_bar

from petl import backbone, records, tasks
from petl.config import Config, Method, UserError
from petl.tasks.splits import rows_digest
from petl.training import account, checkpoint, disk, memory, ranks, shards, signals, trackers
from petl.training.batches import Steps, refuse_uneven
from petl.training.evaluate import Judge, Part, decoding_for
from petl.training.fit import fit
from petl.training.gradients import Wanted
from petl.training.keeper import Keeper, State
from petl.training.numbers import finite
from petl.training.progress import Clock, Progress
from petl.training.together import Answer, alone


def run_job(config: Config) -> records.Record:
    """See `petl.training.run`."""
    with signals.listening():
        return alone(running(config))


def running(config: Config) -> Generator[Wanted, Answer, records.Record]:
    """One run, for `petl.training.together`."""
    disable_progress_bar()  # of loading weights: a blink
    with memory.told(), disk.told(Path(config.runtime.output)):
        accelerator = ranks.start(config.runtime, config.recipe.precision)
        asks = accelerator.is_main_process and not config.runtime.force
        done = ranks.agree(accelerator, records.find(config) if asks else None)
        return (yield from _computed(config, accelerator)) if done is None else done


def _computed(config: Config, accelerator: Accelerator) -> Generator[Wanted, Answer, records.Record]:
    leads = accelerator.is_main_process
    records.refuse_links(config)
    if config.recipe.steps != 0:
        refuse_uneven(config.recipe, accelerator.num_processes)  # before a large backbone is loaded
    with records.underway(config, leads) as beat, trackers.watching(config, leads) as tracker:
        job = Job(config, accelerator, tracker)
        beat.follow(job.progress.position)
        with signals.agreeing(accelerator):
            state = yield from job.train()
            record = job.test(state)
        tracker.log(trackers.summary(record), state.step)
    if leads:
        with signals.held():  # so late, the run is rather ended than stopped
            record = job.write(record)
    return ranks.agree(accelerator, record)


class Job:
    """The pieces of one run: rows, a model with its method, and what judges it."""

    def __init__(self, config: Config, accelerator: Accelerator, tracker: trackers.Tracker) -> None:
        self.config, self.accelerator, self.clock = config, accelerator, Clock()
        bar = config.runtime.progress and config.runtime.pack == 1
        self.progress = Progress(accelerator.is_main_process, bar, tracker)
        self.folder = records.run_dir(config)
        if config.runtime.force:  # beside what there is, which stays usable until the new record is written
            self.folder = self.folder / "forced"
        self.decoded = self.folder / "decoded"
        self.scores: dict[str, Any] = {"rows_sha256": {}}
        with self.clock.phase("load"):
            with accelerator.main_process_first():  # the first process fills the cache, the others read it
                self.splits = tasks.load(config.task, config.runtime.cache, config.runtime.offline)
                self.files = {"data": records.data_files(config), "backbone": records.backbone_files(config.backbone)}
            self._load_model()
            self.judge = self._make_judge()
            self.dev = self._part("dev", self.splits.dev)
            self.tests = [self._part(name, rows) for name, rows in self.splits.tests.items()]

    def train(self) -> Generator[Wanted, Answer, State]:
        """Fit, and leave the model with the weights that dev selected. Zero steps: leave it as it is."""
        if self.config.recipe.steps == 0:
            return State()
        if not any(parameter.requires_grad for parameter in self.model.parameters()):
            raise UserError(
                f"method={self.config.method.name} trains nothing. To test the untrained model: recipe.steps=0."
            )
        with self.clock.phase("load"):
            train = self._part("train", self.splits.train)
            rank, world = self.accelerator.process_index, self.accelerator.num_processes
            steps = Steps(train.encoded, self.judge.collate, self.config.recipe, self.config.seed, rank, world)
        keeper = Keeper(
            self.folder / "checkpoints", self.model, self.accelerator, self._origin(), self.progress, self.clock
        )
        self._greet(steps, train)
        if self.accelerator.is_main_process:
            need = disk.of_run(backbone.counts(self.model).trained) - disk.used(self.folder)
            disk.require(self.folder, need, "the checkpoints and predictions of this run")
        with self.clock.phase("train"):
            names = [row.id for row in train.rows]
            state = yield from fit(
                self.model,
                steps,
                self.config,
                self.accelerator,
                self._measure,
                keeper,
                self.progress,
                names.__getitem__,
            )
            keeper.take_best(state)
        return state

    def test(self, state: State) -> records.Record:
        """The record, with the metrics of every whole test split; predictions are stored in the run's folder."""
        step = state.selected["step"]
        metrics = {"dev": state.selected["dev"] or finite(self._measure(), "dev", step)}
        labels, rows = tasks.find(self.config.task.name).labels, {}
        for part in self.tests:
            with self.clock.phase("test"):
                predictions = self.judge.predict(part)
                scored = {"loss": self.judge.loss(part), **self.judge.metrics(part, predictions)}
                metrics[part.name] = finite(scored, part.name, step)
            rows[part.name] = account.prediction_rows(part.rows, predictions, labels)
            if self.accelerator.is_main_process:
                signals.at_once(lambda part=part, made=predictions: self._score(part, made))
                name = part.name.replace("test", "predictions", 1)  # test_mismatched -> predictions_mismatched
                account.write_predictions(rows[part.name], self.folder / f"{name}.jsonl")
            signals.check(self.accelerator)
        return self._record(state, metrics, account.examples(rows["test"], self.config.runtime.examples))

    def write(self, record: records.Record) -> records.Record:
        """Put the record where it belongs, with the scores of each row beside it. Nothing is kept for going on."""
        path = records.record_path(self.config)
        account.write_scores({"identity": record["identity"], **self.scores}, path)
        record = records.write(record, path)
        shutil.rmtree(self.decoded, ignore_errors=True)
        if self.config.runtime.force:
            checkpoint.take_place(self.folder, records.run_dir(self.config))
        return record

    def _score(self, part: Part, predictions: list[Any]) -> None:
        self.scores[part.name] = tasks.scores(self.config.task, predictions, part.rows)
        self.scores["rows_sha256"][part.name] = rows_digest(part.rows)

    def _load_model(self) -> None:
        config, idle = self.config, self.config.recipe.steps == 0
        self.model, self.tokenizer = backbone.load(
            config.backbone,
            config.task.kind,
            len(tasks.find(config.task.name).labels) or None,
            config.seed,
            config.runtime.offline,
        )
        self.hashes = {
            "sha256": account.weights_sha256(self.model.state_dict()),
            "tokenizer_sha256": account.tokenizer_sha256(self.tokenizer),
        }
        method, self.sizes = Method(config.method.name), ""  # zero steps test the backbone with nothing attached
        if not idle:
            method, self.sizes = backbone.resolve(self.model, config.method, config.budget)
        backbone.attach(self.model, method, config.seed, config.recipe.train_head and not idle)
        if not shards.shard(self.model, self.accelerator):
            self.model.to(self.accelerator.device)
            ranks.share_weights(self.accelerator, self.model)

    def _make_judge(self) -> Judge:
        task, decoding = self.config.task, None
        if task.kind == "generation":
            decoding = decoding_for(self.model, tasks.decoding(task, self.tokenizer))
        collate = tasks.Collator(self.tokenizer.pad_token_id)
        return Judge(
            self.model,
            self.tokenizer,
            collate,
            self.config,
            self.accelerator,
            decoding,
            self.decoded,
            self._origin(),
        )

    def _part(self, name: str, rows: list[tasks.Row]) -> Part:
        cache, sha256 = self.config.runtime.cache, rows_digest(rows)
        return Part(name, rows, tasks.prepare(rows, sha256, self.tokenizer, self.config.task, cache))

    def _measure(self) -> dict[str, float]:
        with self.clock.phase("dev"):
            return self.judge.measure(self.dev)

    def _origin(self) -> dict[str, Any]:
        return {
            "code": records.code_sha256(),
            "data": self.files["data"] | self.splits.sha256,
            "backbone": self.files["backbone"] | self.hashes,
            "precision": ranks.precision_of(self.accelerator),
        }

    def _greet(self, steps: Steps, train: Part) -> None:
        counts, recipe, processes = backbone.counts(self.model), self.config.recipe, self.accelerator.num_processes
        cut = [f"{count:,} {side}s cut" for side, count in tasks.cuts(train.encoded).items() if count]
        skipped = [f"{count:,} skipped ({reason})" for reason, count in self.splits.skipped.items()]
        per_step = f"{recipe.batch_tokens:,} tokens" if recipe.batch_tokens else f"{recipe.batch} rows"
        where = f"{processes} process{'es' * (processes != 1)} on {account.device_name(self.accelerator.device)}"
        where += f", {ranks.precision_of(self.accelerator)}" + ", in shards" * shards.is_sharded(self.model)
        self.progress.say(f"{backbone.table(backbone.describe(self.model))}\n{self.sizes}")
        self.progress.say(f"rows: {', '.join([f'{len(train.rows):,} for training', *cut, *skipped])}")
        self.progress.say(f"{counts.trained:,} trained parameters, {steps.total:,} steps of {per_step}, {where}")
        self.progress.say(f"checkpoints and predictions: {self.folder}")

    def _record(self, state: State, metrics: dict[str, Any], examples: list[dict[str, str]]) -> records.Record:
        config, accelerator = self.config, self.accelerator
        record: records.Record = {
            "schema": records.SCHEMA,
            "identity": records.identity(config),
            "config": records.canonical(config),
            "title": config.method.title,
            "code": records.code_version(),
            "packages": records.package_versions(),
            "data": {
                "sha256": self.files["data"] | self.splits.sha256,
                "source": self.splits.source,
                "rows": {
                    "train": len(self.splits.train),
                    **{part.name: len(part.rows) for part in (self.dev, *self.tests)},
                },
                "skipped": self.splits.skipped,
            },
            "backbone": {
                "path": config.backbone.path,
                "revision": config.backbone.revision,
                "commit": account.commit_of(config.backbone),
                **self.hashes,
                "files": self.files["backbone"],
            },
            "parameters": account.parameters(backbone.counts(self.model)),
            "deltas": [dataclasses.asdict(row) for row in backbone.describe(self.model)],
            "metrics": metrics,
            "protocol": {part.name: self._protocol(part) for part in (self.dev, *self.tests)},
            "signature": tasks.signature(config.task),
            "selected": {name: state.selected[name] for name in ("step", "metric", "value")},
            "history": account.thinned(state.history, state.selected["step"]),
            "examples": examples,
            "seconds": {name: round(seconds, 2) for name, seconds in self.clock.seconds.items()},
            "memory_mb": account.peak_memory_mb(),
            "device": account.device_name(accelerator.device),
            "precision": ranks.precision_of(accelerator),
            "processes": accelerator.num_processes,
            "threads": torch.get_num_threads(),
            "overflows": state.overflows,
            "halved": state.halved,
            "finished": account.now(),
        }
        if state.packed > 1:
            record["packed"] = state.packed
        return record

    def _protocol(self, part: Part) -> dict[str, Any]:
        decoding = self.judge.decoding
        return {
            "rows": len(part.rows),
            "cut": tasks.cuts(part.encoded),
            "decoding": decoding.to_diff_dict() if decoding is not None else None,
        }
