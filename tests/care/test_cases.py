"""Every patient case gives the tier, the drugs, the reasons and the alerts that a clinician wrote down for it."""

import importlib.util
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("care_cases", Path(__file__).with_name("cases.py"))
cases = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(cases)
NAMED = ("candidate", "adjunct")


def codes(items):
    return {item.code for item in items}


def ends(ids, wanted):
    """Those of ``wanted`` (a rule id or its end) that none of ``ids`` is."""
    return [name for name in wanted if not any(one == name or one.endswith("." + name) for one in ids)]


def differences(name):
    """What the plan of a case does otherwise than expected, in words."""
    expect, advice = cases.case(name)["expect"], cases.planned(name)
    unknown = set(expect) - cases.EXPECTATIONS
    if unknown:
        return [f"the case expects {unknown}"]
    if "refused" in expect:
        said = str(advice)
        return (
            []
            if isinstance(advice, ValueError) and all(word in said for word in expect["refused"])
            else [f"said: {said[:200]}"]
        )
    if isinstance(advice, ValueError):
        return [f"refused: {advice}"]
    return [
        *tier_differences(expect, advice),
        *drug_differences(expect, advice),
        *item_differences(expect, advice),
    ]


def tier_differences(expect, advice):
    tier = advice.tier
    got = {
        "tier": tier.level,
        "status": tier.status,
        "at_least": tier.at_least,
        "by_guideline": tier.by_guideline,
        "by_risk": tier.by_risk,
    }
    for key, value in got.items():
        if key in expect and expect[key] != value:
            yield f"{key}: expected {expect[key]}, found {value} (missing {tier.missing})"
    fired = {item.rule_id for item in tier.fired}
    yield from (f"not fired: {one}" for one in ends(fired, expect.get("fired", ())))
    yield from (f"fired: {one}" for one in expect.get("not_fired", ()) if not ends(fired, [one]))
    yield from (f"not missing: {one}" for one in expect.get("missing", ()) if one not in tier.missing)
    yield from (f"tier note: {one}" for one in expect.get("tier_notes", ()) if one not in tier.notes)


def drug_differences(expect, advice):
    named = [item.about for part in NAMED for item in advice.section(part)]
    yield from (f"not named: {one}" for one in expect.get("drugs_in", ()) if one not in named)
    yield from (f"named: {one}" for one in expect.get("drugs_not", ()) if one in named)
    if expect.get("no_drug") and named:
        yield f"named: {named}"
    against = {(item.about, item.code) for part in ("removed", "withheld") for item in advice.section(part)}
    for drug, reason in expect.get("drugs_out", {}).items():
        if drug in named:
            yield f"named: {drug}"
        if (drug, reason) not in against:
            yield f"{drug} is not out by {reason}: {sorted(code for about, code in against if about == drug)}"


def item_differences(expect, advice):
    for key, section in (("alerts", "alert"), ("holds", "hold")):
        found = codes(advice.section(section))
        yield from (f"no {section}: {one}" for one in expect.get(key, ()) if one not in found)
        yield from (f"{section}: {one}" for one in expect.get(f"no_{key}", ()) if one in found)
    ids = {item.rule_id for item in advice.items if not item.missing or item.section == "vcf"}
    yield from (f"no item: {one}" for one in ends(ids, expect.get("items", ())))
    yield from (f"item: {one}" for one in expect.get("not_items", ()) if not ends(ids, [one]))
    open_ = {item.rule_id for item in advice.items if item.missing}
    yield from (f"not asked: {one}" for one in ends(open_, expect.get("to_confirm", ())))


@pytest.mark.parametrize("name", cases.CASES)
def test_case(name):
    assert list(differences(name)) == []


def test_there_are_enough_cases_and_each_says_who_it_is():
    assert len(cases.CASES) >= 60
    assert all(len(cases.case(name)["about"]) > 15 and cases.case(name)["expect"] for name in cases.CASES)
