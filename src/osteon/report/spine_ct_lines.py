"""A reading of a spine CT for the terminal: what the report says of each level, in one line, in the report's words."""

from __future__ import annotations

from collections.abc import Iterator

from osteon.domain.spine import ScanFacts, SpineReading, VertebraFinding
from osteon.reading.spine_prior import prior_notes
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_phrases import (
    coded,
    denis_name,
    dotted,
    flags_text,
    if_intact,
    joined,
    levels_text,
    phrase,
    possible_burst,
    reasons_text,
    share,
    sure,
)
from osteon.report.spine_ct_tables import outlined_by
from osteon.report.value import Level, Text, Words
from osteon.report.words import words

__all__ = ["exit_line", "reading_lines"]


def reading_lines(reading: SpineReading, lang: str, *, prior: SpineReading | None = None) -> tuple[str, ...]:
    """
    One line a vertebra from the head down: level, how sure its name is, and the call or why there is none.

    Invented data are said to be so first, then which series was read and by what; after the levels doubts about an earlier
    reading; the last line is the disclaimer.
    ``lang`` is "en" or "zh".
    """
    said: list[Text] = [Words("report.simulated_banner")] if reading.simulated else []
    said += list(_series(reading.scan))
    said.append(phrase("terminal.read_by", backend=outlined_by(reading)))
    said += coded("spine_note", (note for note in reading.notes if note == "classical_without_torch"))
    said += [
        phrase(
            "terminal.line",
            level=f"{v.level:4s}",
            sure=sure(v.level_confidence, percent=True),
            text=_text(v),
        )
        if reading.anchored
        else phrase("terminal.unnamed", level=f"{v.level:4s}", text=_text(v))
        for v in reading.vertebrae
    ]
    if not reading.vertebrae:
        said.append(phrase("terminal.nothing", n=reading.scan.shape[0]))
    if prior is not None and (doubts := prior_notes(reading, prior)):
        said.append(phrase("terminal.prior", notes=joined(coded("spine_prior", doubts))))
    said.append(Words("report.disclaimer"))
    return tuple(words(lang).say(text) for text in said)


def exit_line(reading: SpineReading, lang: str) -> str:
    """Why the reading ends with exit code 3: levels that could not be evaluated, or none found; else empty."""
    if not reading.vertebrae:
        return words(lang).say(phrase("terminal.exit_nothing"))
    missed: dict[tuple[str, ...], list[str]] = {}
    for v in reading.vertebrae:
        if not v.evaluable:
            missed.setdefault(v.not_evaluable, []).append(v.level)
    told = tuple(
        phrase("terminal.missed", levels=levels_text(reading, levels), reasons=reasons_text(codes))
        for codes, levels in missed.items()
    )
    return words(lang).say(phrase("terminal.exit", missed=told)) if told else ""


def _series(scan: ScanFacts) -> Iterator[Text]:
    """Which series of several was read, why, and how to ask for another."""
    if not scan.other_series:
        return
    read = scan.series_description or scan.modality
    yield phrase("terminal.series", name=read, why=Level("series_choice", scan.series_choice))
    for other in scan.other_series:
        steps = " × ".join(f"{step:.3g}" for step in other.spacing_mm or ())
        yield phrase(
            "terminal.left_out" if steps else "terminal.left_out_unmeasured",
            name=other.description or other.modality,
            n=other.slices,
            steps=steps,
            why=Level("series_left_out", other.why_not),
            uid=other.key,
        )


def _text(v: VertebraFinding) -> Text:
    """The call with what a reader must not miss: suspicion before any grade, a possible burst beside it."""
    if v.red_flags:
        return phrase("terminal.suspicious", flags=flags_text(v))
    if not v.evaluable or v.genant is None:
        return phrase("terminal.not_evaluable", reasons=reasons_text(v.not_evaluable))
    largest = share(v.height_loss.largest) if v.height_loss is not None else None
    loss = phrase("terminal.loss", loss=largest) if largest is not None else ""
    if not v.fractured:
        return dotted((phrase(f"status.{status_of(v)}"), loss))
    short = phrase("genant_short", grade=v.genant.grade, type=phrase(f"type.{v.genant.type}"))
    suspected = possible_burst(v)
    typed: Text = ""
    if v.denis is not None and not suspected:
        typed = phrase("terminal.denis", type=denis_name(v, long=True))
    burst = phrase("terminal.burst", type=if_intact(v)) if suspected else ""
    return dotted((phrase("terminal.genant", text=short), loss, typed, burst))
