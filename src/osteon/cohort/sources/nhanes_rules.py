"""
What NHANES columns say together: smoking, alcohol, arthritis, T-scores and their diagnoses, released FRAX values.

Each rule takes the foreign table (special codes still in it) and gives our columns; a rule whose variables are absent
gives nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from osteon.cohort.cohort import Change
from osteon.cohort.tscore import REFERENCES, osteoporosis, t_scores

__all__ = ["bone_status", "frax", "lifestyle"]

#: Drinking days a year for the answers of ALQ121 (hand card of 2017 on); midpoints of ranges.
_DRINKING_DAYS = {
    0: 0.0,
    1: 365.0,
    2: 286.0,
    3: 182.0,
    4: 104.0,
    5: 52.0,
    6: 30.0,
    7: 12.0,
    8: 9.0,
    9: 4.5,
    10: 1.5,
}
_VERTEBRAE = ("l1", "l2", "l3", "l4")


def _codes(raw: pd.DataFrame, name: str, *, missing: tuple[float, ...] = ()) -> pd.Series | None:
    """A foreign variable as numbers without its special codes, or None when it is absent."""
    if name not in raw.columns:
        return None
    values = raw[name].astype("float64")
    return values.mask(values.isin(missing))


def lifestyle(raw: pd.DataFrame) -> pd.DataFrame:
    """
    Smoking, alcohol, rheumatoid arthritis and gait speed from the questionnaire and the timed walk.

    * ``smoking_current``: smokes every day or some days (SMQ040 1, 2); no for those below 100 cigarettes ever.
    * ``alcohol_ge3_day``: three or more drinks on a drinking day; no for those who did not drink in the last year.
    * ``alcohol_drinks_per_day``: drinks on a drinking day x drinking days / 365 (ALQ121 ranges at their midpoint).
    * ``rheumatoid_arthritis``: MCQ195 is 2, the coding of 2011 on; no for those without arthritis.
    """
    out: dict[str, pd.Series] = {}
    ever, now = _codes(raw, "SMQ020", missing=(7, 9)), _codes(raw, "SMQ040", missing=(7, 9))
    if ever is not None and now is not None:
        out["smoking_ever"] = (ever == 1).astype(float).where(ever.notna())
        current = now.isin([1, 2]).astype(float).where(now.notna())
        out["smoking_current"] = current.mask(ever == 2, 0.0)
    out |= _alcohol(raw)
    kind, any_kind = _codes(raw, "MCQ195", missing=(7, 9)), _codes(raw, "MCQ160A", missing=(7, 9))
    if kind is not None and any_kind is not None:
        out["rheumatoid_arthritis"] = (kind == 2).astype(float).where(kind.notna()).mask(any_kind == 2, 0.0)
    walk = _codes(raw, "MSXW20TM")
    if walk is not None:
        out["gait_speed_m_s"] = 6.096 / walk.where(walk > 0)
    return pd.DataFrame(out, index=raw.index)


def _alcohol(raw: pd.DataFrame) -> dict[str, pd.Series]:
    ever, often = _codes(raw, "ALQ111", missing=(7, 9)), _codes(raw, "ALQ121", missing=(77, 99))
    drinks = _codes(raw, "ALQ130", missing=(77, 99, 777, 999))
    if ever is None or often is None or drinks is None:
        return {}
    dry = (ever == 2) | (often == 0)
    heavy = (drinks >= 3).astype(float).where(drinks.notna()).mask(dry, 0.0)
    daily = (drinks * often.map(_DRINKING_DAYS) / 365.0).mask(dry, 0.0)
    return {"alcohol_ge3_day": heavy, "alcohol_drinks_per_day": daily}


def bone_status(table: pd.DataFrame, raw: pd.DataFrame) -> tuple[pd.DataFrame, tuple[Change, ...]]:
    """
    T-scores, evaluable lumbar BMD and osteoporosis from the BMD columns of ``table``.

    * ``osteoporosis_fn``: T of the femoral neck at or below -2.5.
    * ``osteoporosis_fn_or_ls``: neck or L1-L4, by whichever was measured; with one site missing osteoporosis can go
      unseen, so its prevalence is an underestimate.
    * ``bmd_lumbar_evaluable_g_cm2``: two or more valid vertebrae, sum(BMC)/sum(area); where BMC and area are not in
      the table, the mean of the vertebral BMDs, which is not what the ISCD asks for but all that can be had.
    * ``osteoporosis_fn_or_evaluable_ls``: people with neck and two or more vertebrae only: for prevalence.
    """
    out: dict[str, np.ndarray | pd.Series] = {}
    log: list[Change] = []
    evaluable, how = _evaluable_lumbar(table, raw)
    if evaluable is not None:
        out["bmd_lumbar_evaluable_g_cm2"] = evaluable
        log.append(
            Change(
                code="derived", column="bmd_lumbar_evaluable_g_cm2", n=int(evaluable.notna().sum()), why=how
            )
        )
    sites = {
        "t_femoral_neck": table.get("bmd_femoral_neck_g_cm2"),
        "t_total_hip": table.get("bmd_total_hip_g_cm2"),
        "t_lumbar": table.get("bmd_lumbar_g_cm2"),
        "t_lumbar_evaluable": evaluable,
    }
    for name, bmd in sites.items():
        if bmd is not None:
            reference = REFERENCES[name.removesuffix("_evaluable")]
            out[name] = t_scores(bmd, reference=reference)
            log.append(Change(code="derived", column=name, n=int(bmd.notna().sum()), why=str(reference)))
    neck, lumbar, vertebrae = (out.get(name) for name in ("t_femoral_neck", "t_lumbar", "t_lumbar_evaluable"))
    if neck is not None:
        out["osteoporosis_fn"] = osteoporosis(neck)
    if neck is not None and lumbar is not None:
        out["osteoporosis_fn_or_ls"] = osteoporosis(neck, lumbar)
        out["both_sites_measured"] = (~(np.isnan(neck) | np.isnan(lumbar))).astype(float)
    if neck is not None and vertebrae is not None:
        both = ~(np.isnan(neck) | np.isnan(vertebrae))
        out["osteoporosis_fn_or_evaluable_ls"] = np.where(both, osteoporosis(neck, vertebrae), np.nan)
    return pd.DataFrame(out, index=table.index), tuple(log)


def _evaluable_lumbar(table: pd.DataFrame, raw: pd.DataFrame) -> tuple[pd.Series | None, str]:
    """BMD of two or more valid vertebrae, and how it was made."""
    names = [f"bmd_{level}_g_cm2" for level in _VERTEBRAE]
    if not set(names) <= set(table.columns):
        return None, ""
    valid = table[names].notna().to_numpy()
    enough = valid.sum(axis=1) >= 2
    contents = [f"DXX{level.upper()}BMC" for level in _VERTEBRAE]
    areas = [f"DXX{level.upper()}A" for level in _VERTEBRAE]
    if {*contents, *areas} <= set(raw.columns):
        mass = np.where(valid, raw[contents].to_numpy(dtype=float), 0.0).sum(axis=1)
        area = np.where(valid, raw[areas].to_numpy(dtype=float), 0.0).sum(axis=1)
        bmd = np.divide(mass, area, out=np.full(len(table), np.nan), where=enough & (area > 0))
        return pd.Series(bmd, index=table.index), "sum(BMC)/sum(area) of 2 or more valid vertebrae"
    mean = table[names].mean(axis=1).where(enough)
    return mean, "mean BMD of 2 or more vertebrae; sum(BMC)/sum(area) needs columns that are not in the table"


def frax(raw: pd.DataFrame, *, vertebral_fracture: pd.Series | None = None) -> pd.DataFrame:
    """
    FRAX probabilities released by NHANES (DXXFRX), by each person's fracture history.

    With a fracture since age 20 (DXXPRVFX 1) DXXFRAX1 (hip) and DXXFRAX2 (major); without (2) DXXFRAX3 and DXXFRAX4,
    unless a vertebral fracture was seen on VFA, then again 1 and 2. Calculated with femoral neck BMD, Hologic 3.05;
    unanswered risk factors were entered as no.

    Parameters
    ----------
    raw : DataFrame with DXXPRVFX and DXXFRAX1 to DXXFRAX4, in percent
    vertebral_fracture : Series of 1.0, 0.0, NaN, optional
        Fracture on vertebral fracture assessment.

    Source
    ------
    NHANES 2013-2014, codebook DXXFRX_H, analytic notes.
    """
    if "DXXPRVFX" not in raw.columns:
        return pd.DataFrame(index=raw.index)
    history = raw["DXXPRVFX"].astype(float)
    fractured = history == 1
    if vertebral_fracture is not None:
        fractured |= (history == 2) & (vertebral_fracture == 1)
    unbroken = (history == 2) & ~fractured
    hip = raw["DXXFRAX1"].where(fractured, raw["DXXFRAX3"].where(unbroken))
    major = raw["DXXFRAX2"].where(fractured, raw["DXXFRAX4"].where(unbroken))
    return pd.DataFrame(
        {
            "frax_hip_pct": hip,
            "frax_mof_pct": major,
            "frax_with_bmd": major.notna().astype(float).where(major.notna()),
        },
        index=raw.index,
    )
