"""The page: whole, offline, harmless; and in a real browser, where one is."""

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from petl.composed import composed
from petl.report import page, page_runs
from tests.report.made import made

EVIL = "</script><script>document.title = 'pwned'</script><img src=x onerror=\"document.title='pwned'\">"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def runs():
    """Two seeds of BitFit and MAM on xsum, one of BitFit on en_ro; the text of one means harm."""
    found = [made(f"table6/{row}", "xsum", seed, rouge2=value + seed)
             for row, value in (("BitFit", 17.0), ("MAM Adapter, l=30, r=512", 21.0)) for seed in (0, 1)]  # fmt: skip
    found += [made("table6/BitFit", "en_ro", 0, bleu=9.5)]
    history = [{"step": 8, "loss": 3.0, "lr": 1e-3}, {"step": 16, "loss": 2.0, "lr": 0.0, "dev": {"rouge2": 19.0}}]
    for run in found:
        run["history"] = history
    found[0] |= {"title": EVIL, "device": EVIL, "signature": EVIL}
    found[0]["examples"] = [{"source": EVIL, "reference": "a & b", "prediction": EVIL}]
    return found


@pytest.fixture(scope="module")
def text() -> str:
    return page.page(runs(), {}, ["mini"])


def data(text: str):
    (held,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(held)


def test_the_same_records_give_the_same_page(text):
    assert page.page(runs(), {}, ["mini"]) == text


def test_claims_come_first_then_tables_and_figures(text):
    found = re.findall(r'<section id="(\w+)">', text)
    assert found == ["claims", "tables", "figures", "curves", "cost", "runs", "examples"]


def test_nothing_is_fetched(text):
    assert not re.search(r"""(src|href|action)\s*=\s*["']?(https?:)?//""", text)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)


def test_text_of_a_record_is_no_markup(text):
    assert "<script>document" not in text and "<img" not in text
    assert str(html.escape("<img src=x")) in text


def test_only_the_pages_own_script_may_run(text):
    script = (page.TEMPLATE / "page.js").read_text(encoding="utf-8")
    assert "</script" not in script
    assert f'content="{html.escape(page.policy(script)).replace("&#x27;", "&#39;")}"' in text


def test_every_id_is_there_once(text):
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_links_within_the_page_lead_somewhere(text):
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(re.findall(r'\sid="([^"]+)"', text))


def test_every_record_is_there_whole_but_for_digits(text):
    held = data(text)
    for run in runs():
        (told,) = (r for r in held["runs"] if r["identity"] == run["identity"])
        told |= {key: held["pool"][told[key]] for key in held["pooled"]}
        assert {**told["config"], "seed": told["seed"]} == run["config"]
        assert told["metrics"] == run["metrics"] and told["history"]["loss"] == [3.0, 2.0]


def test_what_runs_share_stands_once(text):
    held = data(text)
    assert len({json.dumps(part, sort_keys=True) for part in held["pool"]}) == len(held["pool"])
    assert len({run["config"] for run in held["runs"]}) == 3  # BitFit and MAM on xsum, BitFit on en_ro


def test_a_run_names_the_rows_it_counts_for():
    line = next(line for line in page_runs.lines(runs()) if line.task == "en_ro")
    assert line.places == ["Table 6: BitFit", "Figure 4: BitFit"]


def test_a_run_at_a_tuned_rate_names_them_too():
    own = composed(("task=en_ro",)).recipe.lr
    found = [made("table6/BitFit", "en_ro", 0, words=(f"recipe.lr={f * own:g}",), bleu=1.0) for f in (1, 2, 4)]
    for dev, run in zip((1, 3, 2), found, strict=True):
        run["selected"]["value"] = dev
    places = [line.places for line in page_runs.lines(found)]
    assert places[1] == ["Table 6, tuned: BitFit", "Figure 4, tuned: BitFit"]
    assert not any("tuned" in place for place in places[0] + places[2])


def test_examples_stand_side_by_side():
    both = runs()[:1] + runs()[2:3]
    for run, said in zip(both, ("one", "two"), strict=True):
        run["examples"] = [{"source": "s", "reference": "r", "prediction": said}]
        run["title"] = said.upper()
    found = page_runs.examples(both, {line.identity: line for line in page_runs.lines(both)})
    assert found["mini: XSum"][0].predictions == [("ONE", "one"), ("TWO", "two")]


def test_records_without_text_have_no_examples():
    found = runs()[1:]
    assert page_runs.examples(found, {line.identity: line for line in page_runs.lines(found)}) == {}


def test_a_thousand_runs_stay_below_five_megabytes(text):
    many = [{**run, "identity": f"{i:012x}"} for i in range(200) for run in runs()]
    grown = len(page_runs.data(many)) / len(many)
    assert len(text) + 1000 * (grown + 900) < 5e6  # a line of the table has some 600 characters


# In a browser -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen(text, tmp_path_factory):
    """What a browser finds, by width, and what it says on its console."""
    if BROWSER is None:
        pytest.skip("no chromium here (Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("browser")
    (folder / "page.html").write_text(text, encoding="utf-8")
    shutil.copy(Path(__file__).parent / "browser.html", folder)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files", "--enable-logging=stderr"]
    flags += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [BROWSER, *flags, (folder / "browser.html").as_uri()], capture_output=True, text=True, timeout=300
    )
    (found,) = re.findall(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-3000:]
    return json.loads(html.unescape(found)), [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_it_loads_without_an_error(seen):
    found, console = seen
    assert console == [] and "Does it hold?" in found["1280"]["title"]


@pytest.mark.parametrize("width", ["1280", "390"])
def test_it_never_scrolls_sideways(seen, width):
    assert (seen[0][width]["overflow"], seen[0][width]["overflow_open"]) == (0, 0)


@pytest.mark.parametrize("width", ["1280", "390"])
def test_a_heading_sorts_up_and_down_by_value(seen, width):
    found = seen[0][width]
    assert found["rising"] == ["9.50", "17.00", "18.00", "21.00", "22.00"]
    assert found["falling"] == found["rising"][::-1] and found["sort"] == "descending"


def test_search_finds_the_rows_of_the_paper_too(seen):
    found = seen[0]["1280"]
    assert found["searched"] == ["BitFit", "BitFit"] and found["said"] == "2 of 5 runs"


def test_a_filter_leaves_what_it_names(seen):
    assert seen[0]["390"]["filtered"] == ["en_ro"]


def test_every_run_opens_to_its_record(seen):
    assert sorted(seen[0]["1280"]["records"]) == sorted(run["identity"] for run in runs())
