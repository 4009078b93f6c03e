"""What a plan says, from its codes: amounts, doses, facts, and a sentence for each item."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

from osteon.domain.plan import Item, Param
from osteon.report.value import Text, Words
from osteon.report.words import placeholders, words

__all__ = [
    "EVERY",
    "ROUTES",
    "amount",
    "dose_text",
    "drug_text",
    "fact_text",
    "figure",
    "has_words",
    "how_text",
    "item_text",
    "joined",
    "known",
    "named",
    "phrase",
]

_KINDS = {"removed": "contraindication", "withheld": "contraindication"}
ROUTES = ("oral", "iv", "sc", "sc_or_im", "im", "nasal", "patch")
EVERY = (
    "day", "2_days", "3_a_day", "week", "twice_week", "month", "3_months", "6_months", "year", "6_months_after_last_dose",
)  # fmt: skip
_DECIMALS = {"SD": 1, "mmol/L": 2}


def phrase(key: str, **values: Any) -> Words:
    """A text of the plan's word lists."""
    return Words(f"plan.{key}", **values)


def known(key: str) -> bool:
    """The word lists hold this text (both languages hold the same keys)."""
    return f"plan.{key}" in words("en").entries


def named(kind: str, code: str) -> Text:
    """A code in words; one the word lists do not know, such as a site's own rule, as it stands."""
    return phrase(f"{kind}.{code}") if known(f"{kind}.{code}") else code.replace("_", " ")


def joined(texts: Iterable[Text], key: str = "joined") -> Text:
    """Texts one after the other; "" for none."""
    parts = list(texts)
    return reduce(lambda first, second: phrase(key, first=first, second=second), parts) if parts else ""


def figure(value: float, *, decimals: int | None = None) -> str:
    """
    A number as it is read aloud: no needless zeros, a true minus.

    Examples
    --------
    >>> figure(1200.0), figure(0.75), figure(-3, decimals=1), figure(19.999999999999996)
    ('1200', '0.75', '−3.0', '20')
    """
    text = f"{value:.{decimals}f}" if decimals is not None else f"{round(value, 6):g}"
    return text.replace("-", "−")


def amount(params: Mapping[str, Param]) -> Text:
    """The threshold of an item with its unit, a range where it has two ends; without one, the guideline's own by age."""
    value, unit = params.get("value"), str(params.get("unit", "1"))
    if not isinstance(value, int | float):
        return phrase("amount.by_age")
    if unit.startswith("x "):
        return phrase("amount.times_threshold", value=figure(value))
    low = figure(value, decimals=_DECIMALS.get(unit))
    high = params.get("to_value")
    number: Text = low
    if isinstance(high, int | float):
        number = phrase("amount.range", low=low, high=figure(high, decimals=_DECIMALS.get(unit)))
    return phrase(f"unit.{unit}", n=number) if known(f"unit.{unit}") else f"{low} {unit}"


def drug_text(code: str) -> Text:
    """The name of a drug."""
    return named("drug", code)


def dose_text(params: Mapping[str, Param]) -> Text:
    """Dose, route and interval of a candidate, with what belongs to it and the other usual doses."""
    low, high = params["dose"], params.get("dose_to")
    dose: Text = figure(float(str(low)))
    if isinstance(high, int | float):
        dose = phrase("amount.range", low=dose, high=figure(high))
    text: Text = phrase(
        "dose.line", dose=dose, unit=_unit(str(params["unit"])), route=named("route", str(params["route"])),
        every=named("every", str(params["every"])),
    )  # fmt: skip
    if "over_minutes_at_least" in params:
        text = phrase("dose.minutes", dose=text, n=params["over_minutes_at_least"])
    if "injections" in params:
        text = phrase("dose.injections", dose=text, n=params["injections"], mg=params["injection_mg"])
    if "doses" in params:
        text = phrase("dose.doses", dose=text, n=params["doses"])
    for extra in ("with_food", "total_intake"):
        text = phrase(f"dose.{extra}", dose=text) if params.get(extra) else text
    others = params.get("alternatives")
    if isinstance(others, tuple) and others:
        text = phrase("dose.alternatives", dose=text, alternatives=joined(map(_regimen, others), "dose.or"))
    return text


def _unit(unit: str) -> Text:
    return {"ug": "µg"}.get(unit, unit)


