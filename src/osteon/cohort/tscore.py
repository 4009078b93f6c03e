"""
T-scores from BMD with a declared reference population, and what they say by the WHO cut.

T = (BMD - young mean) / young SD. It is rounded to nine decimals, so that a femoral neck of 0.558 g/cm2 is -2.5 and
not -2.4999999999999996: binary fractions must not decide a diagnosis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.core.errors import UnitError

__all__ = ["OSTEOPOROSIS_T", "REFERENCES", "Reference", "osteoporosis", "t_scores"]

#: The WHO cut: osteoporosis at or below.
OSTEOPOROSIS_T = -2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A young reference population at one site: mean and SD in g/cm2 of a device's scale."""

    site: str
    population: str
    device: str
    mean_g_cm2: float
    sd_g_cm2: float
    source: str

    def __str__(self) -> str:
        return f"{self.population}, {self.device}: {self.mean_g_cm2:g} ({self.sd_g_cm2:g}) g/cm2"


#: The reference of each T-score column. White women of NHANES III serve both sexes at the hip (WHO, ISCD, FRAX).
REFERENCES: Mapping[str, Reference] = MappingProxyType(
    {
        "t_femoral_neck": Reference(
            site="femoral neck", population="NHANES III white women 20-29", device="Hologic QDR",
            mean_g_cm2=0.858, sd_g_cm2=0.120, source="Looker et al. 1998, Osteoporos Int 8:468-489",
        ),
        "t_total_hip": Reference(
            site="total hip", population="NHANES III white women 20-29", device="Hologic QDR",
            mean_g_cm2=0.942, sd_g_cm2=0.122, source="Looker et al. 1998, Osteoporos Int 8:468-489",
        ),
        "t_lumbar": Reference(
            site="L1-L4", population="Hologic reference, white women", device="Hologic QDR",
            mean_g_cm2=1.047, sd_g_cm2=0.110, source="Hologic reference database (recalled; T -2.5 at 0.772)",
        ),
    }
)  # fmt: skip


def t_scores(bmd_g_cm2: ArrayLike, *, reference: Reference) -> NDArray[np.float64]:
    """
    How many standard deviations of young women a BMD lies above (or below) their mean.

    Parameters
    ----------
    bmd_g_cm2 : array_like, shape (n,), g/cm2; NaN = missing
    reference : Reference
        Same site and same manufacturer's scale as the BMD.

    Raises
    ------
    UnitError
        A BMD above 5: it cannot be g/cm2.

    Source
    ------
    WHO (1994), Technical Report Series 843; Looker et al. (1998), Osteoporosis International 8:468.

    Examples
    --------
    >>> t_scores([0.858, 0.558], reference=REFERENCES["t_femoral_neck"]).tolist()
    [0.0, -2.5]
    """
    bmd = np.asarray(bmd_g_cm2, dtype=np.float64)
    if np.any(bmd > 5):
        raise UnitError(f"a BMD of {np.nanmax(bmd):g} g/cm2 is impossible.", hint="Is it in mg/cm2?")
    return np.round((bmd - reference.mean_g_cm2) / reference.sd_g_cm2, 9)


def osteoporosis(*t_score_columns: ArrayLike) -> NDArray[np.float64]:
    """
    Osteoporosis by any of the T-scores given: 1.0, 0.0, or NaN where none was measured.

    A person with one site missing is judged by the other, so some osteoporosis goes unseen: prevalence needs people
    with every site measured.

    Parameters
    ----------
    t_score_columns : array_like, shape (n,) each; NaN = missing

    Examples
    --------
    >>> nan = float("nan")
    >>> osteoporosis([-2.5, -1.0, nan, nan], [0.0, nan, -3.0, nan]).tolist()
    [1.0, 0.0, 1.0, nan]
    """
    columns = np.vstack([np.asarray(column, dtype=np.float64) for column in t_score_columns])
    hit = (columns <= OSTEOPOROSIS_T).any(axis=0)
    unmeasured = np.isnan(columns).all(axis=0)
    return np.where(unmeasured, np.nan, np.where(hit, 1.0, 0.0))
