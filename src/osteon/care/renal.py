"""
Renal function two ways: Cockcroft-Gault, by which drug cut-offs are set, and CKD-EPI 2021, by which CKD is staged.

The coefficients are those of the published equations themselves; cut-offs on the results stand in the rules.
"""

from __future__ import annotations

from osteon.core.errors import InputError, UnitError

__all__ = ["UMOL_L_PER_MG_DL", "ckd_epi_2021", "cockcroft_gault"]

UMOL_L_PER_MG_DL = 88.42
"""Creatinine, molar mass 113.12 g/mol."""


def cockcroft_gault(*, age_years: float, weight_kg: float, creatinine_umol_l: float, sex: str) -> float:
    """
    Creatinine clearance, mL/min: (140 - age) x weight x (0.85 in women) / (72 x creatinine in mg/dL).

    Parameters
    ----------
    age_years : float, 18 to 120
    weight_kg : float > 0
        Actual body weight.
    creatinine_umol_l : float > 0
    sex : "female" or "male"

    Raises
    ------
    UnitError
        A number that cannot be in its unit.
    InputError
        Another sex.

    Source
    ------
    Cockcroft and Gault (1976), Nephron 16:31-41.

    Examples
    --------
    A man of 40 years and 72 kg with a creatinine of 1.0 mg/dL has exactly 100 mL/min.

    >>> cockcroft_gault(age_years=40, weight_kg=72, creatinine_umol_l=88.42, sex="male")
    100.0
    """
    _checked(age_years, creatinine_umol_l, sex)
    if not 0 < weight_kg < 500:
        raise UnitError(f"weight_kg={weight_kg} is impossible.", hint="Give kilograms.")
    women = 0.85 if sex == "female" else 1.0
    # nobody is 140: at that age the formula would turn negative
    return max(0.0, 140.0 - age_years) * weight_kg * women / (72.0 * creatinine_umol_l / UMOL_L_PER_MG_DL)


def ckd_epi_2021(*, age_years: float, creatinine_umol_l: float, sex: str) -> float:
    """
    Estimated glomerular filtration rate, mL/min/1.73 m2, without a term for race.

    Raises
    ------
    UnitError
        A number that cannot be in its unit.
    InputError
        Another sex.

    Source
    ------
    Inker et al. (2021), N Engl J Med 385:1737-1749.

    Examples
    --------
    >>> round(ckd_epi_2021(age_years=50, creatinine_umol_l=88.42, sex="female"), 1)
    68.6
    """
    _checked(age_years, creatinine_umol_l, sex)
    kappa, alpha, women = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = creatinine_umol_l / UMOL_L_PER_MG_DL / kappa
    return float(142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.2 * 0.9938**age_years * women)


def _checked(age_years: float, creatinine_umol_l: float, sex: str) -> None:
    if sex not in {"female", "male"}:
        raise InputError(f"sex={sex!r}: the equations are for 'female' and 'male'.")
    if not 18 <= age_years <= 120:
        raise UnitError(f"age_years={age_years}: the equations are for adults.", hint="Give 18 to 120.")
    if not creatinine_umol_l > 0:
        raise UnitError(f"creatinine_umol_l={creatinine_umol_l} is impossible.", hint="None says: unknown.")
