"""
The learned part of spine CT reading: two small U-Nets in one file of numbers, with the card that says how they were made.

* coarse: the whole scan at 3 mm into the tissues of :class:`osteon.domain.anatomy.Tissue`.
* fine: a box around one vertebra at 1.25 mm into background, its body, the rest of it. A second input channel is a
  bump at the vertebra meant, so that its neighbours are background.

The file is a plain .npz (half-precision arrays and a JSON text, no pickle); a damaged or edited one is refused.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from osteon.core.errors import FileError
from osteon.core.files import whole_file
from osteon.models.torch_build import require_torch

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "COARSE",
    "FINE",
    "SpineNet",
    "Stage",
    "class_probabilities",
    "load_spine_net",
    "module_of",
    "normalised",
    "prompt",
    "save_spine_net",
    "shipped_weights",
    "spine_net",
]

Weights = Mapping[str, NDArray[Any]]
LARGEST_FILE = 12_000_000
FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """
    One net: its shape, the voxels it was trained on, its weights by name (empty before training).

    Attributes
    ----------
    window : (int, int, int)
        Voxels (z, y, x) seen at once when reading.
    before : (int, int, int)
        Fine stage: voxels of the window before the vertebra's centre; the rest lies behind it.
    """

    name: str
    in_channels: int
    classes: int
    spacing_mm: float
    window: tuple[int, int, int]
    before: tuple[int, int, int] = (0, 0, 0)
    widths: tuple[int, ...] = (16, 32, 64, 96)
    attention: bool = False
    weights: Weights = field(default_factory=dict, compare=False, repr=False)


COARSE = Stage(name="coarse", in_channels=1, classes=8, spacing_mm=3.0, window=(64, 64, 64))
FINE = Stage(name="fine", in_channels=2, classes=3, spacing_mm=1.25, window=(64, 80, 72), before=(38, 26, 36))
"""Around the centre of a body 48 mm down (spinous processes point down), 32 up, 32 to the front, 68 back, 45 aside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineNet:
    """
    The stages by name and their card.

    Attributes
    ----------
    card : mapping
        name, trained_on, code (commit), and per stage: seed, minutes, steps, samples, options, held-out Dice.
    digest : str
        SHA-256 over shapes and weights; the version of the net.
    """

    stages: Mapping[str, Stage]
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over the shapes and half-precision weights of all stages."""
        return _digest(self.stages)

    def stage(self, name: str) -> Stage:
        """
        A stage with its weights.

        Raises
        ------
        FileError
            The file holds no such stage.
        """
        if name not in self.stages:
            raise FileError(
                f"the weights hold no stage {name!r}.", hint="Train it, or use the shipped weights."
            )
        return self.stages[name]

    def with_stage(self, stage: Stage, about: Mapping[str, Any]) -> SpineNet:
        """The same net with one stage replaced and ``about`` under its name in the card."""
        return replace(
            self, stages={**self.stages, stage.name: stage}, card={**self.card, stage.name: dict(about)}
        )


def normalised(hu: NDArray[Any]) -> NDArray[np.float32]:
    """
    Hounsfield units as the nets see them: clipped to -250..1000, soft tissue and marrow around 0.

    Examples
    --------
    >>> normalised(np.array([-1000.0, 0.0, 150.0, 900.0])).tolist()[1:]
    [-0.5, 0.0, 2.5]
    """
    clipped = np.clip(np.asarray(hu, np.float32), -250.0, 1000.0)
    scaled: NDArray[np.float32] = (clipped - np.float32(150.0)) / np.float32(300.0)
    return scaled


def prompt(stage: Stage) -> NDArray[np.float32]:
    """The second channel of the fine net: a Gaussian of 6 mm at the vertebra meant, on the stage's window."""
    lines = [
        np.exp(-0.5 * ((np.arange(n) - b) * stage.spacing_mm / 6.0) ** 2)
        for n, b in zip(stage.window, stage.before, strict=True)
    ]
    bump: NDArray[np.float32] = np.einsum("i,j,k->ijk", *lines).astype(np.float32)
    return bump


def module_of(stage: Stage, *, seed: int | None = None) -> nn.Module:
    """
    The stage as a PyTorch module, with its weights where it has any, else drawn from ``seed``.

    Raises
    ------
    DependencyMissing
        PyTorch is not installed, or cannot be loaded.
    FileError
        The weights do not fit the shape.
    """
    require_torch()
    import torch

    from osteon.models.nets.unet3d import UNet3D

    if seed is not None:
        torch.manual_seed(seed)
    net = UNet3D(
        in_channels=stage.in_channels, classes=stage.classes, widths=stage.widths, attention=stage.attention
    )
    if stage.weights:
        values = {
            name: torch.from_numpy(np.array(value, np.float32)) for name, value in stage.weights.items()
        }
        try:
            net.load_state_dict(values)
        except RuntimeError as error:
            raise FileError(f"the weights do not fit stage {stage.name!r}: {error}") from None
    return net


