"""The file of weights: read back as written, refused when it is not what was written."""

from dataclasses import replace

import numpy as np
import pytest

from osteon.core.errors import FileError
from osteon.models.card import read_card, write_card
from osteon.models.spine_card import spine_card
from osteon.models.spine_net import (
    COARSE,
    FINE,
    SpineNet,
    class_probabilities,
    load_spine_net,
    module_of,
    normalised,
    prompt,
    save_spine_net,
    shipped_weights,
    spine_net,
)  # fmt: skip

SMALL = replace(COARSE, widths=(4, 8), window=(8, 8, 8))


@pytest.fixture(scope="module")
def net():
    weights = {name: value.numpy() for name, value in module_of(SMALL, seed=1).state_dict().items()}
    return SpineNet(stages={"coarse": replace(SMALL, weights=weights)}, card={"name": "small"})


def test_weights_and_card_come_back(net, tmp_path):
    save_spine_net(net, tmp_path / "w.npz")
    again = load_spine_net(tmp_path / "w.npz")
    assert again.digest == net.digest
    assert again.stage("coarse") == SMALL
    assert again.card == {"name": "small"}
    for name, value in net.stage("coarse").weights.items():
        np.testing.assert_allclose(again.stage("coarse").weights[name], value, atol=1e-3)
    image = np.zeros((1, 8, 8, 8), np.float32)
    p, q = (class_probabilities(n.stage("coarse"), image, threads=1) for n in (net, again))
    np.testing.assert_allclose(p, q, atol=5e-3)


def test_one_changed_number_is_noticed(net, tmp_path):
    save_spine_net(net, tmp_path / "w.npz")
    with np.load(tmp_path / "w.npz") as file:
        arrays = dict(file)
    arrays["coarse/head.bias"] = arrays["coarse/head.bias"] + np.float16(0.25)
    np.savez(tmp_path / "changed.npz", **arrays)
    with pytest.raises(FileError, match="not those that were written"):
        load_spine_net(tmp_path / "changed.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not a zip", b"\x80\x04K\x01."])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "w.npz").write_bytes(content)
    with pytest.raises(FileError):
        load_spine_net(tmp_path / "w.npz")
    with pytest.raises(FileError, match="no such file"):
        load_spine_net(tmp_path / "absent.npz")


def test_weights_of_another_shape_are_refused(net):
    with pytest.raises(FileError, match="do not fit"):
        module_of(replace(net.stage("coarse"), widths=(8, 8)))
    with pytest.raises(FileError, match="no weights"):
        class_probabilities(COARSE, np.zeros((1, 8, 8, 8), np.float32))
    with pytest.raises(FileError, match="no stage"):
        net.stage("fine")


def test_the_bump_lies_at_the_vertebra_meant():
    bump = prompt(FINE)
    assert bump.shape == FINE.window
    assert np.unravel_index(bump.argmax(), bump.shape) == FINE.before
    assert bump.max() == 1.0


def test_normalised_is_monotone():
    hu = np.linspace(-1000, 3000, 50)
    assert (np.diff(normalised(hu)) >= 0).all()


def test_the_shipped_net_has_both_stages():
    assert shipped_weights() is not None
    net = spine_net()
    assert set(net.stages) == {"coarse", "fine"}
    assert net.card["trained_on"] == "procedural phantoms alone"


def test_the_shipped_card_is_that_of_the_shipped_net():
    path = shipped_weights()
    assert read_card(path.with_suffix(".card.toml")) == spine_card(spine_net())
    assert path.stat().st_size < 12e6


def test_the_card_says_what_the_file_says(net, tmp_path):
    about = {
        "seed": 3,
        "steps": 10,
        "batch": 2,
        "code": "x",
        "held_out": {"unseen": {"dice": {"body": 0.9}, "n": 4}},
    }
    card = spine_card(net.with_stage(net.stage("coarse"), about))
    write_card(card, tmp_path / "card.toml")
    assert read_card(tmp_path / "card.toml") == card
    assert (card.seed, card.n, card.simulated) == (3, 20, True)
    assert [(m.name, m.group, m.value) for m in card.metrics] == [("coarse_dice_body", "unseen", 0.9)]
    assert card.settings["coarse_parameters"] == sum(w.size for w in net.stage("coarse").weights.values())
