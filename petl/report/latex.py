"""A table as LaTeX, with booktabs; nothing of a text is read as a command."""

from __future__ import annotations

import re

from petl.report.layout import Entry, Section, Table

# What LaTeX takes for a command, and what its fonts lack
LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": "$<$", ">": "$>$", "±": r"$\pm$", "—": "---",
    "−": "$-$", "×": r"$\times$", "≤": r"$\le$", "≥": r"$\ge$",
}  # fmt: skip


def latex(table: Table) -> str:
    """A `table` environment; needs booktabs and graphicx. The commands stand in comments."""
    below = [f"{tex(name)}: {tex(text)}" for name, text in table.notes.items()]
    said = " ".join([tex(table.intro), *below]).strip()
    lines = [r"\begin{table}[p]", r"\centering", rf"\caption{{{tex(table.title.partition('. ')[2])}}}"]
    lines += [rf"\label{{tab:{table.name}}}"]
    for section in table.sections:
        lines += [rf"\par\medskip {tex(section.heading)}\par\smallskip"] if section.heading else []
        lines += _tabular(section, table.rules)
    lines += [rf"\par\smallskip\begin{{minipage}}{{\linewidth}}\footnotesize {said}\end{{minipage}}"] if said else []
    lines += [r"\end{table}", *(f"% {what}: {command}" for what, command in table.fill.items()), ""]
    return "\n".join(lines)


def _tabular(section: Section, rules: list[int]) -> list[str]:
    """Not wider than the line."""
    body = [" & ".join(map(_latex, row)) + r" \\" for row in section.rows]
    for at in reversed(rules):
        body.insert(at, r"\midrule")
    heads = []
    if section.spans:
        heads = [" & ".join(_multicolumn(text, n) for text, n in section.spans) + r" \\", _midrules(section.spans)]
    inner = [r"\begin{tabular}{" + "l" * len(section.columns) + "}", r"\toprule", *heads]
    inner += [" & ".join(map(tex, section.columns)) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    return [r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%", *inner, "}"]


def latex_document(names: list[str]) -> str:
    """All tables as one document; the files stand beside it."""
    head = [r"\documentclass{article}", r"\usepackage[a4paper,landscape,margin=1cm]{geometry}"]
    head += [r"\usepackage{booktabs,graphicx}", r"\begin{document}"]
    return "\n".join([*head, *(rf"\input{{{name}}}\clearpage" for name in names), r"\end{document}", ""])


def tex(text: str) -> str:
    """`text` with what LaTeX reads as a command written out."""
    arrows = re.split("(<-)", text)
    return "".join(r"$\leftarrow$" if part == "<-" else "".join(LATEX.get(c, c) for c in part) for part in arrows)


def _latex(cell: Entry) -> str:
    parts = [rf"\textbf{{{tex(part)}}}" if i in cell.best else tex(part) for i, part in enumerate(cell.parts)]
    return " / ".join(parts) + (rf"\textsuperscript{{{','.join(cell.notes)}}}" if cell.notes else "")


def _multicolumn(text: str, columns: int) -> str:
    return tex(text) if columns == 1 else rf"\multicolumn{{{columns}}}{{c}}{{{tex(text)}}}"


def _midrules(spans: list[tuple[str, int]]) -> str:
    rules, at = [], 1
    for text, columns in spans:
        if text:
            rules.append(rf"\cmidrule(lr){{{at}-{at + columns - 1}}}")
        at += columns
    return "".join(rules)
