"""The report of a reading study: which blocks stand in which order, and what of STARD-AI it can answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from osteon.report.checklist import Filled, checklist
from osteon.report.document import (
    Block,
    Bullets,
    Callout,
    Checklist,
    FigureBlock,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    TableBlock,
    Tile,
)
from osteon.report.figure_bars import Bar, BarFigure
from osteon.report.figure_flow import Excluded, FlowBox, FlowFigure
from osteon.report.value import Number, Text, Words
from osteon.stats.obuchowski_rockette import ArmTest
from osteon.stats.reader_covariance import Endpoint
from osteon.studies.ovcf_analysis import Analysis
from osteon.studies.ovcf_config import Config
from osteon.studies.ovcf_flow_tables import conformity_table, criteria_table, flow_table
from osteon.studies.ovcf_reads import CONSENSUS, Reads
from osteon.studies.ovcf_recheck_page import PAPER
from osteon.studies.ovcf_tables import (
    accuracy_table,
    agreement_table,
    changed_table,
    denis_paired_table,
    denis_summary,
    denis_table,
    gap_text,
    genant_table,
    kappa_table,
    level_table,
    mrmc_notes,
    mrmc_readers_table,
    mrmc_table,
    paired_table,
    sign_table,
    time_table,
)
from osteon.studies.ovcf_words import arm_name, ovcf_word, reader_name, share_cell

__all__ = ["headline", "limits_of", "references", "size", "study_blocks"]

SCOPES = ("random_readers_random_cases", "fixed_readers_random_cases")
ENOUGH_READERS = 4


def study_blocks(reads: Reads, analysis: Analysis, config: Config, *, simulated: bool) -> Iterator[Block]:
    """The whole report of a reads table."""
    yield Heading("summary", ovcf_word("section.summary"))
    yield from _summary(reads, analysis, simulated=simulated)
    yield Heading("design", ovcf_word("section.design"))
    yield Paragraph(_methods(reads, analysis, config))
    yield from _flow(analysis, config)
    yield flow_table(analysis, limits_of(config))
    yield from _held(criteria_table(analysis))
    yield conformity_table(analysis, limits_of(config))
    yield Heading("accuracy", ovcf_word("section.accuracy"))
    yield _bars(analysis)
    for found, id, title in (
        (analysis.accuracies, "table-accuracy", "title"),
        (analysis.per_protocol, "table-per-protocol", "per_protocol"),
        (analysis.all_cases, "table-all-cases", "all_cases"),
    ):
        if found:
            yield accuracy_table(
                found, id=id, title=ovcf_word(f"accuracy.{title}"), per_vertebra=reads.per_vertebra
            )
    yield kappa_table(analysis.accuracies, per_vertebra=reads.per_vertebra)
    if analysis.paired:
        yield Heading("paired", ovcf_word("section.paired"))
        yield Paragraph(ovcf_word("paired.why"))
        yield from _held(
            paired_table(analysis.paired, id="table-paired", title=ovcf_word("paired.title"), per_vertebra=reads.per_vertebra),
            paired_table(analysis.all_paired, id="table-paired-all", title=ovcf_word("paired.all_cases"),
                         per_vertebra=reads.per_vertebra),
        )  # fmt: skip
    yield from _mrmc(analysis, config)
    yield from _changes(analysis, config)
    if analysis.denis:
        yield Heading("denis", ovcf_word("section.denis"))
        shown = [t for t in analysis.denis if t.reader == CONSENSUS] or list(analysis.denis)
        yield from (denis_table(table, id=f"table-denis-{i}") for i, table in enumerate(shown, start=1))
        yield denis_summary(analysis.denis, per_vertebra=reads.per_vertebra)
        yield from _held(denis_paired_table(analysis))
    if analysis.levels or analysis.genant:
        yield Heading("levels", ovcf_word("section.levels"))
        yield from _held(level_table(analysis), genant_table(analysis))
    yield from _readers(analysis)
    yield Heading("limits", ovcf_word("section.limits"))
    yield Bullets(tuple(_limits(reads, analysis, config, simulated=simulated)))
    yield Heading("checklist", ovcf_word("section.checklist"))
    yield _stard(reads, analysis)
    yield Heading("references", ovcf_word("section.references"))
    yield references()


def _held(*tables: TableBlock | None) -> Iterator[TableBlock]:
    yield from (table for table in tables if table is not None)


def _mrmc(analysis: Analysis, config: Config) -> Iterator[Block]:
    """The analysis over all readers, or why there is none."""
    yield Heading("mrmc", ovcf_word("section.mrmc"))
    found, everybody = analysis.mrmc, analysis.all_mrmc
    if found.studies:
        yield Paragraph(ovcf_word("mrmc.why"))
    else:
        yield Paragraph(ovcf_word("mrmc.none", share=Number(config.least_share, percent=True)))
        if found.left_out or found.undefined:
            yield Bullets(mrmc_notes(found))
    yield from _held(mrmc_table(found))
    if everybody is not None:
        yield from _held(mrmc_table(everybody, id="table-mrmc-all", title="all_cases"))
    yield from _held(mrmc_readers_table(found))
    if everybody is not None:
        yield from _held(
            mrmc_readers_table(everybody, id="table-mrmc-readers-all", title="readers_all_cases")
        )


def headline(analysis: Analysis) -> tuple[Endpoint, ArmTest] | None:
    """
    The comparison that leads: AUC where all readers who called enough cases rated them too, else accuracy.

    Readers as a sample from four on; with fewer that claim is powerless, and these readers alone are spoken of.
    """
    studies = analysis.mrmc.studies
    most = max((len(study.readers) for study in studies.values()), default=0)
    leading: tuple[Endpoint, ...] = ("auc", "accuracy")
    for endpoint in leading:
        study = studies.get(endpoint)
        if study is None or len(study.readers) < most:
            continue
        scope = SCOPES[0] if len(study.readers) >= ENOUGH_READERS else SCOPES[1]
        test = study.test(scope)
        if test is not None:
            return endpoint, test
    return None


def _summary(reads: Reads, analysis: Analysis, *, simulated: bool) -> Iterator[Block]:
    unit = "vertebra" if reads.per_vertebra else "case"
    tiles = [Tile(ovcf_word("summary.tile_cases"), analysis.cases, ovcf_word(f"summary.tile_fractured_{unit}", n=analysis.fractured, of=analysis.units)),
             Tile(ovcf_word("summary.tile_readers"), len(reads.readers))]  # fmt: skip
    leading = CONSENSUS if reads.has_consensus else (reads.readers or ("",))[0]
    tiles += [
        Tile(ovcf_word("summary.tile_accuracy", arm=arm_name(a.arm)), share_cell(a.shares["accuracy"]), reader_name(a.reader))
        for a in analysis.accuracies if a.reader == leading
    ]  # fmt: skip
    yield KeyFigures(tuple(tiles))
    yield Paragraph(ovcf_word("summary.lead", size=size(analysis), result=_result(analysis)))
    if analysis.changed:
        yield Bullets(tuple(
            ovcf_word("summary.changed", reader=reader_name(c.reader), corrected=c.corrected, spoiled=c.spoiled, n=c.n)
            for c in analysis.changed
        ))  # fmt: skip
    if simulated:
        yield Callout("note", ovcf_word("summary.simulated"))
    if analysis.flow.left_out:
        yield Callout("note", ovcf_word("summary.left_out", n=analysis.flow.left_out, of=analysis.flow.cases))
    departures = sum(line.n for line in analysis.conformity)
    if departures:
        yield Callout("warning", ovcf_word("summary.departures", n=departures))


def size(analysis: Analysis) -> Text:
    """How much was read, and whether every reader read all of it."""
    unit = "vertebra" if analysis.per_vertebra else "case"
    return ovcf_word(f"summary.size_{unit}", n=analysis.units, cases=analysis.cases, fractured=analysis.fractured,
                     reach=_reach(analysis))  # fmt: skip


def _reach(analysis: Analysis) -> Text:
    return ovcf_word(f"summary.reach_{'all' if analysis.complete else 'part'}")


def _result(analysis: Analysis) -> Text:
    found = headline(analysis)
    if found is None:
        return ovcf_word("summary.no_result")
    endpoint, test = found
    study = analysis.mrmc.studies[endpoint]
    unit = "vertebra" if analysis.per_vertebra else "case"
    return ovcf_word(
        f"summary.result_{unit}", readers=len(study.readers), used=study.figures.n, of=analysis.mrmc.of[endpoint],
        endpoint=ovcf_word(f"measure.{endpoint}"), ct=Number(test.means[0].value, digits=3),
        ct_ai=Number(test.means[1].value, digits=3), gap=gap_text(test),
    )  # fmt: skip


def limits_of(config: Config) -> dict[str, object]:
    """The limits of the protocol as the words print them."""
    return {"seconds": Number(config.protocol.time_limit_s), "days": Number(config.protocol.mri_within_days),
            "washout": config.protocol.washout_days}  # fmt: skip


def _methods(reads: Reads, analysis: Analysis, config: Config) -> Text:
    unit = "vertebra" if reads.per_vertebra else "case"
    return ovcf_word("methods.text", readers=len(reads.readers), cases=analysis.cases, reach=_reach(analysis),
                     unit=ovcf_word(f"methods.per_{unit}"), role=ovcf_word(f"role.{config.protocol.ai_role}"),
                     way=ovcf_word(f"methods.{'sequential' if config.protocol.sequential else 'apart'}", **limits_of(config)),
                     main=ovcf_word(f"methods.criteria_{'judged' if analysis.eligible else 'unjudged'}"),
                     **limits_of(config), statistics=ovcf_word(f"methods.by_{unit}"),
                     covariance=ovcf_word(f"methods.{'jackknife' if reads.per_vertebra else config.covariance}"),
                     consensus=_consensus(reads, config))  # fmt: skip


def _consensus(reads: Reads, config: Config) -> Text:
    if not reads.has_consensus:
        return ovcf_word("methods.no_consensus")
    return ovcf_word(f"methods.consensus_{config.protocol.consensus_cases}")


def _flow(analysis: Analysis, config: Config) -> Iterator[Block]:
    """Cases in, cases left out by the published criteria and by the window to MRI, cases analysed; by MRI."""
    flow = analysis.flow
    arms = (FlowBox(text=ovcf_word("flow.fractured"), n=analysis.fractured),
            FlowBox(text=ovcf_word("flow.other"), n=analysis.units - analysis.fractured))  # fmt: skip
    boxes = [FlowBox(text=ovcf_word("flow.cases"), n=flow.cases)]
    late = (
        (Excluded(text=ovcf_word("flow.late", **limits_of(config)), n=len(flow.late)),) if flow.late else ()
    )
    if flow.eligible is not None:
        judged = {j.criterion.id: j.criterion for j in flow.eligible.judgements}
        left = tuple(
            Excluded(text=ovcf_word(f"flow.{judged[s.code].kind}", text=ovcf_word("criteria.text",
                     en=judged[s.code].text_en, zh=judged[s.code].text_zh)), n=s.n_excluded)
            for s in flow.eligible.flow if s.n_excluded
        )  # fmt: skip
        boxes = [replace(boxes[0], excluded=left),
                 FlowBox(text=ovcf_word("flow.eligible"), n=len(flow.eligible.table))]  # fmt: skip
    if late:
        boxes[-1] = replace(boxes[-1], excluded=late)
        boxes.append(FlowBox(text=ovcf_word("flow.analysed"), n=analysis.cases))
    if analysis.units != analysis.cases:
        boxes.append(FlowBox(text=ovcf_word("flow.vertebrae"), n=analysis.units))
    yield FigureBlock(id="figure-flow", title=ovcf_word("flow.title"), alt=ovcf_word("flow.alt"),
                      figure=FlowFigure(boxes=tuple(boxes), arms=arms),
                      caption=ovcf_word("flow.caption" if flow.left_out else "flow.caption_all"))  # fmt: skip


def _bars(analysis: Analysis) -> FigureBlock:
    """Accuracy, sensitivity and specificity of every reader, both arms beside each other."""
    arms = tuple(dict.fromkeys(a.arm for a in analysis.accuracies if a.arm != "ai"))
    bars = []
    for measure in ("accuracy", "sensitivity", "specificity"):
        for reader in dict.fromkeys(a.reader for a in analysis.accuracies if a.arm != "ai"):
            for a in analysis.accuracies:
                share = a.shares[measure]
                if a.reader == reader and a.arm in arms and share is not None:
                    label = ovcf_word(
                        "figure.bar", reader=reader_name(reader), measure=ovcf_word(f"measure.{measure}")
                    )
                    bars.append(Bar(label=label, value=share.value, low=share.low, high=share.high,
                                    printed=Number(share.value, digits=1, percent=True), series=arms.index(a.arm)))  # fmt: skip
    figure = BarFigure(
        bars=tuple(bars), axis_label=ovcf_word("figure.axis"), series=tuple(map(arm_name, arms)), percent=True
    )
    return FigureBlock(
        id="figure-accuracy", title=ovcf_word("figure.title"), figure=figure, alt=ovcf_word("figure.alt")
    )


def _changes(analysis: Analysis, config: Config) -> Iterator[Block]:
    changed, times = changed_table(analysis), time_table(analysis, limits_of(config))
    if changed is not None:
        yield Heading("changed", ovcf_word("section.changed"))
        yield changed
    if times is not None:
        yield Heading("times", ovcf_word("section.times"))
        yield times


def _readers(analysis: Analysis) -> Iterator[Block]:
    agreement, signs = agreement_table(analysis), sign_table(analysis)
    if agreement is not None:
        yield Heading("agreement", ovcf_word("section.agreement"))
        yield agreement
    if signs is not None:
        yield Heading("signs", ovcf_word("section.signs"))
        yield signs


def _limits(reads: Reads, analysis: Analysis, config: Config, *, simulated: bool) -> Iterator[Text]:
    if simulated:
        yield ovcf_word("limits.simulated")
    if len(reads.readers) < ENOUGH_READERS:
        yield ovcf_word("limits.few_readers", n=len(reads.readers))
    yield ovcf_word(
        "limits.prevalence", share=Number(analysis.fractured / analysis.units, digits=0, percent=True)
    )
    if reads.has_consensus:
        yield ovcf_word("limits.consensus")
        missing = next((c for c in analysis.conformity if c.code == "consensus" and c.n), None)
        if missing is not None:
            yield ovcf_word("limits.consensus_partial", n=missing.of - missing.n, of=missing.of)
        yield from _consensus_limits(analysis, config)
    if config.protocol.sequential:
        yield ovcf_word("limits.sequential")
    washout = next((c for c in analysis.conformity if c.code == "washout" and c.unknown), None)
    if washout is not None:
        yield ovcf_word("limits.washout", n=washout.unknown, of=washout.of + washout.unknown)
    if not reads.per_vertebra and not analysis.levels:
        yield ovcf_word("limits.per_case")
    if analysis.eligible is None:
        yield ovcf_word("limits.no_criteria")
    elif analysis.eligible.not_applicable:
        yield ovcf_word("limits.unjudged", n=len(analysis.eligible.not_applicable))
    yield ovcf_word("limits.software")


def _consensus_limits(analysis: Analysis, config: Config) -> Iterator[Text]:
    """Whether those who settled the consensus on CT alone may have known the AI's marks."""
    if config.protocol.sequential:
        yield ovcf_word("limits.consensus_marked")
    late = next((c for c in analysis.conformity if c.code == "consensus_washout"), None)
    if late is not None and late.n + late.unknown:
        yield ovcf_word("limits.consensus_memory", n=late.n + late.unknown, of=late.of + late.unknown)