def _regimen(text: str) -> Text:
    """A usual dose written short: "10 mg oral day", or with its drug and a time: "alendronate 1-2 years"."""
    first, _, rest = text.partition(" ")
    if known(f"drug.{first}"):
        return phrase("labelled_short", label=drug_text(first), text=_regimen(rest))
    parts = text.split()
    low, _, high = parts[0].partition("-")
    number: Text = phrase("amount.range", low=low, high=high) if high else low
    match parts[1:]:
        case [unit] if known(f"unit.{unit}"):
            return phrase(f"unit.{unit}", n=number)
        case [unit, route, every] if route in ROUTES and every in EVERY:
            told = {"route": phrase(f"route.{route}"), "every": phrase(f"every.{every}")}
            return phrase("dose.line", dose=number, unit=_unit(unit), **told)
    return text  # a site's own words


def fact_text(name: str) -> Text:
    """A fact of the patient file by its name: "creatinine", "fracture.date", "disease.stroke.date"."""
    kind, _, rest = name.partition(".")
    if kind == "disease" and rest:
        code, _, part = rest.partition(".")
        return phrase(f"fact_of.disease.{part or 'present'}", disease=named("disease", code))
    if rest and known(f"fact_of.{kind}.{rest}"):
        return phrase(f"fact_of.{kind}.{rest}")
    return named("fact", name)


def how_text(name: str) -> Text:
    """Where a missing fact comes from."""
    kind = name.partition(".")[0]
    return phrase(f"how.{kind}") if known(f"how.{kind}") else phrase("how.default")


def has_words(item: Item) -> bool:
    """The word lists can say it; a site's own rule may lack words, or a number that ours of the same code has."""
    key = _key(item)
    return bool(key) and placeholders(words("en").entries[f"plan.{key}"]) <= {"amount", *item.params}


def item_text(item: Item) -> Text:
    """What an item says, with the facts that leave it open."""
    if item.rule_id.startswith("risk_equivalent."):
        return _risk(item)
    text: Text = (
        phrase(_key(item), **dict(_values(item.params))) if has_words(item) else item.code.replace("_", " ")
    )
    if item.params.get("to_confirm"):
        return phrase("to_confirm", text=text)
    if item.missing:
        return phrase(
            "missing_named", text=text, facts=joined((fact_text(name) for name in item.missing), "listed")
        )
    return text


def _key(item: Item) -> str:
    """Key of an item's text: by its drug, with its months, by its own code, whichever the word lists hold first."""
    kind, code = _KINDS.get(item.section, item.section), item.code
    if ".contraindication." in item.rule_id and item.section == "caution":
        kind = "contraindication"
    tries = [f"{kind}.{code}_of_{item.about}", f"{kind}.{code}"]
    if item.section == "tier":
        tries = [f"criterion.{item.rule_id.partition('.')[2]}"]
    if "band" in item.params and item.params.get("value") is None:
        tries.insert(0, f"{kind}.{code}_open")
    if "months" in item.params:
        tries.insert(0, f"{kind}.{code}_at")
    return next((key for key in tries if known(key)), "")


def _values(params: Mapping[str, Param]) -> Iterator[tuple[str, Any]]:
    """Every parameter ready for a sentence, and the threshold with its unit as ``amount``."""
    yield "amount", amount(params)
    for name, value in params.items():
        yield name, _value(name, value)


def _value(name: str, value: Param) -> Any:
    if name == "band":
        return named("band", str(value))
    if name == "follow_on" and isinstance(value, tuple):
        return joined(map(_regimen, value), "dose.or")
    if name == "cut_offs" and isinstance(value, tuple):
        return joined((_cut_off(one) for one in value), "listed")
    if isinstance(value, tuple):
        return tuple(named("list", one) for one in value)
    if isinstance(value, str) and name.endswith("months"):
        return tuple(value.split(", "))
    if isinstance(value, float) and name.endswith("_ml_min"):
        return figure(value, decimals=1)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return figure(value)
    return value


def _cut_off(text: str) -> Text:
    drug, _, limit = text.partition(" ")
    return phrase("labelled_short", label=drug_text(drug), text=phrase("unit.mL/min", n=limit))


def _risk(item: Item) -> Text:
    """A computed risk beside the arithmetic limit it passed."""
    params = item.params
    limit, risk = (float(str(params[name])) for name in ("threshold_pct", "risk_pct"))
    return phrase(
        f"by_risk.{params['outcome']}", model=named("model", str(params["model"])), years=figure(float(str(params["horizon_years"]))),
        risk=_percent(risk), limit=_percent(limit),
    )  # fmt: skip


def _percent(value: float) -> str:
    return figure(value, decimals=2 if value < 1 else 1).removesuffix(".0")
