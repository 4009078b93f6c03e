"""A score: what a published tool says of one person, with its band, its cut-off and what it was made from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from osteon.core.errors import InputError

__all__ = ["Score"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """
    The answer of one tool for one person.

    Attributes
    ----------
    tool : str
        Code of the tool: "ost", "caroc_2010", ...
    value : float or None
        None where an input that the tool cannot do without is missing, or the tool has bands only.
    unit : str
        "points", "s", "%", ... or "" for a bare number.
    band : str
        Code of the class: "low", "moderate", "high", ..., "unknown".
    refer : bool or None
        Does the tool's cut-off call for the next step; None where it has none or cannot tell.
    cut_off : str
        The rule behind ``refer``: "<2", ">=9"; "" where there is none.
    used : mapping
        Inputs as they were used.
    missing : tuple of str
        Inputs that were unknown.
    notes : tuple of str
        Codes of what a reader must know ("cut_off_unverified", ...).
    source : str
        Where the tool is published.

    Raises
    ------
    InputError
        No tool, no band, a value that is not finite, or a referral on an unknown band.

    Examples
    --------
    >>> print(Score(tool="ost", value=-2.0, unit="points", band="high", refer=True, cut_off="<2"))
    ost -2 points: high (refer, <2)
    """

    tool: str
    value: float | None
    unit: str
    band: str
    refer: bool | None = None
    cut_off: str = ""
    used: Mapping[str, float | str | None] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    source: str = ""

    def __post_init__(self) -> None:
        if not self.tool or not self.band:
            raise InputError("a score needs the code of its tool and of its band.")
        if self.value is not None and not math.isfinite(self.value):
            raise InputError(
                f"{self.tool}: the value {self.value} is not finite.", hint="None says: not computable."
            )
        if self.band == "unknown" and self.refer is not None:
            raise InputError(f"{self.tool}: refer={self.refer} on an unknown band.")

    def __str__(self) -> str:
        amount = "" if self.value is None else f" {self.value:g} {self.unit}".rstrip()
        verdict = {True: " (refer, ", False: " (no referral, ", None: ""}[self.refer]
        return f"{self.tool}{amount}: {self.band}" + (f"{verdict}{self.cut_off})" if verdict else "")
