from petl.mini import wordnet

HEAD = "  1 This software and database is being provided to you\n"
LINE = (
    "00908143 00 s 03 ingratiating 0 old_world(a) 0 ingratiatory 0 002 & 00907661 a 0000 + 01804595 v 0301 | "
    'calculated to please; "a smooth manner"; "is it?"  '
)


def test_an_entry_is_words_meaning_and_examples():
    assert wordnet.entry(LINE) == "ingratiating, old world, ingratiatory: calculated to please. A smooth manner. Is it?"


def test_an_entry_without_examples():
    assert wordnet.entry("00001740 00 a 01 able 0 000 | having the means to  ") == "able: having the means to."


def test_every_data_file_is_read_but_its_head(package):
    files = {f"p/wordnet/dict/data.{kind}": HEAD + LINE for kind in ("adj", "noun1")} | {
        "p/wordnet/dict/index.adj": LINE
    }
    assert len(list(wordnet.entries(package(files)))) == 2
