"""The protocol of the portraits study, and its named configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path

from osteon.core.config import load
from osteon.core.errors import ConfigError
from osteon.models.cluster import ClusterOptions

__all__ = ["Config", "configured"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """
    The protocol.

    Attributes
    ----------
    cluster : ClusterOptions
        How groups are looked for.
    features : tuple of str
        Columns the portraits are made of; empty: every described column known at admission that is no treatment.
    steer : bool
        Keep features related to the outcome (as published); repeated inside every resample.
    redundant_from : float
        Absolute association from which one of two features is left out.
    least_association, alpha : float
        What relation with the outcome keeps a feature.
    most_row_missing, most_column_missing : float
        Larger shares of missing values leave a patient, or a column, out.
    satisfaction_scale : tuple of str
        Answers from worst to best, as the table writes them; ``satisfied_from`` is the first that counts as satisfied.
    plan : str
        A team's own management rules (TOML); "": those shipped.
    repeats : int
        Further seeds on which the invented groups are looked for again (virtual data only).
    save_model : bool
        Write the portraits for `osteon score`; the file holds coded rows and ids of the patients.
    """

    cluster: ClusterOptions = field(default_factory=ClusterOptions)
    features: tuple[str, ...] = ()
    steer: bool = True
    outcome: str = "healing_days"
    redundant_from: float = 0.9
    least_association: float = 0.2
    alpha: float = 0.05
    most_row_missing: float = 0.3
    most_column_missing: float = 0.4
    fewest_patients: int = 60
    satisfaction_scale: tuple[str, ...] = ("dissatisfied", "satisfied", "very_satisfied")
    satisfied_from: str = "satisfied"
    plan: str = ""
    repeats: int = 19
    last_development_year: int = 2014
    save_model: bool = True

    def __post_init__(self) -> None:
        for name in (
            "redundant_from",
            "least_association",
            "alpha",
            "most_row_missing",
            "most_column_missing",
        ):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"{name} = {getattr(self, name)}, expected a share between 0 and 1.")
        if self.satisfied_from not in self.satisfaction_scale:
            raise ConfigError(f"satisfied_from = {self.satisfied_from!r} is no answer of the scale.",
                              hint=f"The scale: {', '.join(self.satisfaction_scale)}.")  # fmt: skip
        if self.repeats < 0:
            raise ConfigError(f"repeats = {self.repeats}, expected 0 or more.")


def configured(name: str) -> Config:
    """The configuration called ``name`` ("default", "quick"), or that of a TOML file."""
    if name == "default":
        return Config()
    if name.endswith(".toml"):
        return load(Config(), Path(name))
    shelf = files("osteon.studies") / "configs" / f"portraits.{name}.toml"
    if not shelf.is_file():
        raise ConfigError(f"unknown configuration {name!r}.", hint="Known: default, quick, or a TOML file.")
    with as_file(shelf) as path:
        return load(Config(), path)
