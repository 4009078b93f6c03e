"""
Falls and function tests, one by one, against their published cut-offs.

Each test gives a :class:`Score` whose band is "normal" or "abnormal" and whose ``refer`` says the same. Where authors
disagree the strictest cut decides, and the notes name every published cut that is crossed (``cut:NAME``).
``fall_risk_score`` (fall_risk.py) puts together what is there.
"""

from __future__ import annotations

from osteon.care.scores.published import number, numbers, point_score, published
from osteon.core.errors import InputError, OutOfScope
from osteon.domain.score import Score

__all__ = [
    "five_chair_stands",
    "four_stage_balance",
    "gait_speed",
    "grip_strength",
    "single_leg_stance",
    "steadi",
    "thirty_second_chair_stands",
    "timed_up_and_go",
]


def steadi(
    *,
    unsteady: bool | None = None,
    worries: bool | None = None,
    fell_12m: bool | None = None,
    stay_independent: int | None = None,
) -> Score:
    """
    The STEADI screen: any of the three key questions yes, or 4 points and more on Stay Independent.

    Parameters
    ----------
    unsteady, worries, fell_12m : bool, optional
        Feels unsteady when standing or walking; worries about falling; fell in the past year.
    stay_independent : int, optional, 0-14
        Points of the questionnaire.

    Raises
    ------
    InputError
        Stay Independent outside 0-14.

    Examples
    --------
    >>> print(steadi(unsteady=False, worries=True, fell_12m=False))
    steadi: abnormal (refer, any key question or >=4)
    """
    entry = published("steadi")
    if stay_independent is not None and stay_independent not in range(15):
        raise InputError(f"stay_independent={stay_independent}: the questionnaire gives 0 to 14 points.")
    questions = {"unsteady": unsteady, "worries": worries, "fell_12m": fell_12m}
    limit = entry["stay_independent_from"]
    crossed = tuple(f"cut:{name}" for name, answer in questions.items() if answer)
    if stay_independent is not None and stay_independent >= limit:
        crossed += ("cut:stay_independent",)
    # negative only when one of the two ways of asking is complete
    complete = stay_independent is not None or None not in questions.values()
    band = "abnormal" if crossed else ("normal" if complete else "unknown")
    inputs: dict[str, float | str | None] = {**questions, "stay_independent": stay_independent}
    return point_score(
        entry, stay_independent, inputs=inputs, band=band, refer=bool(crossed), optional=tuple(inputs),
        cut_off=f"any key question or >={limit}", notes=crossed,
    )  # fmt: skip


def timed_up_and_go(tug_s: float | None) -> Score:
    """
    Timed Up and Go: slow from 12 s (STEADI), 13.5 s (community), above 15 s (World Falls Guidelines).

    Examples
    --------
    >>> slow = timed_up_and_go(13.5)
    >>> print(slow, slow.notes)
    tug 13.5 s: abnormal (refer, >=12) ('cut_off_unverified', 'cut:steadi', 'cut:community')
    """
    entry = published("tug")
    found = float(numbers("tug_s", number(tug_s)))
    cuts = {
        "steadi": found >= entry["steadi_from_s"],
        "community": found >= entry["community_from_s"],
        "world_falls": found > entry["world_falls_above_s"],
    }
    return _test("tug", found, "s", {"tug_s": tug_s}, cuts, cut_off=f">={entry['steadi_from_s']}")


def thirty_second_chair_stands(
    count: int | None, *, age_years: float | None, sex: str | None, arms_used: bool = False
) -> Score:
    """
    Stands from a chair in 30 seconds, below average for age and sex; 0 when the arms were used.

    Raises
    ------
    OutOfScope
        Age outside 60-94: there is no norm.
    InputError
        A negative or broken count; sex neither "female" nor "male".

    Examples
    --------
    >>> print(thirty_second_chair_stands(10, age_years=72, sex="female"))
    chair_stand_30s 10 stands: normal (no referral, <10)
    """
    entry = published("chair_stand_30s")
    if count is not None and (count < 0 or count != int(count)):
        raise InputError(f"count={count}: give the whole number of stands.")
    if sex is not None and sex not in {"female", "male"}:
        raise InputError(f"sex={sex!r}: the norms are for 'female' and 'male'.")
    if age_years is not None and not entry["age_from"][0] <= age_years < entry["oldest_age"] + 1:
        raise OutOfScope(
            f"age {age_years:g}: norms are for {entry['age_from'][0]} to {entry['oldest_age']} years."
        )
    value = None if count is None else (0 if arms_used else count)
    norm: float | None = None
    if sex is not None and age_years is not None:
        row = max(k for k, start in enumerate(entry["age_from"]) if age_years >= start)
        norm = entry[f"{sex}_below"][row]
    inputs: dict[str, float | str | None] = {
        "chair_stand_30s_count": count,
        "age_years": age_years,
        "sex": sex,
    }
    crossed = value is not None and norm is not None and value < norm
    notes = ("arms_used_counts_as_0",) if arms_used else ()
    return _test(
        "chair_stand_30s", value, "stands", inputs, {"below_average": crossed}, notes=notes,
        cut_off="" if norm is None else f"<{norm}",
    )  # fmt: skip


