"""
The painful vertebral fracture: OF score, ASTLOF, and what speaks for conservative care or for augmentation.

Considerations for a team, never an order and never an implant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from osteon.care.condition import Facts, Value
from osteon.care.rule import Rule, fired, read_rules
from osteon.core.config import read_toml
from osteon.core.errors import InputError
from osteon.domain.plan import Item
from osteon.domain.score import Score

__all__ = ["astlof", "of_score", "vcf", "vcf_rules"]

_PATH = Path(__file__).with_name("vcf.toml")


@cache
def _content() -> Mapping[str, Any]:
    return read_toml(_PATH)


@cache
def vcf_rules() -> tuple[Rule, ...]:
    """Considerations, then contraindications to augmentation."""
    content = _content()
    return (
        *read_rules(_PATH, content, "consideration", section="vcf", prefix="vcf."),
        *read_rules(_PATH, content, "contraindication", section="vcf", prefix="vcf.contraindication."),
    )


def of_score(
    *,
    of_type: int | None,
    t_score: float | None,
    collapse_ongoing: bool | None,
    vas: float | None,
    neurological_deficit: bool | None,
    mobile: bool | None,
    asa_class: int | None = None,
    dementia: bool | None = None,
    bmi: float | None = None,
    dependent: bool | None = None,
    anticoagulated: bool | None = None,
) -> Score:
    """
    The OF score of an osteoporotic vertebral fracture: 0-5 conservative, 6 either, above 6 surgery.

    Parameters
    ----------
    of_type : int, 1-5
        AO Spine-DGOU type.
    t_score : float
        Below -3 counts.
    vas : float, 0-10
        Pain under analgesia.
    asa_class, dementia, bmi, dependent, anticoagulated
        Health; each problem takes a point away, two at most. Unknown ones take none away and are listed.

    Raises
    ------
    InputError
        A type outside 1-5, a VAS outside 0-10.

    Examples
    --------
    >>> print(of_score(of_type=3, t_score=-3.4, collapse_ongoing=True, vas=6, neurological_deficit=False, mobile=True,
    ...                asa_class=2, dementia=False, bmi=24, dependent=False, anticoagulated=False))
    of_score 8 points: surgery (refer, >6)
    """
    rule = _content()["of_score"]
    if of_type is not None and of_type not in range(1, 6):
        raise InputError(f"of_type={of_type}: OF types run from 1 to 5.")
    if vas is not None and not 0 <= vas <= 10:
        raise InputError(f"vas={vas}: the scale runs from 0 to 10.")
    needed = {"of_type": of_type, "t_score": t_score, "collapse_ongoing": collapse_ongoing, "vas": vas,
              "neurological_deficit": neurological_deficit, "mobile": mobile}  # fmt: skip
    health = {
        "asa_class": None if asa_class is None else asa_class > rule["asa_above"], "dementia": dementia,
        "bmi": None if bmi is None else bmi < rule["bmi_below"], "dependent": dependent, "anticoagulated": anticoagulated,
    }  # fmt: skip
    missing = tuple(name for name, value in {**needed, **health}.items() if value is None)
    notes = () if rule["verified_by"] and rule["verified_on"] else ("cut_off_unverified",)
    about = {
        "tool": "of_score",
        "unit": "points",
        "missing": missing,
        "notes": notes,
        "source": rule["source"],
    }
    used: dict[str, float | str | None] = {
        name: None if value is None else float(value) for name, value in needed.items()
    }
    if any(value is None for value in needed.values()) or of_type is None or t_score is None or vas is None:
        return Score(value=None, band="unknown", used=used, **about)
    points = rule["per_type"] * of_type + (rule["t_points"] if t_score < rule["t_below"] else 0)
    points += rule["collapse"] if collapse_ongoing else rule["no_collapse"]
    points += rule["pain"] if vas >= rule["pain_from_vas"] else rule["less_pain"]
    points += rule["deficit"] if neurological_deficit else 0
    points += rule["mobile"] if mobile else rule["not_mobile"]
    points += max(rule["health_most"], rule["health_each"] * sum(value is True for value in health.values()))
    band = (
        "surgery"
        if points > rule["either"]
        else "conservative"
        if points <= rule["conservative_to"]
        else "either"
    )
    return Score(
        value=float(points),
        band=band,
        refer=points > rule["either"],
        cut_off=f">{rule['either']}",
        used=used,
        **about,
    )


def astlof(*, morphology: str | None, mri: str | None, t_score: float | None, pain: str | None) -> Score:
    """
    ASTLOF of one vertebra: 3 and below conservative, 4 either, 5 and above surgery.

    Parameters
    ----------
    morphology : "normal", "compression" or "burst"
    mri : "normal", "long_t1_t2" or "vacuum_or_fluid"
    t_score : float
    pain : "none", "back_pain" or "sustained_or_cord"

    Raises
    ------
    InputError
        Another word.

    Examples
    --------
    >>> print(astlof(morphology="burst", mri="long_t1_t2", t_score=-3.0, pain="back_pain"))
    astlof 5 points: surgery (refer, >4)
    """
    rule = _content()["astlof"]
    used: dict[str, float | str | None] = {
        "morphology": morphology,
        "mri": mri,
        "t_score": t_score,
        "pain": pain,
    }
    for name in ("morphology", "mri", "pain"):
        if used[name] is not None and used[name] not in rule[name]:
            raise InputError(f"{name}={used[name]!r}.", hint=f"One of {', '.join(rule[name])}.")
    missing = tuple(name for name, value in used.items() if value is None)
    notes = () if rule["verified_by"] and rule["verified_on"] else ("cut_off_unverified",)
    about = {"tool": "astlof", "unit": "points", "missing": missing, "notes": notes, "source": rule["source"]}
    if missing or t_score is None:
        return Score(value=None, band="unknown", used=used, **about)
    points = rule["morphology"][morphology] + rule["mri"][mri] + rule["pain"][pain]
    points += 2 if t_score < rule["t_two_below"] else 1 if t_score <= rule["t_one_at_most"] else 0
    band = (
        "surgery"
        if points > rule["either"]
        else "conservative"
        if points <= rule["conservative_to"]
        else "either"
    )
    return Score(
        value=float(points),
        band=band,
        refer=points > rule["either"],
        cut_off=f">{rule['either']}",
        used=used,
        **about,
    )


def vcf(facts: Facts) -> tuple[Item, ...]:
    """
    Everything about the fractured vertebra, as items; nothing where none is described.

    Where a contraindication stands, augmentation is not named; where one is unknown, it is named with the question.
    """
    if not facts.values["vertebral_fracture_case"]:
        return ()
    found = fired(vcf_rules(), facts)
    against = [item for item in found if item.rule_id.startswith("vcf.contraindication.")]
    barred = any(not item.missing for item in against)
    drop = {"augmentation_may_be_considered", "pkp_favoured"} if barred else set()
    may = any(item.code == "augmentation_may_be_considered" for item in found) and not barred
    told = [
        item for item in found if item.code not in drop and (item not in against or may or not item.missing)
    ]
    return (*_scores(facts), *told)


def _scores(facts: Facts) -> tuple[Item, ...]:
    values = facts.values
    blood_thinned = facts.items.get("drug")
    score = of_score(
        of_type=_whole(values["of_type"]), t_score=_number(values["t_lowest"]), collapse_ongoing=_flag(values["collapse_ongoing"]),
        vas=_number(values["vas"]), neurological_deficit=_flag(values["neurological_deficit"]), mobile=_flag(values["mobile"]),
        asa_class=_whole(values["asa_class"]), dementia=facts.diseases.get("dementia", False if facts.diseases_complete else None),
        bmi=_number(values["bmi"]), dependent=_flag(values["dependent"]),
        anticoagulated=None if blood_thinned is None
        else any(one["drug_class"] == "anticoagulant" and one["taken_now"] is not False for one in blood_thinned),
    )  # fmt: skip
    other = astlof(
        morphology=_text(values["morphology"]),
        mri=_text(values["mri"]),
        t_score=_number(values["t_lowest"]),
        pain=_text(values["pain"]),
    )
    return tuple(_score_item(one) for one in (score, other))


def _score_item(score: Score) -> Item:
    rule = _content()[score.tool]
    item = Item(
        rule_id=f"vcf.{score.tool}", section="vcf", code=score.tool, params={"value": score.value, "unit": "points", "band": score.band},
        source=rule["source"], confidence=rule["confidence"], verified=bool(rule["verified_by"] and rule["verified_on"]),
    )  # fmt: skip
    return replace(item, missing=score.missing)


def _number(value: Value) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _whole(value: Value) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _flag(value: Value) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Value) -> str | None:
    return value if isinstance(value, str) else None
