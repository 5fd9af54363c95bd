"""Lines to try the Romanian post-processing on, and what the original Perl makes of lines."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

SENTENCES = (
    "Mâine dimineață, la ora 8.30, trenul pleacă spre Iași; biletul costă 45,50 lei.",
    "„Nu știu”, a răspuns ea, „dacă dl. Ionescu vine – sau nu.”",
    "Potrivit art. 12 alin. (3) din Legea nr. 95/2006, taxa e de 1.234,56 €.",
    "S.U.A. și U.E. au semnat; președintele n-a comentat...",
    "Şi-a cumpărat o maşină (veche) şi a plecat în ţară.",
    "E-mailul său: ion.pop@exemplu.ro, tel. 0721 234 567.",
    "Temperatura a scăzut la -5 °C, cu 10 % mai puțin decât ieri!",
    "«Ce faci?» întrebă băiatul; «Bine», zise d-na. Popa.",
)
MARKS = list(
    " \t,.;:!?'\"`´‘’‚“”„«»–—…()[]{}<>&|%/\\-_=+*#@^~º\u00a0\u2009\u200b。，、！？（）％《》「」０２９．～━【】〈〉"
)
WORDS = (
    "dl. nr. art. etc. S.U.A. 1,5 3.000 10 % nº 5 ºC cm Şi ţara d-na. I. i.e. 20.30 a.m. www.a.ro 5, 1.234,56 x² ½ ß é"
).split()
LETTERS = "abcdefgABC0123456789 ăâîșțşţĂÂÎȘȚ.,'\"-"


def lines(seed: int, count: int) -> Iterator[str]:
    """Letters and marks at random, words of the rules' kinds at random, sentences with something put into them."""
    draw = random.Random(seed)
    for number in range(count):
        kind = number % 3
        if kind == 0:
            yield "".join(draw.choice(MARKS if draw.random() < 0.4 else LETTERS) for _ in range(draw.randint(1, 60)))
        elif kind == 1:
            yield "".join(
                draw.choice(WORDS) + draw.choice([" ", " ", "", *".,\"'"]) for _ in range(draw.randint(1, 15))
            )
        else:
            text = list(draw.choice(SENTENCES))
            for _ in range(draw.randint(0, 8)):
                text.insert(draw.randint(0, len(text)), draw.choice(MARKS + WORDS))
            yield "".join(text)


def perl(raw: list[str], moses: Path) -> list[str]:
    """The six steps by Moses' own scripts, in a checkout of mosesdecoder; WMT16's two are tables of ten letters."""
    scripts = moses / "scripts" / "tokenizer"
    text = "".join(f"{line}\n" for line in raw)
    for words in (
        ["replace-unicode-punctuation.perl"],
        ["normalize-punctuation.perl", "-l", "ro"],
        ["remove-non-printing-char.perl"],
        None,
        ["tokenizer.perl", "-q", "-no-escape", "-l", "ro"],
    ):
        if words is None:
            text = text.translate(str.maketrans("ŞşŢţȘșȚțĂăÂâÎî", "SsTtSsTtAaAaIi"))
            continue
        command = [shutil.which("perl") or "perl", str(scripts / words[0]), *words[1:]]
        text = subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout.decode()
    return text.split("\n")[:-1]
