"""How refusals are worded."""

from petl.refusals import screen


def test_a_screen_holds_any_message():
    assert screen("a\nb") == "a\nb"
    assert screen("a\x1b[31m\u202eb\ud800") == "a\\x1b[31m\\u202eb\\ud800"
    long = screen("x" * 100_000 + "\n" + "line\n" * 1000)
    assert len(long.split("\n")) == 30 and max(map(len, long.split("\n"))) <= 110
    assert long.endswith("lines more")
