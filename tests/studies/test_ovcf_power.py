"""The power of a planned reading study: every endpoint and scope once, each beside its false alarms."""

import pytest

from osteon.core.config import override
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_design import planned
from osteon.studies.ovcf_design_page import plan_blocks

FIXED, RANDOM, CONSENSUS = "fixed_readers_random_cases", "random_readers_random_cases", "consensus"
SMALL = {"cases": 40}


def lines(**protocol):
    config = override(Config(), {"power_draws": 4, "protocol": SMALL | protocol})
    return planned(config, seed=1).simulated


def test_every_endpoint_has_its_scopes():
    assert [(x.endpoint, x.scope) for x in lines()] == [
        ("auc", FIXED), ("auc", RANDOM),
        ("sensitivity", FIXED), ("sensitivity", RANDOM), ("sensitivity", CONSENSUS),
        ("accuracy", FIXED), ("accuracy", RANDOM), ("accuracy", CONSENSUS),
    ]  # fmt: skip


@pytest.mark.parametrize(("protocol", "scopes"), [
    ({"consensus": False}, {FIXED, RANDOM}), ({"readers": ["A"], "consensus": False}, {FIXED}),
])  # fmt: skip
def test_only_what_the_protocol_plans_is_simulated(protocol, scopes):
    assert {x.scope for x in lines(**protocol)} == scopes


@pytest.mark.parametrize("draws", [0, 4])
def test_the_table_prints_power_and_false_alarms(draws):
    config = override(Config(), {"power_draws": draws, "protocol": SMALL})
    plan = planned(config, seed=1)
    (table,) = [
        block for block in plan_blocks(plan, config, "en") if getattr(block, "id", "") == "table-power"
    ]
    assert len(table.columns) == 3
    assert len(table.rows) == 2 + (2 + len(plan.simulated) if draws else 0)
    assert sum(note.key.endswith("consensus_note") for note in table.footnotes) == (draws > 0)
