from __future__ import annotations

import random

import pytest
import torch

from petl.training.checkpoint import any_in, is_whole, load, newest, put_aside, remove, save, set_aside, take_place


@pytest.fixture
def write(tmp_path):
    def writing(step, kind="last"):
        moments = {"state": {0: {"step": torch.tensor(float(step))}}}
        return save(tmp_path, kind, step, {"w": torch.full((3,), float(step))}, {"step": step}, moments)

    return writing


def test_what_is_saved_comes_back(write):
    weights, state, moments = load(write(7))
    assert weights["w"].tolist() == [7.0, 7.0, 7.0]
    assert state == {"step": 7}
    assert moments is not None
    assert moments["state"][0]["step"] == 7.0


def test_the_newest_is_found(write, tmp_path):
    places = [write(step) for step in (2, 9, 10)]
    assert newest(tmp_path, "last") == places[2]


def test_the_same_step_again_takes_the_place_of_the_old(write, tmp_path):
    write(2)
    assert is_whole(write(2))
    assert [place.name for place in tmp_path.iterdir()] == ["last-00000002"]


def test_what_is_removed_or_put_aside_is_no_checkpoint_any_more(write, tmp_path, capsys):
    first, second = write(1), write(2)
    remove(first)
    put_aside(second, "it is damaged")
    assert [place.name for place in tmp_path.iterdir()] == ["damaged-last-00000002"]
    assert "it is damaged" in capsys.readouterr().err
    assert newest(tmp_path, "last") is None


def test_kinds_do_not_disturb_each_other(write, tmp_path):
    best = write(1, "best")
    write(2)
    assert newest(tmp_path, "best") == best


def test_any_damage_is_seen_and_the_one_before_is_used(write, tmp_path, capsys):
    before, place, chance = write(1), write(2), random.Random(0)
    for file in sorted(place.iterdir()):
        whole = file.read_bytes()
        spot = chance.randrange(len(whole))
        flipped = whole[:spot] + bytes([whole[spot] ^ 1 << chance.randrange(8)]) + whole[spot + 1 :]
        for damage in (flipped, whole[:spot], b""):
            file.write_bytes(damage)
            assert newest(tmp_path, "last") == before, file.name
            assert "damaged" in capsys.readouterr().err
        file.unlink()
        assert not is_whole(place)
        file.write_bytes(whole)
    assert newest(tmp_path, "last") == place


def test_a_torn_draft_is_no_checkpoint(write, tmp_path):
    (tmp_path / ".draft").mkdir()
    assert newest(tmp_path, "last") is None
    assert not any_in(tmp_path)


def test_the_new_takes_the_place_of_the_old(tmp_path):
    for folder, step in ((tmp_path, 9), (tmp_path / "forced", 2)):
        save(folder / "checkpoints", "last", step, {"w": torch.ones(1)}, {})
        (folder / "predictions.jsonl").write_text(str(step))
    take_place(tmp_path / "forced", tmp_path)
    assert [place.name for place in (tmp_path / "checkpoints").iterdir()] == ["last-00000002"]
    assert (tmp_path / "predictions.jsonl").read_text() == "2"
    assert not (tmp_path / "forced").exists()


def test_set_aside_nothing_is_lost(tmp_path):
    for step in (1, 2):
        save(tmp_path / "checkpoints", "last", step, {"w": torch.ones(1)}, {})
        set_aside(tmp_path / "checkpoints")
    assert [newest(tmp_path / f"checkpoints.old-{n}", "last").name for n in (1, 2)] == [
        "last-00000001",
        "last-00000002",
    ]
    assert not (tmp_path / "checkpoints").exists()


def test_a_pickle_in_the_optimisers_place_is_not_executed(write, tmp_path):
    import pickle

    place = write(1)
    (place / "optimiser.pt").write_bytes(pickle.dumps(Bomb(tmp_path / "executed")))
    with pytest.raises(pickle.UnpicklingError):
        load(place)
    assert not (tmp_path / "executed").exists()


class Bomb:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (type(self.path).touch, (self.path,))
