"""The recipe as a whole: a tiny training is written, read back, reproducible, and keeps what it was not asked to train."""

from functools import partial
from importlib.resources import files

import numpy as np
import pytest
from typer.testing import CliRunner

from osteon.cli.main import app
from osteon.core.errors import ConfigError
from osteon.core.progress import listening
from osteon.models.spine_net import load_spine_net, shipped_weights
from osteon.reading import spine_ct_training
from osteon.reading.spine_ct_training import TRAINED_ON, train_spine_ct, training_options


def noise(channels, classes):
    """Stands in for a stream of samples: noise, the same for the same seed."""

    def samples(seed, *, first=0, workers=1):
        rng = np.random.default_rng([seed, first])
        while True:
            image = rng.normal(size=(channels, 16, 16, 16)).astype(np.float32)
            yield image, rng.integers(0, classes, (16, 16, 16)).astype(np.uint8)

    return samples


def test_same_seed_same_weights_and_the_other_stage_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(spine_ct_training, "SAMPLES", {"coarse": noise(1, 8), "fine": noise(2, 3)})
    told = []
    with listening(lambda *said: told.append(said)):
        one = train_spine_ct(
            out=tmp_path / "a.npz", steps=1, seed=5, stages=("coarse",), workers=0, held_out=0
        )
    other = train_spine_ct(out=tmp_path / "b.npz", steps=1, seed=5, stages=("coarse",), workers=0, held_out=0)
    for name, value in one.stage("coarse").weights.items():
        np.testing.assert_array_equal(other.stage("coarse").weights[name], value)
    assert told[-1] == ("train_coarse", 1, 1)
    both = train_spine_ct(out=tmp_path / "a.npz", steps=1, seed=5, stages=("fine",), workers=0, held_out=0)
    again = load_spine_net(tmp_path / "a.npz")
    assert set(again.stages) == {"coarse", "fine"}
    assert again.digest == both.digest
    assert again.card["trained_on"] == TRAINED_ON
    assert again.card["coarse"]["seed"] == again.card["fine"]["seed"] == 5
    assert again.card["fine"]["steps"] == 1


def test_further_training_goes_on_from_known_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(spine_ct_training, "SAMPLES", {"coarse": noise(1, 8), "fine": noise(2, 3)})
    how = {"steps": 2, "stages": ("coarse",), "workers": 0, "held_out": 0, "out": tmp_path / "a.npz"}
    first = train_spine_ct(seed=5, **how)
    more = train_spine_ct(seed=6, further=True, **how)
    assert more.card["coarse"]["begun_from"] == first.digest[:12]
    assert more.card["coarse"]["earlier_steps"] == more.card["coarse"]["steps"] == 2
    assert more.card["coarse"]["rate"] < first.card["coarse"]["rate"]

    def away(a, b):
        return max(np.abs(a[k].astype(float) - b[k].astype(float)).max() for k in a)

    anew = train_spine_ct(seed=6, **how)
    assert "begun_from" not in anew.card["coarse"]
    weights = first.stage("coarse").weights
    assert away(weights, more.stage("coarse").weights) < away(weights, anew.stage("coarse").weights) / 10


def test_length_is_said_once_and_stages_by_name(tmp_path):
    for options in ({}, {"minutes": 1.0, "steps": 1}):
        with pytest.raises(ConfigError, match="one of the two"):
            train_spine_ct(out=tmp_path / "a.npz", **options)
    with pytest.raises(ConfigError, match="no stage 'middle'"):
        train_spine_ct(out=tmp_path / "a.npz", steps=1, stages=("middle",))
    with pytest.raises(ConfigError, match="as it is"):
        train_spine_ct(out=tmp_path / "a.npz", steps=1, further=True, attention=True)
    with pytest.raises(ConfigError, match="no stage"):
        training_options("middle", 10)


def test_the_command_takes_steps_exactly_and_says_them(tmp_path, monkeypatch):
    monkeypatch.setattr(spine_ct_training, "SAMPLES", {"coarse": noise(1, 8), "fine": noise(2, 3)})
    quick = partial(train_spine_ct, workers=0, held_out=0)
    monkeypatch.setattr(spine_ct_training, "train_spine_ct", quick)
    out = tmp_path / "w.npz"
    words = [
        "model",
        "train",
        "spine-ct",
        "--steps",
        "2",
        "--seed",
        "7",
        "--minutes",
        "600",
        "--out",
        str(out),
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "coarse: 2 steps, seed 7" in done.output and "fine: 2 steps, seed 7" in done.output
    same = quick(out=tmp_path / "again.npz", steps=2, seed=7)
    assert load_spine_net(out).digest == same.digest


def test_the_recipe_ends_in_the_shipped_weights():
    """Every run of the card stands in the recipe: digests, steps, seeds and code."""
    net = load_spine_net(shipped_weights())
    text = (files("osteon.models") / "weights/recipe.md").read_text(encoding="utf-8")
    runs = [
        [x.strip(" `") for x in line.split("|")[1:-1]] for line in text.splitlines() if line.count("|") == 8
    ]
    for stage, about in net.card.items():
        if not isinstance(about, dict):
            continue
        mine = [run for run in runs if run[0] == stage]
        last = mine[-1]
        assert (int(last[1]), int(last[2]), last[4]) == (
            about["steps"], about["seed"], about["code"].split("+g")[-1],
        )  # fmt: skip
        assert last[5] == about["begun_from"]
        assert sum(int(run[1]) for run in mine[:-1]) == about["earlier_steps"]
    assert runs[-1][6].split("`")[0] == net.digest[:12]
