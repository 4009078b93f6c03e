"""The tables of a spine CT report: the examination, the heights, further measurements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from osteon.domain.spine import Heights, ScanFacts, SpineReading, VertebraFinding
from osteon.report.document import Column, TableBlock
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_phrases import (
    date,
    denis_name,
    dotted,
    levels_text,
    lower_sides,
    partly_included,
    phrase,
    sure,
    trusted,
)
from osteon.report.value import Cell, Level, Number, Strong, Text

__all__ = ["examination_table", "heights_table", "indicator_table", "measurement_table", "outlined_by"]

_PIN = re.compile(r"pinned as (\S+)$")  # in the history of the labels: "user: V4 pinned as L3"
_DIGITS = {"hu": 0, "mm": 1, "ml": 1}  # of a research indicator, by the unit its code ends with


def examination_table(reading: SpineReading) -> TableBlock:
    """What was scanned and how it was read; facts that the file does not give are left out."""
    return TableBlock(
        id="table-examination",
        title=phrase("table.examination"),
        columns=(Column("", wrap=False), Column("", align="left")),
        rows=tuple(_examination(reading, reading.scan)),
    )


def _examination(reading: SpineReading, scan: ScanFacts) -> Iterator[tuple[Cell, Cell]]:
    def row(name: str, value: Cell) -> tuple[Cell, Cell]:
        return phrase(f"exam.{name}"), value

    named = dotted((scan.series_description, date(scan.study_date), scan.manufacturer))
    yield row("scan", named or Path(scan.source).name)
    z, y, x = (Number(step, digits=2) for step in scan.spacing_mm)
    thickness = Number(scan.slice_thickness_mm, digits=2)
    key = "exam.slices_text" if scan.slice_thickness_mm is not None else "exam.slices_text_unknown"
    yield row("slices", phrase(key, n=scan.shape[0], thickness=thickness, z=z, y=y, x=x))
    if scan.other_series:
        why = Level("series_choice", scan.series_choice)
        yield row("series", phrase("exam.series_text", n=len(scan.other_series), why=why))
    kvp = phrase("exam.kvp", kvp=Number(scan.kvp)) if scan.kvp is not None else phrase("exam.kvp_unknown")
    kernel = phrase("exam.kernel", kernel=scan.kernel) if scan.kernel else phrase("exam.kernel_unknown")
    contrast = phrase(f"contrast.{scan.contrast}")
    yield row("technique", phrase("exam.technique_text", kvp=kvp, kernel=kernel, contrast=contrast))
    if reading.vertebrae:
        first, last = reading.vertebrae[0].level, reading.vertebrae[-1].level
        field: Text = phrase("exam.field_text", first=first, last=last, anchored=_anchored(reading))
        if cut := levels_text(reading, (v.level for v in partly_included(reading))):
            field = phrase("exam.partly", text=field, levels=cut)
        yield row("field", field)
    point = Number(reading.operating_point, percent=True)
    yield row("method", phrase("exam.method_text", point=point, backend=outlined_by(reading)))
    if len(reading.provenance) > 1 or reading.backend.startswith("import"):
        yield row("labels", "; ".join(reading.provenance))
    if named:
        yield row("file", Path(scan.source).name)


def _anchored(reading: SpineReading) -> Text:
    """What the names of the levels rest on."""
    if not reading.anchored:
        return phrase("exam.unanchored")
    by: list[Text] = []
    for anchor in reading.anchored_by:
        pins = [pin[1] for line in reading.provenance if (pin := _PIN.search(line))]
        if anchor == "user" and pins:
            by.append(phrase("exam.by_pin", level=pins[-1]))
        else:
            by.append(phrase(f"exam.by_{anchor}"))
    return phrase("exam.anchored", by=tuple(by)) if by else phrase("exam.named")


def outlined_by(reading: SpineReading) -> Text:
    """What outlined the vertebrae, with its version: osteon, another program, or labels that were given."""
    name, _, preset = reading.backend.partition(":")
    known = name if name in ("embedded", "classical", "import") else "other"
    return phrase(f"backend.{known}", name=preset or name, version=reading.backend_version)


def heights_table(reading: SpineReading) -> TableBlock:
    """Measured and expected heights, loss, grade, type, density and confidence of every level; fractures in bold."""
    measured, expected = phrase("table.measured_mm"), phrase("table.expected_mm")
    sites = ("anterior", "middle", "posterior")
    columns = (
        Column(phrase("table.level")),
        Column(phrase("table.genant"), align="left", wrap=False),
        Column(phrase("table.denis"), align="left", wrap=False),
        *(Column(phrase(f"figure.{site}_short"), group=measured) for site in sites),
        *(Column(phrase(f"figure.{site}_short"), group=expected) for site in sites),
        Column(phrase("table.loss")),
        Column(phrase("table.hu")),
        Column(phrase("table.call"), group=phrase("table.confidence")),
        Column(phrase("table.name"), group=phrase("table.confidence")),
    )
    rows = [_heights_row(v) for v in reading.vertebrae]
    kept = [n for n in range(len(columns)) if n < 2 or any(row[n] is not None for row in rows)]
    return TableBlock(
        id="table-heights",
        title=phrase("table.heights"),
        columns=tuple(columns[n] for n in kept),
        rows=tuple(
            tuple(_emphasised(v, row[n]) for n in kept)
            for v, row in zip(reading.vertebrae, rows, strict=True)
        ),
        footnotes=tuple(_heights_notes(reading)),
    )


def _heights_notes(reading: SpineReading) -> Iterator[Text]:
    """What the columns mean; which heights are those of a side, where a level is graded by one."""
    yield phrase("table.heights_note")
    if sides := lower_sides(reading):
        yield phrase("table.side_note", levels=sides)
    if any(v.hu is not None and trusted(v) for v in reading.vertebrae):
        yield phrase("table.hu_note")
    yield phrase("table.confidence_note")
    if any(v.red_flags and v.confidence is not None for v in reading.vertebrae):
        yield phrase("table.suspicion_note")
    if any(status_of(v) == "injury" for v in reading.vertebrae):
        yield phrase("table.injury_note")


def _emphasised(vertebra: VertebraFinding, cell: Cell) -> Cell:
    """In bold where something was called; a dash stays as it is."""
    called = vertebra.fractured or vertebra.red_flags or status_of(vertebra) == "injury"
    return Strong(cell) if called else cell


def _three(heights: Heights | None) -> tuple[Cell, Cell, Cell]:
    if heights is None:
        return None, None, None
    anterior, middle, posterior = (
        Number(height, digits=1) for height in (heights.anterior, heights.middle, heights.posterior)
    )
    return anterior, middle, posterior


def _heights_row(v: VertebraFinding) -> tuple[Cell, ...]:
    loss = v.height_loss
    return (
        v.level,
        _genant(v),
        denis_name(v) if v.denis is not None and not v.red_flags else None,
        *_three(v.graded_heights_mm),
        *_three(loss.reference_mm if loss is not None else None),
        Number(max(loss.largest, 0.0), digits=1, percent=True) if loss is not None else None,
        Number(v.hu.median) if v.hu is not None and trusted(v) else None,
        sure(v.confidence) if v.confidence is not None else None,
        sure(v.level_confidence) if not v.level.startswith("V") else None,
    )


def _genant(v: VertebraFinding) -> Text:
    status = status_of(v)
    if status in ("suspicious", "not_evaluable", "injury"):
        return phrase(f"status.{status}")
    if v.genant is None or not v.fractured:
        return "0"
    return phrase("genant_short", grade=v.genant.grade, type=phrase(f"type.{v.genant.type}"))


def measurement_table(reading: SpineReading) -> TableBlock:
    """What else was measured: worst side heights, angles, volume, discs, canal, density; what nobody has is left out."""
    wedge, disc, canal, bone = (phrase(f"table.{name}") for name in ("wedges", "discs", "canal", "bone"))
    columns = (
        Column(phrase("table.level")),
        Column(phrase("table.lowest_side")),
        Column(phrase("table.sagittal"), group=wedge),
        Column(phrase("table.lateral"), group=wedge),
        Column(phrase("table.local_kyphosis")),
        Column(phrase("table.volume")),
        Column(phrase("table.above"), group=disc),
        Column(phrase("table.below"), group=disc),
        Column(phrase("table.canal_ap"), group=canal),
        Column(phrase("table.canal_area"), group=canal),
        Column(phrase("table.hu_mean"), group=bone),
        Column(phrase("table.hu_sd"), group=bone),
        Column(phrase("table.hu_volume"), group=bone),
        Column(phrase("table.vbmd"), group=bone),
    )
    rows = [_measurements(v, *_discs(reading, n)) for n, v in enumerate(reading.vertebrae)]
    kept = [n for n in range(len(columns)) if n < 2 or any(row[n] is not None for row in rows)]
    return TableBlock(
        id="table-measurements",
        title=phrase("table.measurements"),
        columns=tuple(columns[n] for n in kept),
        rows=tuple(tuple(row[n] for n in kept) for row in rows),
        footnotes=(phrase("table.vbmd_note"),) if len(columns) - 1 in kept else (),
    )


def _discs(reading: SpineReading, at: int) -> tuple[float | None, float | None]:
    """Height of the disc above and below, where both bodies beside it were outlined whole."""

    def beside(step: int) -> bool:
        other = at + step
        return 0 <= other < len(reading.vertebrae) and trusted(reading.vertebrae[other])

    here = reading.vertebrae[at]
    if not trusted(here):
        return None, None
    return here.disc_above_mm if beside(-1) else None, here.disc_below_mm if beside(1) else None


def _measurements(v: VertebraFinding, above: float | None, below: float | None) -> tuple[Cell, ...]:
    whole = trusted(v)
    side, hu = v.heights_parasagittal_mm, v.hu if whole else None
    ap, area = (v.canal_ap_mm, v.canal_area_mm2) if whole else (None, None)
    values = (
        (min(side.anterior, side.middle, side.posterior) if side is not None else None, 1),
        (v.wedge_deg, 1), (v.lateral_wedge_deg, 1), (v.local_kyphosis_deg if whole else None, 0), (v.volume_ml, 1), (above, 1), (below, 1), (ap, 1), (area, 0),
        *(((hu.mean, 0), (hu.sd, 0), (hu.volume_ml, 1), (hu.vbmd_mg_cm3, 0)) if hu is not None else ((None, 0),) * 4),
    )  # fmt: skip
    return (v.level, *(None if value is None else Number(value, digits=digits) for value, digits in values))


def indicator_table(reading: SpineReading) -> TableBlock | None:
    """Research indicators of the vertebrae that are not simply sound; None where there are none."""
    shown = [v for v in reading.vertebrae if status_of(v) != "0" and v.indicators]
    if not shown:
        return None
    names = tuple(dict.fromkeys(name for v in shown for name in v.indicators))
    digits = {name: _DIGITS.get(name.rpartition("_")[2], 2) for name in names}
    columns = (
        Column(phrase("table.level")),
        *(Column(Level("spine_indicator", name), digits=digits[name]) for name in names),
    )
    rows = tuple((v.level, *(_indicator(v, name) for name in names)) for v in shown)
    return TableBlock(id="table-indicators", title=phrase("table.indicators"), columns=columns, rows=rows,
                      footnotes=(phrase("table.indicator_note"),))  # fmt: skip


def _indicator(v: VertebraFinding, name: str) -> float | None:
    """One figure; of a cortex no less than nothing can be lost."""
    value = v.indicators.get(name)
    return max(value, 0.0) if name.endswith("cortex_lost") and value is not None else value
