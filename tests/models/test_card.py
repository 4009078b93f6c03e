"""The card goes to TOML and back without loss."""

import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, FileError
from osteon.models.card import LIMITS, Metric, ModelCard, Predictor, card_toml, read_card, write_card


def card(**changes):
    told = {
        "name": "clinical", "version": "1", "task": "osteoporosis", "learner": "logistic", "source": "nhanes 2017-2020", "n": 3700,
        "events": 307, "simulated": False,
        "predictors": (
            Predictor(name="age_years", kind="number", unit="a", low=50.0, high=80.0),
            Predictor(name="sex", kind="category", levels=("female", "male")),
        ),
        "preprocessing": ("imputed:5", "scaled"), "settings": {"ridge": 0.0, "votes": "equal", "deep": True},
        "metrics": (Metric(name="auc", value=0.84, low=0.82, high=0.86, n=3700, events=307, method="nested_cv"),),
        "subgroups": (Metric(name="auc", value=0.8, group="age>=65"),), "calibration": (Metric(name="slope", value=1.0),),
        "seed": 7, "code": "0.1.0+gabc", "data_sha256": "00ff", "artefact": "model.joblib", "artefact_sha256": "aa",
    }  # fmt: skip
    return ModelCard(**{**told, **changes})


def same(a, b):
    """Equal, where an absent figure equals an absent figure."""
    return repr(a) == repr(b)


def test_a_card_survives_writing_and_reading(tmp_path):
    write_card(card(), tmp_path / "card.toml")
    assert same(read_card(tmp_path / "card.toml"), card())


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=40), value=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_survives(tmp_path_factory, text, value):
    path = tmp_path_factory.mktemp("card") / "card.toml"
    told = card(
        intended_use=text,
        notes=(text, "骨密度"),
        settings={text or "x": value},
        metrics=(Metric(name="m", value=value),),
    )
    write_card(told, path)
    assert same(read_card(path), told)


def test_absent_figures_are_left_out_not_invented():
    told = tomllib.loads(card_toml(card(metrics=(Metric(name="auc", value=math.nan),), calibration=())))
    assert "value" not in told["metrics"][0]


def test_every_card_says_it_is_no_medical_device():
    assert "not a medical device" in card_toml(card())
    assert card().limits == LIMITS


def test_refusals(tmp_path):
    with pytest.raises(FileError):
        read_card(tmp_path / "card.toml")
    path = tmp_path / "strange.toml"
    path.write_text('name = "x"\ncolour = "red"\n')
    with pytest.raises(ConfigError, match="not a model card"):
        read_card(path)
