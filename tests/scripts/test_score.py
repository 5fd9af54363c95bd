"""The command that scores any system's texts: what it prints, what it refuses and how."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import score

ROOT = Path(__file__).parents[2]


@pytest.fixture
def scored(tmp_path, capsys):
    """scored(command, hypotheses, references) -> exit code, standard output, standard error."""

    def run(command, hyp, ref):
        paths = []
        for name, content in (("hyp", hyp), ("ref", ref)):
            path = tmp_path / f"{name}.txt"
            if content is not None:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())
            paths += [f"--{name}", str(path)]
        code = score.main([command, *paths])
        return code, *capsys.readouterr()

    return run


def test_rouge(scored):
    code, out, _ = scored("rouge", "the cats sat\n", "a cat sat down")
    result = json.loads(out)
    assert code == 0 and result["lines"] == 1
    assert result["metrics"] == pytest.approx(
        {"rouge1": 400 / 7, "rouge2": 40, "rougeL": 400 / 7, "rougeLsum": 400 / 7}
    )
    assert list(result["signatures"]) == ["rouge"]


def test_bleu_both_ways(scored):
    _, out, _ = scored("bleu", "Şi ţara mea e mare.\r\n", "Și țara mea e mare .\n")
    result = json.loads(out)
    assert result["metrics"]["bleu_moses"] > 99.99 > result["metrics"]["bleu"]
    assert "tok:13a" in result["signatures"]["bleu"] and "tok:none" in result["signatures"]["bleu_moses"]


@pytest.mark.parametrize(
    ("hyp", "ref", "told"),
    [
        (None, "a\n", "hyp.txt: cannot be read (No such file or directory)"),
        ("a\nb\n", "a\n", "hyp.txt has 2 lines"),
        ("a\n", b"a\nb\xe3\n", "ref.txt:2: byte 0xe3 at position 2 is not UTF-8"),
        ("", "", "nothing to score"),
    ],
)
def test_refused_in_one_line(scored, hyp, ref, told):
    code, out, error = scored("rouge", hyp, ref)
    assert code == 2 and not out
    assert error.startswith("error: ") and error.count("\n") == 1
    assert told in error.replace(str(Path(error.split()[1]).parent) + "/", "")


def test_damaged_gzip_is_refused(tmp_path, capsys):
    path = tmp_path / "hyp.txt.gz"
    path.write_bytes(gzip.compress(b"one\n" * 100)[:20])
    assert score.main(["bleu", "--hyp", str(path), "--ref", str(path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_other_line_separators_are_text(scored):
    assert json.loads(scored("rouge", "a\u2028b\x0bc\x85d\n", "a b c d\n")[1])["lines"] == 1


def filtered(monkeypatch, capfdbinary, raw):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(raw)))
    code = score.main(["romanian"])
    sys.stdout.flush()
    return code, *capfdbinary.readouterr()


def test_romanian(monkeypatch, capfdbinary):
    code, out, _ = filtered(monkeypatch, capfdbinary, "Şi «ţara».\r\n\na, b".encode())
    assert (code, out) == (0, b'Si " tara " .\n\na , b\n')


def test_romanian_in_another_encoding(monkeypatch, capfdbinary):
    code, _, error = filtered(monkeypatch, capfdbinary, b"da\nm\xe2ine\n")
    assert code == 2 and b"line 2: byte 0xe2 at position 2 is not UTF-8" in error


def test_no_torch(tmp_path):
    (tmp_path / "a.txt").write_text("da\n")
    code = (
        "import sys; from scripts import score; score.main(['bleu', '--hyp', sys.argv[1], '--ref', sys.argv[1]]);"
        "sys.exit('torch' in sys.modules or 'evaluate' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.txt"], cwd=ROOT, check=True, capture_output=True)
