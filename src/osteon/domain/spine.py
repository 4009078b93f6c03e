"""What a CT says about a spine: one finding per vertebra with its evidence, and the reading they add up to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "Denis",
    "Endplate",
    "FlagPlace",
    "Genant",
    "HeightLoss",
    "Heights",
    "Hounsfield",
    "PosteriorWall",
    "ScanFacts",
    "SeriesLeftOut",
    "SpineReading",
    "VertebraFinding",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heights:
    """Anterior, middle and posterior height of a vertebral body in millimetres."""

    anterior: float
    middle: float
    posterior: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeightLoss:
    """
    Loss of height per site as a fraction of the height expected there (0.25 = a quarter is gone).

    Attributes
    ----------
    anterior, middle, posterior : float
        1 - height / reference height; negative where the body is taller than expected.
    reference_mm : Heights
        The heights expected of this level in this patient, unfractured.
    reference_from : tuple of str
        Levels the expectation was fitted on; empty where it rests on the vertebra's own posterior height.
    se : float
        Standard error of the largest loss, from the fit and from the measurement.
    self_loss : float
        Largest loss against the vertebra's own posterior height and the level-specific ratios.
    by_build : bool
        ``reference_mm`` rests on the height that goes with the size of this spine's endplates.
    trusted : bool
        False where other vertebrae are there and none of them can be taken as unfractured: then no loss seen is not none.
    build_loss : float or None
        Largest loss against the height that goes with the size of the endplates; None for levels without a name.
    """

    anterior: float
    middle: float
    posterior: float
    reference_mm: Heights
    reference_from: tuple[str, ...]
    se: float
    self_loss: float
    by_build: bool = False
    trusted: bool = True
    build_loss: float | None = None

    @property
    def largest(self) -> float:
        """The largest of the three losses."""
        return max(self.anterior, self.middle, self.posterior)

    @property
    def reference(self) -> Literal["neighbours", "build", "own"]:
        """What the expected heights rest on: neighbours, the size of the endplates, or the own posterior height."""
        if self.reference_from:
            return "neighbours"
        return "build" if self.by_build else "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Genant:
    """
    Semiquantitative grade of Genant 1993.

    Attributes
    ----------
    grade : int, 0-3
        0 below the operating point, then 20-25 %, 25-40 %, above 40 % of height lost.
    type : str
        Where most is lost; "none" for grade 0.
    operating_point : float
        The loss from which a deformity counts (0.20 or 0.25).
    threshold : float or None
        The loss from which this vertebra counted: the operating point, less what parts broken by their form allow for.
    confidence : float or None, 0-1
        Of a fracture, the probability that this is its grade, if it is one; None for grade 0, which the confidence of the call
        speaks for.
    """

    grade: int
    type: Literal["none", "wedge", "biconcave", "crush"]
    operating_point: float
    threshold: float | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endplate:
    """
    Evidence of injury at one endplate.

    Attributes
    ----------
    depression_mm : float
        Deepest point below the rim plane, less what the neighbours' same endplate shows.
    discontinuity : float or None, 0-1
        Share of columns without a cortical peak, less the neighbours'; None without an image.
    band_hu : float or None
        Density 2-6 mm inside the endplate less that of the core, less the neighbours'; None without an image.
    tilt_deg : float
        Angle to the posterior wall's normal, less what the neighbours show.
    injured : bool
        Two signs, one of them of a break, or one strong sign.
    signs : tuple of str
        Codes of the signs that spoke.
    injury : float
        How strongly they speak: above 1 the endplate counts as injured.
    """

    depression_mm: float
    discontinuity: float | None
    band_hu: float | None
    tilt_deg: float
    injured: bool
    signs: tuple[str, ...]
    injury: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PosteriorWall:
    """
    The posterior wall and the canal behind it.

    Attributes
    ----------
    convexity_mm : float or None
        How far the wall stands beyond the line of its undisplaced part; None where the wall could not be followed and the
        canal alone speaks.
    canal_area_ratio : float or None
        Canal area against the neighbours' (1 as expected, 0 closed); None where the canal could not be followed.
    """

    convexity_mm: float | None
    canal_area_ratio: float | None
    involved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Denis:
    """
    Compression (A both endplates, B superior, C inferior, D both intact) or burst type of Denis 1983.

    ``type`` is None where the rule abstains; ``margin`` is how far the less certain endplate is from the threshold of
    injury, in units of that threshold; ``confidence`` the calibrated probability that the type is right.
    """

    scheme: Literal["compression", "burst"]
    type: str | None
    margin: float
    evidence: tuple[str, ...]
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hounsfield:
    """Trabecular density of one body in Hounsfield units over ``volume_ml`` of bone. Never a T-score."""

    median: float
    mean: float
    sd: float
    volume_ml: float
    vbmd_mg_cm3: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagPlace:
    """
    Where a red flag was seen.

    Attributes
    ----------
    flag : str
        Its code, as in ``red_flags``.
    side : str or None
        The patient's side; None in the middle, or where the sign has no side.
    centre_lps_mm : tuple of 3 floats or None
        Its middle in the patient, where it has one.
    confidence : float or None, 0-1
        How many of the flags with this code on simulated scans were right: a rate of all, not of this one.
    """

    flag: str
    side: Literal["right", "left", "both"] | None = None
    centre_lps_mm: tuple[float, float, float] | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VertebraFinding:
    """
    All that is said of one vertebra.

    Attributes
    ----------
    level : str
        "T12"; "V3" (third from below) where the spine is not anchored.
    level_confidence : float, 0-1
        Posterior probability of that level.
    evaluable : bool
        False means that no grade is given; ``not_evaluable`` holds the codes of the reasons.
    fractured : bool or None
        Deformity at or above the operating point and not explained otherwise; None where not evaluable. False says nothing
        of a fracture without such a deformity: see ``endplate_injury``.
    heights_mm, heights_parasagittal_mm : Heights or None
        In the mid-sagittal plane, and of the lower of the two strips beside it.
    height_loss : HeightLoss or None
        Of the heights that the vertebra is graded by: :attr:`graded_heights_mm`.
    confidence : float or None, 0-1
        Calibrated probability that the call, fractured or not, is right. Where there are red flags it is no probability
        of this vertebra but a rate: how many flags of the surest kind among them were right on simulated scans; so too, of
        broken endplates, where there is an ``endplate_injury``.
    of_type, of_confidence : int or None, float or None
        The proposed OF type, and the probability that it is right if the vertebra is fractured.
    local_kyphosis_deg : float or None
        Sagittal angle from the superior endplate of the vertebra above to the inferior one of the vertebra below.
    contents : tuple of str
        "cement", "screw", "metal".
    red_flags : tuple of str
        Codes; any of them goes before a grade: suspicious, not called osteoporotic.
    flag_places : tuple of FlagPlace
        Where they were seen; an import of other readings may hold none.
    indicators : mapping
        Research indicators by code, e.g. "fresh_band_hu"; no diagnosis rests on them.
    """

    level: str
    level_confidence: float
    evaluable: bool
    not_evaluable: tuple[str, ...] = ()
    centroid_lps_mm: tuple[float, float, float]
    heights_mm: Heights | None = None
    heights_parasagittal_mm: Heights | None = None
    height_loss: HeightLoss | None = None
    wedge_deg: float | None = None
    lateral_wedge_deg: float | None = None
    volume_ml: float | None = None
    disc_above_mm: float | None = None
    disc_below_mm: float | None = None
    local_kyphosis_deg: float | None = None
    canal_ap_mm: float | None = None
    canal_area_mm2: float | None = None
    fractured: bool | None = None
    genant: Genant | None = None
    superior: Endplate | None = None
    inferior: Endplate | None = None
    posterior_wall: PosteriorWall | None = None
    denis: Denis | None = None
    of_type: int | None = None
    of_confidence: float | None = None
    hu: Hounsfield | None = None
    confidence: float | None = None
    contents: tuple[str, ...] = ()
    red_flags: tuple[str, ...] = ()
    flag_places: tuple[FlagPlace, ...] = ()
    indicators: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def endplate_injury(self) -> bool:
        """An endplate is broken and no loss of height counts: neither a fracture nor none, as an early one looks on CT."""
        return "endplate_injury" in self.notes

    @property
    def one_sided(self) -> bool:
        """Compressed on one side, and graded by the heights of that side."""
        return "one_sided" in self.notes

    @property
    def graded_heights_mm(self) -> Heights | None:
        """
        The heights that ``height_loss`` and its reference belong to: parasagittal where one-sided, else mid-sagittal.

        Only these may stand beside an expected height or a loss.
        """
        return self.heights_parasagittal_mm if self.one_sided else self.heights_mm


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesLeftOut:
    """
    A series that lay beside the one that was read.

    Attributes
    ----------
    key : str
        What to ask for to read this one.
    spacing_mm : tuple of 3 floats or None
        Between slices, rows and columns; None where the headers do not say.
    why_not : str
        The first criterion that speaks against it ("soft_kernel"), or "not_asked_for".
    """

    key: str
    description: str
    modality: str
    slices: int
    spacing_mm: tuple[float, float, float] | None
    why_not: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFacts:
    """
    What the reading knows of the scan; empty or None where the file does not say (a NIfTI says almost nothing).

    Attributes
    ----------
    series_choice : str
        Why this series of several: the criterion that told it from the next best ("thin_slices"), "asked_for", or
        "only_series"; empty where the file holds no series.
    other_series : tuple of SeriesLeftOut
        The others, best first.
    """

    source: str
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    modality: str = "CT"
    kvp: float | None = None
    kernel: str = ""
    contrast: Literal["none", "arterial", "portal_venous", "given", "unknown"] = "unknown"
    slice_thickness_mm: float | None = None
    manufacturer: str = ""
    series_description: str = ""
    study_date: str = ""
    patient_id: str = ""
    patient_name: str = ""
    sex: str = ""
    age: str = ""
    accession: str = ""
    study_uid: str = ""
    series_uid: str = ""
    series_choice: str = ""
    other_series: tuple[SeriesLeftOut, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpineReading:
    """
    A whole spine read.

    Attributes
    ----------
    vertebrae : tuple of VertebraFinding
        From the head down.
    anchored : bool
        Level names rest on the sacrum, the ribs or a user's pin; otherwise levels are "V1", "V2", ... counted from below.
    deformity_index : int or None
        Spinal deformity index: the sum of the Genant grades of the evaluable vertebrae.
    lordosis_deg, kyphosis_deg : float or None
        Angle between the superior endplates of L1 and S1 (or the lower endplate of L5), and T4-T12 or what of it is seen.
    hu_l1, hu_mean : float or None
        Median trabecular density of L1, and the mean over the unfractured T12-L5, Hounsfield units.
    hu_mean_of : tuple of str
        The levels that ``hu_mean`` is the mean of.
    anchored_by : tuple of str
        What the names rest on: "sacrum", "ribs", "user" (a pin), "labels" (an import that names its levels).
    provenance : tuple of str
        Who or what made or changed the labels, oldest first.
    backend : str
        "embedded", "classical", "import:verse", "external:totalsegmentator".
    elapsed_s : mapping
        Seconds per step.
    simulated : bool
        The scan was invented.
    notes : tuple of str
        Codes of caveats that hold for the whole reading.
    """

    vertebrae: tuple[VertebraFinding, ...]
    scan: ScanFacts
    anchored: bool
    backend: str
    backend_version: str
    operating_point: float
    deformity_index: int | None = None
    lordosis_deg: float | None = None
    kyphosis_deg: float | None = None
    hu_l1: float | None = None
    hu_mean: float | None = None
    hu_mean_of: tuple[str, ...] = ()
    elapsed_s: Mapping[str, float] = field(default_factory=dict)
    simulated: bool = False
    notes: tuple[str, ...] = ()
    anchored_by: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()

    def at(self, level: str) -> VertebraFinding | None:
        """The finding of ``level``, or None."""
        return next((v for v in self.vertebrae if v.level == level), None)

    @property
    def fractured(self) -> tuple[VertebraFinding, ...]:
        """The vertebrae called fractured."""
        return tuple(v for v in self.vertebrae if v.fractured)
