"""A reading study as tables: what stands in each cell, in no language."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from osteon.core.result import Interval
from osteon.report.document import Column, GroupRow, Row, TableBlock
from osteon.report.value import Cell, Estimate, Number, PValue, Spread, Text
from osteon.report.value import Proportion as Shown
from osteon.stats.clustered import ClusteredMcNemar
from osteon.stats.compare import Comparison
from osteon.stats.margins import kappa_band
from osteon.stats.obuchowski_rockette import ArmTest
from osteon.stats.wald import normal_quantile
from osteon.studies.ovcf_accuracy import ArmAccuracy, DenisTable, PairedTest
from osteon.studies.ovcf_analysis import Analysis
from osteon.studies.ovcf_mrmc import MultiReader
from osteon.studies.ovcf_reads import TYPES
from osteon.studies.ovcf_shares import Share
from osteon.studies.ovcf_words import arm_name, kappa_cell, ovcf_word, percent_cell, reader_name, share_cell

__all__ = [
    "accuracy_table",
    "added",
    "agreement_table",
    "changed_table",
    "denis_paired_table",
    "denis_summary",
    "denis_table",
    "gap_text",
    "genant_table",
    "kappa_table",
    "labelled",
    "level_table",
    "mrmc_notes",
    "mrmc_readers_table",
    "mrmc_table",
    "paired_table",
    "sign_table",
    "time_table",
]


NO_ERROR = 1e-7
"""A standard error below this is one of arithmetic."""


def labelled(part: str, labels: Iterable[str], *, left: tuple[str, ...] = ()) -> tuple[Column, ...]:
    """Columns named by the words of one part of the report."""
    return tuple(
        Column(ovcf_word(f"{part}.{name}"), align="left" if name in left else "auto") for name in labels
    )


def _grouped(lines: Iterable[tuple[str, Row]]) -> tuple[Row | GroupRow, ...]:
    """Rows below the name of their reader."""
    rows: list[Row | GroupRow] = []
    last = None
    for reader, row in lines:
        if reader != last:
            rows.append(GroupRow(reader_name(reader)))
        last = reader
        rows.append(row)
    return tuple(rows)


def accuracy_table(found: tuple[ArmAccuracy, ...], *, id: str, title: Text, per_vertebra: bool) -> TableBlock:
    """Counts, accuracy, sensitivity, specificity and predictive values of every reader and arm."""

    def line(arm: ArmAccuracy) -> Row:
        c = arm.cells
        return (arm_name(arm.arm), c.true_positive, c.false_negative, c.false_positive, c.true_negative,
                *(percent_cell(arm.shares[name]) for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv")))  # fmt: skip

    return TableBlock(
        id=id, title=title,
        columns=labelled("accuracy", ("arm", "tp", "fn", "fp", "tn", "accuracy", "sensitivity", "specificity", "ppv", "npv")),
        rows=_grouped((arm.reader, line(arm)) for arm in found),
        footnotes=(ovcf_word("accuracy.note_clustered" if per_vertebra else "accuracy.note"),),
    )  # fmt: skip


def kappa_table(found: tuple[ArmAccuracy, ...], *, per_vertebra: bool) -> TableBlock:
    """Kappa of each reader with MRI, in the bands of the paper and of Landis and Koch."""

    def line(arm: ArmAccuracy) -> Row:
        if arm.kappa is None:
            return arm_name(arm.arm), None, None, None, None
        return (arm_name(arm.arm), kappa_cell(arm.kappa), PValue(arm.kappa.p), *_bands(arm.kappa.value))

    return TableBlock(
        id="table-kappa", title=ovcf_word("kappa.title"),
        columns=labelled("kappa", ("arm", "kappa", "p", "fleiss", "landis"), left=("fleiss", "landis")),
        rows=_grouped((arm.reader, line(arm)) for arm in found),
        footnotes=(ovcf_word("kappa.note"), ovcf_word(f"kappa.by_{_unit(per_vertebra)}")),
    )  # fmt: skip


def _bands(value: float) -> tuple[Cell, Cell]:
    landis = kappa_band(value, scheme="landis_koch")
    return ovcf_word(f"band_fleiss.{kappa_band(value)}"), ovcf_word(f"band_landis.{landis}")


def _unit(per_vertebra: bool) -> str:
    return "vertebra" if per_vertebra else "case"


def _gap(paired: ClusteredMcNemar | None) -> Cell:
    """What AI adds, in percentage points, with its interval."""
    if paired is None:
        return None
    return Estimate(paired.difference, paired.ci.low, paired.ci.high, digits=1, percent=True)


def _paired_cells(paired: ClusteredMcNemar | None, unpaired: Comparison | None) -> tuple[Cell, ...]:
    return (
        _gap(paired), paired.first_only if paired else 0, paired.second_only if paired else 0,
        PValue(paired.p_exact) if paired else None,
        Number(unpaired.statistic, digits=3) if unpaired else None, PValue(unpaired.p) if unpaired else None,
    )  # fmt: skip


def paired_table(
    tests: tuple[PairedTest, ...], *, id: str, title: Text, per_vertebra: bool
) -> TableBlock | None:
    """Both arms of each reader on the same units: McNemar beside the chi-square of the paper."""
    if not tests:
        return None
    lines: list[tuple[str, Row]] = [
        (t.reader, (ovcf_word(f"measure.{t.measure}"), Shown(t.ct.k, t.ct.n), Shown(t.ct_ai.k, t.ct_ai.n),
                    *_paired_cells(t.paired, t.unpaired)))
        for t in tests
    ]  # fmt: skip
    return TableBlock(
        id=id, title=title,
        columns=labelled("paired", ("measure", "ct", "ct_ai", "difference", "ct_only", "ai_only", _p_column(per_vertebra),
                                    "chi2", "p_chi2")),
        rows=_grouped(lines),
        footnotes=(*_paired_notes(per_vertebra), ovcf_word("paired.note")),
    )  # fmt: skip


def _paired_notes(per_vertebra: bool) -> tuple[Text, Text]:
    """Unit and test, then what the interval of the difference is."""
    unit = _unit(per_vertebra)
    return ovcf_word(f"paired.by_{unit}"), ovcf_word(f"paired.difference_by_{unit}")


def _p_column(per_vertebra: bool) -> str:
    return "p_by_patient" if per_vertebra else "p"


def denis_paired_table(analysis: Analysis) -> TableBlock | None:
    """Right types of both arms on the same fractures, the paper's comparison of those called positive beside."""
    if not analysis.denis_paired:
        return None
    rows = tuple(
        (reader_name(t.reader), Shown(t.ct.k, t.ct.n), Shown(t.ct_ai.k, t.ct_ai.n),
         *_paired_cells(t.paired, None)[:4],
         *(_count(share) for share in (t.called_ct, t.called_ct_ai)),
         *_paired_cells(None, t.unpaired)[4:])
        for t in analysis.denis_paired
    )  # fmt: skip
    labels = ("measure", "ct", "ct_ai", "difference", "ct_only", "ai_only", _p_column(analysis.per_vertebra))
    first = (Column(ovcf_word("mrmc.reader")),
             *(Column(ovcf_word(f"paired.{name}"), group=ovcf_word("denis.of_all_fractures")) for name in labels[1:]))  # fmt: skip
    paper = (Column(ovcf_word(f"paired.{name}"), group=ovcf_word("denis.of_those_called"))
             for name in ("ct", "ct_ai", "chi2", "p_chi2"))  # fmt: skip
    return TableBlock(
        id="table-denis-paired", title=ovcf_word("denis.paired_title"), columns=(*first, *paper), rows=rows,
        footnotes=(*_paired_notes(analysis.per_vertebra), ovcf_word("denis.paired_note")),
    )  # fmt: skip


