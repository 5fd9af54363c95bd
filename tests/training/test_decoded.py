from __future__ import annotations

from petl.training import decoded


def write(folder, split, key, batches, process=0):
    with decoded.writing(folder, split, key, process) as kept:
        for rows, answers in batches.items():
            kept.add(list(rows), answers)


def test_what_was_answered_is_read_back_from_all_processes(tmp_path):
    write(tmp_path, "test", "k", {(0, 2): ["a", "b"]})
    write(tmp_path, "test", "k", {(1,): ["c\n\u2028"]}, process=1)
    assert decoded.read(tmp_path, "test", "k") == {(0, 2): ["a", "b"], (1,): ["c\n\u2028"]}


def test_a_torn_line_is_passed_over_and_the_next_ones_are_not(tmp_path):
    write(tmp_path, "test", "k", {(0,): ["a"], (1,): ["b"]})
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    assert decoded.read(tmp_path, "test", "k") == {(0,): ["a"]}
    write(tmp_path, "test", "k", {(2,): ["c"]})
    assert decoded.read(tmp_path, "test", "k") == {(0,): ["a"], (2,): ["c"]}


def test_an_altered_line_is_passed_over(tmp_path):
    write(tmp_path, "test", "k", {(0,): ["a"], (1,): ["b"]})
    (path,) = tmp_path.iterdir()
    path.write_text(path.read_text().replace('"a"', '"z"'))
    assert decoded.read(tmp_path, "test", "k") == {(1,): ["b"]}


def test_answers_under_another_key_are_removed_those_of_another_split_are_not(tmp_path):
    write(tmp_path, "test", "old", {(0,): ["a"]})
    write(tmp_path, "test_mismatched", "k", {(0,): ["b"]})
    assert decoded.read(tmp_path, "test", "new") == {}
    assert [path.name for path in tmp_path.iterdir()] == ["test_mismatched-k-0.jsonl"]
