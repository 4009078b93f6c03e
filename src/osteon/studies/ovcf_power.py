"""The power of a planned reading study by simulation, each endpoint beside its false alarms."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from osteon.core.seeds import stream
from osteon.stats.proportion import Proportion
from osteon.stats.reader_covariance import Endpoint
from osteon.stats.reader_power import CONSENSUS, RoeMetz, simulated_power
from osteon.studies.ovcf_config import Config

__all__ = ["Simulated", "simulated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """
    The share of drawn studies that find the planned difference, and of those that find one where there is none.

    ``scope`` is one of `osteon.stats.reader_power.simulated_power`.
    """

    endpoint: Endpoint
    scope: str
    power: Proportion
    without_effect: Proportion


def simulated(config: Config, model: RoeMetz, seed: int) -> Iterator[Simulated]:
    """Each endpoint for these readers, for readers like them, and for their consensus, each beside its false alarms."""
    protocol = config.protocol
    fractured = round(protocol.cases * config.virtual.fractured_share)
    endpoints: tuple[Endpoint, ...] = ("auc", "sensitivity", "accuracy")
    scopes = ["fixed_readers_random_cases"]
    if len(protocol.readers) > 1:
        scopes += ["random_readers_random_cases", *([CONSENSUS] if protocol.consensus else [])]
    for endpoint, scope in product(endpoints, scopes):
        if (endpoint, scope) != ("auc", CONSENSUS):
            power, without = (
                simulated_power(
                    drawn, readers=len(protocol.readers), fractured=fractured, unfractured=protocol.cases - fractured,
                    rng=stream(seed, "power", endpoint, scope, name), endpoint=endpoint, scope=scope, draws=config.power_draws,
                )
                for name, drawn in (("planned", model), ("alike", replace(model, aucs=model.aucs[:1] * 2)))
            )  # fmt: skip
            yield Simulated(endpoint=endpoint, scope=scope, power=power, without_effect=without)
