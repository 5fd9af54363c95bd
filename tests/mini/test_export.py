import subprocess
import sys
from pathlib import Path

import pytest

from petl import mini
from petl.config import UserError
from petl.mini import export
from petl.mini.objective import KINDS


def test_an_export_replaces_nothing_but_an_export(tmp_path):
    export.replaceable(tmp_path / "absent")
    export.replaceable(tmp_path)
    (tmp_path / "thesis.tex").touch()
    for place in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(UserError, match="something else than a backbone"):
            export.replaceable(place)
    (tmp_path / "pretraining.json").touch()
    export.replaceable(tmp_path)


def test_a_folder_in_use_is_refused_before_the_training(tmp_path):
    (tmp_path / "thesis.tex").touch()
    script = Path(__file__).parents[2] / "scripts" / "pretrain.py"
    words = ["bart", "--out", str(tmp_path), "--cache", str(tmp_path / "cache")]
    done = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True)
    assert done.returncode == 2 and "something else than a backbone" in " ".join(done.stderr.split())
    assert (tmp_path / "thesis.tex").exists() and not (tmp_path / "cache").exists()


@pytest.mark.parametrize("name", mini.BACKBONES)
def test_a_card_says_of_each_text_how_it_was_kept_apart(name):
    lines = export.apart(KINDS[name].texts)
    assert "\n".join(lines) in (mini.backbone_folder(name) / "README.md").read_text("utf-8")
    assert any("same rules made them" in line for line in lines) == ("nli" in KINDS[name].texts)
