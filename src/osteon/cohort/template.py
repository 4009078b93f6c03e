"""
The hospital template: an empty sheet with the schema's columns and units, a dictionary, and knowing a filled one.

A filled template is read by :func:`osteon.cohort.sources.table.read`, as any table is.
Columns are those a hospital can fill: every field with a Chinese header that is no survey design or genetic field.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from osteon.cohort.read import DAMAGED_WORKBOOK
from osteon.cohort.schema import Field, schema
from osteon.core.config import read_toml
from osteon.core.errors import ConfigError

__all__ = ["LANGUAGES", "patient_sheet", "template", "template_fields", "template_header"]

LANGUAGES = ("en", "zh")
_WORDS = Path(__file__).with_name("template.toml")
_ROWS = 2000  # rows of the sheet that carry lists and limits
_LIST_LETTERS = 255  # the longest list a spreadsheet takes in a cell rule
_FILL = PatternFill("solid", fgColor="DCE6F1")


@cache
def _words(lang: str) -> Mapping[str, Any]:
    if lang not in LANGUAGES:
        raise ConfigError(f"no template in {lang!r}.", hint=f"Known: {', '.join(LANGUAGES)}.")
    found: Mapping[str, Any] = read_toml(_WORDS)[lang]
    return found


def _is_chinese(text: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in text)


def _spoken(texts: Sequence[str], lang: str) -> tuple[str, ...]:
    return tuple(text for text in texts if _is_chinese(text) == (lang == "zh"))


def template_fields() -> tuple[Field, ...]:
    """
    The fields of the template, in the schema's order.

    Examples
    --------
    >>> [field.name for field in template_fields()][:2]
    ['participant_id', 'visit_date']
    """
    return tuple(
        field
        for field in schema().fields.values()
        if field.modality not in ("design", "genetic") and _spoken(field.synonyms, "zh")
    )


def template_header(field: Field, lang: str) -> str:
    """
    A field's header in one language, its unit in brackets.

    Examples
    --------
    >>> weight = schema().fields["weight_kg"]
    >>> template_header(weight, "en"), template_header(weight, "zh")
    ('weight (kg)', '体重 (kg)')
    """
    spoken = _spoken(field.synonyms, lang)
    name = spoken[0] if spoken else field.name
    return f"{name} ({field.unit})" if field.unit and field.kind == "number" else name


def _choices(field: Field, lang: str) -> tuple[str, ...]:
    """The values a cell may hold, in one language; empty for numbers, dates and free categories."""
    if field.kind == "flag":
        return (_words(lang)["yes"], _words(lang)["no"])
    if field.kind not in ("category", "ordinal"):
        return ()
    if lang == "en":
        return field.categories
    return tuple(
        (*_spoken(field.codes.get(category, ()), lang), category)[0] for category in field.categories
    )


def _example(field: Field, lang: str) -> str:
    """What the comment on a header says."""
    words = _words(lang)
    if choices := _choices(field, lang):
        return f"{words['one_of']}: {', '.join(choices)}"
    if field.kind == "date":
        return f"{words['date']}. {words['example']}: 2024-05-17"
    if field.kind == "id":
        return f"{words['example']}: P0001"
    if field.low is not None and field.high is not None:
        return f"{words['limits']}: {field.low:g} - {field.high:g} {field.unit}".strip()
    return template_header(field, lang)


def template(lang: str) -> bytes:
    """
    The empty hospital sheet as an Excel workbook: sheet 1 to fill in, sheet 2 the dictionary.

    Parameters
    ----------
    lang : "en" or "zh"

    Returns
    -------
    bytes
        An .xlsx file. Each header carries a comment; cells carry lists (categories, yes/no) or plausible limits.

    Raises
    ------
    ConfigError
        Another language.
    """
    words, fields = _words(lang), template_fields()
    book = Workbook()
    sheet, dictionary = book.active, book.create_sheet(words["dictionary"])
    sheet.title = words["sheet"]
    _fill_dictionary(dictionary, fields, lang)
    for number, field in enumerate(fields, start=1):
        _fill_column(sheet, number, field, lang)
    sheet.freeze_panes = "B2"
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def _fill_column(sheet: Worksheet, number: int, field: Field, lang: str) -> None:
    """One header with its comment, and the rules of the cells below it."""
    header, letter = template_header(field, lang), get_column_letter(number)
    cell = sheet.cell(row=1, column=number, value=header)
    cell.font, cell.fill = Font(bold=True), _FILL
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    cell.comment = Comment(_example(field, lang), "osteon", height=90, width=260)
    sheet.column_dimensions[letter].width = 18
    rule = _rule(field, lang)
    if rule is not None:
        sheet.add_data_validation(rule)
        rule.add(f"{letter}2:{letter}{_ROWS}")
    form = {"date": "yyyy-mm-dd", "id": "@"}.get(field.kind)
    if form:
        for row in range(2, 202):
            sheet.cell(row=row, column=number).number_format = form


def _rule(field: Field, lang: str) -> DataValidation | None:
    words = _words(lang)
    if choices := _choices(field, lang):
        joined = ",".join(choices)
        if len(joined) > _LIST_LETTERS:
            return None
        return DataValidation(type="list", formula1=f'"{joined}"', allow_blank=True, showErrorMessage=True,
                              errorStyle="stop", error=words["list_wrong"])  # fmt: skip
    if field.kind == "number" and field.low is not None and field.high is not None:
        return DataValidation(type="decimal", operator="between", formula1=f"{field.low:g}", formula2=f"{field.high:g}",
                              allow_blank=True, showErrorMessage=True, errorStyle="warning",
                              error=words["wrong"])  # fmt: skip
    return None


def _fill_dictionary(sheet: Worksheet, fields: Sequence[Field], lang: str) -> None:
    sheet.append(list(_words(lang)["labels"]))
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), _FILL
    for field in fields:
        others = [
            text
            for text in _spoken(field.synonyms, lang)
            if not template_header(field, lang).startswith(text)
        ]
        sheet.append([template_header(field, lang), field.name, field.kind, field.unit, ", ".join(_choices(field, lang)),
                      field.low, field.high, "; ".join(others)])  # fmt: skip
    for number, width in enumerate((34, 32, 10, 12, 60, 14, 14, 60), start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"


def patient_sheet(path: Path) -> str | None:
    """
    The name of the sheet that holds the patients when a workbook is the template, in either language, else None.

    It is the template when both its sheets are there and a header of it is left. A damaged workbook is not.
    """
    if path.suffix.lower() != ".xlsx" or not zipfile.is_zipfile(path):
        return None
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="openpyxl", category=UserWarning)
            book = load_workbook(path, read_only=True)
            found = next((lang for lang in LANGUAGES if _sheets(lang) <= set(book.sheetnames)), None)
            sheet = book[_words(found)["sheet"]] if found else None
            header = next(sheet.iter_rows(max_row=1, values_only=True), ()) if sheet else ()
            book.close()
    except DAMAGED_WORKBOOK:
        return None
    if found is None or {template_header(field, found) for field in template_fields()}.isdisjoint(header):
        return None
    return str(_words(found)["sheet"])


def _sheets(lang: str) -> set[str]:
    return {_words(lang)["sheet"], _words(lang)["dictionary"]}