def level_table(analysis: Analysis) -> TableBlock | None:
    """The level called against that of MRI."""
    if not analysis.levels:
        return None
    lines: list[tuple[str, Row]] = [
        (x.reader, (arm_name(x.arm), share_cell(x.found), share_cell(x.exact), share_cell(x.within_one), kappa_cell(x.kappa)))
        for x in analysis.levels
    ]  # fmt: skip
    return TableBlock(
        id="table-levels", title=ovcf_word("levels.title"),
        columns=labelled("levels", ("arm", "found", "exact", "within_one", "kappa")), rows=_grouped(lines),
        footnotes=(ovcf_word("levels.note"),),
    )  # fmt: skip


def genant_table(analysis: Analysis) -> TableBlock | None:
    """The grade given against the reference grade."""
    if not analysis.genant:
        return None
    lines: list[tuple[str, Row]] = [
        (x.reader, (arm_name(x.arm), share_cell(x.exact), share_cell(x.within_one), kappa_cell(x.kappa)))
        for x in analysis.genant
    ]  # fmt: skip
    return TableBlock(
        id="table-genant", title=ovcf_word("genant.title"),
        columns=labelled("genant", ("arm", "exact", "within_one", "kappa")), rows=_grouped(lines),
        footnotes=(ovcf_word("genant.note"), ovcf_word(f"kappa.by_{_unit(analysis.per_vertebra)}")),
    )  # fmt: skip


