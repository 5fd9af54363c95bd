"""The harness of `untrusted` sees what must not happen."""

import pytest

from tests.proofs.tempted.harness import Case, tempt

BREAKS = {  # what a command does -> what is said of it; FOLDER is the case's own
    "open('FOLDER/executed', 'w')": "the payload was executed",
    "open('left', 'w')": "changed",
    "import os; open('x', 'w'); os.remove('x')": "written outside",
    "import os; print(os.environ['HF_TOKEN'])": "a secret is told in .'its output'",
    "import os; open('FOLDER/out/log', 'w').write(os.environ['SOME_PASSWORD'])": "a secret is told in .*out/log",
    "print('\\x1b]0;owned')": "a terminal would obey it",
    "raise ValueError('refused')": "exit code 1",
    "print('Traceback'); raise SystemExit(0)": "Traceback",
    "print('fine')": "'refused' is not said",
}


def tried(code, folder):
    tempt(Case("a test", lambda folder: ["-c", code.replace("FOLDER", str(folder))], said="refused", code=0), folder)


@pytest.mark.parametrize("code", BREAKS)
def test_what_must_not_happen_is_seen(code, tmp_path):
    wordy = code if code.startswith(("raise", "print('f")) else f"print('refused'); {code}"
    with pytest.raises(AssertionError, match=BREAKS[code]):
        tried(wordy, tmp_path)


def test_what_is_contained_holds(tmp_path):
    tried("print('refused'); open('FOLDER/out/log', 'w').write('fine')", tmp_path)
