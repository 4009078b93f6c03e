"""Training: it learns a planted shape, is reproducible, goes on where it stopped, and puts the half level on the border."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.models.nets.patchwise import patchwise
from osteon.models.nets.train_segmentation import TrainingOptions, loss_of, train
from osteon.models.nets.unet3d import UNet3D


def balls(first):
    """Endless bright balls in noise, each known by its number."""
    grid = np.indices((16, 16, 16))
    number = first
    while True:
        rng = np.random.default_rng([7, number])
        number += 1
        centre, radius = rng.uniform(6, 10, 3), rng.uniform(3, 5)
        labels = (sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) < radius**2).astype(np.int64)
        yield (labels + rng.normal(0, 0.4, labels.shape)).astype(np.float32)[None], labels


def fresh():
    torch.manual_seed(3)
    return UNet3D(in_channels=1, classes=2, widths=(8, 16))


OPTIONS = TrainingOptions(steps=60, batch=2, warmup=5, rate=1e-2, average=0.9, bfloat16=False)


@pytest.fixture(scope="module")
def trained():
    return train(fresh(), balls, OPTIONS)


def test_it_learns_a_ball(trained):
    net = fresh()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in trained.weights.items()})
    image, labels = next(balls(10_000))
    p = patchwise(net, image, window=(16, 16, 16), threads=1)[1]
    dice = 2 * (p > 0.5)[labels == 1].sum() / ((p > 0.5).sum() + labels.sum())
    assert dice > 0.85
    assert trained.losses[-1] < 0.5 * trained.losses[0]


def test_same_steps_same_seed_same_weights_also_when_interrupted(trained, tmp_path):
    file = tmp_path / "check.pt"

    class Stop(Exception):
        pass

    def stop(step, weights):
        if step == 20:
            raise Stop

    with pytest.raises(Stop):
        train(fresh(), balls, OPTIONS, checkpoint=file, every=20, snapshot=stop)
    resumed = train(fresh(), balls, OPTIONS, checkpoint=file, every=20)
    assert resumed.losses == trained.losses
    for name, value in trained.weights.items():
        np.testing.assert_array_equal(resumed.weights[name], value)
    with pytest.raises(ConfigError, match="begun for 60 steps"):
        train(fresh(), balls, TrainingOptions(steps=50), checkpoint=file)


def test_samples_that_end_are_an_error():
    with pytest.raises(NotEnoughData):
        train(fresh(), lambda n: iter([next(balls(0))]), TrainingOptions(steps=2, bfloat16=False))


def test_loss_of_a_perfect_answer_is_nothing_and_absent_classes_cost_nothing():
    truth = torch.zeros(1, 4, 4, 4, dtype=torch.int64)
    truth[0, :2] = 1
    sure = 30.0 * torch.nn.functional.one_hot(truth, 3).movedim(-1, 1).float()
    assert float(loss_of(sure, truth, class_weights=None, dice_share=1.0)) == pytest.approx(0, abs=1e-4)
    even = torch.zeros(1, 3, 4, 4, 4)
    assert float(loss_of(even, truth * 0, class_weights=None, dice_share=1.0)) == pytest.approx(np.log(3))


def test_the_rate_rises_then_falls_to_nothing():
    options = TrainingOptions(steps=100, warmup=10, rate=1e-2)
    rates = [options.rate_at(step) for step in range(100)]
    assert max(rates) == rates[9] == 1e-2
    assert all(a >= b for a, b in pairwise(rates[9:]))
    assert rates[-1] < 2e-4