def denis_table(table: DenisTable, *, id: str) -> TableBlock:
    """One reader's types against MRI, as published: those called positive, MRI in columns."""
    types = (*TYPES, "–")  # as the note says: not called, no fracture
    header = (Column(ovcf_word("denis.reader_type")),
              *(Column(name, align="right", group=ovcf_word("denis.mri")) for name in types),
              Column(ovcf_word("denis.total")))  # fmt: skip
    rows: list[Row] = [
        (name, *(int(n) for n in row), int(row.sum()))
        for name, row in zip(types, table.everybody, strict=True)
    ]
    rows.append(
        (ovcf_word("denis.total"), *(int(n) for n in table.everybody.sum(axis=0)), int(table.everybody.sum()))
    )
    return TableBlock(
        id=id,
        title=ovcf_word("denis.title", reader=reader_name(table.reader), arm=arm_name(table.arm)), columns=header,
        rows=tuple(rows), footnotes=(ovcf_word("denis.note"),),
    )  # fmt: skip


def denis_summary(tables: tuple[DenisTable, ...], *, per_vertebra: bool) -> TableBlock:
    """Right types and kappa of every reader and arm, in the paper's way and with missed fractures counted."""
    lines = [
        (table.reader, (arm_name(table.arm), share_cell(table.of_called), kappa_cell(table.kappa_called),
                        share_cell(table.of_fractures), kappa_cell(table.kappa_all)))
        for table in tables
    ]  # fmt: skip
    return TableBlock(
        id="table-denis", title=ovcf_word("denis.summary_title"),
        columns=labelled("denis", ("arm", "of_called", "kappa_called", "of_fractures", "kappa_all")),
        rows=_grouped(lines),
        footnotes=(ovcf_word("denis.summary_note"), ovcf_word(f"kappa.by_{_unit(per_vertebra)}")),
    )  # fmt: skip


def mrmc_table(found: MultiReader, *, id: str = "table-mrmc", title: str = "title") -> TableBlock | None:
    """The difference of the arms for each endpoint in the three scopes."""
    if not found.studies:
        return None
    rows: list[Row | GroupRow] = []
    scopes = dict.fromkeys(test.scope for study in found.studies.values() for test in study.tests)
    for scope in scopes:
        rows.append(GroupRow(ovcf_word(f"scope.{scope}")))
        for endpoint, study in found.studies.items():
            test = study.test(scope)
            if test is not None:
                used = f"{study.figures.n}/{found.of[endpoint]}"
                rows.append(_mrmc_row(endpoint, used, test))
    labels = ("endpoint", "used", "ct", "ct_ai", "difference", "statistic", "df", "p")
    return TableBlock(
        id=id, title=ovcf_word(f"mrmc.{title}"), columns=labelled("mrmc", labels), rows=tuple(rows),
        footnotes=(ovcf_word("mrmc.note"), *((ovcf_word("mrmc.few"),) if _few(found) else ()), *mrmc_notes(found)),
    )  # fmt: skip


