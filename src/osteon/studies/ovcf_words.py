"""The words of the reading study, and how its readers, arms and shares are called."""

from __future__ import annotations

from osteon.report.value import Cell, Estimate, Number, Text, Words
from osteon.report.value import Proportion as Shown
from osteon.stats.agreement import Kappa
from osteon.stats.proportion import Proportion
from osteon.studies.ovcf_reads import CONSENSUS
from osteon.studies.ovcf_shares import Share

__all__ = ["arm_name", "kappa_cell", "ovcf_word", "percent_cell", "reader_name", "share_cell"]


def ovcf_word(key: str, /, **values: object) -> Words:
    """A text of this study."""
    return Words(f"ovcf_reading.{key}", **values)


def reader_name(code: str) -> Text:
    """A reader's code as it stands in the table; the consensus and the AI in words."""
    return ovcf_word(f"reader.{code}") if code in (CONSENSUS, "ai") else code


def arm_name(arm: str) -> Words:
    """CT alone, or CT with AI."""
    return ovcf_word(f"arm.{arm}")


def share_cell(share: Proportion | Share | None) -> Cell:
    """A percentage with its interval and counts; nothing where it is undefined."""
    if share is None:
        return None
    low, high = (share.ci.low, share.ci.high) if isinstance(share, Proportion) else (share.low, share.high)
    return Shown(share.k, share.n, low, high)


def percent_cell(share: Proportion | Share | None) -> Cell:
    """A percentage with its interval where the counts stand beside it already."""
    if share is None or share.n == 0:
        return None
    low, high = (share.ci.low, share.ci.high) if isinstance(share, Proportion) else (share.low, share.high)
    return Estimate(share.k / share.n, low, high, digits=1, percent=True)


def kappa_cell(kappa: Kappa | None) -> Cell:
    """Kappa with its interval; alone where agreement is perfect, since the large-sample error is 0 there."""
    if kappa is None:
        return None
    if kappa.ci.high == kappa.ci.low:
        return Number(kappa.value, digits=3)
    return Estimate(kappa.value, kappa.ci.low, kappa.ci.high, digits=3)
