from petl.records import Shared


def test_what_is_of_the_same_objects_is_made_once():
    shared, task, made = Shared(), object(), []
    assert [shared.once(lambda: made.append(1) or len(made), "files", task) for _ in range(3)] == [1, 1, 1]
    assert made == [1]


def test_other_objects_though_equal_and_other_results_are_made_anew():
    shared, task, twin = Shared(), [1], [1]
    assert shared.once(lambda: "one", "files", task) == "one"
    assert shared.once(lambda: "two", "files", twin) == "two"
    assert shared.once(lambda: "three", "rows", task) == "three"
    assert shared.once(lambda: "four", "files", task, twin) == "four"


def test_an_object_that_is_gone_lends_its_identity_to_no_other():
    shared = Shared()
    assert [shared.once(lambda number=number: number, "files", [number]) for number in range(50)] == list(range(50))
