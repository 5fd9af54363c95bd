"""A symbolic link in the output leads no run elsewhere."""

from __future__ import annotations

import pytest

from petl import records
from petl.config import UserError


@pytest.mark.parametrize("where", ["out/mini", "out/mini/xsum/mam", "records/mini/xsum", "RUN", "RUN/checkpoints"])
def test_a_link_below_the_output_is_refused(config, tmp_path, where):
    link = tmp_path / where.replace("RUN", str(records.run_dir(config)))
    link.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"{link.name} is a symbolic link, so this run would write to .*elsewhere"):
        records.refuse_links(config)


def test_the_output_itself_may_be_a_link(config, tmp_path):
    (tmp_path / "big disk").mkdir()
    for name in ("out", "records"):
        (tmp_path / name).symlink_to(tmp_path / "big disk")
    records.run_dir(config).mkdir(parents=True)
    records.refuse_links(config)
