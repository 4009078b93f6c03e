"""
A patient on one day: the facts a clinician decides by. What is unknown is None, and never False.

Codes only (sites, drugs, diseases as in ``care/vocabulary.toml``); one unit for each quantity, named in the field.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from datetime import date

from osteon.core.errors import InputError
from osteon.domain.risk import Risk

__all__ = ["Disease", "DrugUse", "Dxa", "Fracture", "Frax", "Patient", "Spine", "months_between"]


def months_between(earlier: date, later: date) -> float:
    """
    Calendar months from one day to another; a part of a month counts as days over 31.

    Examples
    --------
    >>> months_between(date(2024, 1, 15), date(2025, 1, 15)), months_between(date(2025, 1, 31), date(2025, 2, 28))
    (12.0, 0.9032258064516129)
    """
    whole = (later.year - earlier.year) * 12 + later.month - earlier.month
    return whole + (later.day - earlier.day) / 31.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fracture:
    """
    One fracture.

    Attributes
    ----------
    site : str
        "hip", "vertebra", "humerus", "pelvis", "forearm", ...
    date : date or None
        Day it happened; None = unknown.
    low_trauma : bool or None
        After a fall from standing height or less.
    level : str or None
        Vertebra, "T12".
    on_treatment, on_harmful_drug : bool or None
        It happened under an osteoporosis drug, under a drug that harms bone.
    """

    site: str
    date: date | None = None
    low_trauma: bool | None = None
    level: str | None = None
    on_treatment: bool | None = None
    on_harmful_drug: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dxa:
    """
    One site of one bone density scan.

    Attributes
    ----------
    site : str
        "lumbar", "femoral_neck", "total_hip", "radius_33", "trochanter", "ward", "radius_ud".
    t, z : float or None
        T- and Z-score as printed.
    bmd_g_cm2 : float or None
    date : date or None
    reference, device : str or None
        Reference population of the T-score; scanner.
    vertebrae, excluded : tuple of str
        Vertebrae in the printed total; those with a fracture or an artefact that must be left out.
    side : str or None
        "left" or "right".
    artefact : bool or None
        Metal, calcification or contrast in the region.
    """

    site: str
    t: float | None = None
    z: float | None = None
    bmd_g_cm2: float | None = None
    date: date | None = None
    reference: str | None = None
    device: str | None = None
    vertebrae: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    side: str | None = None
    artefact: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugUse:
    """
    One drug, taken now or before.

    Attributes
    ----------
    drug : str
    taken_now : bool or None
    start, last_dose, stopped : date or None
        First dose; latest dose given; day it was given up.
    months : float or None
        Months taken in all, where the start is not known.
    doses : int or None
        Doses given (monthly romosozumab).
    dose_mg_day : float or None
    follow_on_planned : bool or None
        A drug to follow this one is agreed.
    """

    drug: str
    taken_now: bool | None = None
    start: date | None = None
    last_dose: date | None = None
    stopped: date | None = None
    months: float | None = None
    doses: int | None = None
    dose_mg_day: float | None = None
    follow_on_planned: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Disease:
    """A disease or state the patient is known to have (``present``) or known not to have; ``date`` of the latest event."""

    code: str
    present: bool = True
    date: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Frax:
    """A FRAX result as read off the calculator, in percent; nothing here imitates FRAX."""

    mof_pct: float
    hip_pct: float
    with_bmd: bool | None
    country_model: str
    version: str
    date: date
    entered_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spine:
    """
    Facts about a painful vertebral fracture and the scans of it; every one may be unknown.

    ``vas`` is pain 0-10 under analgesia, ``of_type`` the AO Spine-DGOU type 1-5, ``posterior_wall_share`` the part of the
    posterior wall involved (0-1), ``morphology`` "normal", "compression" or "burst", ``mri`` "normal",
    "long_t1_t2" or "vacuum_or_fluid", ``pain`` "none", "back_pain" or "sustained_or_cord", ``l1_hu`` the attenuation
    of L1, ``counted_down_from_c2`` False where levels were counted from below.
    """

    level: str | None = None
    vas: float | None = None
    weeks_of_care: float | None = None
    mobile: bool | None = None
    of_type: int | None = None
    collapse_ongoing: bool | None = None
    neurological_deficit: bool | None = None
    neurological_compression: bool | None = None
    posterior_wall_unstable: bool | None = None
    asa_class: int | None = None
    dependent: bool | None = None
    oedema: bool | None = None
    healed: bool | None = None
    pain_at_level: bool | None = None
    cleft: bool | None = None
    height_loss_pct: float | None = None
    kyphosis_deg: float | None = None
    posterior_wall_share: float | None = None
    morphology: str | None = None
    mri: str | None = None
    pain: str | None = None
    l1_hu: float | None = None
    ct_contrast: bool | None = None
    ct_kvp: float | None = None
    metal_artefact: bool | None = None
    transitional_vertebra: bool | None = None
    counted_down_from_c2: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """
    What is known of one patient on the day ``as_of``.

    ``fractures`` and ``drugs`` are None while nobody asked, an empty tuple when there are none. A disease that is not
    listed is unknown, unless ``diseases_complete``: then it is absent. Weight in kg, height in cm, laboratory values in the
    unit of their name; ``calcium_mmol_l`` is the total as measured.

    Raises
    ------
    InputError
        No id, a sex other than "female" or "male", a date after ``as_of``, a number that is not finite.

    Examples
    --------
    >>> Patient(id="1", as_of=date(2026, 6, 1), sex="female", birth_date=date(1950, 6, 2)).age_years
    75
    """

    id: str
    as_of: date
    sex: str | None = None
    birth_date: date | None = None
    stated_age_years: int | None = None
    menopausal_status: str | None = None
    menopause_age_years: float | None = None
    country: str | None = None
    weight_kg: float | None = None
    height_cm: float | None = None
    height_loss_cm: float | None = None
    fractures: tuple[Fracture, ...] | None = None
    dxa: tuple[Dxa, ...] = ()
    qct_spine_mg_cm3: float | None = None
    drugs: tuple[DrugUse, ...] | None = None
    diseases: tuple[Disease, ...] = ()
    diseases_complete: bool = False
    creatinine_umol_l: float | None = None
    calcium_mmol_l: float | None = None
    albumin_g_l: float | None = None
    vitamin_d_ng_ml: float | None = None
    pth_pg_ml: float | None = None
    pregnant: bool | None = None
    falls_12_months: int | None = None
    injurious_fall: bool | None = None
    high_fall_risk: bool | None = None
    smoker: bool | None = None
    alcohol_g_day: float | None = None
    dental_work_planned: bool | None = None
    dental_check_done: bool | None = None
    thigh_or_groin_pain: bool | None = None
    can_sit_upright_30_min: bool | None = None
    home_hazards_checked: bool | None = None
    frax: Frax | None = None
    risks: tuple[Risk, ...] = ()
    spine: Spine | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.id:
            raise InputError("a patient needs an id.")
        if self.sex not in {None, "female", "male"}:
            raise InputError(f"patient {self.id}: sex={self.sex!r}.", hint="Write 'female' or 'male'.")
        parts = (self, *(self.fractures or ()), *self.dxa, *(self.drugs or ()), *self.diseases)
        for part in (*parts, *((self.frax,) if self.frax else ()), *((self.spine,) if self.spine else ())):
            kind = "" if part is self else f"{type(part).__name__.lower()} "
            for field in fields(part):
                value = getattr(part, field.name)
                if isinstance(value, date) and value > self.as_of:
                    raise InputError(
                        f"patient {self.id}: {kind}{field.name} {value} lies in the future (as of {self.as_of}).",
                        hint="Correct the date.",
                    )
                if isinstance(value, float) and not math.isfinite(value):
                    raise InputError(
                        f"patient {self.id}: {kind}{field.name}={value}.", hint="None says: unknown."
                    )

    @property
    def age_years(self) -> int | None:
        """Completed years of life on the day ``as_of``."""
        if self.birth_date is None:
            return self.stated_age_years
        birthday_to_come = (self.as_of.month, self.as_of.day) < (self.birth_date.month, self.birth_date.day)
        return self.as_of.year - self.birth_date.year - birthday_to_come
