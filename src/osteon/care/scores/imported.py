"""
Scores that osteon may not or cannot compute: FRAX, Garvan, FREM. A person reads them off the owner's tool and enters them.

Nothing here imitates FRAX: its equations were never published. What is here: checks of an entered value, and two
published corrections a clinician may apply to it. Notes: ``older_than_12_months``, ``age_computed_at_bound``,
``tbs_adjusted``, ``frax_plus:TEXT``, ``without_bmd``, ``hip_exceeds_major``, ``capped_at_100``, ``cut_off_unverified``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from osteon.care.scores.published import point_score, published
from osteon.core.errors import InputError, OutOfScope
from osteon.domain.risk import Risk
from osteon.domain.score import Score

__all__ = [
    "AdjustedFrax",
    "ImportedFrax",
    "discordance_adjusted",
    "frem",
    "garvan",
    "imported_frax",
    "steroid_adjusted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedFrax:
    """A FRAX result as entered, with its circumstances; ``major`` and ``hip`` are 10-year probabilities."""

    major: Risk
    hip: Risk
    with_bmd: bool
    country_model: str
    tool_version: str
    date: date
    entered_by: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustedFrax:
    """FRAX after a published correction: percentages, the factors used and where they come from."""

    frax_mof_pct: float
    frax_hip_pct: float | None
    mof_factor: float
    hip_factor: float | None
    source: str
    notes: tuple[str, ...] = ()


def imported_frax(
    *,
    frax_mof_pct: float,
    frax_hip_pct: float,
    with_bmd: bool,
    country_model: str,
    tool_version: str,
    date: date,
    entered_by: str,
    today: date,
    age_years: float | None = None,
    tbs_adjusted: bool = False,
    frax_plus_adjusted: str = "",
) -> ImportedFrax:
    """
    A FRAX result read off the calculator, checked.

    Parameters
    ----------
    frax_mof_pct, frax_hip_pct : float, 0-100
        10-year probability of a major osteoporotic and of a hip fracture.
    country_model : str
        Which country's FRAX: without it the number means nothing.
    date, today : date
        When it was calculated, and the present day.
    age_years : float, optional
        Outside 40-90 the calculator uses the bound; that is noted.
    frax_plus_adjusted : str
        What FRAXplus adjusted for, in words; empty = nothing.

    Raises
    ------
    InputError
        A percentage outside 0-100, hip above major, no country, nobody named, or a date in the future.

    Examples
    --------
    >>> from datetime import date
    >>> found = imported_frax(frax_mof_pct=15, frax_hip_pct=4.2, with_bmd=True, country_model="UK", tool_version="4.4",
    ...                       date=date(2025, 1, 10), entered_by="nurse", today=date(2026, 3, 1))
    >>> print(found.major, found.notes)
    fracture_major 15.0 % in 10 years (frax) ('older_than_12_months',)
    """
    _percentages(frax_mof_pct=frax_mof_pct, frax_hip_pct=frax_hip_pct)
    if frax_hip_pct > frax_mof_pct:
        raise InputError(
            f"FRAX hip {frax_hip_pct:g} % exceeds major {frax_mof_pct:g} %.", hint="Are the two exchanged?"
        )
    if not country_model.strip() or not entered_by.strip():
        raise InputError("a FRAX result needs its country model and who entered it.")
    entry = published("frax")
    notes = ["older_than_12_months"] if _old(date, today, months=entry["old_after_months"]) else []
    if age_years is not None and not entry["youngest_age"] <= age_years <= entry["oldest_age"]:
        notes.append("age_computed_at_bound")
    notes += ["tbs_adjusted"] if tbs_adjusted else []
    notes += [f"frax_plus:{frax_plus_adjusted.strip()}"] if frax_plus_adjusted.strip() else []
    notes += [] if with_bmd else ["without_bmd"]
    major, hip = (
        Risk(outcome=outcome, value=value / 100.0, horizon_years=10, model="frax", notes=tuple(notes))
        for outcome, value in (("fracture_major", frax_mof_pct), ("fracture_hip", frax_hip_pct))
    )
    return ImportedFrax(
        major=major, hip=hip, with_bmd=with_bmd, country_model=country_model.strip(), tool_version=tool_version,
        date=date, entered_by=entered_by.strip(), notes=tuple(notes),
    )  # fmt: skip


def discordance_adjusted(*, frax_mof_pct: float, t_femoral_neck: float, t_lumbar: float) -> AdjustedFrax:
    """
    FRAX (major) corrected for a spine that is better or worse than the femoral neck: a tenth for each SD.

    Raises
    ------
    InputError
        A percentage outside 0-100, a T-score outside -10 to 10.

    Source
    ------
    NOGG, frequently asked questions; Leslie et al. (2011), Osteoporosis International 22:839-847.

    Examples
    --------
    NOGG's example: 15 %, neck -1.0, spine -3.5.

    >>> print(f"{discordance_adjusted(frax_mof_pct=15, t_femoral_neck=-1.0, t_lumbar=-3.5).frax_mof_pct:.2f}")
    18.75
    """
    entry = published("frax_discordance")
    _percentages(frax_mof_pct=frax_mof_pct)
    if not (abs(t_femoral_neck) <= 10 and abs(t_lumbar) <= 10):
        raise InputError(f"T-scores {t_femoral_neck} and {t_lumbar}: a T-score lies between -10 and 10.")
    factor = max(0.0, 1.0 + entry["share_per_t"] * (t_femoral_neck - t_lumbar))
    value, capped = _scaled(frax_mof_pct, factor)
    return AdjustedFrax(
        frax_mof_pct=value, frax_hip_pct=None, mof_factor=factor, hip_factor=None, source=entry.source,
        notes=(*entry.notes, *capped),
    )  # fmt: skip


def steroid_adjusted(*, frax_mof_pct: float, frax_hip_pct: float, prednisolone_mg_day: float) -> AdjustedFrax:
    """
    FRAX (with "glucocorticoids: yes") corrected for the dose.

    Parameters
    ----------
    frax_mof_pct, frax_hip_pct : float, 0-100
    prednisolone_mg_day : float > 0
        Present dose in prednisolone equivalents; 2.5 up to 7.5 mg changes nothing.

    Raises
    ------
    InputError
        A percentage outside 0-100, a dose of 0 or less.

    Source
    ------
    Kanis et al. (2011), Osteoporosis International 22:809-816.

    Examples
    --------
    >>> found = steroid_adjusted(frax_mof_pct=20, frax_hip_pct=5, prednisolone_mg_day=7.5)
    >>> print(f"{found.frax_mof_pct:.1f} {found.frax_hip_pct:.1f}")
    23.0 6.0
    """
    entry = published("frax_steroid")
    _percentages(frax_mof_pct=frax_mof_pct, frax_hip_pct=frax_hip_pct)
    if not prednisolone_mg_day > 0:
        raise InputError(
            f"prednisolone_mg_day={prednisolone_mg_day}: give the dose, or do not correct for one."
        )
    mof_factor, hip_factor = 1.0, 1.0
    if prednisolone_mg_day >= entry["high_from_mg_day"]:
        mof_factor, hip_factor = entry["high_mof"], entry["high_hip"]
    elif prednisolone_mg_day < entry["low_below_mg_day"]:
        mof_factor, hip_factor = entry["low_mof"], entry["low_hip"]
    mof, capped = _scaled(frax_mof_pct, mof_factor)
    hip, capped_hip = _scaled(frax_hip_pct, hip_factor)
    notes = (
        *entry.notes,
        *dict.fromkeys((*capped, *capped_hip)),
        *(("hip_exceeds_major",) if hip > mof else ()),
    )
    return AdjustedFrax(
        frax_mof_pct=mof, frax_hip_pct=hip, mof_factor=mof_factor, hip_factor=hip_factor, source=entry.source,
        notes=notes,
    )  # fmt: skip


def garvan(*, garvan_any_5y_pct: float | None, garvan_hip_5y_pct: float | None = None) -> Score:
    """
    An entered Garvan result; a 5-year risk of any fracture of 10 % or more is read as high.

    Raises
    ------
    InputError
        A percentage outside 0-100, hip above any.

    Examples
    --------
    >>> print(garvan(garvan_any_5y_pct=12))
    garvan 12 %: high (refer, >=10)
    """
    entry = published("garvan")
    any_pct = _entered(garvan_any_5y_pct=garvan_any_5y_pct)
    hip_pct = _entered(garvan_hip_5y_pct=garvan_hip_5y_pct)
    if any_pct is not None and hip_pct is not None and hip_pct > any_pct:
        raise InputError(f"Garvan hip {hip_pct:g} % exceeds any fracture {any_pct:g} %.")
    limit = entry["high_5y_from_pct"]
    refer = any_pct is not None and any_pct >= limit
    return point_score(
        entry, any_pct, inputs={"garvan_any_5y_pct": any_pct, "garvan_hip_5y_pct": hip_pct}, unit="%",
        band="high" if refer else "low", refer=refer, cut_off=f">={limit}", optional=("garvan_hip_5y_pct",),
    )  # fmt: skip


def frem(*, frem_mof_pct: float | None, frem_hip_pct: float | None, age_years: float) -> Score:
    """
    An entered FREM result (1-year risks from a register): from 2 % major or 0.3 % hip it is high.

    Raises
    ------
    InputError
        A percentage outside 0-100.
    OutOfScope
        Younger than 45.

    Examples
    --------
    >>> print(frem(frem_mof_pct=1.2, frem_hip_pct=0.3, age_years=70))
    frem 1.2 %: high (refer, >=2 or hip >=0.3)
    """
    entry = published("frem")
    if age_years < entry["youngest_age"]:
        raise OutOfScope(f"age {age_years:g}: FREM is for people of {entry['youngest_age']} and over.")
    mof, hip = _entered(frem_mof_pct=frem_mof_pct), _entered(frem_hip_pct=frem_hip_pct)
    high = (mof is not None and mof >= entry["mof_from_pct"]) or (
        hip is not None and hip >= entry["hip_from_pct"]
    )
    band = "high" if high else ("unknown" if mof is None or hip is None else "low")
    return point_score(
        entry, mof, inputs={"frem_mof_pct": mof, "frem_hip_pct": hip, "age_years": age_years}, unit="%", band=band,
        refer=high, cut_off=f">={entry['mof_from_pct']} or hip >={entry['hip_from_pct']}",
        optional=("frem_mof_pct", "frem_hip_pct"),
    )  # fmt: skip


def _percentages(**values: float) -> None:
    for name, value in values.items():
        if not 0.0 <= value <= 100.0:
            raise InputError(f"{name}={value} is not a percentage.", hint="Give 0 to 100.")


def _entered(**values: float | None) -> float | None:
    ((name, value),) = values.items()
    if value is not None:
        _percentages(**{name: value})
    return value


def _scaled(percent: float, factor: float) -> tuple[float, tuple[str, ...]]:
    value = percent * factor
    return (100.0, ("capped_at_100",)) if value > 100.0 else (value, ())


def _old(made: date, today: date, *, months: int) -> bool:
    if made > today:
        raise InputError(f"the FRAX date {made} lies in the future (today is {today}).")
    passed = (today.year - made.year) * 12 + today.month - made.month - (today.day < made.day)
    return passed > months or (passed == months and today.day != made.day)
