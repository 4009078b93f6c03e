"""A risk: the chance that something happens to one person, with what it was made from and what was missing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from osteon.core.errors import InputError
from osteon.core.result import Interval

__all__ = ["Risk"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """
    The chance of an outcome for one person.

    Attributes
    ----------
    outcome : str
        Code of what may happen: "fracture_hip", "osteoporosis_fn_or_ls", ...
    value : float, 0-1
    horizon_years : float or None
        Within how many years; None for a state that is there today.
    model : str
        Code of the tool or model that gave it.
    ci : Interval or None
        Uncertainty of the value, where the model tells it.
    missing, out_of_range : tuple of str
        Inputs that were unknown, and those outside what the model was made for.
    notes : tuple of str
        Codes of what a reader must know.

    Raises
    ------
    InputError
        A value outside 0-1 (a percentage?), a horizon that is not positive, a value outside its own interval.

    Examples
    --------
    >>> print(Risk(outcome="fracture_hip", value=0.0119, horizon_years=10, model="qfracture_2012"))
    fracture_hip 1.2 % in 10 years (qfracture_2012)
    """

    outcome: str
    value: float
    horizon_years: float | None
    model: str
    ci: Interval | None = None
    missing: tuple[str, ...] = ()
    out_of_range: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.outcome or not self.model:
            raise InputError("a risk needs the code of its outcome and of its model.")
        if not 0.0 <= self.value <= 1.0:
            raise InputError(
                f"{self.outcome}: risk {self.value} is not in 0-1.", hint="Divide a percentage by 100."
            )
        if self.horizon_years is not None and not (
            self.horizon_years > 0 and math.isfinite(self.horizon_years)
        ):
            raise InputError(
                f"{self.outcome}: a horizon of {self.horizon_years} years.", hint="Give a positive one."
            )
        if self.ci is not None and not (0.0 <= self.ci.low <= self.value <= self.ci.high <= 1.0):
            raise InputError(f"{self.outcome}: risk {self.value} with the interval {self.ci}.")

    def __str__(self) -> str:
        within = f" in {self.horizon_years:g} years" if self.horizon_years is not None else ""
        return f"{self.outcome} {100 * self.value:.1f} %{within} ({self.model})"