def mrmc_notes(found: MultiReader) -> tuple[Text, ...]:
    """Readers left out with what they read, units left out, endpoints without an analysis."""
    return (
        *(ovcf_word(f"mrmc.short_{short.what}", reader=short.reader, n=short.n, of=short.of) for short in found.left_out),
        *(ovcf_word("mrmc.missing", endpoint=ovcf_word(f"measure.{endpoint}"), n=found.missing(endpoint))
          for endpoint in found.studies if found.missing(endpoint)),
        *(ovcf_word("mrmc.undefined", endpoint=ovcf_word(f"measure.{endpoint}")) for endpoint in found.undefined),
    )  # fmt: skip


def _few(found: MultiReader) -> bool:
    return any("few_readers" in test.notes for study in found.studies.values() for test in study.tests)


def _mrmc_row(endpoint: str, used: str, test: ArmTest) -> Row:
    first, second = test.means
    gap = test.differences[0]
    # readers who differ by next to nothing make Hillis' degrees of freedom astronomical: no limit in print
    df = (
        f"{test.df1}"
        if test.df2 == float("inf")
        else f"{test.df1}, {test.df2:.1f}"
        if test.df2 < 1e4
        else f"{test.df1}, ∞"
    )
    figures = (_figure(mean.value, mean.ci.low, mean.ci.high) for mean in (first, second))
    head = (
        ovcf_word(f"measure.{endpoint}"),
        used,
        *figures,
        added(gap.difference, gap.ci, exact=_exact(test)),
    )
    if _exact(test):
        return (*head, None, None, None)
    return (*head, Number(test.statistic, digits=2), df, PValue(test.p))


def _exact(test: ArmTest) -> bool:
    return "no_variation" in test.notes


def added(difference: float, ci: Interval, *, exact: bool) -> Number | Estimate:
    """What AI adds (the analysis gives CT alone minus CT with AI); ``exact``: alone, where nothing leaves an error."""
    if exact:
        return Number(0.0 - difference, digits=3)
    return Estimate(0.0 - difference, 0.0 - ci.high, 0.0 - ci.low, digits=3)


def gap_text(test: ArmTest) -> Text:
    """What AI adds with its p, or that it has no error: readers who never differ prove nothing."""
    gap = test.differences[0]
    shown, scope = added(gap.difference, gap.ci, exact=_exact(test)), ovcf_word(f"scope_short.{test.scope}")
    if _exact(test):
        return ovcf_word("summary.gap_no_error", difference=shown, scope=scope)
    return ovcf_word("summary.gap", difference=shown, p=test.p, scope=scope)


def _figure(value: float, low: float, high: float) -> Cell:
    """A figure of merit with its interval, cut to 0 to 1; alone where its error is 0 (nothing went wrong)."""
    if not high > low:
        return Number(value, digits=3)
    return Estimate(value, max(low, 0.0), min(high, 1.0), digits=3)


def mrmc_readers_table(
    found: MultiReader, *, id: str = "table-mrmc-readers", title: str = "readers_title"
) -> TableBlock | None:
    """Each reader's own change, tested over cases."""
    if not found.studies:
        return None
    rows: list[Row | GroupRow] = []
    for endpoint, study in found.studies.items():
        rows.append(GroupRow(ovcf_word(f"measure.{endpoint}")))
        for i, own in enumerate(study.by_reader):
            half = normal_quantile(own.ci.level) * np.sqrt(
                [study.figures.covariance[arm, i, arm, i] for arm in (0, 1)]
            )
            both, exact = study.figures.values[:, i], own.se < NO_ERROR
            rows.append((reader_name(own.reader), *(_figure(*map(float, x)) for x in zip(both, both - half, both + half, strict=True)),
                         added(own.difference, own.ci, exact=exact), None if exact else PValue(own.p)))  # fmt: skip
    return TableBlock(
        id=id, title=ovcf_word(f"mrmc.{title}"),
        columns=labelled("mrmc", ("reader", "ct", "ct_ai", "difference", "p")), rows=tuple(rows),
        footnotes=(ovcf_word("mrmc.readers_note"),),
    )  # fmt: skip