def five_chair_stands(chair_stand_5_s: float | None) -> Score:
    """
    Five stands from a chair: slow from 12 s (AWGS 2019), above 15 s (EWGSOP2).

    Examples
    --------
    >>> print(five_chair_stands(11.9))
    chair_stand_5 11.9 s: normal (no referral, >=12)
    """
    entry = published("chair_stand_5")
    found = float(numbers("chair_stand_5_s", number(chair_stand_5_s)))
    cuts = {"awgs": found >= entry["awgs_from_s"], "ewgsop2": found > entry["ewgsop2_above_s"]}
    inputs = {"chair_stand_5_s": chair_stand_5_s}
    return _test("chair_stand_5", found, "s", inputs, cuts, cut_off=f">={entry['awgs_from_s']}")


def four_stage_balance(tandem_stance_s: float | None) -> Score:
    """
    The tandem stage of the 4-Stage Balance Test: held for less than 10 s.

    Raises
    ------
    InputError
        A negative time.

    Examples
    --------
    >>> print(four_stage_balance(10))
    balance_4_stage 10 s: normal (no referral, <10)
    """
    entry = published("balance_4_stage")
    found = _held("tandem_stance_s", tandem_stance_s)
    limit = entry["tandem_below_s"]
    cuts = {"steadi": found < limit}
    return _test(
        "balance_4_stage", found, "s", {"tandem_stance_s": tandem_stance_s}, cuts, cut_off=f"<{limit}"
    )


def single_leg_stance(single_leg_stance_s: float | None) -> Score:
    """
    Standing on one leg: under 5 s goes with injurious falls, under 10 s with mortality.

    Raises
    ------
    InputError
        A negative time.

    Examples
    --------
    >>> print(single_leg_stance(4.9))
    single_leg_stance 4.9 s: abnormal (refer, <5)
    """
    entry = published("single_leg_stance")
    found = _held("single_leg_stance_s", single_leg_stance_s)
    limit = entry["injury_below_s"]
    notes = ("below_mortality_marker",) if found < entry["mortality_below_s"] else ()
    inputs = {"single_leg_stance_s": single_leg_stance_s}
    return _test(
        "single_leg_stance", found, "s", inputs, {"injury": found < limit}, notes=notes, cut_off=f"<{limit}"
    )


def gait_speed(gait_speed_m_s: float | None) -> Score:
    """
    Usual walking speed: slow at 0.8 m/s (World Falls, EWGSOP2), below 1.0 m/s (AWGS 2019).

    Examples
    --------
    >>> print(gait_speed(0.9))
    gait_speed 0.9 m/s: abnormal (refer, <1)
    """
    entry = published("gait_speed")
    found = float(numbers("gait_speed_m_s", number(gait_speed_m_s)))
    cuts = {"awgs": found < entry["awgs_below_m_s"], "world_falls": found <= entry["world_falls_at_most_m_s"]}
    inputs = {"gait_speed_m_s": gait_speed_m_s}
    return _test("gait_speed", found, "m/s", inputs, cuts, cut_off=f"<{entry['awgs_below_m_s']:g}")


def grip_strength(grip_strength_kg: float | None, *, sex: str | None) -> Score:
    """
    Hand grip: weak below 28 kg in men and 18 kg in women (AWGS 2019), 27 and 16 kg (EWGSOP2).

    Raises
    ------
    InputError
        Sex neither "female" nor "male".

    Examples
    --------
    >>> print(grip_strength(17, sex="female"))
    grip_strength 17 kg: abnormal (refer, <18)
    """
    entry = published("grip_strength")
    if sex is not None and sex not in {"female", "male"}:
        raise InputError(f"sex={sex!r}: the cut-offs are for 'female' and 'male'.")
    found = float(numbers("grip_strength_kg", number(grip_strength_kg)))
    cuts = {name: sex is not None and found < entry[f"{name}_{sex}_below_kg"] for name in ("awgs", "ewgsop2")}
    limit = "" if sex is None else f"<{entry[f'awgs_{sex}_below_kg']}"
    inputs: dict[str, float | str | None] = {"grip_strength_kg": grip_strength_kg, "sex": sex}
    return _test("grip_strength", found, "kg", inputs, cuts, cut_off=limit)


def _held(name: str, seconds: float | None) -> float:
    if seconds is not None and seconds < 0:
        raise InputError(f"{name}={seconds}: a time held cannot be negative.")
    return number(seconds)


def _test(
    tool: str,
    value: float | None,
    unit: str,
    inputs: dict[str, float | None] | dict[str, float | str | None],
    cuts: dict[str, bool],
    *,
    cut_off: str,
    notes: tuple[str, ...] = (),
) -> Score:
    crossed = tuple(f"cut:{name}" for name, over in cuts.items() if over)
    return point_score(
        published(tool), value, inputs=inputs, unit=unit, band="abnormal" if crossed else "normal",
        refer=bool(crossed), cut_off=cut_off, notes=(*crossed, *notes),
    )  # fmt: skip
