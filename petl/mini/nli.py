"""The mnli task at the embedded scale: premise/hypothesis pairs made by rules of logic and grammar, all our own.

Every rule makes one hypothesis and three premises, one per label, so that a hypothesis alone says nothing of its label:
over the whole set and over each split, guessing from it is right one time in three. The three stay in one split,
together with every other item of the same key words. Where word order decides (roles, order, compare, sides,
whenever), premises of different labels hold the same words.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

from petl.mini import lexicon as lex
from petl.mini import near

LABELS = ("entailment", "neutral", "contradiction")  # numbered as on the hub
EACH = 560  # items of a rule, before those that come out twice are dropped
HELD = 334  # items of dev and of test: 1,002 pairs each


class Item(NamedTuple):
    """One hypothesis and the premises that entail it, leave it open, contradict it."""

    key: tuple[str, ...]  # its content words: items with the same ones share a split
    hypothesis: str
    entailing: str
    neutral: str
    contradicting: str


Rule = Callable[[random.Random], Item]


def kinds(r: random.Random) -> Item:
    """Some is upward monotone: a tall violinist is a violinist is a musician."""
    kind, one, other = _kind(r)
    doing, place, look = r.choice(lex.DOING), r.choice(lex.PLACES), r.choice(lex.LOOKS)
    scene = f"is {doing} {place}"
    narrow = f"{_a(one).capitalize()} {scene}."
    if r.random() < 0.5:
        premises = (
            f"{_a(look).capitalize()} {one} {scene}.",
            f"{_a(look).capitalize()} {kind} {scene}.",
            f"No {kind} {scene}.",
        )
        return Item((one, doing, place), narrow, *premises)
    premises = narrow, f"{_a(other[0]).capitalize()} or {_a(_alien(r, kind))} {scene}.", f"No {kind} {scene}."
    return Item((one, doing, place), f"{_a(kind).capitalize()} {scene}.", *premises)


def no_kind(r: random.Random) -> Item:
    """No is downward monotone: if no musician then no violinist."""
    kind, one, other = _kind(r)
    doing, place, look = r.choice(lex.DOING), r.choice(lex.PLACES), r.choice(lex.LOOKS)
    scene = f"is {doing} {place}"
    neutral = r.choice(
        [f"No {other[0]} {scene}.", f"No {look} {one} {scene}.", f"{_a(look).capitalize()} {_alien(r, kind)} {scene}."]
    )
    return Item(
        (one, doing, place),
        f"No {one} {scene}.",
        f"No {kind} {scene}.",
        neutral,
        f"{_a(look).capitalize()} {one} {scene}.",
    )


def every(r: random.Random) -> Item:
    """Every is downward monotone in what it counts: every dog, so every poodle."""
    kind, one, other = _kind(r)
    place, state = r.choice(lex.PLACES), r.choice(lex.STATES)
    scene = f"{place} is {state}"
    neutral = r.choice(
        [
            f"Every {other[0]} {scene}.",
            f"At least one {one} {scene}.",
            f"At least one {other[0]} {place} is not {state}.",
        ]
    )
    premises = f"Every {kind} {scene}.", neutral, f"At least one {one} {place} is not {state}."
    return Item((one, place, state), f"Every {one} {scene}.", *premises)


def not_every(r: random.Random) -> Item:
    """Its denial is upward monotone: not every poodle, so not every dog."""
    kind, one, _ = _kind(r)
    place, state = r.choice(lex.PLACES), r.choice(lex.STATES)
    neutral = r.choice([f"Not every {_alien(r, kind)} {place} is {state}.", f"At least one {kind} {place} is {state}."])
    premises = f"At least one {one} {place} is not {state}.", neutral, f"Every {kind} {place} is {state}."
    return Item((one, place, state), f"Not every {kind} {place} is {state}.", *premises)


def opposites(r: random.Random) -> Item:
    """Of two opposites at most one holds."""
    thing, pair, (other, another) = r.choice(lex.THINGS), r.choice(lex.OPPOSITES), r.choice(lex.OPPOSITES)
    is_, is_not = r.sample(pair, 2)
    while other in pair:
        other, another = r.choice(lex.OPPOSITES)
    extra = r.choice([other, another])
    neutral = r.choice([f"The {thing} is {extra}.", f"The {thing} is either {is_} or {extra}."])
    if r.random() < 0.5:
        premises = f"The {thing} is {extra} and {is_}.", neutral, f"The {thing} is {extra} and {is_not}."
        return Item((thing, is_, extra), f"The {thing} is {is_}.", *premises)
    premises = f"The {thing} is {extra} and {is_not}.", neutral, f"The {thing} is {extra} and {is_}."
    return Item((thing, is_, extra), f"The {thing} is not {is_}.", *premises)


def numbers(r: random.Random) -> Item:
    """Counts and bounds. The numbers are two apart at least, so that a bound leaves room on either side of the next."""
    who, deed, place = r.choice(lex.PLURALS), r.choice(lex.DEEDS)[0], r.choice(lex.PLACES)
    low, mid, high = (lex.NUMBERS[i + gap] for gap, i in enumerate(sorted(r.sample(range(len(lex.NUMBERS) - 2), 3))))
    more, fewer = ("More than", high, low), ("Fewer than", low, high)
    (bound, beyond, before), (opposite, _, _) = r.sample([more, fewer], 2)
    entailing = f"{r.choice(['Exactly', bound])} {beyond}"
    neutral = r.choice([f"{bound} {before}", f"{opposite} {beyond}"])
    against = f"{r.choice(['Exactly', opposite])} {before}"
    premises = (f"{count} {who} {deed} {place}." for count in (entailing, neutral, against))
    return Item((who, deed, place), f"{bound} {mid} {who} {deed} {place}.", *premises)


def roles(r: random.Random) -> Item:
    """Active and passive: who did it to whom."""
    (one, other), (past, base) = r.sample(lex.PEOPLE, 2), r.choice(lex.DONE_TO)
    active, passive = f"The {one} {past} the {other}.", f"The {other} was {past} by the {one}."
    swapped = r.choice([f"The {other} {past} the {one}.", f"The {one} was {past} by the {other}."])
    against = r.choice([f"The {one} did not {base} the {other}.", f"The {other} was not {past} by the {one}."])
    hypothesis, entailing = r.sample([active, passive], 2)
    return Item((one, other, past), hypothesis, entailing, swapped, against)


def not_roles(r: random.Random) -> Item:
    """The same, denied."""
    (one, other), (past, base) = r.sample(lex.PEOPLE, 2), r.choice(lex.DONE_TO)
    active, passive = f"The {one} did not {base} the {other}.", f"The {other} was not {past} by the {one}."
    swapped = r.choice([f"The {other} did not {base} the {one}.", f"The {one} was not {past} by the {other}."])
    against = r.choice([f"The {one} {past} the {other}.", f"The {other} was {past} by the {one}."])
    hypothesis, entailing = r.sample([active, passive], 2)
    return Item((one, other, past), hypothesis, entailing, swapped, against)


def order(r: random.Random) -> Item:
    """Before and after."""
    (one, other), ((did, _), (also, _)) = r.sample(lex.NAMES, 2), r.sample(lex.DEEDS, 2)
    first, second = f"{one} {did}", f"{other} {also}"
    hypothesis, entailing = r.sample([f"{first} before {second}.", f"{second} after {first}."], 2)
    neutral = r.choice([f"{first} and {second}.", f"{second} and {first}.", f"{first} today and {second} today."])
    against = r.choice([f"{second} before {first}.", f"{first} after {second}."])
    return Item((one, other, did), hypothesis, entailing, neutral, against)


def compare(r: random.Random) -> Item:
    """Comparatives: converse and transitive."""
    (a, b, c), (more, less) = r.sample(lex.NAMES, 3), r.sample(r.choice(lex.COMPARED), 2)
    entailing = r.choice([f"{b} is {less} than {a}.", f"{a} is {more} than {c} and {c} is {more} than {b}."])
    neutral = r.choice([f"{a} is {more} than {c} and {b} is {more} than {c}.", f"{c} is {more} than {b}."])
    against = r.choice([f"{b} is {more} than {a}.", f"{b} is {more} than {c} and {c} is {more} than {a}."])
    return Item((a, b, more), f"{a} is {more} than {b}.", entailing, neutral, against)


def sides(r: random.Random) -> Item:
    """Relations in space: converse and transitive."""
    (a, b, c), (here, there) = r.sample(lex.OBJECTS, 3), r.sample(r.choice(lex.SIDES), 2)
    entailing = r.choice([f"The {b} is {there} the {a}.", f"The {a} is {here} the {c}, which is {here} the {b}."])
    neutral = r.choice([f"The {a} is {here} the {c}, and so is the {b}.", f"The {b} is {here} the {c}."])
    against = r.choice([f"The {b} is {here} the {a}.", f"The {b} is {here} the {c}, which is {here} the {a}."])
    return Item((a, b, here), f"The {a} is {here} the {b}.", entailing, neutral, against)


def both(r: random.Random) -> Item:
    """And, or, but, neither."""
    name, ((did, base), (also, other)), place = r.choice(lex.NAMES), r.sample(lex.DEEDS, 2), r.choice(lex.PLACES)
    entailing = r.choice([f"{did} and {also}", f"{did} but did not {other}"])
    neutral = r.choice([" or ".join(r.sample([did, also], 2)), f"did not both {base} and {other}"])
    against = r.choice([_neither(r, base, other), f"{also} but did not {base}"])
    premises = (f"{name} {deeds} {place}." for deeds in (entailing, neutral, against))
    return Item((name, did, place), f"{name} {did} {place}.", *premises)


def not_both(r: random.Random) -> Item:
    """The same, denied."""
    name, ((did, base), (also, other)), place = r.choice(lex.NAMES), r.sample(lex.DEEDS, 2), r.choice(lex.PLACES)
    entailing = r.choice([_neither(r, base, other), f"{also} but did not {base}"])
    neutral = r.choice([" or ".join(r.sample([did, also], 2)), f"did not both {base} and {other}"])
    against = r.choice([f"{did} and {also}", f"{did} but did not {other}"])
    premises = (f"{name} {deeds} {place}." for deeds in (entailing, neutral, against))
    return Item((name, did, place), f"{name} did not {base} {place}.", *premises)


def knows(r: random.Random) -> Item:
    """What is known, or thought rightly, is so; what is thought may be."""
    (one, other), (did, base) = r.sample(lex.NAMES, 2), r.choice(lex.WON)
    yes, no = r.sample([f"{other} {did}", f"{other} did not {base}"], 2)
    entailing = r.choice(
        [f"{_knows(r)} that {yes}", f"thinks that {yes} and is right", f"thinks that {no} and is wrong"]
    )
    neutral = r.choice([f"{_thinks(r)} that {yes}", f"{_thinks(r)} that {no}", f"knows whether {other} {did}"])
    against = r.choice([f"{_knows(r)} that {no}", f"thinks that {no} and is right", f"thinks that {yes} and is wrong"])
    return Item((one, other, did), f"{yes}.", f"{one} {entailing}.", f"{one} {neutral}.", f"{one} {against}.")


def whenever(r: random.Random) -> Item:
    """If: a conditional tells something once its own condition holds, and not when another does."""
    name, (did, base), (cause, another) = r.choice(lex.NAMES), r.choice(lex.DEEDS), r.sample(lex.WEATHER, 2)
    place = r.choice(lex.PLACES)
    yes, no = r.sample([f"{name} {did} {place}", f"{name} did not {base} {place}"], 2)
    first, second = f"If {cause} {yes}", f"if {another} {no}"
    entailing = f"{first}, {second}, and {cause}."
    neutral = r.choice([f"{first}, and {another}.", f"If {cause} {no}, and {another}.", f"{first}, {second}."])
    against = f"If {another} {yes}, if {cause} {no}, and {cause}."
    return Item((name, did, place), f"{yes}.", entailing, neutral, against)


RULES: tuple[Rule, ...] = (
    kinds, no_kind, every, not_every, opposites, numbers, roles, not_roles, order, compare, sides, both, not_both,
    knows, whenever,
)  # fmt: skip


def items(each: int, seed: str = "mnli") -> list[tuple[str, Item]]:
    """(rule's name, item): `each` draws of every rule, a hypothesis kept once."""
    drawn = [(rule.__name__, rule(random.Random(f"{seed}/{rule.__name__}/{i}"))) for rule in RULES for i in range(each)]
    return list({item.hypothesis: (name, item) for name, item in drawn}.values())


def mnli(each: int = EACH, held: int = HELD) -> dict[str, list[dict]]:
    """{premise, hypothesis, label, id, rule} by split."""
    parts = near.split(items(each), lambda entry: " ".join(entry[1].key), held, held)
    return {split: [row for entry in part for row in _rows(*entry)] for split, part in parts.items()}


def passages(held: dict[str, list[dict]], each: int = 3 * EACH) -> list[str]:
    """Sentences of other draws, none of which is in a row of the task: English to pre-train on.

    What a premise entails follows it, as in any argument; a premise of another kind stands alone.
    """
    taken = {row[side] for part in held.values() for row in part for side in ("premise", "hypothesis")}
    drawn = [item for _, item in items(each, "text")]
    texts = {f"{item.entailing} {item.hypothesis}" for item in drawn if not {item.entailing, item.hypothesis} & taken}
    texts |= {premise for item in drawn for premise in (item.neutral, item.contradicting) if premise not in taken}
    return sorted(texts, key=near.digest)


def _rows(rule: str, item: Item) -> list[dict]:
    return [
        {"premise": premise, "hypothesis": item.hypothesis, "label": label, "rule": rule}
        | {"id": f"{near.digest(premise + '|' + item.hypothesis):016x}"}
        for label, premise in enumerate(item[2:])
    ]


def _kind(r: random.Random) -> tuple[str, str, list[str]]:
    """A kind, one of its sorts, and the other sorts in random order."""
    kind = r.choice(list(lex.KINDS))
    one, *others = r.sample(lex.KINDS[kind], len(lex.KINDS[kind]))
    return kind, one, others


def _knows(r: random.Random) -> str:
    return r.choice(["knows", "remembers", "regrets"])


def _thinks(r: random.Random) -> str:
    return r.choice(["thinks", "claims", "hopes"])


def _neither(r: random.Random, one: str, other: str) -> str:
    return f"did neither {' nor '.join(r.sample([one, other], 2))}"


def _a(noun: str) -> str:
    return f"{'an' if noun[0] in 'aeio' else 'a'} {noun}"


def _alien(r: random.Random, kind: str) -> str:
    """A sort of another kind."""
    return r.choice(lex.KINDS[r.choice([other for other in lex.KINDS if other != kind])])
