"""
S2: do readers find and type osteoporotic vertebral fractures on CT better with AI than without?

Design: every reader reads every case twice, on CT alone and on CT with the AI's marks, in random order with a washout
between (AI as first or concurrent reader) or as two steps of one sitting (as second reader); MRI within a week is the
truth; readers are blinded to it and to each other and settle a consensus afterwards. Cases outside the published
criteria or the week are kept for a sensitivity analysis.

Kept from the paper: the truth and its signs, the ten-minute limit, the consensus, the two arms, accuracy, sensitivity,
specificity, kappa and its bands, the Denis table, its chi-square (beside the paired test), the eligibility criteria.

Added, because one consensus per arm cannot answer the question: each reader's own results, tests that know that the
same case was read twice and which vertebrae are one patient's, the multi-reader multi-case analysis, reading times, what AI changed, washout and order.

Not kept: the paper's own segmentation networks (a generative adversarial and a self-guided attention network) are
described by name only and cannot be rebuilt; the AI of a virtual study is osteon's own reading.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osteon.core.errors import FileError
from osteon.core.files import checked_folder, staged_folder, write_bytes, write_json
from osteon.core.provenance import Provenance, provenance
from osteon.core.result import as_dict
from osteon.report.document import Block, Document
from osteon.report.save import save
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_design import planned, schedule_csv
from osteon.studies.ovcf_design_page import plan_blocks
from osteon.studies.ovcf_page import study_blocks
from osteon.studies.ovcf_reads import read_reads, template_csv
from osteon.studies.ovcf_recheck_page import recheck_blocks, recheck_results, recheck_summary
from osteon.studies.ovcf_results import plan_results, plan_summary, study_results, study_summary
from osteon.studies.ovcf_virtual import ReadCase, virtual_reads
from osteon.studies.ovcf_words import ovcf_word
from osteon.studies.published_s2 import recheck

__all__ = ["Made", "Summary", "made", "run_to_folder"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the command line prints, and whether a part of the study could not be done."""

    lines: tuple[str, ...]
    partial: bool = False
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One run before it is written: its page, its results.json, its further files and what the command prints."""

    page: Document
    content: dict[str, Any]
    lines: tuple[str, ...]
    files: dict[str, bytes] = field(default_factory=dict)


def run_to_folder(data: str, *, config: str, seed: int, out: Path, lang: str, command: str = "") -> Summary:
    """Run the study and write its report, tables, figures and results.json into ``out``, wholly or not at all."""
    checked_folder(out)
    result = made(data, config=configured(config), seed=seed, lang=lang, command=command)
    with staged_folder(out) as stage:
        save(result.page, stage, lang=lang)
        write_json(stage / "results.json", result.content)
        for name, content in result.files.items():
            write_bytes(stage / name, content)
    return Summary(lines=result.lines)


def made(
    data: str, *, config: Config, seed: int, lang: str, command: str = "", read_case: ReadCase | None = None
) -> Made:
    """
    The study on a kind of data.

    Parameters
    ----------
    data : "published", "design", "virtual", or the path of a reads table
    config : Config
    seed : int
    lang : "en" or "zh"
    command : str
        The command line, for the provenance.
    read_case : callable, optional
        The AI of a virtual study; by default osteon's own reading.
    """
    if data == "published":
        lines = recheck()
        return _made(recheck_blocks(lines), "published", config, provenance(seed=seed, command=command),
                     {"recheck": recheck_results(lines)}, recheck_summary(lines, lang))  # fmt: skip
    if data == "design":
        plan = planned(config, seed)
        files = {"schedule.csv": schedule_csv(plan.slots)}
        files |= {f"reads-template.{code}.csv": template_csv(code) for code in ("en", "zh")}
        return _made(plan_blocks(plan, config, lang), "design", config, provenance(seed=seed, command=command),
                     plan_results(plan), plan_summary(plan, lang), files=files)  # fmt: skip
    if data == "virtual":
        reads, cases = virtual_reads(config, seed, read_case=read_case)
        stamp = provenance(seed=seed, command=command)
        files = {
            "reads.csv": reads.table.drop(columns="unit")
            .dropna(axis=1, how="all")
            .to_csv(index=False)
            .encode("utf-8-sig")
        }
    else:
        path = Path(data)
        if path.is_dir():
            raise FileError(
                f"{data}: is a folder, expected a reads table.", hint="--data design writes a template."
            )
        reads, cases = read_reads(path), ()
        stamp, files = provenance(seed=seed, inputs=(path,), command=command), {}
    analysis = analysed(reads, config)
    return _made(study_blocks(reads, analysis, config, simulated=reads.simulated), "virtual" if data == "virtual" else "reads",
                 config, stamp, study_results(reads, analysis, cases),
                 study_summary(reads, analysis, lang, simulated=reads.simulated), files=files, simulated=reads.simulated)  # fmt: skip


def _made(
    blocks: Iterable[Block], kind: str, config: Config, stamp: Provenance, content: dict[str, Any],
    lines: tuple[str, ...], *, files: dict[str, bytes] | None = None, simulated: bool = False,
) -> Made:  # fmt: skip
    page = Document(
        title=ovcf_word("title", data=ovcf_word(f"data.{kind}")), subtitle=ovcf_word(f"subtitle.{kind}"),
        authors=(ovcf_word("author"),), simulated=simulated, blocks=tuple(blocks), provenance=stamp,
    )  # fmt: skip
    head = {"study": "ovcf-reading", "data": kind, "simulated": simulated, "provenance": as_dict(stamp),
            "config": as_dict(config)}  # fmt: skip
    return Made(page=page, content=head | content, lines=lines, files=files or {})