def _stard(reads: Reads, analysis: Analysis) -> Checklist:
    """What software can answer; the reasons, the people and the money stay the authors'."""
    auto = {"14": "design", "19": "figure-flow", "23": "table-accuracy", "24": "table-accuracy"}
    draft = {"4": "summary", "A2": "design", "A9": "design", "10a": "design", "10b": "design", "13a": "table-conformity",
             "16": "table-conformity", "22": "table-conformity", "26": "limits",
             "A12": "changed" if analysis.changed else "accuracy", "A14": "limits", "A15": "provenance"}  # fmt: skip
    if analysis.mrmc.studies:
        draft["17"] = "mrmc"
    if analysis.eligible is not None:
        auto["6"] = "table-criteria"
    if analysis.denis:
        draft["21a"] = "table-denis"
    filled = {item: Filled(status="auto", pointer=anchor) for item, anchor in auto.items()}
    filled |= {item: Filled(status="draft", pointer=anchor) for item, anchor in draft.items()}
    return replace(checklist("stard_ai", filled=filled), footnotes=(Words("stard_ai.note"),))


def references() -> References:
    """The paper, the methods, the guideline."""
    return References((
        PAPER,
        Reference("Obuchowski NA, Rockette HE. Hypothesis testing of diagnostic accuracy for multiple readers and multiple "
                  "tests. Commun Stat Simul Comput 1995;24:285-308.", "10.1080/03610919508813243"),
        Reference("Hillis SL. A comparison of denominator degrees of freedom methods for multiple observer ROC analysis. "
                  "Stat Med 2007;26:596-619.", "10.1002/sim.2532"),
        Reference("McNemar Q. Note on the sampling error of the difference between correlated proportions or percentages. "
                  "Psychometrika 1947;12:153-157.", "10.1007/BF02295996"),
        Reference("Obuchowski NA. On the comparison of correlated proportions for clustered data. Stat Med "
                  "1998;17:1495-1507.", "10.1002/(SICI)1097-0258(19980715)17:13<1495::AID-SIM863>3.0.CO;2-I"),
        Reference("Yang Z, Sun X, Hardin JW. A note on the tests for clustered matched-pair binary data. Biom J "
                  "2010;52:638-652.", "10.1002/bimj.201000035"),
        Reference("Yang Z, Zhou M. Kappa statistic for clustered matched-pair data. Stat Med 2014;33:2612-2633.",
                  "10.1002/sim.6113"),
        Reference("Rao JNK, Scott AJ. A simple method for the analysis of clustered binary data. Biometrics "
                  "1992;48:577-585.", "10.2307/2532311"),
        Reference("Korn EL, Graubard BI. Confidence intervals for proportions with small expected number of positive counts "
                  "estimated from survey data. Surv Methodol 1998;24:193-201."),
        Reference("Tango T. Equivalence test and confidence interval for the difference in proportions for the paired-sample "
                  "design. Stat Med 1998;17:891-908.", "10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B"),
        Reference("Bossuyt PM, et al. STARD 2015: an updated list of essential items for reporting diagnostic accuracy "
                  "studies. BMJ 2015;351:h5527.", "10.1136/bmj.h5527"),
        Reference("Sounderajah V, et al. The STARD-AI reporting guideline for diagnostic accuracy studies using artificial "
                  "intelligence. Nat Med 2025.", "10.1038/s41591-025-03953-8"),
    ))  # fmt: skip
