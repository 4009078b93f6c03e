"""The model card of a spine net, made from what its file says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from osteon.models.card import LIMITS, Metric, ModelCard
from osteon.models.spine_net import FINE, SpineNet

__all__ = ["SPINE_LIMITS", "spine_card"]

SPINE_LIMITS = (
    *LIMITS[:2],
    "Trained on procedural phantoms alone; no real scan was seen, so figures on phantoms say nothing of patients.",
    "Made for the thoracic and lumbar spine of adults on CT; the neck, children and MR are out of scope.",
    "Slices thicker than 3 mm blur endplates: heights are then marked as not evaluable.",
)


def spine_card(net: SpineNet) -> ModelCard:
    """
    The card of a trained net, in the form every model of osteon has.

    Held-out figures are of invented scans, within the ranges of training and beyond them (group "unseen").
    """
    about = {name: dict(net.card.get(name, {})) for name in sorted(net.stages)}
    settings: dict[str, float | int | str | bool] = {}
    for name, said in about.items():
        for key in (
            "seed",
            "code",
            "steps",
            "earlier_steps",
            "begun_from",
            "batch",
            "rate",
            "minutes",
            "bfloat16",
        ):
            if isinstance(said.get(key), float | int | str | bool):
                settings[f"{name}_{key}"] = said[key]
        settings[f"{name}_attention"] = net.stages[name].attention
        settings[f"{name}_parameters"] = sum(int(np.size(w)) for w in net.stages[name].weights.values())
    return ModelCard(
        name="spine-ct",
        version=net.digest[:12],
        task="CT of the spine: tissues at 3 mm; one vertebra's body and arch at 1.25 mm",
        learner="two 3D U-Nets",
        source=str(net.card.get("trained_on", "")),
        n=sum(int(said.get("steps", 0)) * int(said.get("batch", 1)) for said in about.values()),
        events=0,
        simulated=True,
        predictors=(),
        preprocessing=(
            "Hounsfield units clipped to -250..1000",
            f"triangle-weighted resampling to 3 mm and to {FINE.spacing_mm} mm along the scan's axes",
        ),
        settings=settings,
        metrics=tuple(m for name, said in about.items() for m in _metrics(name, said)),
        intended_use="Finding and outlining vertebrae for research on osteoporotic fractures.",
        limits=SPINE_LIMITS,
        seed=int(next((said["seed"] for said in about.values() if "seed" in said), 0)),
        code=str(next((said["code"] for said in about.values() if "code" in said), "")),
        artefact="spine_ct.npz",
        artefact_sha256=net.digest,
        notes=(
            "artefact_sha256 is over the weights and shapes, not over the bytes of the file",
            "begun_from: the digest of the weights a stage went on from (osteon model train --further), trained in earlier_steps",
        ),
    )


def _metrics(stage: str, said: Mapping[str, Any]) -> list[Metric]:
    out = []
    for group, found in said.get("held_out", {}).items():
        figures = found.get("dice", {k: v for k, v in found.items() if k != "n"})
        front = "dice_" if "dice" in found else ""
        method = f"{found['n']} invented {'scans' if stage == 'coarse' else 'vertebrae'}"
        out += [
            Metric(
                name=f"{stage}_{front}{key}",
                value=float(value),
                group=group,
                n=int(found["n"]),
                method=method,
            )
            for key, value in figures.items()
        ]
    return out
