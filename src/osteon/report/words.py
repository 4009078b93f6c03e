"""
The word lists: every text of a report by its key, and every number as its language prints it.

All files ``words/*.<lang>.toml`` (and ``words/<lang>.toml``) are merged; the keys of both languages are the same.
"""

from __future__ import annotations

import math
import re
import string
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from osteon.core.errors import ConfigError
from osteon.report.value import (
    Estimate,
    Indented,
    Level,
    Number,
    Proportion,
    PValue,
    Ref,
    Spread,
    Strong,
    Text,
    Variable,
    Words,
)

__all__ = [
    "ABSENT",
    "LANGUAGES",
    "Dictionary",
    "entries_of",
    "number",
    "placeholders",
    "plain",
    "word_files",
    "words",
]

LANGUAGES = ("en", "zh")
ABSENT = "–"
_HAN, _LATIN = "\u4e00-\u9fff", "0-9A-Za-z%"
_AIR = re.compile(f"(?<=[{_HAN}])(?=[{_LATIN}])|(?<=[{_LATIN}])(?=[{_HAN}])")  # between Chinese and Latin
FOLDER = Path(__file__).parent / "words"


class Dictionary:
    """
    The words of one language.

    Examples
    --------
    >>> words("en")("report.table", n=2), words("zh")("report.table", n=2)
    ('Table 2', '表 2')
    >>> words("en").cell(Estimate(0.8213, 0.79, 0.851)), words("zh").cell(Estimate(0.8213, 0.79, 0.851))
    ('0.82 (0.79 to 0.85)', '0.82（0.79～0.85）')
    """

    def __init__(
        self, lang: str, entries: Mapping[str, str], *, references: Mapping[str, str] | None = None
    ) -> None:
        self.lang = lang
        self.entries = entries
        self.references = references or {}
        self._formatter = _Formatter(self)

    def __call__(self, key: str, /, **values: Any) -> str:
        """The text of ``key`` with ``values`` in its placeholders."""
        if key not in self.entries:
            close = get_close_matches(key, self.entries, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Add it to report/words/*.{self.lang}.toml."
            raise ConfigError(f"words({self.lang}): no text {key!r}.", hint=hint)
        try:
            return self._formatter.vformat(self.entries[key], (), values)
        except KeyError as error:
            raise ConfigError(f"words({self.lang}): {key!r} needs the value {error}.") from None

    def with_references(self, references: Mapping[str, str]) -> Dictionary:
        """The same words, knowing how the tables, figures and sections of a document are called."""
        return Dictionary(self.lang, self.entries, references=references)

    def say(self, text: Text) -> str:
        """A text in this language; a plain string is data and stays as it is."""
        match text:
            case str():
                return text
            case Words():
                return self(text.key, **text.values)
            case Variable():
                return self._variable(text)
            case Level():
                return self.entries.get(f"value.{text.variable}.{text.code}", text.code)
            case Ref():
                return self._reference(text.id)

    def cell(self, value: Any) -> str:
        """Any cell in this language; a missing number is a dash."""
        match value:
            case None:
                return ABSENT
            case bool():
                return self("report.yes" if value else "report.no")
            case Strong():
                return self.cell(value.value)
            case Indented():
                return self.say(value.text)
            case str() | Words() | Variable() | Level() | Ref():
                return self.say(value)
            case tuple() | list():
                return self._series([self.cell(item) for item in value])
            case int():
                return number(value, digits=0)
            case Number():
                return number(value.value, digits=value.digits, percent=value.percent, signed=value.signed)
            case Estimate():
                return self._estimate(value)
            case Proportion():
                return self._proportion(value)
            case PValue():
                return self.p_value(value)
            case Spread():
                return self._spread(value)
        return plain(float(value))

    def p_value(self, p: PValue, *, name: bool = False) -> str:
        """A p-value, alone (.034, <.001) or as an equation (p = .034)."""
        relation, figures = _p_parts(p.value)
        if self.lang == "en" and figures != ABSENT:
            figures = figures.removeprefix("0")
        if name:
            return self("number.p_equation", relation=relation or "=", figures=figures)
        return f"{relation}{figures}"

    def _estimate(self, estimate: Estimate) -> str:
        center = number(estimate.value, digits=estimate.digits, percent=estimate.percent)
        if estimate.low is None or estimate.high is None or center == ABSENT:
            return center
        low, high = (self._bound(bound, estimate) for bound in (estimate.low, estimate.high))
        return self("number.estimate", value=center, low=low, high=high)

    @staticmethod
    def _bound(bound: float, estimate: Estimate) -> str:
        scale = 100 if estimate.percent else 1
        return number(bound * scale, digits=estimate.digits)

    def _proportion(self, share: Proportion) -> str:
        if share.n == 0:
            return f"{number(share.k)}/{number(share.n)}"
        percent = number(share.k / share.n, digits=share.digits, percent=True)
        if share.low is None or share.high is None:
            return self("number.count_percent", k=share.k, percent=percent)
        low, high = (number(100 * bound, digits=share.digits) for bound in (share.low, share.high))
        return self("number.percent_interval", percent=percent, low=low, high=high, k=share.k, n=share.n)

    def _spread(self, spread: Spread) -> str:
        center = number(spread.center, digits=spread.digits)
        if spread.sd is not None:
            return self("number.mean_sd", mean=center, sd=number(spread.sd, digits=spread.digits))
        low, high = number(spread.low, digits=spread.digits), number(spread.high, digits=spread.digits)
        return self("number.median_iqr", median=center, low=low, high=high)

    def _variable(self, variable: Variable) -> str:
        label = self.entries.get(f"variable.{variable.name}.label")
        if label is None:
            return variable.name
        if variable.form == "short":
            return self.entries.get(f"variable.{variable.name}.short") or label
        unit = self.entries.get(f"variable.{variable.name}.unit")
        if variable.form == "unit" and unit:
            return self("number.with_unit", label=label, unit=unit)
        return label

    def _reference(self, anchor: str) -> str:
        if anchor not in self.references:
            close = get_close_matches(anchor, self.references, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else ""
            raise ConfigError(f"The document has no table, figure or section {anchor!r}.", hint=hint)
        return f"\ue000{anchor}\ue001{self.references[anchor]}\ue002"

    def _series(self, items: list[str]) -> str:
        if len(items) < 2:
            return "".join(items)
        said = self("number.series", first=self("number.comma").join(items[:-1]), last=items[-1])
        return _AIR.sub(" ", said) if self.lang == "zh" else said


class _Formatter(string.Formatter):
    """Fills placeholders with values as the language prints them; ``{p:p}`` is "p = .034"."""

    def __init__(self, dictionary: Dictionary) -> None:
        self.dictionary = dictionary

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "p":
            return self.dictionary.p_value(value if isinstance(value, PValue) else PValue(value), name=True)
        if format_spec:
            if value is None or not math.isfinite(value):
                return ABSENT
            return format(value, format_spec).replace("-", "−")
        return self.dictionary.cell(value)


def number(value: float | None, *, digits: int = 0, percent: bool = False, signed: bool = False) -> str:
    """
    A number with ``digits`` decimals, thousands separated, a true minus sign.

    Examples
    --------
    >>> number(-1234.56, digits=1), number(0.1234, digits=1, percent=True), number(float("nan"))
    ('−1,234.6', '12.3%', '–')
    """
    if value is None or not math.isfinite(value):
        return ABSENT
    scaled = 100 * value if percent else value
    figures = f"{scaled:{'+' if signed else ''},.{digits}f}"
    if not any(figure in "123456789" for figure in figures):
        figures = figures.lstrip("+-")
    return figures.replace("-", "−") + ("%" if percent else "")


def plain(value: float) -> str:
    """A number whose decimals nobody fixed: three significant figures, whole from 100 upwards."""
    if not math.isfinite(value):
        return ABSENT
    size = abs(value)
    if size >= 100 or size == 0:
        return number(value, digits=0)
    if size < 1e-4:
        return f"{value:.1e}".replace("-", "−")
    return number(value, digits=2 - math.floor(math.log10(size)))


def _p_parts(p: float | None) -> tuple[str, str]:
    """Relation and figures of a p-value, with its leading zero."""
    if p is None or not math.isfinite(p):
        return "", ABSENT
    if p < 0.001:
        return "<", "0.001"
    if p > 0.99:
        return ">", "0.99"
    return "", f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def placeholders(text: str) -> frozenset[str]:
    """
    The names between braces.

    Examples
    --------
    >>> sorted(placeholders("{k} of {n} people ({share:.1%})"))
    ['k', 'n', 'share']
    """
    return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested TOML tables as dotted keys."""
    for key, value in table.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, str(value)


def entries_of(path: Path) -> dict[str, str]:
    """The dotted keys and texts of one word file."""
    try:
        return dict(_flat(tomllib.loads(path.read_text(encoding="utf-8"))))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: not valid TOML ({error}).") from None


def word_files(lang: str) -> list[Path]:
    """The word files of one language, in order of name."""
    return sorted(
        path for path in FOLDER.glob("*.toml") if path.stem == lang or path.stem.endswith(f".{lang}")
    )


@lru_cache(maxsize=len(LANGUAGES))
def words(lang: str) -> Dictionary:
    """
    The words of a language.

    Raises
    ------
    ConfigError
        The language is neither "en" nor "zh", or two files define the same key.
    """
    if lang not in LANGUAGES:
        raise ConfigError(f"No words in {lang!r}.", hint=f"Known languages: {', '.join(LANGUAGES)}.")
    merged: dict[str, str] = {}
    for path in word_files(lang):
        for key, text in entries_of(path).items():
            if key in merged:
                raise ConfigError(f"{path.name}: {key!r} is defined in another word file already.")
            merged[key] = text
    return Dictionary(lang, merged)