def time_table(analysis: Analysis, limits: dict[str, object]) -> TableBlock | None:
    """Seconds per case without and with AI."""
    if not analysis.times:
        return None
    rows = tuple(
        (reader_name(t.reader), t.n, *(Spread(x[0], low=x[1], high=x[2], digits=0) for x in (t.ct, t.ct_ai)),
         Estimate(t.difference, t.ci.low, t.ci.high, digits=0) if t.ci else Number(t.difference), PValue(t.p))
        for t in analysis.times
    )  # fmt: skip
    late = sum(t.at_limit for t in analysis.times)
    return TableBlock(
        id="table-times", title=ovcf_word("times.title"),
        columns=labelled("times", ("reader", "n", "ct", "ct_ai", "difference", "p")), rows=rows,
        footnotes=(ovcf_word("times.note"), *((ovcf_word("times.at_limit", n=late, **limits),) if late else ())),
    )  # fmt: skip


def _count(share: Share | None) -> Cell:
    return Shown(share.k, share.n) if share else None


def changed_table(analysis: Analysis) -> TableBlock | None:
    """What each reader's calls became with AI."""
    if not analysis.changed:
        return None
    rows = tuple(
        (reader_name(c.reader), c.right_both, c.corrected, c.spoiled, c.wrong_both, c.missed_found, c.false_dropped,
         share_cell(c.automation_bias), _count(c.wrong_with_wrong_ai), PValue(c.test.p_exact) if c.test else None)
        for c in analysis.changed
    )  # fmt: skip
    return TableBlock(
        id="table-changed", title=ovcf_word("changed.title"),
        columns=labelled("changed", ("reader", "right_both", "corrected", "spoiled", "wrong_both", "missed_found",
                                     "false_dropped", "automation_bias", "wrong_with_wrong_ai", _p_column(analysis.per_vertebra))),
        rows=rows, footnotes=(ovcf_word("changed.note"), ovcf_word(f"paired.by_{_unit(analysis.per_vertebra)}")),
    )  # fmt: skip


def agreement_table(analysis: Analysis) -> TableBlock | None:
    """Readers among themselves."""
    if not analysis.agreement:
        return None
    rows: list[Row | GroupRow] = []
    for arm, readers in dict.fromkeys((line.arm, line.readers) for line in analysis.agreement):
        rows.append(GroupRow(ovcf_word("agreement.group", arm=arm_name(arm), readers=readers)))
        rows += [
            (ovcf_word(f"agreement.{line.what}"), share_cell(line.same), share_cell(line.within_one),
             kappa_cell(line.kappa), _bands(line.kappa.value)[0] if line.kappa else None)
            for line in analysis.agreement if line.arm == arm
        ]  # fmt: skip
    return TableBlock(
        id="table-agreement", title=ovcf_word("agreement.title"),
        columns=labelled("agreement", ("what", "same", "within_one", "kappa", "band"), left=("band",)), rows=tuple(rows),
        footnotes=(ovcf_word("agreement.note"), ovcf_word(f"kappa.by_{_unit(analysis.per_vertebra)}")),
    )  # fmt: skip


def sign_table(analysis: Analysis) -> TableBlock | None:
    """The CT signs the paper names and the MRI signs behind the truth, with and without a fracture on MRI."""
    found = (*analysis.signs, *analysis.mri_signs)
    if not found:
        return None
    rows = tuple(
        (ovcf_word(f"sign.{s.sign}"), arm_name(s.arm), share_cell(s.fractured), share_cell(s.other))
        for s in found
    )
    return TableBlock(
        id="table-signs", title=ovcf_word("signs.title"), columns=labelled("signs", ("sign", "arm", "fractured", "other")),
        rows=rows, footnotes=(ovcf_word("signs.note"),),
    )  # fmt: skip
