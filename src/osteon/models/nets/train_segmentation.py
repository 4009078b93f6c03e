"""Train a segmentation net on a stream of samples; the same steps and seed give the same weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.core.files import whole_file
from osteon.models.nets.patchwise import bfloat16_is_fast, on_threads

__all__ = ["Trained", "TrainingOptions", "loss_of", "train"]

Sample = tuple[NDArray[Any], NDArray[Any]]
Weights = dict[str, NDArray[np.float32]]


HALF_FROM = 32
"""Voxels a side from which bfloat16 is used: torch 2.13 leaves gradients of 2-voxel maps undefined in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """
    How a net learns.

    Attributes
    ----------
    steps : int
        Updates of the weights; the schedule runs on them and never on the clock.
    batch : int
        Samples per update. Their shapes may differ: gradients are added up sample by sample.
    rate, warmup, power : float, int, float
        Peak learning rate, steps of linear rise, exponent of the fall to zero.
    average : float
        Share of the running mean of the weights kept at a step (exponential moving average).
    class_weights : tuple of float
        Weight of a class in the cross-entropy; empty for equal weights.
    dice_share : float
        Weight of the Dice loss beside the cross-entropy. Dice sharpens probabilities; keep it low where the half
        level must lie on the border.
    bfloat16 : bool or None
        Multiply in half precision; None does so where the processor can.
    threads : int
        One thread makes the sums, and so the weights, reproducible.
    """

    steps: int
    batch: int = 2
    rate: float = 3e-3
    warmup: int = 50
    power: float = 0.9
    weight_decay: float = 1e-4
    average: float = 0.998
    class_weights: tuple[float, ...] = ()
    dice_share: float = 1.0
    largest_gradient: float = 12.0
    bfloat16: bool | None = None
    threads: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or not 0 <= self.average < 1 or self.rate <= 0:
            raise ConfigError(
                f"steps {self.steps}, batch {self.batch}, average {self.average}, rate {self.rate}: "
                "expected at least one step and sample, an average in [0, 1) and a positive rate."
            )

    def rate_at(self, step: int) -> float:
        """
        The learning rate of a step, counted from 0.

        Examples
        --------
        >>> options = TrainingOptions(steps=100, warmup=10, rate=1.0, power=1.0)
        >>> options.rate_at(4), options.rate_at(10), round(options.rate_at(55), 9)
        (0.5, 1.0, 0.5)
        """
        warmup = min(self.warmup, self.steps - 1)
        if step < warmup:
            return self.rate * (step + 1) / warmup
        return float(self.rate * (1 - (step - warmup) / (self.steps - warmup)) ** self.power)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What training gave: averaged weights by name, the loss at each step, and how long it took."""

    weights: Weights
    losses: tuple[float, ...]
    steps: int
    seconds: float


def loss_of(logits: Tensor, truth: Tensor, *, class_weights: Tensor | None, dice_share: float) -> Tensor:
    """
    Weighted cross-entropy plus ``dice_share`` times one minus the mean Dice of the foreground classes present.

    ``logits`` (n, classes, z, y, x); ``truth`` (n, z, y, x) whole numbers. A class absent from the truth is left to
    the cross-entropy: its Dice would punish any probability, however small.
    """
    entropy = F.cross_entropy(logits, truth, weight=class_weights)
    if not dice_share:
        return entropy
    p = logits.softmax(1)
    classes, names = p.shape[1], truth.flatten()
    size = torch.bincount(names, minlength=classes)
    hit = torch.zeros(classes).index_add(0, names, p.gather(1, truth[:, None]).flatten())
    dice = (2 * hit + 1) / (p.sum((0, 2, 3, 4)) + size + 1)
    here = size[1:] > 0
    return entropy + dice_share * (1 - dice[1:][here].mean()) if bool(here.any()) else entropy


class _State:
    """A net on its way: optimiser, averaged weights, losses; can be put on disk and taken up again."""

    def __init__(self, net: nn.Module, options: TrainingOptions) -> None:
        self.net, self.options = net, options
        self.optimiser = torch.optim.AdamW(net.parameters(), options.rate, weight_decay=options.weight_decay)
        self.mean = {name: value.detach().clone() for name, value in net.state_dict().items()}
        self.losses: list[float] = []

    def update(self, step: int) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.rate_at(step)
        nn.utils.clip_grad_norm_(self.net.parameters(), self.options.largest_gradient)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        keep = min(self.options.average, (step + 1) / (step + 10))  # the first weights are soon forgotten
        for name, value in self.net.state_dict().items():
            self.mean[name].lerp_(value, 1 - keep)

    def averaged(self) -> Weights:
        return {name: value.numpy().astype(np.float32) for name, value in self.mean.items()}

    def save(self, path: Path) -> None:
        with whole_file(path) as draft:
            torch.save(
                {
                    "net": self.net.state_dict(),
                    "optimiser": self.optimiser.state_dict(),
                    "mean": self.mean,
                    "losses": self.losses,
                    "steps": self.options.steps,
                },
                draft,
            )

    def resume(self, path: Path) -> None:
        kept = torch.load(path, weights_only=True)
        if kept["steps"] != self.options.steps:
            raise ConfigError(
                f"{path}: begun for {kept['steps']} steps, asked for {self.options.steps}.",
                hint="Ask for the same steps, or remove the file.",
            )
        self.net.load_state_dict(kept["net"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.mean, self.losses = kept["mean"], kept["losses"]


def train(
    net: nn.Module,
    samples: Callable[[int], Iterator[Sample]],
    options: TrainingOptions,
    *,
    checkpoint: Path | None = None,
    every: int = 500,
    progress: Callable[[int, int, float], None] | None = None,
    snapshot: Callable[[int, Weights], None] | None = None,
) -> Trained:
    """
    Train ``net`` in place and return the moving average of its weights.

    Parameters
    ----------
    net : Module
        Takes (1, channels, z, y, x), gives logits.
    samples : callable
        ``samples(n)`` iterates over (image (channels, z, y, x) float32, labels (z, y, x)) from the n-th sample on,
        so that a resumed training sees what an unbroken one would have seen.
    checkpoint : Path, optional
        Written every ``every`` steps and at the end; taken up where it exists.
    progress : callable, optional
        Told (steps done, steps, mean loss of the last 50 steps).
    snapshot : callable, optional
        Given the averaged weights every ``every`` steps.

    Raises
    ------
    NotEnoughData
        The samples ended early.
    ConfigError
        The checkpoint belongs to another number of steps.
    """
    begun = time.monotonic()
    state = _State(net, options)
    if checkpoint is not None and checkpoint.is_file():
        state.resume(checkpoint)
    half = bfloat16_is_fast() if options.bfloat16 is None else options.bfloat16
    weights = torch.tensor(options.class_weights) if options.class_weights else None
    net.train()
    stream = samples(len(state.losses) * options.batch)
    with on_threads(options.threads):
        for step in range(len(state.losses), options.steps):
            state.losses.append(_gradients(net, stream, options, weights, half))
            state.update(step)
            done = step + 1
            if progress is not None and (done % 10 == 0 or done == options.steps):
                progress(done, options.steps, float(np.mean(state.losses[-50:])))
            if done % every == 0 or done == options.steps:
                if checkpoint is not None:
                    state.save(checkpoint)
                if snapshot is not None:
                    snapshot(done, state.averaged())
    return Trained(
        weights=state.averaged(),
        losses=tuple(state.losses),
        steps=options.steps,
        seconds=time.monotonic() - begun,
    )


def _gradients(
    net: nn.Module, stream: Iterator[Sample], options: TrainingOptions, weights: Tensor | None, half: bool
) -> float:
    """Add up the gradients of one batch and return its mean loss."""
    total = 0.0
    for _ in range(options.batch):
        sample = next(stream, None)
        if sample is None:
            raise NotEnoughData("the samples ended before the last step.", hint="Give an endless iterator.")
        image, labels = sample
        x = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32))[None]
        y = torch.from_numpy(np.ascontiguousarray(labels).astype(np.int64))[None]
        with torch.autocast("cpu", torch.bfloat16, enabled=half and min(x.shape[2:]) >= HALF_FROM):
            logits = net(x)
        loss = loss_of(logits.float(), y, class_weights=weights, dice_share=options.dice_share)
        (loss / options.batch).backward()  # type: ignore[no-untyped-call]
        total += loss.item()
        if not math.isfinite(total):
            raise NotEnoughData("the loss is not finite.", hint="Lower the rate, or look at the samples.")
    return total / options.batch
