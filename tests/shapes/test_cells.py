from __future__ import annotations

from dataclasses import replace

import pytest

from petl import command
from petl.report import published
from petl.shapes import cells


@pytest.fixture(scope="module")
def distinct():
    return cells.distinct()


def test_every_row_of_every_table_is_in_one_run(distinct):
    rows = [row for cell in distinct for row in cell.rows]
    wanted = [
        f"{table}/{row['row']}"
        for table in cells.TABLES
        for row in published.table(table)["rows"]
        for _ in row["metrics"]
    ]
    assert sorted(rows) == sorted(wanted)
    assert len({cell.name for cell in distinct}) == len(distinct)


@pytest.mark.parametrize("name", ["mam xsum", "mam en_ro", "full en_ro", "bitfit mnli"])
def test_a_run_is_cut_in_rows_and_steps_and_in_nothing_else(distinct, tmp_path, name):
    method, task = name.split()
    cell = next(cell for cell in distinct if cell.words[0] == f"method={method}" and cell.config.task.name == task)
    cut = command.read(cells.small(cell, tmp_path, tmp_path, tmp_path))
    assert (cut.recipe.steps, cut.recipe.epochs) == (3, None)
    assert cut.method == cell.config.method
    for key in ("max_source", "max_target", "select"):
        assert getattr(cut.task, key) == getattr(cell.config.task, key)
    whole = replace(cut.task.generation, max_length=cell.config.task.generation.max_length)
    assert whole == cell.config.task.generation
    same = ("lr", "warmup", "optimiser", "betas", "eps", "weight_decay", "label_smoothing", "train_head")
    assert all(getattr(cut.recipe, key) == getattr(cell.config.recipe, key) for key in same)


@pytest.mark.slow
def test_a_run_at_the_shapes_of_roberta_base_is_killed_goes_on_and_is_recorded(distinct, tmp_path):
    (cell,) = (cell for cell in distinct if cell.name == "method=mam task=sst2")
    row = cells.prove(cell, tmp_path)
    assert "failed" not in row, row
    assert row["source_tokens_cut"] == 8  # of 8 rows: all sources have 512 tokens
    assert row["trained"] == 15_695_840
