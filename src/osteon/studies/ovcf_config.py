"""The design of a reading study as data: readers, arms, limits, the part of AI, and what a virtual study draws."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal

from osteon.core.config import load
from osteon.core.errors import ConfigError
from osteon.studies.ovcf_reads import CONSENSUS

__all__ = ["Config", "Protocol", "Virtual", "configured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """
    How the cases are read.

    ``ai_role``: "first" (the reader sees the AI's marks from the start and confirms or rejects them) and "concurrent"
    (marks on demand) are read in an arm of their own, ``washout_days`` from CT alone; "second" is one sitting: the
    reader calls, the call is locked, the marks appear, the reader calls again. ``consensus_cases``: "all", or
    "disagreements" (only where the readers' calls or types differ). Limits are those of the published study where it
    names any; the washout is ours, since it names none.
    """

    readers: tuple[str, ...] = ("R1", "R2")
    cases: int = 220
    training_cases: int = 10
    ai_role: Literal["first", "concurrent", "second"] = "first"
    washout_days: int = 28
    time_limit_s: float = 600.0
    mri_within_days: float = 7.0
    consensus: bool = True
    consensus_cases: Literal["all", "disagreements"] = "all"
    cases_per_session: int = 40

    @property
    def sequential(self) -> bool:
        """Whether both calls are made in one sitting, so that no washout lies between them."""
        return self.ai_role == "second"

    def __post_init__(self) -> None:
        if len(set(self.readers)) < len(self.readers) or not self.readers or CONSENSUS in self.readers:
            raise ConfigError(
                f"readers are {list(self.readers)}, expected different codes, none of them consensus."
            )
        if self.cases < 4 or self.training_cases < 0 or self.cases_per_session < 1 or self.washout_days < 0:
            raise ConfigError(
                "protocol: 4 cases or more, 0 training cases or more, 1 case a session or more."
            )
        if self.ai_role not in ("first", "concurrent", "second"):
            raise ConfigError(f"ai_role is {self.ai_role!r}.", hint="Known: first, concurrent, second.")
        if self.consensus_cases not in ("all", "disagreements"):
            raise ConfigError(
                f"consensus_cases is {self.consensus_cases!r}.", hint="Known: all, disagreements."
            )
        if self.time_limit_s <= 0 or self.mri_within_days < 0:
            raise ConfigError("protocol: time_limit_s above 0 and mri_within_days of 0 or more are needed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Virtual:
    """
    A simulated study: phantoms with known truth, an AI reading, simulated readers.

    ``ai`` "reading": the phantoms are read by osteon; "planted": the AI's calls are drawn with the sensitivity and
    specificity given. ``reader_auc`` is the mean AUC of a reader on CT alone, ``trust`` the share of the AI's
    evidence that a reader takes over.
    """

    cases: int = 40
    fractured_share: float = 0.6
    ai: Literal["reading", "planted"] = "reading"
    ai_sensitivity: float = 0.92
    ai_specificity: float = 0.90
    spacing_mm: float = 1.5
    reader_auc: float = 0.90
    reader_spread: float = 0.15
    trust: float = 0.6

    def __post_init__(self) -> None:
        if self.ai not in ("reading", "planted"):
            raise ConfigError(f"ai is {self.ai!r}.", hint="Known: reading, planted.")
        shares = (self.fractured_share, self.ai_sensitivity, self.ai_specificity)
        if self.cases < 8 or not all(0 < share < 1 for share in shares) or not 0 <= self.trust <= 1:
            raise ConfigError("virtual: 8 cases or more, shares strictly between 0 and 1, trust from 0 to 1.")
        if not 0.5 < self.reader_auc < 1 or self.reader_spread < 0 or self.spacing_mm <= 0:
            raise ConfigError("virtual: reader_auc between 0.5 and 1, reader_spread and spacing_mm above 0.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    The design file: protocol, virtual study, analysis.

    ``least_share``: share of the cases that a reader must have read to count in the multi-reader analysis (in both
    arms) and in the agreement of an arm.
    """

    protocol: Protocol = field(default_factory=Protocol)
    virtual: Virtual = field(default_factory=Virtual)
    covariance: Literal["jackknife", "delong"] = "jackknife"
    least_share: float = 0.9
    planned_difference: float = 0.05
    power_draws: int = 200

    def __post_init__(self) -> None:
        if self.covariance not in ("jackknife", "delong"):
            raise ConfigError(f"covariance is {self.covariance!r}.", hint="Known: jackknife, delong.")
        if not 0 < self.least_share <= 1:
            raise ConfigError(f"least_share is {self.least_share}, expected a share above 0, at most 1.")
        if not 0 < self.planned_difference < 0.5 or self.power_draws < 0:
            raise ConfigError("planned_difference lies between 0 and 0.5, power_draws is 0 or more.")


def configured(name: str) -> Config:
    """The configuration called ``name`` ("default", "quick", "planted"), or that of a TOML file."""
    if name.endswith(".toml"):
        return load(Config(), Path(name))
    shelf = files("osteon.studies") / "configs" / f"ovcf_reading.{name}.toml"
    if not shelf.is_file():
        raise ConfigError(
            f"unknown configuration {name!r}.", hint="Known: default, quick, planted, or a TOML file."
        )
    with as_file(shelf) as path:
        return load(Config(), path)
