"""
One answer on falls: the World Falls algorithm of 2022, and the same with whatever else was measured.

Bands: "low", "intermediate", "high", "unknown". Notes name what fired (``fired:NAME``). ``fall_risk_score`` adds to the
algorithm one rule of this library, marked ``house_rule:test_raises_to_intermediate``: a person without a known fall
but with an abnormal test of gait, strength or balance, or a positive screen, is intermediate, never low; a known fall
whose details are unknown is intermediate too (``house_rule:fall_without_details``). Gait speed counts at the falls
guideline's cut (0.8 m/s), five chair stands above 15 s; grip strength marks sarcopenia and is no fall test: not used.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from osteon.care.scores import falls
from osteon.care.scores.published import point_score, published
from osteon.core.errors import InputError
from osteon.domain.score import Score

__all__ = ["FallFacts", "fall_risk_score", "world_falls"]

_SEVERE = ("injury", "lay_on_floor", "lost_consciousness", "frailty")


@dataclass(frozen=True, slots=True, kw_only=True)
class FallFacts:
    """
    What is known about a person's falls and function; None = unknown.

    Attributes
    ----------
    falls_12m : int
        Number of falls in the last 12 months.
    injury, lay_on_floor, lost_consciousness : bool
        Of a fall in that time: needed medical care, could not get up (or lay for long), fainted.
    frailty : bool
    tug_s, gait_speed_m_s, chair_stand_30s_count, chair_stand_5_s, tandem_stance_s, single_leg_stance_s : float
    unsteady, worries : bool; stay_independent : int
        STEADI.
    age_years, sex
        For norms by age and sex.
    """

    falls_12m: int | None = None
    injury: bool | None = None
    lay_on_floor: bool | None = None
    lost_consciousness: bool | None = None
    frailty: bool | None = None
    tug_s: float | None = None
    gait_speed_m_s: float | None = None
    chair_stand_30s_count: int | None = None
    chair_stand_5_s: float | None = None
    tandem_stance_s: float | None = None
    single_leg_stance_s: float | None = None
    unsteady: bool | None = None
    worries: bool | None = None
    stay_independent: int | None = None
    age_years: float | None = None
    sex: str | None = None

    def __post_init__(self) -> None:
        if self.falls_12m is not None and self.falls_12m < 0:
            raise InputError(f"falls_12m={self.falls_12m}: a number of falls cannot be negative.")
        events = ("injury", "lay_on_floor", "lost_consciousness")
        if self.falls_12m == 0 and any(getattr(self, name) for name in events):
            raise InputError("no fall in 12 months, yet an injury, a long lie or a faint of a fall is given.")


def world_falls(facts: FallFacts) -> Score:
    """
    The World Falls Guidelines' algorithm of 2022.

    High: a fall with injury, a long lie or a faint, two or more falls in a year, or frailty. Intermediate: a fall,
    with gait speed at most 0.8 m/s or TUG above 15 s. Else low; unknown when nobody asked about falls, or when a fall
    is known without its details or without a walking test.

    Source
    ------
    Montero-Odasso et al. (2022), Age and Ageing 51:afac205.

    Examples
    --------
    >>> print(world_falls(FallFacts(falls_12m=1, injury=False, lay_on_floor=False, lost_consciousness=False,
    ...                             frailty=False, gait_speed_m_s=0.8)))
    world_falls_2022: intermediate (refer, high or intermediate)
    """
    entry = published("world_falls_2022")
    fired = [name for name in _SEVERE if getattr(facts, name)]
    if facts.falls_12m is not None and facts.falls_12m >= entry["falls_from"]:
        fired.append("falls_12m")
    slow = _slow(facts)
    fell = None if facts.falls_12m is None else facts.falls_12m > 0
    if fired:
        band = "high"
    elif fell is False:
        band = "low"
    elif fell is None or any(getattr(facts, name) is None for name in _SEVERE):
        band = "unknown"
    elif slow:
        band, fired = "intermediate", ["falls_12m", *slow]
    else:
        walked = facts.gait_speed_m_s is not None or facts.tug_s is not None
        band = "low" if walked else "unknown"
    inputs: dict[str, float | str | None] = {
        name: getattr(facts, name) for name in ("falls_12m", *_SEVERE, "gait_speed_m_s", "tug_s")
    }
    return point_score(
        entry, None, inputs=inputs, unit="", band=band, refer=band in {"high", "intermediate"},
        optional=tuple(inputs), cut_off="high or intermediate", notes=tuple(f"fired:{name}" for name in fired),
    )  # fmt: skip


def fall_risk_score(facts: FallFacts) -> Score:
    """
    The fall risk of one person from whatever is known, with what fired and what was missing.

    Examples
    --------
    No fall, but a slow Timed Up and Go:

    >>> found = fall_risk_score(FallFacts(falls_12m=0, frailty=False, tug_s=14))
    >>> print(found.band, [note for note in found.notes if note.startswith("fired")])
    intermediate ['fired:tug']
    """
    base = world_falls(facts)
    band = base.band
    fired = [note for note in base.notes if note.startswith("fired:")]
    tests = [test.tool for test in _tests(facts) if _counts(test)]
    rule: tuple[str, ...] = ()
    if tests and band in {"low", "unknown"}:
        band, rule = "intermediate", ("house_rule:test_raises_to_intermediate",)
    if facts.falls_12m and band == "unknown":
        band, rule, fired = "intermediate", ("house_rule:fall_without_details",), ["fired:falls_12m"]
    inputs: dict[str, float | str | None] = {f.name: getattr(facts, f.name) for f in fields(facts)}
    notes = (*fired, *(f"fired:{name}" for name in tests), *rule)
    made = point_score(
        published("world_falls_2022"), None, inputs=inputs, unit="", band=band, refer=band in {"high", "intermediate"},
        optional=tuple(inputs), cut_off="high or intermediate", notes=notes,
    )  # fmt: skip
    return Score(
        tool="fall_risk", value=None, unit="", band=made.band, refer=made.refer, cut_off=made.cut_off, used=made.used,
        missing=made.missing, notes=made.notes, source=made.source,
    )  # fmt: skip


def _slow(facts: FallFacts) -> list[str]:
    """The walking tests beyond the algorithm's own cut."""
    entry = published("world_falls_2022")
    slow = []
    if facts.gait_speed_m_s is not None and facts.gait_speed_m_s <= entry["gait_speed_at_most_m_s"]:
        slow.append("gait_speed_m_s")
    if facts.tug_s is not None and facts.tug_s > entry["tug_above_s"]:
        slow.append("tug_s")
    return slow


