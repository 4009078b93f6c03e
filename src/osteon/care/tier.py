"""
The fracture risk tier of a patient: by the criteria of a guideline and by computed risks; the higher counts, both are shown.

A fact that is unknown stays unknown: where it could still raise the tier the criterion is listed as undecided, and where
it is one of the facts a guideline cannot do without the patient is not classified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path

from osteon.care.condition import Facts
from osteon.care.guideline import Guideline
from osteon.care.rule import Rule, read_rules
from osteon.core.config import read_toml
from osteon.core.errors import InputError
from osteon.domain.patient import Patient
from osteon.domain.plan import TIERS, Item, Tier
from osteon.domain.risk import Risk

__all__ = ["equivalent", "equivalents", "higher", "tier_of"]

_PATH = Path(__file__).with_name("risk_equivalents.toml")
_DENSITY_OR_RISK = "dxa_or_frax_or_qfracture"


def equivalent(p_10_years: float, *, years: float) -> float:
    """
    The risk within ``years`` that a constant hazard gives for a 10-year risk: 1 - (1 - p)^(years / 10).

    Parameters
    ----------
    p_10_years : float, 0-1
    years : float > 0

    Raises
    ------
    InputError
        No probability, or no positive time.

    Examples
    --------
    >>> [round(100 * equivalent(0.2, years=years), 1) for years in (1, 3, 5, 10)]
    [2.2, 6.5, 10.6, 20.0]
    """
    if not 0.0 <= p_10_years <= 1.0 or not years > 0:
        raise InputError(
            f"p_10_years={p_10_years}, years={years}: a probability and a positive time are needed."
        )
    return float(1.0 - (1.0 - p_10_years) ** (years / 10.0))


@cache
def equivalents() -> tuple[Rule, ...]:
    """The ten-year thresholds by which computed risks give a tier, highest tier first."""
    return read_rules(_PATH, read_toml(_PATH), "equivalent", section="tier", prefix="risk_equivalent.")


def higher(*levels: str | None) -> str | None:
    """
    The highest of some tiers; None where there is none.

    Examples
    --------
    >>> higher("low", None, "very_high", "high")
    'very_high'
    """
    return max((level for level in levels if level is not None), key=TIERS.index, default=None)


def tier_of(patient: Patient, facts: Facts, guideline: Guideline) -> Tier:
    """
    The tier of a patient.

    Parameters
    ----------
    patient : Patient
        Its computed risks are used; everything else comes from ``facts``.
    facts : Facts
        With the guideline's names and tables (:meth:`Guideline.world`).
    guideline : Guideline
    """
    hits, opened = _judged(guideline.criteria, facts)
    by_guideline = higher(*(str(item.params["tier"]) for item in hits))
    by_risk, risk_hits = _by_risk(patient, judge_frax=not guideline.tables)
    level = higher(by_guideline, by_risk)
    rank = -1 if by_guideline is None else TIERS.index(by_guideline)
    undecided = tuple(item for item in opened if TIERS.index(str(item.params["tier"])) > rank)
    scope = guideline.scope.holds(facts).value
    # at the highest tier, and for whom the guideline does not speak of, a density or a risk adds nothing
    missing = _missing(facts, guideline, without_density=level == TIERS[-1] or scope is False)
    missing += sorted({name for item in undecided for name in item.missing if name in guideline.decisive})
    if level is None and scope and not missing:
        missing += sorted({name for item in undecided for name in item.missing}) or ["dxa"]
    status = (
        "outside_scope" if scope is False else "cannot_classify" if missing or scope is None else "classified"
    )
    notes = [] if scope is not False else ["outside_scope_of_guideline"]
    notes += ["risk_is_arithmetic_not_a_guideline"] if risk_hits else []
    if by_risk is not None and by_guideline is not None and by_risk != by_guideline:
        notes.append("guideline_and_risk_disagree")
    return Tier(
        status=status, level=level if status == "classified" else None, at_least=level, by_guideline=by_guideline, by_risk=by_risk,
        fired=(*hits, *risk_hits), undecided=undecided, missing=tuple(dict.fromkeys(missing)), notes=tuple(notes),
    )  # fmt: skip


def _judged(criteria: Iterable[Rule], facts: Facts) -> tuple[list[Item], list[Item]]:
    """The criteria that hold, and those a missing fact leaves open."""
    hits, opened = [], []
    for rule in criteria:
        answer = rule.when.holds(facts, value=rule.value)
        if answer.value is True:
            hits.append(rule.item(section="tier"))
        elif answer.value is None:
            opened.append(rule.item(section="tier", missing=answer.missing))
    return hits, opened


def _missing(facts: Facts, guideline: Guideline, *, without_density: bool) -> list[str]:
    """What must be known and is not, in the words of the patient file."""
    missing: list[str] = []
    for group in guideline.mandatory:
        names = group.split("|")
        if any(_is_known(facts, name) for name in names):
            continue
        if len(names) > 1:
            missing += [] if without_density else [_DENSITY_OR_RISK]
        else:
            missing += facts.needs.get(names[0], (names[0],))
    return missing


def _is_known(facts: Facts, name: str) -> bool:
    if name in {"fractures", "drugs"}:
        return facts.items.get(name.removesuffix("s")) is not None
    return facts.values.get(name) is not None


def _by_risk(patient: Patient, *, judge_frax: bool) -> tuple[str | None, tuple[Item, ...]]:
    """
    The tier the computed risks give. FRAX is judged here only under guidelines with the same fixed thresholds: where they
    depend on age the guideline's own criteria decide.
    """
    risks = list(patient.risks)
    if judge_frax and patient.frax is not None:
        for outcome, percent in (
            ("fracture_major", patient.frax.mof_pct),
            ("fracture_hip", patient.frax.hip_pct),
        ):
            risks.append(Risk(outcome=outcome, value=percent / 100.0, horizon_years=10, model="frax"))
    hits: list[Item] = []
    judged = False
    for risk in risks:
        if risk.horizon_years is None or not risk.outcome.startswith("fracture"):
            continue
        judged = True
        outcome = "hip" if risk.outcome == "fracture_hip" else "major"
        for rule in equivalents():
            if rule.params["outcome"] != outcome:
                continue
            threshold = equivalent(float(rule.value or 0.0) / 100.0, years=risk.horizon_years)
            if round(risk.value, 9) >= round(threshold, 9):  # binary fractions must not decide a tier
                about = rule.item(
                    model=risk.model,
                    horizon_years=risk.horizon_years,
                    risk_pct=100 * risk.value,
                    threshold_pct=100 * threshold,
                )
                hits.append(replace(about, about=risk.model))
                break
    found = higher(*(str(item.params["tier"]) for item in hits))
    return (found or "low") if judged else None, tuple(hits)
