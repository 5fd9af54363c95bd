"""The paper's claims, each judged by the published numbers, by every re-implementation, and by our records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from petl.report import costs, judge, published, rates
from petl.report.cells import Cell, Record, cells
from petl.report.judge import Amount, Contrast, Judgement

PUBLISHED = "published"


@dataclass(frozen=True)
class Finding:
    """What one source says of a claim. more: seeds that would decide an undecided one, where that can be told.

    tuned: the verdict with learning rates tuned on dev, where that is another one.
    """

    verdict: str
    more: int | None
    judged: list[Judgement]  # of each contrast
    remark: str = ""
    tuned: str = ""

    @property
    def weakest(self) -> Judgement | None:
        """The contrast that is furthest outside of what the claim says, or least inside."""
        run = [j for j in self.judged if j.margin is not None]
        return min(run, key=lambda j: j.margin or 0.0) if run else None

    @property
    def run(self) -> int:
        """Contrasts that the source has numbers for."""
        return sum(j.verdict != judge.NOT_RUN for j in self.judged)


@dataclass(frozen=True)
class Claim:
    id: str
    sentence: str
    where: str
    remark: str
    footnotes: list[str]
    contrasts: list[Contrast]
    findings: dict[str, Finding]  # source -> what it says


def sources(scales: Iterable[str]) -> dict[str, str]:
    """key -> heading: the paper, the re-implementations, and ours at each scale."""
    others = {name: entry["title"] for name, entry in published.paper()["reimplementations"].items()}
    return {PUBLISHED: "the paper's numbers", **others, **{scale: f"ours, {scale}" for scale in scales}}


def claims(runs: Mapping[str, Iterable[Record]]) -> list[Claim]:
    """Every claim, with our records by scale."""
    ours = {scale: _Ours(scale, list(records)) for scale, records in runs.items()}
    return [_judged(entry, ours) for entry in published.paper()["claims"]]


def _judged(entry: Mapping[str, Any], ours: Mapping[str, _Ours]) -> Claim:
    contrasts = entry["contrasts"]
    findings = {PUBLISHED: _finding([_printed(c) for c in contrasts])}
    for name in published.paper()["reimplementations"]:
        findings[name] = _finding([_elsewhere(name, c) for c in contrasts])
    for scale, found in ours.items():
        findings[scale] = found.finding(contrasts)
    if not contrasts:  # an identity, or what no table says
        findings = {s: _known(entry, s) if s in ours else Finding(judge.NOT_RUN, None, []) for s in findings}
        findings[PUBLISHED] = Finding(entry["published"], None, [])
    return Claim(
        id=entry["id"],
        sentence=entry["sentence"],
        where=entry["where"],
        remark=entry.get("remark", ""),
        footnotes=entry["footnotes"],
        contrasts=contrasts,
        findings=findings,
    )


def _known(entry: Mapping[str, Any], scale: str) -> Finding:
    """Ours where no run tells: an identity is proven, a cost is measured by itself."""
    if proof := entry.get("proof", ""):
        return Finding(judge.SUPPORTED, None, [], proof)
    if "cost" in entry and (measured := costs.told(entry, scale)):
        holds, figures = measured
        return Finding(judge.SUPPORTED if holds else judge.CONTRADICTED, None, [], figures)
    return Finding(judge.NOT_RUN, None, [], entry.get("instead", ""))


def _finding(judged: list[Judgement]) -> Finding:
    return Finding(*judge.together(judged), judged)


def _printed(contrast: Contrast) -> Judgement:
    """Of the published numbers; where both have a spread, with its interval."""
    (left, s, n), (right, t, m) = (_side(contrast[side], contrast) for side in ("left", "right"))
    judged = judge.exact(contrast, left, right, Amount.rounded)
    if left is None or right is None or s is None or t is None:
        return judged
    return judge.with_spread(judged, (left, s, n), (right, t, m))


def _side(reference: str, contrast: Contrast) -> tuple[float | None, float | None, int]:
    """Printed value, spread and number of seeds of a row."""
    row, table = published.row(reference), published.table(reference.partition("/")[0])
    task, metric = contrast["task"], contrast["metric"]
    spread = row.get("std", {}).get(task, {}).get(metric)
    return row["metrics"][task].get(metric), spread, row.get("seeds", table["seeds"])


def _elsewhere(name: str, contrast: Contrast) -> Judgement:
    left, right = (published.reimplemented(name, contrast[side], contrast["task"])[0] for side in ("left", "right"))
    return judge.exact(contrast, left.get(contrast["metric"]), right.get(contrast["metric"]), Amount.about)


class _Ours:
    """Our values by seed of any row of any table, at one scale: at the recipe's learning rate, and at the tuned one."""

    def __init__(self, scale: str, runs: list[Record]) -> None:
        self.scale, self.runs = scale, runs
        self.amount = Amount.about if scale == "paper" else Amount.direction
        self.tables: dict[tuple[str, bool], dict[tuple[str, str], Cell]] = {}

    def finding(self, contrasts: Sequence[Contrast]) -> Finding:
        """At the recipe's rate, as in the paper; and whether tuned rates say otherwise of as many contrasts."""
        own, other = (
            _finding(judge.corrected([self.judge(contrast, tuned) for contrast in contrasts]))
            for tuned in (False, True)
        )
        differs = other.run >= own.run and other.verdict not in (own.verdict, judge.NOT_RUN)
        return replace(own, tuned=other.verdict) if differs else own

    def judge(self, contrast: Contrast, tuned: bool) -> Judgement:
        left, right = (self.values(contrast[side], contrast, tuned) for side in ("left", "right"))
        return judge.over_seeds(contrast, left, right, self.amount)

    def values(self, reference: str, contrast: Contrast, tuned: bool) -> dict[int, float]:
        table, _, row = reference.partition("/")
        if (table, tuned) not in self.tables:
            found = cells(table, self.scale, self.runs)
            found = rates.retuned(found, self.runs) if tuned else found
            self.tables[table, tuned] = {(cell.row, cell.task): cell for cell in found}
        return self.tables[table, tuned][row, contrast["task"]].values(contrast["metric"])


def as_json(found: Sequence[Claim]) -> list[dict[str, Any]]:
    """Plain values, six digits; with each finding its weakest contrast."""
    told = [asdict(claim) for claim in found]
    for claim, plain in zip(found, told, strict=True):
        for source, finding in claim.findings.items():
            if not finding.tuned:
                del plain["findings"][source]["tuned"]
            plain["findings"][source]["weakest"] = asdict(finding.weakest) if finding.weakest else None
    return _rounded(told)


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return round(value, 6) if isinstance(value, float) else value
