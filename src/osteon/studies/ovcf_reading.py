"""
S2: do readers find and type osteoporotic vertebral fractures on CT better with AI than without?

Design: every reader reads every case twice, on CT alone and on CT with the AI's marks, in random order with a washout
between; MRI within a week is the truth; readers are blinded to it and to each other and settle a consensus afterwards.

Kept from the paper: the truth and its signs, the ten-minute limit, the consensus, the two arms, accuracy, sensitivity,
specificity, kappa and its bands, the Denis table, its chi-square (beside the paired test), the eligibility criteria.

Added, because one consensus per arm cannot answer the question: each reader's own results, tests that know that the
same case was read twice, the multi-reader multi-case analysis, reading times, what AI changed, washout and order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osteon.core.errors import ConfigError
from osteon.core.files import checked_folder, staged_folder, write_json
from osteon.core.provenance import Provenance, provenance
from osteon.core.result import as_dict
from osteon.report.document import Document
from osteon.report.save import save
from osteon.studies.ovcf_recheck_page import recheck_blocks, recheck_results, recheck_summary
from osteon.studies.ovcf_words import phrase
from osteon.studies.published_s2 import recheck

__all__ = ["Summary", "run_to_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the command line prints, and whether a part of the study could not be done."""

    lines: tuple[str, ...]
    partial: bool = False
    notes: tuple[str, ...] = field(default=())


def run_to_folder(data: str, *, config: str, seed: int, out: Path, lang: str, command: str = "") -> Summary:
    """Run the study and write its report, tables, figures and results.json into ``out``, wholly or not at all."""
    checked_folder(out)
    if data != "published":
        raise ConfigError(f"{data}: unknown kind of data.", hint="Known: published.")
    return _published(out, lang=lang, stamp=provenance(seed=seed, command=command))


def _published(out: Path, *, lang: str, stamp: Provenance) -> Summary:
    lines = recheck()
    page = Document(
        title=phrase("title", data=phrase("data.published")),
        subtitle=phrase("subtitle_published"),
        authors=(phrase("author"),),
        simulated=False,
        blocks=tuple(recheck_blocks(lines)),
        provenance=stamp,
    )
    content: dict[str, Any] = {
        "study": "ovcf-reading", "data": "published", "simulated": False, "provenance": as_dict(stamp),
        "recheck": recheck_results(lines),
    }  # fmt: skip
    with staged_folder(out) as stage:
        save(page, stage, lang=lang)
        write_json(stage / "results.json", content)
    return Summary(lines=recheck_summary(lines, lang))
