"""The claims as tables: one that gives every verdict, and one for each claim with its contrasts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from petl.report import judge, published
from petl.report.claims import Claim, Finding
from petl.report.judge import Contrast, Judgement
from petl.report.layout import MISSING, Entry, Table, entry
from petl.report.phrases import p_value, spans
from petl.report.published import METRICS, TASKS
from petl.report.render import markdown

INTRO = (
    "Published numbers and re-implementations are single numbers, judged as printed; where both sides have a spread, "
    "Welch's interval and p of no difference stand beside. Ours are judged by the 95% interval of paired differences "
    "over seeds: wholly where the claim puts the difference, supported; wholly elsewhere, contradicted (corrected for "
    "the contrasts of the claim, Holm); otherwise undecided, with the seeds that would decide with 80% power. A claim "
    "is supported with all of its contrasts and contradicted with one; the number shown is of the weakest. A stated "
    "amount is met by printed numbers that round to it, by other runs of the same models within "
    f"{judge.TOLERANCE['rouge2']} R-2 or {judge.TOLERANCE['bleu']} BLEU, and counts for its direction only on other "
    "models and data."
)


def summary(found: Sequence[Claim], sources: Mapping[str, str]) -> Table:
    """A row for each claim, a column for each source."""
    rows = [
        [entry(claim.id), entry(claim.sentence, *claim.footnotes), entry(claim.where)]
        + [entry(verdict(claim.findings[source]) + weakest(claim.findings[source])) for source in sources]
        for claim in found
    ]
    return Table(
        name="claims",
        title="Claims of the paper",
        intro=INTRO,
        columns=["", "claim", "where", *sources.values()],
        rows=rows,
        notes=published.footnotes([note for claim in found for note in claim.footnotes]),
    )


def counts(found: Sequence[Claim], source: str) -> str:
    """8 supported, 9 contradicted, 4 undecided"""
    said = Counter(claim.findings[source].verdict for claim in found)
    order = (judge.SUPPORTED, judge.CONTRADICTED, judge.UNDECIDED, judge.NOT_RUN)
    return ", ".join(f"{said[verdict]} {verdict}" for verdict in order if said[verdict])


def verdict(finding: Finding) -> str:
    """undecided (3 of 4 contrasts run; about 7 more seeds)"""
    said = [f"{finding.tuned} with tuned learning rates"] if finding.tuned else []
    if finding.verdict in (judge.NOT_RUN, judge.SUPPORTED) or not finding.judged:
        said += [finding.remark] if finding.remark else []
        return finding.verdict + (f" ({'; '.join(said)})" if said else "")
    if finding.verdict == judge.CONTRADICTED and len(finding.judged) > 1:
        said += [f"by {sum(j.verdict == judge.CONTRADICTED for j in finding.judged)} of {finding.run} contrasts"]
    if finding.run < len(finding.judged):
        said += [f"{finding.run} of {len(finding.judged)} contrasts run"]
    if finding.verdict == judge.UNDECIDED and any(j.verdict == judge.UNDECIDED for j in finding.judged):
        said += [_more(finding)]
    return finding.verdict + (f" ({'; '.join(said)})" if said else "")


def weakest(finding: Finding) -> str:
    """: +0.23 [+0.10, +0.36], p = 0.010"""
    return f": {_numbers(finding.weakest)}" if finding.weakest else ""


def _more(finding: Finding) -> str:
    if finding.more is not None:
        return f"about {finding.more} more seeds" if finding.more > 1 else "about one more seed"
    short = any(j.verdict == judge.UNDECIDED and len(j.seeds) == 1 for j in finding.judged)
    return "one seed decides nothing" if short else "more than 1,000 seeds"


def details(claim: Claim, sources: Mapping[str, str]) -> Table:
    """A row for each contrast; ours with interval, p, seeds and verdict."""
    held = {source: head for source, head in sources.items() if claim.findings[source].run}
    rows = [
        [
            entry(left_right(contrast)),
            entry(f"{TASKS[contrast['task']]} {METRICS[contrast['metric']]}"),
            entry(says(contrast)),
        ]
        + [_told(claim.findings[source].judged[i]) for source in held]
        for i, contrast in enumerate(claim.contrasts)
    ]
    return Table(
        name=claim.id,
        title=f"{claim.id}. {claim.sentence}",
        intro=f"{claim.where}." + (f" {claim.remark[0].upper()}{claim.remark[1:]}." if claim.remark else ""),
        columns=["left - right", "of", "says", *held.values()],
        rows=rows,
        notes=published.footnotes(claim.footnotes),
    )


def left_right(contrast: Contrast) -> str:
    (table, _, left), (other, _, right) = (contrast[side].partition("/") for side in ("left", "right"))
    where = f"{table}" if table == other else f"{table}, {other}"
    return f"{left} - {right} ({where})"


def says(contrast: Contrast) -> str:
    amount = contrast.get("stated", contrast.get("within"))
    words = {"above": "above 0", "below": "below 0", "by": f"{amount}", "at_least": f"at least {amount}"}
    return words.get(contrast["relation"], f"within {amount}")


def _told(j: Judgement) -> Entry:
    if j.estimate is None:
        return entry(MISSING)
    seeds = f", n={len(j.seeds)} ({spans(j.seeds)})" if j.seeds else ""
    more = f", {j.more} more seeds" if j.verdict == judge.UNDECIDED and j.more else ""
    return entry(f"{_numbers(j)}{seeds}: {j.verdict}{more}")


def _numbers(j: Judgement) -> str:
    interval = f" [{j.low:+.2f}, {j.high:+.2f}]" if j.low is not None and j.high is not None else ""
    return f"{j.estimate:+.2f}{interval}" + (f", {p_value(j.p)}" if j.p is not None else "")


def document(found: Sequence[Claim], sources: Mapping[str, str]) -> str:
    """The summary, then every claim that has contrasts, as Markdown."""
    below = [f"#{markdown(details(claim, sources))}" for claim in found if claim.contrasts]
    return "\n".join([markdown(summary(found, sources)), *below])
