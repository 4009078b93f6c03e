"""
How the embedded spine net is made: invented spines in, one file of weights out. No real image is ever seen.

Minutes are turned into steps by timing a few of them; the steps are fixed then and written into the card, and the
same steps and seed give the same weights. Snapshots of the averaged weights are written on the way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.core.errors import ConfigError
from osteon.core.progress import advance
from osteon.core.provenance import code_version
from osteon.core.result import as_dict
from osteon.models.spine_net import (
    COARSE,
    FINE,
    SpineNet,
    Stage,
    load_spine_net,
    module_of,
    save_spine_net,
    spine_net,
)
from osteon.models.torch_build import require_torch
from osteon.reading.spine_ct_held_out import coarse_held_out, fine_held_out
from osteon.reading.spine_ct_samples import Sample, coarse_samples, fine_samples
from osteon.synth.spine_ranges import TRAINING, UNSEEN

if TYPE_CHECKING:
    from osteon.models.nets.train_segmentation import TrainingOptions

__all__ = ["TRAINED_ON", "judged", "train_spine_ct", "training_options"]

TRAINED_ON = "procedural phantoms alone"
SHARE = {"coarse": 0.5, "fine": 0.5}  # of the minutes
SAMPLES: Mapping[str, Callable[..., Iterator[Sample]]] = {"coarse": coarse_samples, "fine": fine_samples}
STAGES = {"coarse": COARSE, "fine": FINE}
TIMED_STEPS = 6


def training_options(stage: str, steps: int) -> TrainingOptions:
    """
    The protocol of a stage.

    Coarse: classes weighted towards the small ones, Dice as heavy as cross-entropy. Fine: cross-entropy alone, whose
    probabilities are calibrated, so that the half level lies as often outside the cortex as inside; Dice moves it out.

    Raises
    ------
    ConfigError
        No such stage.
    """
    from osteon.models.nets.train_segmentation import TrainingOptions

    if stage == "coarse":
        weights = (0.5, 1.5, 1.5, 1.5, 1.5, 1.2, 1.2, 1.0)
        return TrainingOptions(
            steps=steps, batch=1, rate=2e-3, average=0.999, class_weights=weights, dice_share=1.0
        )
    if stage == "fine":
        return TrainingOptions(steps=steps, batch=1, rate=2e-3, average=0.999, dice_share=0.0)
    raise ConfigError(f"no stage {stage!r}.", hint=f"Known: {', '.join(STAGES)}.")


def _steps_in(minutes: float, stage: Stage, seed: int, workers: int) -> int:
    """How many steps fit, by timing some of them on a net that is thrown away."""
    from osteon.models.nets.train_segmentation import train

    options = training_options(stage.name, TIMED_STEPS)
    held = list(islice(SAMPLES[stage.name](seed, workers=workers), TIMED_STEPS * options.batch))
    done = train(module_of(stage, seed=seed), lambda first: iter(held[first:]), options)
    return max(20, round(60 * minutes / (done.seconds / TIMED_STEPS)))


def train_spine_ct(
    *,
    out: Path,
    minutes: float | None = None,
    steps: int | None = None,
    seed: int = 0,
    stages: tuple[str, ...] = ("coarse", "fine"),
    attention: bool = False,
    further: bool = False,
    workers: int = 1,
    every: int = 250,
    held_out: int = 8,
    resume: Path | None = None,
    progress: Callable[[str, int, int, float], None] | None = None,
) -> SpineNet:
    """
    Train the embedded spine net on invented scans.

    Parameters
    ----------
    out : Path
        The file of weights. Where it exists, stages not trained now are kept. It is replaced, whole, at every
        snapshot, and can be used from the first on.
    minutes, steps : float, int
        Length, one of the two: minutes in all, shared between the stages; or steps of each stage.
    seed : int
        Of the weights, the spines and everything else.
    stages : tuple of "coarse", "fine"
    attention : bool
        Attention gates on the skip connections.
    further : bool
        Begin with the weights that ``out`` holds, or with the shipped ones where it does not exist; the card keeps
        their digest and how many steps they had.
    workers : int
        Processes that invent scans beside the training; they change no number.
    every : int
        Steps between snapshots.
    held_out : int
        Unseen invented scans that the trained net is judged on for its card; 0 leaves the judgement out.
    resume : Path, optional
        Folder of checkpoints, written and taken up.
    progress : callable, optional
        Told (stage, steps done, steps, loss); :mod:`osteon.core.progress` is told in any case.

    Returns
    -------
    SpineNet
        As written to ``out``.

    Raises
    ------
    ConfigError
        Neither or both of minutes and steps, no such stage, or further training of another kind of net.
    """
    require_torch()
    if (minutes is None) == (steps is None):
        raise ConfigError("minutes or steps, one of the two, say how long to train.")
    if further and (attention or resume is not None):
        raise ConfigError(
            "further training keeps the net as it is and begins from a finished file.",
            hint="Leave attention and resume out.",
        )
    unknown = sorted(set(stages) - set(STAGES))
    if unknown or not stages:
        raise ConfigError(f"no stage {unknown[0] if unknown else ''!r}.", hint=f"Known: {', '.join(STAGES)}.")
    net = load_spine_net(out) if out.is_file() else spine_net() if further else SpineNet(stages={})
    net = replace(net, card={**net.card, "name": "spine-ct", "trained_on": TRAINED_ON})
    earlier = {name: _earlier(net, name) if further else {} for name in stages}
    whole = sum(SHARE[name] for name in stages)
    for name in stages:
        known = net.stage(name) if further else STAGES[name]
        stage = known if further else replace(known, attention=attention)
        begun = time.monotonic()
        count = steps or _steps_in((minutes or 0) * SHARE[name] / whole, stage, seed, workers)
        net = _trained(
            net, stage, count, seed=seed, out=out, workers=workers, every=every, resume=resume, progress=progress,
            begun=begun, earlier=earlier[name],
        )  # fmt: skip
        if held_out:
            net = judged(net, name, held_out)
            save_spine_net(net, out)
    return net


def _earlier(net: SpineNet, stage: str) -> dict[str, Any]:
    """What the card keeps of the net whose weights a stage goes on from."""
    card = net.card.get(stage, {})
    return {
        "begun_from": net.digest[:12],
        "earlier_steps": int(card.get("steps", 0)) + int(card.get("earlier_steps", 0)),
    }


def judged(net: SpineNet, stage: str, n: int) -> SpineNet:
    """The net with its held-out figures in the card: ranges of training, and ranges beyond them."""
    found: dict[str, Any] = {}
    for name, ranges in (("training", TRAINING), ("unseen", UNSEEN)):
        if stage == "coarse":
            found[name] = as_dict(coarse_held_out(net, n=n, ranges=ranges))
        else:
            found[name] = as_dict(fine_held_out(net, n=4 * n, ranges=ranges))
    return net.with_stage(net.stage(stage), {**net.card[stage], "held_out": found})


def _trained(
    net: SpineNet,
    stage: Stage,
    steps: int,
    *,
    seed: int,
    out: Path,
    workers: int,
    every: int,
    resume: Path | None,
    progress: Callable[[str, int, int, float], None] | None,
    begun: float,
    earlier: Mapping[str, Any],
) -> SpineNet:
    from osteon.models.nets.patchwise import bfloat16_is_fast
    from osteon.models.nets.train_segmentation import train

    options = training_options(stage.name, steps)
    if earlier:  # known weights would be thrown far off by the first steps at the full rate
        options = replace(options, rate=0.6 * options.rate)
    code = code_version()
    seen: list[float] = []

    def about(done: int) -> dict[str, Any]:
        return {
            "seed": seed,
            "steps": done,
            "planned_steps": steps,
            **earlier,
            "batch": options.batch,
            "rate": options.rate,
            "average": options.average,
            "dice_share": options.dice_share,
            "class_weights": list(options.class_weights),
            "minutes": round((time.monotonic() - begun) / 60, 1),
            "bfloat16": bfloat16_is_fast(),
            "loss": round(float(np.mean(seen[-1:])), 4) if seen else None,
            "code": code,
        }

    def told(done: int, of: int, loss: float) -> None:
        seen.append(loss)
        advance(f"train_{stage.name}", done, of)
        if progress is not None:
            progress(stage.name, done, of, loss)

    def as_net(done: int, weights: Mapping[str, Any]) -> SpineNet:
        return net.with_stage(replace(stage, weights=dict(weights)), about(done))

    done = train(
        module_of(stage, seed=seed),
        lambda first: SAMPLES[stage.name](seed, first=first, workers=workers),
        options,
        checkpoint=resume / f"{stage.name}.pt" if resume is not None else None,
        every=every,
        progress=told,
        snapshot=lambda step, weights: save_spine_net(as_net(step, weights), out),
    )
    trained = as_net(steps, done.weights)
    save_spine_net(trained, out)
    return trained
