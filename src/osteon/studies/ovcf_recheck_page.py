"""The recheck of the published reading study: its blocks, its part of results.json, the line the command prints."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from osteon.report.document import (
    Block,
    Bullets,
    Column,
    Heading,
    KeyFigures,
    Paragraph,
    Reference,
    References,
    TableBlock,
    Tile,
)
from osteon.report.value import Cell, Number, Strong, Text, Words
from osteon.report.words import words
from osteon.studies.ovcf_words import ovcf_word
from osteon.studies.published_s2 import Recheck

__all__ = ["PAPER", "recheck_blocks", "recheck_name", "recheck_results", "recheck_summary", "recheck_why"]

PAPER = Reference(
    "Application value of artificial intelligence electronic computed tomography in the diagnosis and assessment of "
    "osteoporotic vertebral compression fractures. Third Hospital of Shijiazhuang, 220 patients, 2021 to 2022."
)
_VERDICTS = {"yes": "yes", "no": "no", "not computable": "unknown"}


def recheck_name(line: Recheck) -> Words:
    """The printed name of a rechecked figure."""
    item = {"item": ovcf_word(f"recheck_item.{line.item}")} if line.item else {}
    return ovcf_word(f"recheck_figure.{line.figure}", **item)


def recheck_why(why: str) -> Words | str:
    """The printed remark to a verdict."""
    code, _, value = why.partition(":")
    if not code:
        return ""
    return ovcf_word(f"recheck_why.{code}", value=value) if value else ovcf_word(f"recheck_why.{code}")


def recheck_blocks(lines: tuple[Recheck, ...]) -> Iterator[Block]:
    """Headline counts, what does not follow, and every figure."""
    counts = _counts(lines)
    yield Heading("summary", ovcf_word("section.summary"))
    yield KeyFigures(
        (
            Tile(ovcf_word("recheck.tile_figures"), len(lines), ovcf_word("recheck.tile_detail")),
            Tile(ovcf_word("recheck.tile_follows"), counts["yes"]),
            Tile(ovcf_word("recheck.tile_not"), counts["no"]),
            Tile(ovcf_word("recheck.tile_unknown"), counts["not computable"]),
        )
    )
    yield Paragraph(_intro(lines))
    wrong = [line for line in lines if line.follows == "no"]
    if wrong:
        yield Heading("wrong", ovcf_word("recheck.wrong_title"), level=2)
        yield Bullets(tuple(map(_wrong, wrong)))
    yield Heading("recheck", ovcf_word("section.recheck"))
    labels = ("figure", "place", "printed", "recomputed", "follows", "why")
    yield TableBlock(
        id="table-recheck",
        title=ovcf_word("recheck.title"),
        columns=tuple(Column(ovcf_word(f"recheck.{label}"), align="left") for label in labels),
        rows=tuple(_row(line) for line in lines),
        footnotes=(ovcf_word("recheck.note"),),
    )
    yield Heading("references", ovcf_word("section.references"))
    yield References((PAPER,))


def _counts(lines: tuple[Recheck, ...]) -> Counter[str]:
    return Counter(line.follows for line in lines)


def _intro(lines: tuple[Recheck, ...]) -> Words:
    counts = _counts(lines)
    return ovcf_word("recheck.intro", total=len(lines), yes=counts["yes"], no=counts["no"],
                  unknown=counts["not computable"])  # fmt: skip


def _wrong(line: Recheck) -> Text:
    parts = {"place": _place(line.place), "figure": recheck_name(line), "printed": _typeset(line.printed),
             "why": recheck_why(line.why)}  # fmt: skip
    if line.recomputed is None:
        return ovcf_word("recheck.wrong_stated", **parts)
    return ovcf_word("recheck.wrong", **parts, recomputed=_shown(line))


def _row(line: Recheck) -> tuple[Cell, ...]:
    verdict = ovcf_word(f"recheck.{_VERDICTS[line.follows]}")
    cells = (recheck_name(line), _place(line.place), _typeset(line.printed), _shown(line), verdict,
             recheck_why(line.why))  # fmt: skip
    return tuple(Strong(cell) for cell in cells) if line.follows == "no" else cells


def _place(text: str) -> Words:
    """Section, table or abstract, such as "2.1, abstract", as the reader's language names them."""
    return ovcf_word("place.all", places=tuple(_one_place(part) for part in text.split(", ")))


def _one_place(part: str) -> Words:
    kind, _, number = part.partition(" ")
    if kind == "Table":
        return ovcf_word("place.table", n=number)
    return ovcf_word("place.section", n=kind) if kind[0].isdigit() else ovcf_word(f"place.{part}")


def _shown(line: Recheck) -> Cell:
    """The recomputed value with the decimals of the printed one."""
    value = line.recomputed
    if isinstance(value, str):
        return _typeset(value)
    if not isinstance(value, float):
        return value
    printed = line.printed or ""
    if printed.startswith("< ") and value < float(printed[2:]):
        return printed
    return Number(value, digits=len(printed.partition(".")[2]))


def _typeset(text: str | None) -> str | None:
    """
    A figure kept as plain text, as print has it: dashes, signs, no more than three decimals of a small p.

    Examples
    --------
    >>> _typeset("3.1e-05 - 0.026"), _typeset(">= 0.75"), _typeset("T12-S1")
    ('<0.001–0.026', '≥ 0.75', 'T12–S1')
    """
    if text is None:
        return None
    text = re.sub(r"(?<=\w) ?- ?(?=\d|[A-Z]\d)", "–", re.sub(r"0\.000\d+|\d[\d.]*e-\d+", "<0.001", text))
    return text.replace(">=", "≥").replace("<=", "≤")


def _number(printed: str | None) -> float | str | None:
    """The printed figure as a number where it is one."""
    try:
        return None if printed is None else float(printed)
    except ValueError:
        return printed


def recheck_results(lines: tuple[Recheck, ...]) -> list[dict[str, Any]]:
    """The rechecked figures for results.json, their names and remarks in English."""
    english = words("en")
    return [
        {
            "figure": english.say(recheck_name(line)),
            "place": line.place,
            "printed": _number(line.printed),
            "recomputed": line.recomputed,
            "follows": line.follows,
            "why": english.say(recheck_why(line.why)),
        }
        for line in lines
    ]


def recheck_summary(lines: tuple[Recheck, ...], lang: str) -> tuple[str, ...]:
    """What the command prints."""
    say = words(lang)
    wrong = (say.say(_wrong(line)) for line in lines if line.follows == "no")
    return (say.say(_intro(lines)), *(f"  {text}" for text in wrong))
