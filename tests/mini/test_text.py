import pickle
import random

import pytest

from petl.mini import near, text
from petl.mini.catalogues import Entry
from petl.mini.docstrings import Docstring

WORDS = "merge split read write open close find count sort list file table record column folder index value key".split()


def _sentence(r: random.Random, length: int) -> str:
    return " ".join(r.choice(WORDS) for _ in range(length)).capitalize() + "."


@pytest.fixture(scope="module")
def docs():
    r = random.Random(0)
    return [
        Docstring(
            f"pack.mod{i // 4}", f"run_{i}", ("x",), f"{_sentence(r, 7)}\n\n{_sentence(r, 15)} {_sentence(r, 15)}"
        )
        for i in range(2400)
    ]


@pytest.fixture(scope="module")
def xsum(docs):
    return text.xsum(docs)


def test_rows_have_the_hub_columns(xsum):
    assert set(xsum["train"][0]) == {"document", "summary", "id"}
    assert (len(xsum["dev"]), len(xsum["test"])) == (500, 500)


def test_no_row_shares_its_summary_with_another(xsum):
    summaries = [row["summary"] for part in xsum.values() for row in part]
    assert len(set(summaries)) == len(summaries)


def test_training_rows_are_not_near_to_test_rows(xsum):
    held = {gram for split in ("dev", "test") for row in xsum[split] for gram in near.grams(row["document"])}
    near_rows = [
        row for row in xsum["train"] if len(near.grams(row["document"]) & held) > 0.6 * len(near.grams(row["document"]))
    ]
    assert not near_rows


def test_a_near_copy_of_a_test_row_is_dropped_from_training():
    base = "the old house by the river was sold to a young family last week"
    pairs = [(f"{base} {i} {chr(97 + i % 26)}{chr(97 + i // 26)}", i % 2) for i in range(60)]
    rows = text._finish(pairs, ("sentence", "label"), dev=5, test=5)
    assert rows["train"] == [] and len(rows["test"]) == 5


def test_a_training_row_with_the_words_of_a_test_row_is_dropped():
    rows = {"train": [{"en": "Sold to a young family", "ro": "da", "id": "0"}, {"en": "No", "ro": "nu", "id": "1"}]}
    rows |= {"dev": [], "test": [{"en": "to a young family sold", "ro": "da", "id": "2"}]}
    assert [row["id"] for row in text.apart(rows)["train"]] == ["1"]
    assert text.apart(rows)["test"] == rows["test"]


def test_rows_do_not_depend_on_the_order_of_the_files(docs, xsum):
    assert text.xsum(random.Random(1).sample(docs, len(docs))) == xsum


def test_pretraining_text_shares_no_eight_words_with_any_row(docs, xsum, package):
    readme = "\n\n".join([xsum["test"][0]["document"], "Some free words about how a reader of files may be used here."])
    source = package(
        {"pack/README.md": readme, "pack/a.py": f"# {xsum['dev'][0]['summary']}\n# and five more words here\n"}
    )
    review = package({f"x/{name}": "" for name in text.reviews.OTHERS})
    found = text.english(docs, [source], [], review, [xsum])
    held = {
        gram
        for part in xsum.values()
        for row in part
        for gram in near.grams(row["document"]) | near.grams(row["summary"])
    }
    assert found and not any(near.grams(line) & held for line in found)
    assert "Some free words about how a reader of files may be used here." in found


def test_romanian_text_leaves_the_task_out(package):
    entries = [
        Entry(f"Show row {a} and {b} now", f"Arată rândul {a} și {b} acum", False) for a in WORDS for b in WORDS[::-1]
    ]
    short = Entry("Save file", "Salvați fișierul", False)
    rows = text.en_ro(entries)
    net = pickle.dumps({"_literals": ["ploaie"], "_definition": "Apă care cade din nori"})
    found = text.romanian([*entries, short], package({"n.pickle": net}), [rows])
    assert sorted(found) == ["Salvati fisierul", "ploaie: Apa care cade din nori"]


def test_the_summary_is_hidden_in_the_document_but_never_first(xsum):
    for row in text.hidden(xsum)["test"]:
        at = row["document"].find(row["summary"].rstrip("."))
        assert at > 0 and row["document"][at - 1] == " "
