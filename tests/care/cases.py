"""Patient cases in plain words: how a file in cases/ is read, planned and compared with what it expects."""

import tomllib
from functools import cache
from pathlib import Path

from osteon.care.patient_entries import patient_of
from osteon.care.plan import plan

FOLDER = Path(__file__).with_name("cases")
CASES = sorted(path.stem for path in FOLDER.glob("*.toml"))
EXPECTATIONS = {
    "tier", "status", "at_least", "by_guideline", "by_risk", "fired", "not_fired", "drugs_in", "drugs_not", "drugs_out", "no_drug",
    "alerts", "no_alerts", "holds", "no_holds", "missing", "items", "not_items", "to_confirm", "tier_notes", "refused",
}  # fmt: skip


@cache
def case(name):
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


@cache
def planned(name):
    """The plan of a case, or the error where the file is refused."""
    content = case(name)
    try:
        patient = patient_of(content["patient"], where=f"{name}.toml")
    except ValueError as error:
        return error
    return plan(patient, content["guideline"], jurisdiction=content.get("jurisdiction"))


def rule_ids(advice):
    """The rules that spoke in a plan, without those that only ask for a missing fact."""
    spoken = {item.rule_id for item in (*advice.items, *advice.tier.fired) if not item.missing}
    return spoken | {item.rule_id for item in advice.items if item.section == "vcf"}
