"""The language of the rules: Kleene's tables, what is missing, counting under doubt, and what it refuses."""

from itertools import product

import pytest

from osteon.care.condition import Facts, parse
from osteon.care.rule import checked_condition
from osteon.core.errors import ConfigError

TRUTH = (True, False, None)


def facts(items=None, **values):
    return Facts(
        values=values, items={"fracture": (), "drug": (), "dxa": (), **(items or {})}, diseases={"stroke": True, "copd": False},
        disease_months={"stroke": 7.0}, diseases_complete=False,
    )  # fmt: skip


def judged(text, **values):
    return parse(text).holds(facts(**values)).value


@pytest.mark.parametrize(("a", "b"), list(product(TRUTH, TRUTH)))
def test_kleene(a, b):
    order = {False: 0, None: 1, True: 2}
    back = {rank: value for value, rank in order.items()}
    assert judged("a and b", a=a, b=b) is back[min(order[a], order[b])]
    assert judged("a or b", a=a, b=b) is back[max(order[a], order[b])]
    assert judged("not a", a=a) is back[2 - order[a]]
    assert judged("not (a and b)", a=a, b=b) is judged("not a or not b", a=a, b=b)


def test_binding():
    assert judged("a or b and c", a=True, b=False, c=False) is True
    assert judged("(a or b) and c", a=True, b=False, c=False) is False
    assert judged("not a and b", a=False, b=False) is False


@pytest.mark.parametrize(
    ("text", "value"),
    [("x < 3", True), ("x <= 2", True), ("x > 2", False), ("x >= 2.0", True), ("x == 2", True), ("x != 2", False), ("x < -2.5", False),
     ("x * 1.5 > 2.9", True), ('s in ["hip", "vertebra"]', True), ('s == "hip"', True), ('s in ["wrist"]', False), ("y < 3", None),
     ("known(x)", True), ("known(y)", False), ("has(stroke)", True), ("has(copd)", False), ("has(asthma)", None), ("recorded(asthma)", False),
     ("months_since(stroke) <= 12", True), ("months_since(asthma) <= 12", None), ("dated(stroke)", True), ("dated(copd)", False), ("true", True)],
)  # fmt: skip
def test_words(text, value):
    assert judged(text, x=2.0, y=None, s="hip") is value


def test_missing_facts_are_named_only_where_they_decide():
    world = facts(x=None, y=None, z=False)
    assert parse("x > 1 and y > 1").holds(world).missing == {"x", "y"}
    assert parse("z and x > 1").holds(world).missing == frozenset()
    assert parse("has(asthma)").holds(world).missing == {"disease.asthma"}


def fracture(months_ago, fragility=True, site="hip"):
    return {"months_ago": months_ago, "fragility": fragility, "site": site}


def test_any_over_nothing_over_nobody_asked_and_over_doubt():
    text = "any(fracture, fragility and months_ago <= 12)"
    assert parse(text).holds(facts()).value is False
    unasked = parse(text).holds(facts({"fracture": None}))
    assert (unasked.value, unasked.missing) == (None, {"fractures"})
    doubt = parse(text).holds(facts({"fracture": (fracture(None), fracture(50.0))}))
    assert (doubt.value, doubt.missing) == (None, {"fracture.months_ago"})
    assert parse(text).holds(facts({"fracture": (fracture(None), fracture(5.0))})).value is True


def test_counting_under_doubt():
    two = (fracture(5.0), fracture(9.0, fragility=None))
    world = facts({"fracture": two})
    assert parse("count(fracture, fragility) >= 1").holds(world).value is True
    assert parse("count(fracture, fragility) >= 2").holds(world).value is None
    assert parse("count(fracture, fragility) >= 3").holds(world).value is False
    assert parse("count(fracture, fragility) == 0").holds(facts({"fracture": ()})).value is True


def test_drugs_by_name_class_and_effect():
    one = {
        "drug": "alendronate",
        "drug_class": "bisphosphonate",
        "effect": "antiresorptive",
        "taken_now": True,
        "months": 40.0,
    }
    other = {**one, "drug": "risedronate", "taken_now": False, "months": None}
    world = facts({"drug": (one, other)})
    assert all(
        parse(f"taking({code})").holds(world).value is True
        for code in ("alendronate", "bisphosphonate", "antiresorptive")
    )
    assert parse("taking(risedronate)").holds(world).value is False
    assert parse("months_on(bisphosphonate) >= 36").holds(world).value is True
    assert parse("months_on(bisphosphonate) >= 60").holds(world).missing == {"drug.months"}
    assert parse("months_on(denosumab) > 0").holds(world).value is False


@pytest.mark.parametrize(
    "text", ["", "x <", "x < 3 )", "(x < 3", "x in hip", 'x in ["hip"', "x ; y", "any(fracture x)", "eval(x)", "x = 3", "__import__('os')",
             "not", "x and", "1 2"],
)  # fmt: skip
def test_what_is_not_in_the_language_is_refused(text):
    with pytest.raises(ConfigError):
        parse(text)


@pytest.mark.parametrize(
    "text", ["t_lowets < -2.5", "has(strok)", "taking(aspirn)", "any(bone, site == 1)", "x > by_age(nothing)"]
)
def test_names_nobody_knows_are_refused_when_rules_are_read(text):
    with pytest.raises(ConfigError, match="does not exist"):
        checked_condition(text, where="here")


def test_a_text_has_no_order():
    with pytest.raises(ConfigError, match="no order"):
        judged('s < "wrist"', s="hip")
