import pickle
import struct

import pytest

from petl.mini import catalogues
from petl.mini.catalogues import Entry

PO = r"""
msgid ""
msgstr "Language: ro\n"

#: app.py:1
msgid "Please enter a <b>valid</b> "
"name for %(who)s"
msgstr "Introduceţi un nume "
"valid pentru %(who)s"

#, fuzzy
msgid "An entry that is not sure"
msgstr "Ceva"

msgid "%d file was deleted today"
msgid_plural "%d files were deleted today"
msgstr[0] "%d fișier a fost șters azi"
msgstr[1] "%d fișiere au fost șterse azi"
msgstr[2] "%d de fișiere au fost șterse azi"

msgid "Not translated at all"
msgstr ""
"""


@pytest.fixture
def found():
    return list(catalogues.entries(PO))


def test_continued_lines_are_joined(found):
    assert found[0] == Entry(
        "Please enter a <b>valid</b> name for %(who)s", "Introduceţi un nume valid pentru %(who)s", False
    )


def test_a_plural_gives_its_first_and_last_form(found):
    assert [entry.target for entry in found if "%d" in entry.source] == [
        "%d fișier a fost șters azi",
        "%d de fișiere au fost șterse azi",
    ]


def test_untranslated_entries_are_left_out_and_fuzzy_ones_marked(found):
    assert [entry.fuzzy for entry in found] == [False, True, False, False]


def test_a_pair_has_plain_text_one_placeholder_and_no_diacritics(found):
    assert catalogues.pair(found[0]) == ("Please enter a valid name for {}", "Introduceti un nume valid pentru {}")


@pytest.mark.parametrize("written", ["șţâî ŞȚÂĂ", "s\u0326t\u0327a\u0302i\u0302 S\u0327T\u0326A\u0302A\u0306"])
def test_diacritics_go_however_they_are_written(written):
    assert catalogues.romanian(written) == "stai STAA"


def test_a_message_that_is_a_key_has_its_english_in_a_comment():
    po = '#. Default: "Close this window"\nmsgid "label_close"\nmsgstr "Închide această fereastră"\n'
    assert list(catalogues.entries(po)) == [Entry("Close this window", "Închide această fereastră", False)]


def test_lines_under_headings_are_no_text():
    assert catalogues.clean("Module\n=======\nOne ... more - here") == "Module One ... more - here"


def test_an_entry_is_taken_apart_where_both_languages_have_equally_many_sentences():
    entry = Entry("Open it. Close it.<br/>* See\n\nEnd", "Deschide. Inchide.<br>* Vezi\n\nGata", False)
    assert [part[:2] for part in catalogues.parts(entry)] == [
        ("Open it.", "Deschide."),
        ("Close it.", "Inchide."),
        ("* See", "* Vezi"),
        ("End", "Gata"),
    ]


def test_an_entry_stays_whole_where_the_languages_differ():
    entry = Entry("Open it. Close it.", "Deschide si inchide.", True)
    assert list(catalogues.parts(entry)) == [entry]


@pytest.mark.parametrize(
    "entry",
    [
        Entry("Save this file now", "Salvați acest fișier acum", True),
        Entry("Save file", "Salvați fișierul", False),
        Entry("The quick brown fox", "The quick brown fox", False),
        Entry("Set {} ({}, {}) as it is now: {}", "Pune {} ({}, {}) cum este acum: {}", False),
        Entry("label_of_the_key", "eticheta de la cheie", False),
        Entry("Save this file now please", "Salvați", False),
    ],
    ids=["fuzzy", "short", "same", "mostly signs", "key", "unlike in length"],
)
def test_unfit_entries_make_no_pair(entry):
    assert catalogues.pair(entry) is None


def _mo(messages: dict[str, str]) -> bytes:
    messages = {"": "Content-Type: text/plain; charset=UTF-8\n"} | messages
    ids, texts = [k.encode() for k in messages], [v.encode() for v in messages.values()]
    at, table, body = 28 + 16 * len(ids), b"", b""
    for part in (ids, texts):
        for item in part:
            table += struct.pack("<II", len(item), at + len(body))
            body += item + b"\0"
    return struct.pack("<7I", 0x950412DE, 0, len(ids), 28, 28 + 8 * len(ids), 0, 0) + table + body


def test_a_compiled_catalogue_is_read_where_its_source_is_missing(package):
    compiled = _mo({"menu\x04Open the file": "Deschideți fișierul"})
    files = {
        "a/locale/ro/LC_MESSAGES/one.po": PO,
        "a/locale/ro/LC_MESSAGES/one.mo": compiled,
        "a/locale/ro_RO/LC_MESSAGES/two.mo": compiled,
        "a/locale/de/LC_MESSAGES/one.po": PO,
        "a/locale/ro.po": 'msgid "Close the file"\nmsgstr "Închideți fișierul"\n',
    }
    found = list(catalogues.read(package(files)))
    assert len(found) == 4 + 1 + 1
    assert Entry("Open the file", "Deschideți fișierul", False) in found


def test_definitions_come_out_of_a_pickle_that_is_never_loaded(package):
    class Trap:
        def __reduce__(self):
            return (exec, ("raise SystemExit('unpickled')",))

    fields = {"_literals": ["ploaie", "apă_de_sus"], "_literals_senses": ["1", "x"], "_definition": "Apă din nori"}
    again = {"_literals": ["ploaie"], "_literals_senses": ["2"], "_definition": "Mulțime"}
    data = pickle.dumps([fields, again, Trap()], protocol=3)
    assert list(catalogues.glosses(package({"net.pickle": data}))) == [
        "ploaie, apa de sus: Apa din nori",
        "ploaie: Multime",
    ]
