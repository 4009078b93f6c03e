"""What changed since an earlier scan: sentences of the first line, remarks in the impression, the lines and the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import reduce

from osteon.domain.spine import Heights, SpineReading
from osteon.reading.spine_compare import LevelChange
from osteon.report.document import Column, TableBlock
from osteon.report.spine_ct_phrases import joined, levels_text, partly_included, phrase, points, share
from osteon.report.value import Cell, Level, Number, Strong, Text

__all__ = ["change_lines", "change_table", "known", "new_first", "remark", "since"]

_WORSE = ("new", "progressed", "treated", "lower")
_SITES = ("anterior", "middle", "posterior")
_ORDER = ("new", "progressed", "within_error", "unchanged", "regained", "not_comparable")

Changes = tuple[LevelChange, ...]


def since(reading: SpineReading, changes: Changes) -> Iterator[Text]:
    """How old the fractures are: what is new first, then what is known; nothing where nothing was or is fractured."""
    said: tuple[tuple[str, Callable[[LevelChange], bool]], ...] = (
        ("new", lambda c: c.change == "new"),
        ("progressed", lambda c: c.change == "progressed"),
        ("wall_new", lambda c: c.wall_new and bool(c.fractured_now and c.fractured_before)),
        ("called_now", lambda c: c.change == "within_error" and bool(c.fractured_now)),
        ("old", lambda c: c.change == "unchanged" and bool(c.fractured_now)),
        ("regained", lambda c: c.change == "regained" and bool(c.fractured_now)),
        ("not_in_prior", lambda c: c.change == "not_comparable" and bool(c.fractured_now)),
    )
    yield from _sentences(reading, changes, said)
    yield from known(reading, changes)


def known(reading: SpineReading, changes: Changes) -> Iterator[Text]:
    """What the count of fractures does not show: those treated since, not graded or not called again, and what got lower."""
    said: tuple[tuple[str, Callable[[LevelChange], bool]], ...] = (
        ("treated", lambda c: c.change == "treated"),
        ("not_graded_now", lambda c: bool(c.fractured_before) and c.change == "not_comparable" and not c.fractured_now),
        ("called_before", lambda c: bool(c.fractured_before) and c.fractured_now is False and c.change != "not_comparable"),
        ("lower", lambda c: c.change == "lower"),
    )  # fmt: skip
    yield from _sentences(reading, changes, said)


def _sentences(
    reading: SpineReading, changes: Changes, said: tuple[tuple[str, Callable[[LevelChange], bool]], ...]
) -> Iterator[Text]:
    for key, holds in said:
        if levels := levels_text(reading, (change.level for change in changes if holds(change))):
            yield phrase(f"age.{key}", levels=levels)


def new_first(changes: Changes, level: str) -> int:
    """The rank of a level among the items of the impression: new fractures first."""
    found = _at(changes, level)
    return len(_ORDER) if found is None or found.change not in _ORDER else _ORDER.index(found.change)


def remark(changes: Changes, level: str) -> Text:
    """New, progressed or unchanged in brackets, with another grade on the earlier scan and a wall that bulges since."""
    found = _at(changes, level)
    if found is None:
        return ""
    called = "called_now" if found.change == "within_error" else found.change
    return phrase("remark.brackets", text=_and(phrase(f"remark.{called}"), *_beside(found)))


def _beside(change: LevelChange) -> tuple[Text, ...]:
    """What changed at a known fracture beside its height: its grade, its posterior wall."""
    if not (change.fractured_before and change.fractured_now):
        return ()
    grade = (
        ()
        if change.grade_before == change.grade_now
        else (phrase("remark.grade", grade=change.grade_before),)
    )
    return (*grade, phrase("remark.wall")) if change.wall_new else grade


def _and(*parts: Text) -> Text:
    return reduce(lambda first, second: phrase("remark.and", first=first, second=second), parts)


def _at(changes: Changes, level: str) -> LevelChange | None:
    return next((change for change in changes if change.level == level), None)


def change_lines(reading: SpineReading, changes: Changes) -> Iterator[Text]:
    """A line for each level that changed or was called otherwise, and one for all the others."""
    told = [c for c in changes if c.change in (*_WORSE, "within_error") or _beside(c)]
    yield from (_line(change) for change in told)
    edge = {v.level for v in partly_included(reading)}
    others = [c for c in changes if c.level not in edge and c not in told]
    rest = [
        phrase(f"comparison.{kind}", levels=levels)
        for kind in ("unchanged", "regained", "not_comparable")
        if (levels := levels_text(reading, (c.level for c in others if c.change == kind)))
    ]
    if rest:
        yield joined(rest)


def _line(change: LevelChange) -> Text:
    verdict, before, now = _verdict(change), change.heights_before_mm, change.heights_now_mm
    parts: list[Text] = [
        phrase("comparison.verdict", level=change.level, verdict=_and(verdict, *_beside(change)))
    ]
    if before is not None and now is not None:
        parts.append(phrase("comparison.heights", **{site: _then_now(before, now, site) for site in _SITES}))
    if change.site is not None:
        site = phrase(f"site.{change.site}")
        parts.append(phrase("comparison.loss", site=site, loss=_losses(change)))
    return joined(parts)


def _verdict(change: LevelChange) -> Text:
    """The verdict; with the limit of what can be told where no change is."""
    if change.change == "unchanged" and change.error is not None:
        return phrase("comparison.no_change", limit=points(change.error))
    return Level("spine_change", change.change)


def _then_now(before: Heights, now: Heights, site: str) -> Text:
    then, later = (Number(getattr(heights, site), digits=1) for heights in (before, now))
    return phrase("comparison.then_now", then=then, now=later)


def _losses(change: LevelChange) -> Text:
    if change.loss_before is None or change.loss_now is None:
        return ""
    return phrase("comparison.then_now", then=share(change.loss_before), now=share(change.loss_now))


def change_table(changes: Changes) -> TableBlock:
    """Grade, heights and loss of every level then and now, and whether the difference exceeds measurement error."""
    group = phrase("table.heights_then_now")
    return TableBlock(
        id="table-change",
        title=phrase("table.change"),
        columns=(
            Column(phrase("table.level")), Column(phrase("table.verdict"), align="left"), Column(phrase("table.genant")),
            *(Column(phrase(f"figure.{site}_short"), group=group) for site in _SITES),
            Column(phrase("table.loss_then_now")),
        ),
        rows=tuple(_row(change) for change in changes),
        footnotes=(phrase("table.change_note"),),
    )  # fmt: skip


def _row(change: LevelChange) -> tuple[Cell, ...]:
    before, now = change.heights_before_mm, change.heights_now_mm
    grades = (change.grade_before, change.grade_now)
    cells: tuple[Cell, ...] = (
        change.level,
        _verdict(change),
        None if grades == (None, None) else phrase("comparison.then_now", then=grades[0], now=grades[1]),
        *(None if before is None or now is None else _then_now(before, now, site) for site in _SITES),
        None if change.site is None
        else phrase("comparison.at_site", loss=_losses(change), site=phrase(f"figure.{change.site}_short")),
    )  # fmt: skip
    return tuple(Strong(cell) for cell in cells) if change.change in _WORSE else cells