def _counts(test: Score) -> bool:
    """A test speaks of falls at the falls guideline's own cut, where it has one."""
    cut = {"gait_speed": "cut:world_falls", "chair_stand_5": "cut:ewgsop2"}.get(test.tool)
    return bool(test.refer) and (cut is None or cut in test.notes)


def _tests(facts: FallFacts) -> Iterator[Score]:
    """Every test that was made."""
    if facts.tug_s is not None:
        yield falls.timed_up_and_go(facts.tug_s)
    if facts.gait_speed_m_s is not None:
        yield falls.gait_speed(facts.gait_speed_m_s)
    if facts.chair_stand_5_s is not None:
        yield falls.five_chair_stands(facts.chair_stand_5_s)
    if facts.tandem_stance_s is not None:
        yield falls.four_stage_balance(facts.tandem_stance_s)
    if facts.single_leg_stance_s is not None:
        yield falls.single_leg_stance(facts.single_leg_stance_s)
    norm = facts.age_years is not None and 60 <= facts.age_years < 95 and facts.sex is not None
    if facts.chair_stand_30s_count is not None and norm:
        yield falls.thirty_second_chair_stands(
            facts.chair_stand_30s_count, age_years=facts.age_years, sex=facts.sex
        )
    asked = (facts.unsteady, facts.worries, facts.stay_independent)
    if any(answer is not None for answer in asked):
        yield falls.steadi(
            unsteady=facts.unsteady, worries=facts.worries, stay_independent=facts.stay_independent,
            fell_12m=None if facts.falls_12m is None else facts.falls_12m > 0,
        )  # fmt: skip
