"""Who labels the vertebrae: osteon's own networks, the classical way without torch, or a program of another make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from osteon.core.errors import ConfigError
from osteon.domain.anatomy import Tissue
from osteon.imaging.segment.assemble import label_spine
from osteon.imaging.segment.labels import LevelLabel, SpineLabels, SpineSegmenter
from osteon.imaging.volume import LabelMap, Volume
from osteon.models.torch_build import require_torch, torch_fault, torch_installed

if TYPE_CHECKING:
    from osteon.models.spine_net import SpineNet
    from osteon.reading.embedded import FineMap

__all__ = ["BACKENDS", "EmbeddedSegmenter", "cross_checked", "second_look", "segmenter", "warm_up"]

Pin = tuple[tuple[float, float, float], str]
Progress = Callable[[str, float], None]
BACKENDS = ("auto", "embedded", "classical", "totalsegmentator", "spineps", "nnunet")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSegmenter:
    """
    The default: networks trained on procedural phantoms alone find the tissues, anatomy orders them into vertebrae.

    Attributes
    ----------
    net : SpineNet, optional
        By default the weights shipped with osteon, or the file OSTEON_SPINE_WEIGHTS names.
    close : bool
        Look closer at each vertebra; without, the outlines are coarse, and it is sooner done.
    """

    net: SpineNet | None = None
    close: bool = True
    name: str = "embedded"

    def segment(
        self, volume: Volume, *, pin: Pin | None = None, progress: Progress | None = None
    ) -> SpineLabels:
        """Label the vertebrae of ``volume``; see :class:`osteon.imaging.segment.labels.SpineSegmenter`."""
        from osteon.models.spine_net import spine_net
        from osteon.reading.embedded import probabilities, refine

        net = self.net or spine_net()
        tell = progress or (lambda step, share: None)
        coarse = probabilities(volume, net, progress=lambda share: tell("coarse", share))
        maps: dict[Tissue, npt.NDArray[np.float32]] = {
            tissue: coarse.of(tissue).astype(np.float32, copy=False)
            for tissue in Tissue
            if tissue is not Tissue.BACKGROUND
        }

        def closer(centres: npt.NDArray[np.float64], bodies: LabelMap) -> Sequence[FineMap]:
            return refine(volume, centres.tolist(), net, progress=lambda share: tell("fine", share))

        return label_spine(
            volume.grid,
            maps,
            coarse.grid,
            refine=closer if self.close else None,
            pin=pin,
            progress=progress,
            backend=self.name,
            version=net.digest[:12],
        )


def warm_up(name: str = "auto") -> None:
    """Begin to load what the segmenter of that name will need, in a thread beside what is done meanwhile."""

    def load() -> None:
        if torch_fault() is None:  # whoever needs it next is told why
            import_module("osteon.models.nets.unet3d")

    if name in ("auto", "embedded") and torch_installed():
        Thread(target=load).start()  # not a daemon: half-loaded libraries may not be torn down


def segmenter(name: str = "auto") -> SpineSegmenter:
    """
    The segmenter of that name; "auto" is the embedded one where torch can be used, else the classical one.

    Raises
    ------
    ConfigError
        No such segmenter.
    DependencyMissing
        It needs a part that is not installed, or cannot be loaded.
    """
    if name == "auto":
        name = "embedded" if torch_fault() is None else "classical"
    if name == "embedded":
        require_torch()
        return EmbeddedSegmenter()
    if name == "classical":
        from osteon.imaging.segment.classical import ClassicalSegmenter

        return ClassicalSegmenter()
    if name in BACKENDS:
        from osteon.imaging.segment.external import ExternalSegmenter

        return ExternalSegmenter(name)
    raise ConfigError(f"{name!r} is no segmenter.", hint=f"Choose one of {', '.join(BACKENDS)}.")


def second_look(volume: Volume) -> SpineLabels:
    """An independent look at a scan whose labels came from elsewhere: the coarse network, or the classical way."""
    first = segmenter("auto")
    return (replace(first, close=False) if isinstance(first, EmbeddedSegmenter) else first).segment(volume)


def cross_checked(labels: SpineLabels, second: SpineLabels) -> SpineLabels:
    """
    ``labels`` with each vertebra's agreement: Dice of its body with the body of ``second`` it overlaps most.

    The names the second segmenter gave do not matter here, only where it saw bodies.
    """
    ours, theirs = labels.bodies.array, second.bodies.array
    boxes = ndimage.find_objects(ours)
    sizes = np.bincount(theirs.ravel(), minlength=2)

    def agreement(level: LevelLabel) -> float:
        box = boxes[level.code - 1] if level.code <= len(boxes) else None
        if box is None:
            return 0.0
        mine = ours[box] == level.code
        shared = np.bincount(theirs[box][mine], minlength=2)
        shared[0] = 0
        other = int(shared.argmax())
        return float(2.0 * shared[other] / (mine.sum() + sizes[other])) if shared[other] else 0.0

    return replace(
        labels, levels=tuple(replace(level, agreement=agreement(level)) for level in labels.levels)
    )
