"""Who was analysed and what kept to the protocol, as tables."""

from __future__ import annotations

from osteon.report.document import Row, TableBlock
from osteon.studies.ovcf_analysis import Analysis
from osteon.studies.ovcf_tables import labelled
from osteon.studies.ovcf_words import ovcf_word

__all__ = ["conformity_table", "criteria_table", "flow_table"]


def flow_table(analysis: Analysis, limits: dict[str, object]) -> TableBlock:
    """From the cases of the table to those of the main analysis, step by step."""
    flow = analysis.flow
    rows: list[Row] = [(ovcf_word("flow.cases"), None, flow.cases)]
    left = flow.cases
    if flow.eligible is not None:
        for judged in flow.eligible.judgements:
            if judged.applicable:
                left -= judged.n_excluded
                text = ovcf_word("criteria.text", en=judged.criterion.text_en, zh=judged.criterion.text_zh)
                rows.append((ovcf_word(f"flow.{judged.criterion.kind}", text=text), judged.n_excluded, left))
    rows.append((ovcf_word("flow.late", **limits), len(flow.late), len(flow.analysed)))
    return TableBlock(
        id="table-flow", title=ovcf_word("flow.table_title"), columns=labelled("flow", ("step", "out", "stay")),
        rows=tuple(rows),
        footnotes=((ovcf_word("flow.undated", n=flow.undated),) if flow.undated else ()),
    )  # fmt: skip


def conformity_table(analysis: Analysis, limits: dict[str, object]) -> TableBlock:
    """Every demand of the protocol and what departs from it."""
    lines = analysis.conformity
    names = ("demand", "judged", "not_judged", "departs", "rows")[
        : 5 if any(line.rows for line in lines) else 4
    ]
    rows = tuple(
        (ovcf_word(f"conformity_code.{line.code}", **limits), line.of or None, line.unknown or None,
         line.n if line.of else ovcf_word("conformity.unknown"),
         ", ".join(map(str, line.rows)) + (" …" if len(line.rows) < line.n and line.rows else ""))[: len(names)]
        for line in lines
    )  # fmt: skip
    return TableBlock(
        id="table-conformity", title=ovcf_word("conformity.title"),
        columns=labelled("conformity", names, left=("rows",)), rows=rows,
        footnotes=(ovcf_word("conformity.note"),
                   *(ovcf_word("conformity.split", reader=reader, n=n, of=of)
                     for line in lines for reader, n, of in line.split)),
    )  # fmt: skip


def criteria_table(analysis: Analysis) -> TableBlock | None:
    """The published criteria on the cases of this table."""
    if analysis.eligible is None:
        return None
    rows: list[Row] = []
    for judged in analysis.eligible.judgements:
        criterion = judged.criterion
        text = ovcf_word("criteria.text", en=criterion.text_en, zh=criterion.text_zh)
        kind = ovcf_word(f"criteria.{criterion.kind}")
        if judged.applicable:
            rows.append((text, kind, judged.n_before, judged.n_excluded, judged.n_unjudged))
        else:
            rows.append((text, kind, judged.n_before, ovcf_word("criteria.absent"), None))
    return TableBlock(
        id="table-criteria", title=ovcf_word("criteria.title"),
        columns=labelled("criteria", ("criterion", "kind", "before", "excluded", "unknown"), left=("kind",)),
        rows=tuple(rows),
    )  # fmt: skip