def class_probabilities(
    stage: Stage,
    image: NDArray[Any],
    *,
    outside: float = 0.0,
    bfloat16: bool = False,
    threads: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> NDArray[np.float32]:
    """
    What a trained stage says of an image (channels, z, y, x): probabilities (classes, z, y, x).

    See :func:`osteon.models.nets.patchwise.patchwise`; bfloat16 is left aside where the processor lacks it.

    Raises
    ------
    FileError
        The stage has no weights.
    """
    if not stage.weights:
        raise FileError(
            f"stage {stage.name!r} has no weights.", hint="Train it with `osteon model train spine-ct`."
        )
    net = module_of(stage)
    from osteon.models.nets.patchwise import bfloat16_is_fast, patchwise

    return patchwise(
        net,
        image,
        window=stage.window,
        outside=outside,
        bfloat16=bfloat16 and bfloat16_is_fast(),
        threads=threads,
        progress=progress,
    )


def _shape(stage: Stage) -> dict[str, Any]:
    return {
        "in_channels": stage.in_channels,
        "classes": stage.classes,
        "spacing_mm": stage.spacing_mm,
        "window": list(stage.window),
        "before": list(stage.before),
        "widths": list(stage.widths),
        "attention": stage.attention,
    }


def _stage(name: str, shape: Mapping[str, Any], arrays: Weights) -> Stage:
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in shape.items()}
    front = f"{name}/"
    weights = {key.removeprefix(front): value for key, value in arrays.items() if key.startswith(front)}
    return Stage(name=name, weights=weights, **values)


def _digest(stages: Mapping[str, Stage]) -> str:
    digest = hashlib.sha256()
    for name in sorted(stages):
        stage = stages[name]
        digest.update(json.dumps([name, _shape(stage)], sort_keys=True).encode())
        for key in sorted(stage.weights):
            value = np.ascontiguousarray(stage.weights[key], dtype=np.float16)
            digest.update(f"{key}{value.shape}".encode() + value.astype("<f2").tobytes())
    return digest.hexdigest()


def save_spine_net(net: SpineNet, path: Path) -> None:
    """Write weights (half precision), shapes and card, wholly or not at all."""
    about = {
        "format": FORMAT,
        "sha256": net.digest,
        "stages": {name: _shape(stage) for name, stage in net.stages.items()},
        "card": dict(net.card),
    }
    arrays = {
        f"{name}/{key}": np.asarray(value, np.float16)
        for name, stage in net.stages.items()
        for key, value in stage.weights.items()
    }
    text = np.frombuffer(json.dumps(about, sort_keys=True).encode(), np.uint8)
    with whole_file(path) as draft, draft.open("wb") as stream:
        np.savez_compressed(stream, about=text, **arrays)  # type: ignore[arg-type]


def load_spine_net(path: Path) -> SpineNet:
    """
    Read a file of weights.

    Raises
    ------
    FileError
        Absent, larger than 12 MB, not such a file, or its numbers are not those it was written with.
    """
    if not path.is_file():
        raise FileError(f"{path}: no such file.", hint="Train one with `osteon model train spine-ct`.")
    if path.stat().st_size > LARGEST_FILE:
        raise FileError(f"{path}: {path.stat().st_size} bytes, expected at most {LARGEST_FILE}.")
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            if about["format"] != FORMAT:
                raise FileError(f"{path}: format {about['format']}, expected {FORMAT}.")
            arrays = {key: file[key] for key in file.files if key != "about"}
        stages = {name: _stage(name, shape, arrays) for name, shape in about["stages"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, EOFError, OSError, zipfile.BadZipFile) as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path}: not a file of spine weights ({error}).") from None
    net = SpineNet(stages=stages, card=about["card"])
    if net.digest != about["sha256"]:
        raise FileError(f"{path}: the weights are not those that were written.", hint="Fetch the file again.")
    return net


def shipped_weights() -> Path | None:
    """The weights that travel with the package, or None where there are none."""
    resource = files("osteon.models") / "weights" / "spine_ct.npz"
    with as_file(resource) as path:
        return path if path.is_file() else None


@lru_cache(maxsize=1)
def spine_net() -> SpineNet:
    """
    The net a reading uses, read once: the file OSTEON_SPINE_WEIGHTS names, else the one that travels with the package.

    Raises
    ------
    FileError
        The package was built without weights, or the named file is missing or damaged.
    """
    named = os.environ.get("OSTEON_SPINE_WEIGHTS")
    path = Path(named) if named else shipped_weights()
    if path is None:
        raise FileError(
            "no weights travel with this installation.", hint="Train them with `osteon model train spine-ct`."
        )
    return load_spine_net(path)
