"""What every segmenter answers: vertebrae by VerSe code on the input's grid, with a confidence and a provenance each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from osteon.imaging.volume import LabelMap, Volume

__all__ = ["LevelLabel", "SpineLabels", "SpineSegmenter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelLabel:
    """
    One labelled vertebra.

    Attributes
    ----------
    code : int
        Its value in the label maps: the VerSe code, or 100 + n ("V<n>", counted from below) where unanchored.
    level : str
        "T12", or "V<n>".
    confidence : float, 0-1
        Posterior probability of the level.
    alternatives : tuple of (str, float)
        Other levels with their posterior, most likely first.
    cropped : bool
        The body touches the border of the field of view.
    agreement : float or None, 0-1
        Dice with a second, independent segmenter of this body, where one ran.
    notes : tuple of str
        Codes from the quality gates ("volume_outlier", "spacing_outlier", "uncertain_outline").
    """

    code: int
    level: str
    confidence: float
    alternatives: tuple[tuple[str, float], ...] = ()
    cropped: bool = False
    agreement: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineLabels:
    """
    A labelled spine on the grid of its input.

    Attributes
    ----------
    vertebrae, bodies : LabelMap
        Whole vertebrae and vertebral bodies; the value of a voxel is the ``code`` of its vertebra.
    tissue : LabelMap or None
        :class:`osteon.domain.anatomy.Tissue` codes; holds discs, canal, sacrum and ribs where the backend knows them.
    levels : tuple of LevelLabel
        From the head down.
    anchored_by : tuple of str
        "sacrum", "ribs", "user", "labels" (an import that names its levels); empty where unanchored.
    border : str
        Convention of the body's border: "cortex_outer" (half density at the outer cortex) or as the source says.
    close : mapping of code to Volume
        Probability of a body on a grid of its own, where the backend looked closer than the label maps show; measured in
        place of the mask. A corrected mask has none.
    provenance : tuple of str
        One line per version: who or what made or changed the labels, oldest first.
    """

    vertebrae: LabelMap
    bodies: LabelMap
    levels: tuple[LevelLabel, ...]
    anchored_by: tuple[str, ...]
    backend: str
    version: str
    tissue: LabelMap | None = None
    border: str = "cortex_outer"
    close: Mapping[int, Volume] = field(default_factory=dict, repr=False)
    provenance: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class SpineSegmenter(Protocol):
    """Anything that labels the vertebrae of a CT."""

    @property
    def name(self) -> str:
        """Name of the backend, as results carry it."""
        ...

    def segment(
        self,
        volume: Volume,
        *,
        pin: tuple[tuple[float, float, float], str] | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> SpineLabels:
        """
        Label the vertebrae of ``volume`` (Hounsfield units).

        ``pin`` names the level at an LPS point and shifts all others with it; ``progress`` is told a step and 0-1.
        """
        ...
