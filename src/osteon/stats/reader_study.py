"""Several readers read the same cases in several arms: is one arm better, for readers and cases like these?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from osteon.core.errors import ShapeError
from osteon.stats.obuchowski_rockette import ArmTest, Components, ReaderDifference, arm_tests, components
from osteon.stats.reader_covariance import Endpoint, ReaderFigures, reader_figures

__all__ = ["ReaderStudy", "reader_study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderStudy:
    """The multi-reader multi-case analysis of one endpoint."""

    arms: tuple[str, ...]
    readers: tuple[str, ...]
    figures: ReaderFigures
    components: Components
    tests: tuple[ArmTest, ...]
    by_reader: tuple[ReaderDifference, ...]

    def test(self, scope: str) -> ArmTest | None:
        """The analysis of that scope, or None where one reader leaves it undefined."""
        return next((test for test in self.tests if test.scope == scope), None)


def reader_study(
    readings: ArrayLike,
    truth: ArrayLike,
    *,
    arms: Sequence[str],
    readers: Sequence[str],
    endpoint: Endpoint = "auc",
    method: Literal["jackknife", "delong"] = "jackknife",
    clusters: ArrayLike | None = None,
    level: float = 0.95,
) -> ReaderStudy:
    """
    Compare arms over several readers of the same cases (Obuchowski-Rockette, Hillis' degrees of freedom).

    Parameters
    ----------
    readings : array_like, shape (arms, readers, cases)
        Ratings for the AUC, calls of 0 or 1 for accuracy, sensitivity and specificity.
    truth : array_like of 0/1, shape (cases,)
    arms, readers : sequences of names
    endpoint : {"auc", "accuracy", "sensitivity", "specificity"}
    method : {"jackknife", "delong"}
        Where the covariance comes from.
    clusters : array_like, shape (cases,), optional
        Patients, where several readings belong to one (vertebrae).

    Returns
    -------
    ReaderStudy
        Note ``few_readers``: with fewer than four readers the claim about all readers is next to powerless.
        ``no_variation``: nothing differs between cases or readers, so that no error exists.

    Source
    ------
    Obuchowski & Rockette (1995); Hillis (2007), Statistics in Medicine 26:596-619.

    Examples
    --------
    >>> without, with_ai = [[1, 2, 3, 2, 4, 5], [2, 1, 3, 3, 4, 2]], [[1, 1, 2, 3, 4, 5], [1, 1, 3, 4, 4, 5]]
    >>> study = reader_study([without, with_ai], [0, 0, 0, 1, 1, 1], arms=("ct", "ct_ai"), readers=("R1", "R2"))
    >>> study.figures.values.round(3).tolist()
    [[0.833, 0.778], [1.0, 1.0]]
    """
    figures = reader_figures(readings, truth, endpoint=endpoint, method=method, clusters=clusters)
    if figures.values.shape != (len(arms), len(readers)):
        raise ShapeError(
            f"readings hold {figures.values.shape} arms and readers, names are given for {len(arms)} and {len(readers)}."
        )
    tests, own = arm_tests(figures.values, figures.covariance, arms=arms, readers=readers, level=level)
    return ReaderStudy(
        arms=tuple(arms), readers=tuple(readers), figures=figures,
        components=components(figures.values, figures.covariance), tests=tests, by_reader=own,
    )  # fmt: skip
