"""The paper's post-processing: lines worked by hand, rules that no other port has, input that is no sentence."""

import json
import random
import time
from pathlib import Path

import pytest

from petl import metrics
from petl.metrics.romanian import process

OFFICIAL = Path(__file__).parents[3] / "shared" / "official" / "bleu" / "romanian.jsonl"
NATURAL = 7  # its first lines are sentences, the others noise


@pytest.mark.parametrize(
    ("raw", "processed"),
    [
        ("Mâine, Ștefan şi Ţuţea vor pleca.", "Maine , Stefan si Tutea vor pleca ."),
        ("ÎN ÂNGUST: ȘI ȚARĂ", "IN ANGUST : SI TARA"),
        ("Él está à Köln", "Él está à Köln"),  # other languages' letters stay
        ("„Bine”, zise ea – «da»…", '" Bine " , zise ea - " da " ...'),
        ("a spus «da.»", 'a spus " da " .'),  # full stops leave the quotation, as do commas
        ('a zis "nu," apoi', 'a zis " nu " , apoi'),
        ("’n-avem’ ‘bani’", "' n-avem ' ' bani '"),
        ("1.234,56 lei, 3 % (circa)", "1.234,56 lei , 3 % ( circa )"),
        ("10\u00a0000 de oameni", "10.000 de oameni"),
        ("pagina 5,", "pagina 5 ,"),
        ("Dl. Pop, etc. A venit.", "Dl. Pop , etc. A venit ."),  # abbreviations of Moses' list
        ("Art. 5, art. doi", "Art . 5 , art. doi"),  # before small letters full stops stay
        ("în S.U.A. Azi", "in S.U.A. Azi"),
        ("Azi în S.U.A.", "Azi in S.U.A ."),  # but never at the end
        ("stai.. acum....", "stai .. acum ...."),
        ("<b>R&D</b> a|b [c]", "< b > R & D < / b > a | b [ c ]"),  # nothing is escaped
        ("（１２％）。da", "( 12 % ) . da"),
        ("`a' ''b''", "' a ' \" b \""),
        ("", ""),
        ("   ", " "),  # the script tokenises no blank line
        (" a  b ", "a b"),
    ],
)
def test_by_hand(raw, processed):
    assert process(raw) == processed


@pytest.mark.parametrize(
    "space", ["\t", "\x0b", "\x1c", "\x85", "\u00a0", "\u200b", "\u2028", "\u3000", "\ufeff", "\n"]
)
def test_whatever_looks_like_a_space_is_one(space):
    assert process(f"a{space}b{space}") == "a b"


@pytest.mark.parametrize(
    "gone", ["\x00", "\x1f", "\x7f", "\u00ad", "\u200d", "\u202e", "\ud800", "\udfff", "\ue000", "\U000e0001"]
)
def test_what_does_not_print_is_a_space(gone):
    assert process(f"a{gone}b") == "a b"


def test_carriage_returns_vanish():
    assert process("a\r") == "a" and process("a\rb") == "ab"


def test_noise_gives_tokens():
    draw = random.Random(1)
    codes = [draw.choice([range(0x80), range(0x250), range(0x2000, 0x2070), range(0x110000)]) for _ in range(40)]
    for _ in range(300):
        tokens = process("".join(chr(draw.choice(codes[i])) for i in range(draw.randint(1, 40))))
        assert tokens.isspace() or tokens == " ".join(tokens.split())


def test_twice_is_once():
    """But for commas in a row before a digit, ",,1": the script sees the second only when it comes alone."""
    draw = random.Random(2)
    for _ in range(300):
        once = process("".join(draw.choices("abcABC012ășţ.;:!?'\"()[]«»„”–…%&/-  ", k=draw.randint(1, 50))))
        assert process(once) == once


@pytest.mark.parametrize("piece", [".", "'", '"', ",", '."', "( ", " ", "\u00a0", "\u200b", "1,", "a.", "` ", "\r"])
def test_long_lines_take_linear_time(piece):
    start = time.process_time()
    process(piece * 100_000)
    assert time.process_time() - start < 5


@pytest.fixture(scope="module")
def official():
    if not OFFICIAL.is_file():
        pytest.skip("lines of the original Perl chain lie beside the project only where it is developed")
    return [json.loads(line) for line in OFFICIAL.read_text(encoding="utf-8").splitlines()]


def test_as_the_perl_chain(official):
    wrong = [line["raw"] for line in official if process(line["raw"]) != line["processed"]]
    assert not set(wrong) & {line["raw"] for line in official[:NATURAL]}
    assert len(wrong) <= 0.001 * len(official)


def test_bleu_as_of_the_perl_chain(official):
    from sacrebleu.metrics.bleu import BLEU

    raw, processed = ([line[key] for line in official] for key in ("raw", "processed"))
    references = [line[: len(line) // 2] + line[len(line) // 2 :].replace("a", "e") for line in raw]
    bleu = BLEU(tokenize="none", smooth_method="none", force=True)
    expected = bleu.corpus_score(processed, [[*map(process, references)]]).score
    assert 20 < expected < 99
    assert metrics.measure("bleu_moses").scores(raw, references)["bleu_moses"] == expected
