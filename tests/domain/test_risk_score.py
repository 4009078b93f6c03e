"""A risk and a score refuse what cannot be."""

import dataclasses

import pytest

from osteon.core.errors import InputError
from osteon.core.result import Interval, as_dict
from osteon.domain.risk import Risk
from osteon.domain.score import Score

RISK = {"outcome": "fracture_hip", "value": 0.2, "horizon_years": 10, "model": "m"}
SCORE = {"tool": "ost", "value": 1.0, "unit": "points", "band": "low"}


@pytest.mark.parametrize(
    "change",
    [
        {"value": 20.0},
        {"value": -0.1},
        {"value": float("nan")},
        {"horizon_years": 0},
        {"horizon_years": float("inf")},
        {"outcome": ""},
        {"model": ""},
        {"ci": Interval(0.3, 0.4)},
        {"ci": Interval(0.1, 1.4)},
    ],
)
def test_risk_refused(change):
    with pytest.raises(InputError):
        Risk(**{**RISK, **change})


@pytest.mark.parametrize(
    "change",
    [{"tool": ""}, {"band": ""}, {"value": float("nan")}, {"band": "unknown", "refer": False}],
)
def test_score_refused(change):
    with pytest.raises(InputError):
        Score(**{**SCORE, **change})


def test_bounds_are_allowed_and_values_are_frozen():
    risk = Risk(**{**RISK, "value": 1.0, "horizon_years": None, "ci": Interval(0.9, 1.0)})
    assert str(risk) == "fracture_hip 100.0 % (m)"
    with pytest.raises(dataclasses.FrozenInstanceError):
        risk.value = 0.5
    assert as_dict(risk)["ci"] == {"low": 0.9, "high": 1.0, "level": 0.95}


def test_score_prints_its_verdict():
    assert str(Score(**SCORE)) == "ost 1 points: low"
    assert str(Score(**SCORE, refer=False, cut_off="<2")) == "ost 1 points: low (no referral, <2)"
    assert str(Score(**{**SCORE, "value": None, "band": "unknown"})) == "ost: unknown"
