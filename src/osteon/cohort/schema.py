"""
The columns of a cohort table: names, kinds, units, plausible limits, modality, and the headers people write.

Source: clinical reference limits (calcium 1.0-5.0 mmol/L, 25OHD 2-400 nmol/L, creatinine 15-2000 umol/L,
BMD 0.2-2.0 g/cm2, T -8 to +6); SNP panel of Estrada et al. (2012), Nature Genetics 44:491, with three
candidate-gene variants.
"""

from __future__ import annotations

import csv
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from osteon.core.errors import SchemaError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODALITIES", "Field", "Kind", "Schema", "kind_of", "plain", "schema"]

Kind = Literal["number", "flag", "category", "ordinal", "date", "id", "design"]
ValueKind = Literal["number", "flag", "category", "ordinal"]

MODALITIES = (
    "key", "design", "clinical", "dxa", "microstructure", "turnover", "laboratory", "genetic", "balance", "function",
    "score", "outcome",
)  # fmt: skip

_SEPARATORS = re.compile(r"[\s_\-‐-―.,:;'\"()\[\]{}【】「」/\\]+")
_BRACKETED = re.compile(r"^(?P<head>.*?)\s*[(\[【{](?P<unit>[^()\[\]【】{}]*)[)\]】}]\s*$")
_LABELS = re.compile(r"^(?:unit|units|in|单位)\s*[:=]?\s*")


