"""Every rule a guideline uses, for people who check rules: what it says, its condition, source and state of verification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from osteon.care.rule import Rule
from osteon.domain.plan import Item
from osteon.report.plan_rules import source_text
from osteon.report.plan_words import drug_text, item_text, joined, named, phrase
from osteon.report.value import Text
from osteon.report.words import words

__all__ = ["rule_lines"]


def rule_lines(rules: Iterable[Rule], lang: str) -> Iterator[str]:
    """
    Four lines for each rule: id and state, what it says, when, and where it is published.

    Parameters
    ----------
    rules : iterable of Rule
    lang : "en" or "zh"
    """
    dictionary = words(lang)
    for rule in rules:
        state = (
            phrase("rule.checked", by=rule.verified_by, on=rule.verified_on)
            if rule.verified
            else phrase("rule.unchecked")
        )
        confidence = named("confidence", rule.confidence)
        yield dictionary.say(phrase("rule.head", id=rule.id, state=state, confidence=confidence))
        yield f"    {dictionary.say(_says(rule))}"
        value = "" if rule.value is None else f"; value = {rule.value} {rule.unit}"
        yield f"    when {' '.join(rule.when.text.split())}{value}"
        yield f"    {dictionary.say(source_text(rule.source))}"


def _says(rule: Rule) -> Text:
    drugs = rule.params.get("drugs")
    if isinstance(drugs, tuple):
        return phrase("rule.consider", drugs=joined(map(drug_text, drugs), "drugs_listed"))
    item = rule.item(section="tier") if "tier" in rule.params else rule.item()
    text = item_text(item) if "outcome" not in rule.params else _by_risk(item)
    return phrase("labelled", label=drug_text(rule.drug), text=text) if rule.drug else text


def _by_risk(item: Item) -> Text:
    tier = named("tier", str(item.params["tier"]))
    return phrase(f"rule.{item.params['outcome']}", limit=str(item.params["value"]), tier=tier)
