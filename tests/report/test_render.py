"""The four formats: nothing of a text becomes markup, LaTeX compiles, and the scripts need no torch."""

import csv
import io
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from petl import records
from petl.report import render, tables
from petl.report.latex import latex_document, tex
from petl.report.layout import Entry, Table, entry
from tests.report.made import made

ROOT = Path(__file__).parents[2]
ODD = r"a|b <i>c</i> & 50% of $5 #1 x_1^2 {y} ~ \cmd *z*"
TABLE = Table(
    name="t",
    title="Table 0. Odd",
    intro="Said.",
    columns=["method", "paper", "ours"],
    rows=[
        [entry(ODD, "E1"), Entry(("1.0", "2.0"), frozenset({1})), entry("—")],
        [entry("b"), entry("h <- h + dh"), entry("")],
    ],
    spans=[("", 1), ("XSum (R-1 / R-2)", 2)],
    rules=[1],
    notes={"E1": ODD},
    fill={"b, XSum": "python train.py a=<b>"},
)


def test_markdown():
    lines = render.markdown(TABLE).splitlines()
    assert lines[4:7] == [
        "| method | XSum (R-1 / R-2): paper | XSum: ours |",
        "| --- | --- | --- |",
        r"| a\|b &lt;i>c&lt;/i> & 50% of $5 #1 x_1^2 {y} ~ \cmd \*z\* <sup>E1</sup> | 1.0 / **2.0** | — |",
    ]
    assert "python train.py a=<b>  # b, XSum" in lines


def test_csv_without_data_of_its_own_has_the_cells():
    rows = list(csv.DictReader(io.StringIO(render.FORMATS["csv"](TABLE))))
    assert rows[0] == {"method": ODD, "XSum (R-1 / R-2): paper": "1.0 / 2.0", "XSum: ours": "—"}


class Tags(HTMLParser):
    """Open and closed tags, and what stands in cells."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_is_balanced_and_escaped():
    tags = Tags()
    tags.feed(render.FORMATS["html"](TABLE))
    assert tags.open == [] and ODD in tags.text and not [tag for tag, _ in tags.seen if tag == "i"]
    assert ("b", {"class": "part best"}) in tags.seen and ("td", {"class": "missing"}) in tags.seen


def test_the_fragment_has_no_style_of_its_own():
    tags = Tags()
    tags.feed(render.fragment(TABLE))
    assert not [tag for tag, attrs in tags.seen if tag == "style" or "style" in attrs]


def test_latex_takes_nothing_for_a_command():
    assert tex("50% & x_1 <- \\y ±") == r"50\% \& x\_1 $\leftarrow$ \textbackslash{}y $\pm$"


def test_wide_tables_are_cut_at_their_spans():
    wide = tables.table("table6", "mini", [])
    first, second = wide.sections
    assert [s.heading for s in (first, second)] == ["XSum (R-1 / R-2 / R-L)", "en-ro (BLEU)"]
    assert first.columns[:5] == ["method", "%", "% ours", "against", "paper"] == second.columns[:5]
    assert len(first.rows) == len(wide.rows) and first.rows[3][4].plain != second.rows[3][4].plain


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex: apt-get install texlive-latex-recommended")
def test_latex_compiles(tmp_path):
    made_tables = [TABLE, *(tables.table(name, "mini", runs()) for name in tables.NAMES)]
    for table in made_tables:
        (tmp_path / f"{table.name}.tex").write_text(render.FORMATS["tex"](table), encoding="utf-8")
    (tmp_path / "all.tex").write_text(latex_document([table.name for table in made_tables]), encoding="utf-8")
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "all.pdf").stat().st_size > 10_000 and "Missing character" not in done.stdout


# The scripts ----------------------------------------------------------------------------------------------------------

BLOCKED = """
import runpy, sys
class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "datasets", "accelerate"):
            raise ImportError(f"{name} is not there")
sys.meta_path.insert(0, NoTorch())
script, *sys.argv = sys.argv[1:]
sys.argv.insert(0, script)
runpy.run_path(script, run_name="__main__")
"""


def runs():
    return [
        made(f"table{n}", task, seed, **{metric: 40.0 + seed + n2 for metric in ("rouge1", "rouge2", "rougeL", "bleu")})
        for seed in (0, 1, 2)
        for task in ("xsum", "en_ro")
        for n2, n in enumerate(
            ("6/MAM Adapter, l=30, r=512", "6/PA (attn, r=30) + PA (ffn, r=512)", "12/PA (ffn), r=512")
        )
    ]


def script(name, *words, folder=None):
    code = [sys.executable, "-c", BLOCKED, str(ROOT / "scripts" / f"{name}.py"), *words]
    return subprocess.run(
        [*code, *(["--records", str(folder)] if folder else [])], capture_output=True, text=True, cwd=ROOT
    )


@pytest.fixture
def folder(tmp_path):
    for run in runs():
        records.write(run, tmp_path / run["config"]["task"]["name"] / f"{run['identity']}.json")
    return tmp_path


@pytest.mark.parametrize(("call", "shown"), [(("tables", "table6"), "41.00 ± 1.00"), (("claims", "C15"), "n=3 (0-2)")])
def test_the_scripts_need_no_torch_and_say_the_same_twice(folder, call, shown):
    first, second = (script(*call, folder=folder) for _ in range(2))
    assert first.returncode == 0 and not first.stderr
    assert shown in first.stdout and first.stdout == second.stdout


@pytest.mark.parametrize(
    "call", [("tables", "table13"), ("tables", "--scale", "huge"), ("tables", "--format", "pdf"), ("claims", "C99")]
)
def test_wrong_words_end_with_one_screen_and_code_2(call):
    done = script(*call)
    assert done.returncode == 2 and done.stderr.startswith("error: ") and len(done.stderr.splitlines()) < 5


def test_check_names_what_is_stale(tmp_path, capsys):
    path = tmp_path / "a.md"
    assert render.settle({path: "new"}, check=True, root=tmp_path) == 1 and not path.exists()
    assert render.settle({path: "new"}, check=False, root=tmp_path) == 0 and path.read_text() == "new"
    assert render.settle({path: "new"}, check=True, root=tmp_path) == 0
    assert render.settle({path: None}, check=True, root=tmp_path) == 1 and path.exists(), "no longer given"
    assert render.settle({path: None}, check=False, root=tmp_path) == 0 and not path.exists()
    assert render.settle({path: None}, check=True, root=tmp_path) == 0
    assert "a.md is not what the records give" in capsys.readouterr().out
