"""The tables of a spine CT report: the examination, the heights, further measurements, the change since an earlier scan."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import Heights, ScanFacts, SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange
from osteon.report.document import Column, TableBlock
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_text import date, denis_name, phrase
from osteon.report.value import Cell, Level, Number, Strong, Text

__all__ = ["change_table", "examination_table", "heights_table", "indicator_table", "measurement_table"]


def examination_table(reading: SpineReading) -> TableBlock:
    """What was scanned and how it was read; facts that the file does not give are left out."""
    return TableBlock(
        id="table-examination",
        title=phrase("table.examination"),
        columns=(Column(phrase("exam.item")), Column(phrase("exam.value"), align="left")),
        rows=tuple(_examination(reading, reading.scan)),
    )


def _examination(reading: SpineReading, scan: ScanFacts) -> Iterator[tuple[Cell, Cell]]:
    def row(name: str, value: Cell) -> tuple[Cell, Cell]:
        return phrase(f"exam.{name}"), value

    if scan.patient_id:
        yield row("patient", scan.patient_id)
    if scan.study_date:
        yield row("date", date(scan.study_date))
    series = " · ".join(filter(None, (scan.series_description, scan.manufacturer)))
    if series:
        yield row("series", series)
    z, y, x = (Number(step, digits=2) for step in scan.spacing_mm)
    slices, rows, columns = scan.shape
    yield row("voxels", phrase("exam.voxel_text", z=z, y=y, x=x, slices=slices, rows=rows, columns=columns))
    if scan.slice_thickness_mm is not None:
        yield row("thickness", phrase("exam.mm", mm=Number(scan.slice_thickness_mm, digits=2)))
    if scan.kvp is not None or scan.kernel:
        kvp = phrase("exam.kvp", kvp=Number(scan.kvp)) if scan.kvp is not None else phrase("exam.kvp_unknown")
        yield row("technique", phrase("exam.kernel", kvp=kvp, kernel=scan.kernel) if scan.kernel else kvp)
    yield row("contrast", phrase(f"contrast.{scan.contrast}"))
    if reading.vertebrae:
        yield row("field", f"{reading.vertebrae[0].level}–{reading.vertebrae[-1].level}")
    yield row("levels", phrase("exam.anchored" if reading.anchored else "exam.unanchored"))
    yield row("backend", phrase("exam.backend_text", name=reading.backend, version=reading.backend_version))
    yield row("operating_point", Number(reading.operating_point, percent=True))


def heights_table(reading: SpineReading) -> TableBlock:
    """Measured and expected heights, loss, grade, type, density and confidence of every level; fractures in bold."""
    measured, expected = phrase("table.measured_mm"), phrase("table.expected_mm")
    sites = ("anterior", "middle", "posterior")
    return TableBlock(
        id="table-heights",
        title=phrase("table.heights"),
        columns=(
            Column(phrase("table.level")),
            *(Column(phrase(f"figure.{site}_short"), group=measured) for site in sites),
            *(Column(phrase(f"figure.{site}_short"), group=expected) for site in sites),
            Column(phrase("table.loss")),
            Column(phrase("table.genant"), align="left"),
            Column(phrase("table.denis"), align="center"),
            Column(phrase("table.hu")),
            Column(phrase("table.call"), group=phrase("table.confidence")),
            Column(phrase("table.name"), group=phrase("table.confidence")),
        ),
        rows=tuple(tuple(_emphasised(v, cell) for cell in _heights_row(v)) for v in reading.vertebrae),
        footnotes=(phrase("table.heights_note"), phrase("table.confidence_note")),
    )


def _emphasised(vertebra: VertebraFinding, cell: Cell) -> Cell:
    return Strong(cell) if vertebra.fractured or vertebra.red_flags else cell


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
        *_three(v.heights_mm),
        *_three(loss.reference_mm if loss is not None else None),
        Number(max(loss.largest, 0.0), digits=1, percent=True) if loss is not None else None,
        _genant(v),
        denis_name(v) if v.denis is not None and not v.red_flags else None,
        Number(v.hu.median) if v.hu is not None else None,
        Number(v.confidence, digits=2) if v.confidence is not None else None,
        Number(v.level_confidence, digits=2) if not v.level.startswith("V") else None,
    )


def _genant(v: VertebraFinding) -> Text:
    status = status_of(v)
    if status in ("suspicious", "not_evaluable"):
        return phrase(f"status.{status}")
    if v.genant is None or not v.fractured:
        return "0"
    return phrase("genant_short", grade=v.genant.grade, type=phrase(f"type.{v.genant.type}"))


def measurement_table(reading: SpineReading) -> TableBlock:
    """What else was measured: worst side heights, angles, volume, discs, canal, density."""
    names = ("worst_loss_side", "wedge", "lateral_wedge", "volume", "disc_above", "disc_below", "canal_ap", "canal_area",
             "hu_mean", "hu_sd", "hu_volume")  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for v in reading.vertebrae:
        side = v.heights_parasagittal_mm
        hu = (
            (Number(v.hu.mean), Number(v.hu.sd), Number(v.hu.volume_ml, digits=1))
            if v.hu
            else (None, None, None)
        )
        rows.append((
            v.level, Number(min(side.anterior, side.middle, side.posterior), digits=1) if side else None,
            Number(v.wedge_deg, digits=1), Number(v.lateral_wedge_deg, digits=1), Number(v.volume_ml, digits=1),
            Number(v.disc_above_mm, digits=1), Number(v.disc_below_mm, digits=1), Number(v.canal_ap_mm, digits=1),
            Number(v.canal_area_mm2), *hu,
        ))  # fmt: skip
    return TableBlock(
        id="table-measurements",
        title=phrase("table.measurements"),
        columns=(Column(phrase("table.level")), *(Column(phrase(f"table.{name}")) for name in names)),
        rows=tuple(rows),
    )


def indicator_table(reading: SpineReading) -> TableBlock | None:
    """Research indicators of the vertebrae that are not simply sound; None where there are none."""
    shown = [v for v in reading.vertebrae if status_of(v) != "0" and v.indicators]
    if not shown:
        return None
    names = tuple(dict.fromkeys(name for v in shown for name in v.indicators))
    rows = tuple((v.level, *(v.indicators.get(name) for name in names)) for v in shown)
    columns = (
        Column(phrase("table.level")),
        *(Column(Level("spine_indicator", name), digits=2) for name in names),
    )
    return TableBlock(id="table-indicators", title=phrase("table.indicators"), columns=columns, rows=rows,
                      footnotes=(phrase("table.indicator_note"),))  # fmt: skip


def change_table(changes: tuple[LevelChange, ...]) -> TableBlock:
    """Loss of height then and now, and whether the difference exceeds measurement error."""
    names = ("loss_before", "loss_now", "error")
    rows: list[tuple[Cell, ...]] = []
    for change in changes:
        losses = (None if loss is None else max(loss, 0.0) for loss in (change.loss_before, change.loss_now))
        cells: tuple[Cell, ...] = (
            change.level, *(Number(loss, digits=1, percent=True) for loss in losses),
            Number(change.error, digits=1, percent=True), Level("spine_change", change.change),
        )  # fmt: skip
        if change.change in ("new", "progressed"):
            cells = tuple(Strong(cell) for cell in cells)
        rows.append(cells)
    return TableBlock(
        id="table-change",
        title=phrase("table.change"),
        columns=(Column(phrase("table.level")), *(Column(phrase(f"table.{name}")) for name in names),
                 Column(phrase("table.verdict"), align="left")),
        rows=tuple(rows),
        footnotes=(phrase("table.change_note"),),
    )  # fmt: skip
