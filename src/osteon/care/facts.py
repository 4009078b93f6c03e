"""
The facts rules speak of, derived from a patient: ages, months since, lowest T-score, clearance, corrected calcium.

Whatever cannot be derived is None, together with the entries of the patient file that would give it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType

from osteon.care.condition import Facts, Value
from osteon.care.fact_items import (
    drug_facts,
    fracture_facts,
    months_since,
    months_taken,
    rounded_t,
    scan_facts,
)
from osteon.care.renal import ckd_epi_2021, cockcroft_gault
from osteon.care.vocabulary import drug_name
from osteon.cohort.units import calcium_corrected_mmol_l
from osteon.domain.patient import Dxa, Patient, months_between

__all__ = ["DIAGNOSTIC_SITES", "FACTS", "facts_of"]

FACTS: Mapping[str, str] = MappingProxyType(
    {
        "age_years": "completed years",
        "sex": "female or male",
        "menopausal_status": "premenopausal, perimenopausal, postmenopausal; not_applicable in men",
        "menopause_from_age": "nobody wrote the menopausal status; it follows from the age",
        "years_since_menopause": "years",
        "t_scores_apply": "peri- or postmenopausal woman, or man of 50 and over",
        "t_score_given_too_young": "a T-score was given though only Z-scores apply",
        "t_lowest": "lowest T-score of spine, femoral neck, total hip, 33 % radius, one decimal; none where they do not apply",
        "t_hip": "lower T-score of femoral neck and total hip",
        "t_lumbar": "T-score of the spine",
        "z_lowest": "lowest Z-score of the diagnostic sites",
        "dxa_device_changed": "scans of one site on different devices",
        "dxa_side_changed": "scans of one hip or forearm site on different sides",
        "jurisdiction": "us, eu, uk, cn",
        "country": "as in the patient file",
        "crcl_ml_min": "Cockcroft-Gault clearance",
        "egfr_ml_min": "CKD-EPI 2021",
        "calcium_mmol_l": "corrected for albumin; as measured while albumin is unknown",
        "calcium_uncorrected": "calcium is known, albumin is not",
        "vitamin_d_ng_ml": "25-hydroxyvitamin D",
        "qct_spine_mg_cm3": "volumetric density of the spine",
        "pth_pg_ml": "parathyroid hormone",
        "bmi": "kg/m2",
        "weight_kg": "kg",
        "height_loss_cm": "cm",
        "frax_mof_pct": "imported FRAX, major osteoporotic fracture, 10 years",
        "frax_hip_pct": "imported FRAX, hip",
        "frax_with_bmd": "FRAX was calculated with BMD",
        "frax_months_old": "months since FRAX was calculated",
        "frax_other_country": "FRAX of another country than the patient's",
        "qfracture_mof_pct": "QFracture, osteoporotic fracture, 10 years",
        "qfracture_hip_pct": "QFracture, hip, 10 years",
        "model_risk_pct": "highest risk of the model results given, percent",
        "hip_risk_above_major": "a tool's hip risk exceeds its risk of any osteoporotic fracture",
        "falls_12_months": "number",
        "injurious_fall": "a fall with injury",
        "high_fall_risk": "as judged, or two falls and more in a year, or a fall with injury",
        "steroid_mg_day": "present glucocorticoid, mg of prednisolone a day",
        "steroid_months": "months of the present glucocorticoid",
        "pregnant": "pregnant now; no in men and after the menopause",
        "smoker": "smokes now",
        "alcohol_g_day": "grams of alcohol a day",
        "dental_work_planned": "invasive dental work planned",
        "dental_check_done": "dental check done",
        "thigh_or_groin_pain": "new pain in thigh or groin",
        "can_sit_upright_30_min": "can sit or stand upright for 30 minutes",
        "home_hazards_checked": "home hazards were checked",
        "vas": "pain under analgesia, 0-10",
        "weeks_of_care": "weeks of conservative care",
        "mobile": "mobile on analgesia",
        "of_type": "AO Spine-DGOU type 1-5",
        "collapse_ongoing": "the vertebra loses height from scan to scan",
        "neurological_deficit": "deficit",
        "neurological_compression": "the canal or cord is compressed",
        "posterior_wall_unstable": "posterior wall unstable",
        "asa_class": "ASA class 1-5",
        "dependent": "dependent in daily life",
        "oedema": "oedema on MRI (STIR) at the level",
        "healed": "fracture healed",
        "pain_at_level": "pain at the level of the fracture",
        "cleft": "intravertebral cleft",
        "height_loss_pct": "height lost by the vertebra",
        "kyphosis_deg": "local kyphosis",
        "morphology": "normal, compression, burst",
        "mri": "normal, long_t1_t2, vacuum_or_fluid",
        "pain": "none, back_pain, sustained_or_cord",
        "l1_hu": "attenuation of L1",
        "ct_contrast": "CT with contrast",
        "ct_kvp": "tube voltage",
        "metal_artefact": "metal in the scan",
        "transitional_vertebra": "lumbosacral transitional vertebra",
        "counted_down_from_c2": "levels counted from above",
        "vertebral_fracture_case": "a vertebral fracture is described in the section on the spine",
        "tier": "the tier of the plan; none until it is known",
        "vertebral_imaging_done": "vertebral fractures were looked for (a vertebral fracture or a spine section is given)",
    }
)
"""Every named fact and what it means."""

_ASKED_AS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "age_years": ("age",),
        "fracture.months_ago": ("fracture.date",),
        "fracture.fragility": ("fracture.low_trauma",),
        "fracture.in_adult_life": ("fracture.date",),
        "drug.months": ("drug.start",),
        "drug.weeks_since_dose": ("drug.last_dose",),
        "drug.months_since_stop": ("drug.stopped",),
        "dxa.months_ago": ("dxa.date",),
    }
)
DIAGNOSTIC_SITES = ("lumbar", "femoral_neck", "total_hip", "radius_33")
_SURELY_POSTMENOPAUSAL_YEARS = 60
_FEWEST_VERTEBRAE = 2
_ADULT_YEARS = 50


def facts_of(patient: Patient, *, jurisdiction: str) -> Facts:
    """
    Everything the rules may ask about a patient.

    Parameters
    ----------
    patient : Patient
    jurisdiction : str
        "us", "eu", "uk" or "cn".

    Examples
    --------
    >>> woman = Patient(id="1", as_of=date(2026, 6, 1), sex="female", stated_age_years=70, menopausal_status="postmenopausal",
    ...                 dxa=(Dxa(site="lumbar", t=-2.45), Dxa(site="ward", t=-3.9)))
    >>> found = facts_of(woman, jurisdiction="us")
    >>> found.values["t_lowest"], found.values["crcl_ml_min"], found.needs["crcl_ml_min"]
    (-2.5, None, ('creatinine', 'weight'))
    """
    values: dict[str, Value] = dict.fromkeys(FACTS)
    needs: dict[str, tuple[str, ...]] = dict(_ASKED_AS)
    plain = set(FACTS) & set(Patient.__dataclass_fields__)
    values |= {name: getattr(patient, name) for name in plain}
    if patient.spine is not None:
        values |= {
            name: getattr(patient.spine, name)
            for name in set(FACTS) & set(type(patient.spine).__dataclass_fields__)
        }
    values |= {"age_years": patient.age_years, "jurisdiction": jurisdiction}
    for more, why in (
        _person(patient),
        _density(patient),
        _blood(patient),
        _risks(patient),
        _steroids(patient),
    ):
        values |= more
        needs |= why
    values["vertebral_fracture_case"] = patient.spine is not None
    values["vertebral_imaging_done"] = True if patient.spine is not None or _has_vertebral(patient) else None
    return Facts(
        values=values,
        items={
            "fracture": None
            if patient.fractures is None
            else tuple(fracture_facts(one, patient) for one in patient.fractures),
            "drug": None
            if patient.drugs is None
            else tuple(drug_facts(one, patient) for one in patient.drugs),
            "dxa": tuple(scan_facts(one, patient) for one in patient.dxa),
        },
        diseases={one.code: one.present for one in patient.diseases},
        disease_months={
            one.code: months_since(one.date, patient.as_of) for one in patient.diseases if one.present
        },
        diseases_complete=patient.diseases_complete,
        needs=needs,
    )


Derived = tuple[dict[str, Value], dict[str, tuple[str, ...]]]


def _has_vertebral(patient: Patient) -> bool:
    return any(one.site == "vertebra" for one in patient.fractures or ())


def _menopausal_status(patient: Patient) -> str | None:
    """As stated; after the age of menopause, or from sixty on, a woman is postmenopausal."""
    if patient.sex != "female" or patient.menopausal_status is not None or patient.age_years is None:
        return "not_applicable" if patient.sex == "male" else patient.menopausal_status
    since = patient.menopause_age_years
    past = patient.age_years >= (_SURELY_POSTMENOPAUSAL_YEARS if since is None else since + 1)
    return "postmenopausal" if past else None


def _t_scores_apply(patient: Patient) -> bool | None:
    if patient.sex == "male":
        return None if patient.age_years is None else patient.age_years >= _ADULT_YEARS
    status = _menopausal_status(patient)
    return None if patient.sex is None or status is None else status != "premenopausal"


def _person(patient: Patient) -> Derived:
    apply = _t_scores_apply(patient)
    falls = patient.falls_12_months
    # two falls in a year or an injurious one is high risk by the World Falls algorithm; a judgement of "no" does not undo it
    at_risk = [patient.high_fall_risk, patient.injurious_fall, None if falls is None else falls >= 2]
    status = _menopausal_status(patient)
    since = None
    if patient.age_years is not None and patient.menopause_age_years is not None:
        since = max(0.0, patient.age_years - patient.menopause_age_years)
    bmi = None
    if patient.weight_kg is not None and patient.height_cm is not None:
        bmi = patient.weight_kg / (patient.height_cm / 100.0) ** 2
    values: dict[str, Value] = {
        "menopausal_status": status,
        "menopause_from_age": patient.sex == "female"
        and patient.menopausal_status is None
        and status is not None,
        "years_since_menopause": since,
        "t_scores_apply": apply,
        "high_fall_risk": True
        if True in at_risk
        else (False if patient.high_fall_risk is False or falls is not None else None),
        "pregnant": False
        if patient.pregnant is None and status in {"not_applicable", "postmenopausal"}
        else patient.pregnant,
        "bmi": bmi,
    }
    return values, {
        "high_fall_risk": ("falls_12_months",),
        "t_scores_apply": ("sex", "age", "menopausal_status"),
    }


def _density(patient: Patient) -> Derived:
    apply = _t_scores_apply(patient)
    scans = [one for one in patient.dxa if one.site in DIAGNOSTIC_SITES and not _too_few_vertebrae(one)]
    # of one site the latest scan counts; undated ones come first
    latest = {
        one.site: one for one in sorted(scans, key=lambda one: one.date or date.min) if one.t is not None
    }
    t = {site: rounded_t(one.t) for site, one in latest.items() if one.t is not None} if apply else {}
    hips = [t[site] for site in ("femoral_neck", "total_hip") if site in t]
    z = [one.z for one in scans if one.z is not None]
    values: dict[str, Value] = {
        "t_lowest": min(t.values(), default=None),
        "t_hip": min(hips, default=None),
        "t_lumbar": t.get("lumbar"),
        "z_lowest": min(z, default=None),
        "t_score_given_too_young": apply is False and any(one.t is not None for one in patient.dxa),
        "dxa_device_changed": _differs(scans, "device"),
        "dxa_side_changed": _differs(scans, "side"),
    }
    return values, {
        "t_lowest": ("dxa",),
        "t_hip": ("dxa_hip",),
        "t_lumbar": ("dxa_lumbar",),
        "z_lowest": ("dxa_z",),
    }


def _too_few_vertebrae(one: Dxa) -> bool:
    """Is it a spine of which a single vertebra is left? That is not diagnostic (ISCD)."""
    return bool(one.vertebrae) and len(set(one.vertebrae) - set(one.excluded)) < _FEWEST_VERTEBRAE


def _differs(scans: list[Dxa], name: str) -> bool:
    """Was one site measured in two ways (two devices, two sides) that must not be compared?"""
    seen: dict[str, set[str]] = {}
    for one in scans:
        if getattr(one, name) is not None:
            seen.setdefault(one.site, set()).add(getattr(one, name))
    return any(len(kinds) > 1 for kinds in seen.values())


def _blood(patient: Patient) -> Derived:
    needs = [name for name, value in (("age", patient.age_years), ("sex", patient.sex), ("creatinine", patient.creatinine_umol_l),
                                      ("weight", patient.weight_kg)) if value is None]  # fmt: skip
    crcl = egfr = calcium = None
    adult = patient.age_years is not None and 18 <= patient.age_years <= 120
    if (
        adult
        and patient.sex is not None
        and patient.creatinine_umol_l is not None
        and patient.age_years is not None
    ):
        person = {
            "age_years": patient.age_years,
            "creatinine_umol_l": patient.creatinine_umol_l,
            "sex": patient.sex,
        }
        egfr = ckd_epi_2021(**person)  # type: ignore[arg-type]
        crcl = None if patient.weight_kg is None else cockcroft_gault(weight_kg=patient.weight_kg, **person)  # type: ignore[arg-type]
    if patient.calcium_mmol_l is not None:
        calcium = patient.calcium_mmol_l
        if patient.albumin_g_l is not None:
            calcium = float(calcium_corrected_mmol_l(calcium, albumin_g_l=patient.albumin_g_l))
    values: dict[str, Value] = {
        "crcl_ml_min": None if crcl is None else round(crcl, 6),
        "egfr_ml_min": None if egfr is None else round(egfr, 6),
        "calcium_mmol_l": None if calcium is None else round(calcium, 9),
        "calcium_uncorrected": patient.calcium_mmol_l is not None and patient.albumin_g_l is None,
    }
    return values, {
        "crcl_ml_min": tuple(needs) or ("age",),
        "egfr_ml_min": tuple(name for name in needs if name != "weight") or ("age",),
        "calcium_mmol_l": ("calcium",),
        "vitamin_d_ng_ml": ("vitamin_d",),
    }


def _risks(patient: Patient) -> Derived:
    found: dict[str, Value] = {}
    if patient.frax is not None:
        frax = patient.frax
        known = patient.country is not None
        found |= {
            "frax_mof_pct": frax.mof_pct,
            "frax_hip_pct": frax.hip_pct,
            "frax_with_bmd": frax.with_bmd,
            "frax_months_old": months_between(frax.date, patient.as_of),
            "frax_other_country": (patient.country or "").casefold() != frax.country_model.casefold()
            if known
            else None,
        }
    tens = {(one.model, one.outcome): one.value * 100.0 for one in patient.risks if one.horizon_years == 10}
    for (model, outcome), percent in tens.items():
        if model.startswith("qfracture"):
            found["qfracture_hip_pct" if outcome == "fracture_hip" else "qfracture_mof_pct"] = percent
    found["model_risk_pct"] = max((100.0 * one.value for one in patient.risks), default=None)
    found["hip_risk_above_major"] = any(
        percent > tens.get((model, other), 100.0)
        for (model, outcome), percent in tens.items() if outcome == "fracture_hip"
        for other in ("fracture_osteoporotic", "fracture_major")
    )  # fmt: skip
    return found, dict.fromkeys(("frax_mof_pct", "frax_hip_pct", "frax_months_old"), ("frax",))


def _steroids(patient: Patient) -> Derived:
    if patient.drugs is None:
        return {}, {"steroid_mg_day": ("drugs",), "steroid_months": ("drugs",)}
    dose: float | None = 0.0
    months: float | None = 0.0
    for one in patient.drugs:
        equal = drug_name(one.drug).mg_per_5_mg_prednisolone
        if equal is None or one.taken_now is False:
            continue
        dose = (
            None
            if dose is None or one.dose_mg_day is None or one.taken_now is None
            else dose + 5.0 * one.dose_mg_day / equal
        )
        taken = months_taken(one, patient.as_of)
        months = None if months is None or taken is None else max(months, taken)
    return {"steroid_mg_day": dose, "steroid_months": months}, {
        "steroid_mg_day": ("drug.dose_mg_day",),
        "steroid_months": ("drug.start",),
    }