def plain(text: str) -> str:
    """
    A header or cell reduced to what counts: width, case, spaces, dots, hyphens and brackets removed.

    Examples
    --------
    >>> plain("Femoral_Neck  BMD"), plain("２５（ＯＨ）Ｄ")
    ('femoralneckbmd', '25ohd')
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text).casefold())


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """
    One column of a cohort table.

    Attributes
    ----------
    low, high : float or None
        Plausible limits in ``unit``, inclusive. Outside them a value is queried, not called pathological.
    codes : mapping of category to accepted spellings
    after_baseline : bool
        Known only after the index date: never a predictor of what follows it.
    """

    name: str
    kind: Kind
    modality: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    synonyms: tuple[str, ...] = ()
    after_baseline: bool = False

    def category(self, text: str) -> str | None:
        """
        The category meant by a written value, or None when it means none of them.

        Examples
        --------
        >>> schema().fields["sex"].category("女")
        'female'
        """
        wanted = plain(text)
        for name in self.categories:
            if wanted in {plain(name), *map(plain, self.codes.get(name, ()))}:
                return name
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """All known columns by name, and the headers that mean them."""

    fields: Mapping[str, Field]
    headers: Mapping[str, str]
    units: frozenset[str]

    def find(self, header: str) -> tuple[Field, str | None] | None:
        """
        The field a header means, with the unit written in the header (as written), or None if unknown.

        Examples
        --------
        >>> field, unit = schema().find("25OHD (ng/mL)")
        >>> field.name, unit
        ('vitamin_d_25oh_nmol_l', 'ng/mL')
        >>> schema().find("股骨颈骨密度")[0].name
        'bmd_femoral_neck_g_cm2'
        >>> schema().find("favourite colour") is None
        True
        """
        known = self.headers.get(plain(header))
        if known:
            return self.fields[known], None
        text = unicodedata.normalize("NFKC", header).strip()
        bracketed = _BRACKETED.match(text)
        if bracketed:
            known = self.headers.get(plain(bracketed["head"]))
            if known:
                return self._with_unit(known, _LABELS.sub("", bracketed["unit"].strip()))
        start = len(text)
        while (start := max(text.rfind(mark, 0, start) for mark in " _/,:;")) > 0:
            unit = _LABELS.sub("", text[start + 1 :].strip())
            known = self.headers.get(plain(text[:start]))
            if known and plain(unit) in self.units:
                return self._with_unit(known, unit)
        return None

    def _with_unit(self, name: str, unit: str) -> tuple[Field, str | None]:
        found = self.fields[name]
        return found, (unit or None) if found.kind in ("number", "design") else None

    def named(self, name: str) -> Field:
        """
        The field called exactly ``name``.

        Raises
        ------
        SchemaError
            No such field; the nearest names are suggested.
        """
        if name not in self.fields:
            close = get_close_matches(name, self.fields, n=3)
            hint = (
                f"Did you mean {', '.join(close)}?"
                if close
                else "See cohort/schema.toml for the known columns."
            )
            raise SchemaError(f"unknown column {name!r}.", hint=hint)
        return self.fields[name]

    def of(self, *modalities: str) -> tuple[str, ...]:
        """
        Names of all fields of these modalities, in the schema's order.

        Raises
        ------
        SchemaError
            A modality is unknown.
        """
        for modality in modalities:
            if modality not in MODALITIES:
                raise SchemaError(f"unknown modality {modality!r}.", hint=f"Known: {', '.join(MODALITIES)}.")
        return tuple(name for name, entry in self.fields.items() if entry.modality in modalities)


#: Spellings of units that may follow a header without brackets, beside the schema's own units.
_UNIT_SPELLINGS = (
    "岁", "年", "years", "yr", "yrs", "year", "厘米", "公分", "米", "m", "inch", "in", "千克", "公斤", "斤", "lb", "lbs", "g",
    "kg/m^2", "g/cm^2", "g/cm²", "mg/dl", "g/dl", "ug/dl", "mcg/dl", "μg/dl", "μmol/l", "μg/l", "mcg/l", "ng/ml", "ng/l",
    "pg/ml", "nmol/l", "pmol/l", "mmol/l", "mg/l", "u/l", "iu/l", "mm", "um", "ms", "秒", "sec", "months", "月", "天", "days",
    "cm/s", "%", "mg ha/cm3", "mgha/cm3", "mg/cm^3", "mIU/L", "uIU/mL",
)  # fmt: skip


@lru_cache(maxsize=1)
def schema() -> Schema:
    """
    The schema shipped with osteon.

    Examples
    --------
    >>> len(schema().of("genetic"))
    63
    >>> schema().fields["calcium_mmol_l"].high
    5.0
    """
    here = files("osteon.cohort")
    entries: dict[str, Field] = {}
    for modality, group in tomllib.loads((here / "schema.toml").read_text(encoding="utf-8")).items():
        for name, entry in group.items():
            entries[name] = _field(name, modality, entry)
    with (here / "snp_panel.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            entries[row["rsid"]] = Field(
                name=row["rsid"], kind="number", modality="genetic", unit="", low=0.0, high=2.0
            )
    return Schema(fields=entries, headers=_headers(entries), units=_units(entries))


def _field(name: str, modality: str, entry: Mapping[str, Any]) -> Field:
    if modality not in MODALITIES:
        raise SchemaError(f"schema.toml: unknown modality {modality!r} of {name}.")
    values = dict(entry)
    for key in ("categories", "synonyms"):
        values[key] = tuple(values.get(key, ()))
    values["codes"] = {category: tuple(spellings) for category, spellings in values.get("codes", {}).items()}
    for key in ("low", "high"):
        if key in values:
            values[key] = float(values[key])
    return Field(name=name, modality=modality, **values)


def _headers(entries: Mapping[str, Field]) -> dict[str, str]:
    """Every accepted header, reduced, to its field; a header that means two fields is a mistake in schema.toml."""
    headers: dict[str, str] = {}
    for name, entry in entries.items():
        for header in (name, *entry.synonyms):
            other = headers.setdefault(plain(header), name)
            if other != name:
                raise SchemaError(f"schema.toml: the header {header!r} means both {other} and {name}.")
    return headers


def _units(entries: Mapping[str, Field]) -> frozenset[str]:
    return frozenset(plain(unit) for unit in (*_UNIT_SPELLINGS, *(e.unit for e in entries.values())) if unit)


def kind_of(column: pd.Series) -> ValueKind:
    """
    How a column is to be modelled: number, flag, category or ordinal; works for columns the schema does not know.

    A pandas category is a category (ordinal when ordered); text is a category; a column the schema calls a flag, or
    an unknown column holding only 0 and 1, is a flag; every other numeric column is a number.

    Examples
    --------
    >>> import pandas as pd
    >>> kind_of(pd.Series([0.0, 1.0, None], name="smoking_current"))
    'flag'
    >>> kind_of(pd.Series([0.0, 2.0], name="rs1234"))
    'number'
    >>> kind_of(pd.Series(["a", "b"], name="ward"))
    'category'
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        return "ordinal" if column.dtype.ordered else "category"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "flag"
    if not pd.api.types.is_numeric_dtype(column.dtype):
        return "category"
    known = schema().fields.get(str(column.name))
    if known is not None and known.kind in ("number", "flag"):
        return "flag" if known.kind == "flag" else "number"
    values = column.dropna().unique()
    return "flag" if len(values) and set(values) <= {0, 1} else "number"
