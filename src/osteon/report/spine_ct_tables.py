"""The tables of a spine CT report: the examination, the heights, further measurements, the change since an earlier scan."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from osteon.domain.spine import Heights, ScanFacts, SpineReading, VertebraFinding
from osteon.reading.spine_compare import LevelChange
from osteon.report.document import Column, TableBlock
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_text import denis_name, phrase
from osteon.report.value import Cell, Level, Number, Strong, Text

__all__ = ["change_table", "examination_table", "heights_table", "indicator_table", "measurement_table"]

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

    yield row("file", " · ".join(filter(None, (Path(scan.source).name, scan.manufacturer))))
    z, y, x = (Number(step, digits=2) for step in scan.spacing_mm)
    thickness = Number(scan.slice_thickness_mm, digits=2)
    key = "exam.slices_text" if scan.slice_thickness_mm is not None else "exam.slices_text_unknown"
    yield row("slices", phrase(key, n=scan.shape[0], thickness=thickness, z=z, y=y, x=x))
    kvp = phrase("exam.kvp", kvp=Number(scan.kvp)) if scan.kvp is not None else phrase("exam.kvp_unknown")
    kernel = phrase("exam.kernel", kernel=scan.kernel) if scan.kernel else phrase("exam.kernel_unknown")
    contrast = phrase(f"contrast.{scan.contrast}")
    yield row("technique", phrase("exam.technique_text", kvp=kvp, kernel=kernel, contrast=contrast))
    anchored = phrase("exam.anchored" if reading.anchored else "exam.unanchored")
    if reading.vertebrae:
        first, last = reading.vertebrae[0].level, reading.vertebrae[-1].level
        yield row("field", phrase("exam.field_text", first=first, last=last, anchored=anchored))
    point = Number(reading.operating_point, percent=True)
    yield row("method", phrase("exam.method_text", point=point, backend=_backend(reading)))


def _backend(reading: SpineReading) -> Text:
    """What outlined the vertebrae, with its version: osteon, another program, or labels that were given."""
    name, _, preset = reading.backend.partition(":")
    known = name if name in ("embedded", "classical", "import") else "other"
    return phrase(f"backend.{known}", name=preset or name, version=reading.backend_version)


def heights_table(reading: SpineReading) -> TableBlock:
    """Measured and expected heights, loss, grade, type, density and confidence of every level; fractures in bold."""
    measured, expected = phrase("table.measured_mm"), phrase("table.expected_mm")
    sites = ("anterior", "middle", "posterior")
    return TableBlock(
        id="table-heights",
        title=phrase("table.heights"),
        columns=(
            Column(phrase("table.level")),
            Column(phrase("table.genant"), align="left", wrap=False),
            Column(phrase("table.denis"), align="left", wrap=False),
            *(Column(phrase(f"figure.{site}_short"), group=measured) for site in sites),
            *(Column(phrase(f"figure.{site}_short"), group=expected) for site in sites),
            Column(phrase("table.loss")),
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
        _genant(v),
        denis_name(v) if v.denis is not None and not v.red_flags else None,
        *_three(v.heights_mm),
        *_three(loss.reference_mm if loss is not None else None),
        Number(max(loss.largest, 0.0), digits=1, percent=True) if loss is not None else None,
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
    """What else was measured: worst side heights, angles, volume, discs, canal, density; what nobody has is left out."""
    wedge, disc, canal, bone = (phrase(f"table.{name}") for name in ("wedges", "discs", "canal", "bone"))
    columns = (
        Column(phrase("table.level")),
        Column(phrase("table.lowest_side")),
        Column(phrase("table.sagittal"), group=wedge),
        Column(phrase("table.lateral"), group=wedge),
        Column(phrase("table.volume")),
        Column(phrase("table.above"), group=disc),
        Column(phrase("table.below"), group=disc),
        Column(phrase("table.canal_ap"), group=canal),
        Column(phrase("table.canal_area"), group=canal),
        Column(phrase("table.hu_mean"), group=bone),
        Column(phrase("table.hu_sd"), group=bone),
        Column(phrase("table.hu_volume"), group=bone),
    )
    rows = [_measurements(v) for v in reading.vertebrae]
    kept = [n for n in range(len(columns)) if n < 2 or any(row[n] is not None for row in rows)]
    return TableBlock(
        id="table-measurements",
        title=phrase("table.measurements"),
        columns=tuple(columns[n] for n in kept),
        rows=tuple(tuple(row[n] for n in kept) for row in rows),
    )


def _measurements(v: VertebraFinding) -> tuple[Cell, ...]:
    side, hu = v.heights_parasagittal_mm, v.hu
    values = (
        (min(side.anterior, side.middle, side.posterior) if side is not None else None, 1),
        (v.wedge_deg, 1), (v.lateral_wedge_deg, 1), (v.volume_ml, 1), (v.disc_above_mm, 1), (v.disc_below_mm, 1),
        (v.canal_ap_mm, 1), (v.canal_area_mm2, 0),
        *(((hu.mean, 0), (hu.sd, 0), (hu.volume_ml, 1)) if hu is not None else ((None, 0),) * 3),
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
    rows = tuple((v.level, *(v.indicators.get(name) for name in names)) for v in shown)
    return TableBlock(id="table-indicators", title=phrase("table.indicators"), columns=columns, rows=rows,
                      footnotes=(phrase("table.indicator_note"),))  # fmt: skip


def change_table(changes: tuple[LevelChange, ...]) -> TableBlock:
    """Loss of height then and now, and whether the difference exceeds measurement error."""
    names = ("loss_before", "loss_now", "error")
    rows: list[tuple[Cell, ...]] = []
    for change in changes:
        losses = (None if loss is None else max(loss, 0.0) for loss in (change.loss_before, change.loss_now))
        cells: tuple[Cell, ...] = (
            change.level, Level("spine_change", change.change), *(Number(loss, digits=1, percent=True) for loss in losses),
            Number(change.error, digits=1, percent=True),
        )  # fmt: skip
        if change.change in ("new", "progressed", "lower"):
            cells = tuple(Strong(cell) for cell in cells)
        rows.append(cells)
    return TableBlock(
        id="table-change",
        title=phrase("table.change"),
        columns=(Column(phrase("table.level")), Column(phrase("table.verdict"), align="left"),
                 *(Column(phrase(f"table.{name}")) for name in names)),
        rows=tuple(rows),
        footnotes=(phrase("table.change_note"),),
    )  # fmt: skip
