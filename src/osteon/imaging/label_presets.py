"""What the values of a label map stand for: presets of known tools, and tables of one's own in TOML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError
from osteon.domain.anatomy import LEVELS, Tissue

__all__ = ["PRESETS", "LabelPreset", "level_in", "load_preset", "tissue_in"]

_FOLDER = Path(__file__).parent / "presets"
PRESETS = tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))
"""Names of the presets that come along; "names" besides, where the file itself names its segments."""

_KEYS = ("levels", "tissue", "parts", "regions", "names", "ignored", "unnamed", "content", "border", "note")
_RANGE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")
_LEVEL = re.compile(r"(?<![A-Z0-9])([CTL])[ _]?0?(\d{1,2})(?![0-9A-Z])")
_CHINESE = re.compile(r"第?([0-9一二三四五六七八九十]+)?([颈胸腰])椎?体?第?([0-9一二三四五六七八九十]+)?")
_PARTS = re.compile(r"DISC|DISK|RIB|ENDPLATE|NERVE|MUSCLE|CANAL|CORD|FACET|间盘|肋|终板")
_ORDINALS = ("FIRST", "SECOND", "THIRD", "FOURTH", "FIFTH", "SIXTH", "SEVENTH", "EIGHTH", "NINTH", "TENTH", "ELEVENTH",
             "TWELFTH", "THIRTEENTH")  # fmt: skip
_NUMERALS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10, "十一": 11,
             "十二": 12, "十三": 13}  # fmt: skip
_TISSUES = (("SACRUM", Tissue.SACRUM), ("S1\\b", Tissue.SACRUM), ("SPINAL CORD", Tissue.CANAL), ("CANAL", Tissue.CANAL), ("DISC", Tissue.DISC),
            ("DISK", Tissue.DISC), ("RIB", Tissue.RIB), ("骶", Tissue.SACRUM), ("间盘", Tissue.DISC), ("椎管", Tissue.CANAL),
            ("肋", Tissue.RIB))  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelPreset:
    """
    The meaning of label values.

    Attributes
    ----------
    levels : mapping of int to str
        Values that are vertebrae.
    parts : mapping of int to str
        Further values that belong to a vertebra named in ``levels`` (its endplate).
    tissue, regions : mapping of int to Tissue
        Other values of the same map; values of a separate map of regions (body, arch, disc).
    names : mapping of str to str
        Names of segments that mean a level or a tissue.
    ignored : frozenset of int
        Values that are known and no part of the spine.
    unnamed : mapping of int to str
        Values that are vertebrae counted from below ("V1", "V2", ...), whose level nobody named.
    content : {"vertebrae", "bodies"}
        Whether the map holds whole vertebrae or their bodies alone.
    border : str
        Whose border convention the masks follow.
    note : str
        Code of a caveat that holds for every map of this tool.
    """

    name: str
    levels: Mapping[int, str] = field(default_factory=dict)
    parts: Mapping[int, str] = field(default_factory=dict)
    tissue: Mapping[int, Tissue] = field(default_factory=dict)
    regions: Mapping[int, Tissue] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    ignored: frozenset[int] = frozenset()
    unnamed: Mapping[int, str] = field(default_factory=dict)
    content: Literal["vertebrae", "bodies"] = "vertebrae"
    border: str = "as_source"
    note: str = ""


def load_preset(preset: str | Path) -> LabelPreset:
    """
    A preset by name, or from a TOML file of one's own.

    The file has tables ``[levels]`` (``31 = "L1"``), ``[tissue]`` and ``[regions]`` (``"92-115" = "RIB"``), ``[parts]``,
    ``[names]`` (``"Wirbel L1" = "L1"``), and ``ignored = ["1-24"]``, ``unnamed = ["101-140"]`` (V1, V2, ... from
    below, 99 at most), ``content``, ``border``.

    Raises
    ------
    ConfigError
        No preset has that name; the file has an unknown key, level or tissue, or gives a value twice.
    FileError
        There is no such file.

    Examples
    --------
    >>> load_preset("totalsegmentator").levels[27], load_preset("verse").levels[24]
    ('L5', 'L5')
    """
    text = str(preset)
    if text == "names":
        return LabelPreset(name="names")
    if text in PRESETS:
        return _parsed(read_toml(_FOLDER / f"{text}.toml"), name=text)
    if not text.endswith(".toml"):
        close = get_close_matches(text, PRESETS, n=1)
        hint = (
            f"Did you mean {close[0]!r}?"
            if close
            else f"There are: {', '.join(PRESETS)}, names, or a .toml file."
        )
        raise ConfigError(f"no label preset is called {text!r}.", hint=hint)
    return _parsed(read_toml(Path(text)), name=Path(text).stem, where=text)


def _parsed(content: dict[str, Any], *, name: str, where: str = "") -> LabelPreset:
    where = where or name
    for key, value in content.items():
        if key not in _KEYS:
            raise ConfigError(f"{where}: unknown key {key!r}.", hint=f"Known: {', '.join(_KEYS)}.")
        if isinstance(value, dict) != (key in _KEYS[:5]):
            kind = "table" if key in _KEYS[:5] else "value"
            raise ConfigError(f"{where}: {key} is a {type(value).__name__}, expected a {kind}.")
    tables: dict[str, Any] = {
        key: _expanded(content.get(key, {}), where=f"{where}.{key}") for key in _KEYS[:4]
    }
    for key in ("levels", "parts"):
        for value, level in tables[key].items():
            if level not in LEVELS:
                raise ConfigError(
                    f"{where}.{key}: {value} = {level!r} is no level.", hint="C1-C7, T1-T13, L1-L6."
                )
    for key in ("tissue", "regions"):
        for value, tissue in tables[key].items():
            if tissue not in Tissue.__members__:
                known = ", ".join(Tissue.__members__)
                raise ConfigError(
                    f"{where}.{key}: {value} = {tissue!r} is no tissue.", hint=f"Known: {known}."
                )
        tables[key] = {value: Tissue[tissue] for value, tissue in tables[key].items()}
    counted = sorted(_expanded(dict.fromkeys(content.get("unnamed", ()), ""), where=f"{where}.unnamed"))
    if len(counted) > 99:
        raise ConfigError(f"{where}.unnamed: {len(counted)} values, expected at most 99.")
    twice = set(tables["levels"]) & (set(tables["tissue"]) | set(tables["parts"]) | set(counted))
    if twice:
        raise ConfigError(f"{where}: {sorted(twice)} stand in more than one table.")
    names = {str(key): str(value) for key, value in content.get("names", {}).items()}
    for key, meaning in names.items():
        if meaning not in LEVELS and meaning not in Tissue.__members__:
            raise ConfigError(f"{where}.names: {key!r} = {meaning!r} is neither level nor tissue.")
    body_or_whole = content.get("content", "vertebrae")
    if body_or_whole not in ("vertebrae", "bodies"):
        raise ConfigError(f"{where}: content = {body_or_whole!r}.", hint='Expected "vertebrae" or "bodies".')
    ignored = frozenset(_expanded(dict.fromkeys(content.get("ignored", ()), ""), where=f"{where}.ignored"))
    unnamed = {value: f"V{n}" for n, value in enumerate(counted, 1)}
    return LabelPreset(
        name=name, names=names, ignored=ignored, unnamed=unnamed, content=body_or_whole,
        border=str(content.get("border", "as_source")), note=str(content.get("note", "")), **tables,
    )  # fmt: skip


def _expanded(table: Mapping[str, str], *, where: str) -> dict[int, str]:
    """Keys such as "41-48" as single values."""
    out: dict[int, str] = {}
    for key, meaning in table.items():
        found = _RANGE.fullmatch(str(key))
        if not found:
            raise ConfigError(f"{where}: {key!r} is no label value.", hint='Write 31 or "92-115".')
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first > 10_000:
            raise ConfigError(f"{where}: {key!r} spans too many values.")
        for value in range(first, last + 1):
            if value in out:
                raise ConfigError(f"{where}: {value} is given twice.")
            out[value] = meaning
    return out


def level_in(name: str) -> str | None:
    """
    The one level that a segment's name speaks of; None where it names none, two, or a disc, a rib, an endplate.

    Examples
    --------
    >>> [level_in(n) for n in ("vertebrae_L5", "T12 vertebra", "Twelfth thoracic vertebra", "腰1椎体", "第十二胸椎", "disc_L4_L5")]
    ['L5', 'T12', 'T12', 'L1', 'T12', None]
    """
    text = name.upper().replace("_", " ").replace("-", " ")
    if _PARTS.search(text):
        return None
    found = {f"{region}{int(number)}" for region, number in _LEVEL.findall(text)}
    for region, word in (("C", "CERVICAL"), ("T", "THORACIC"), ("L", "LUMBAR")):
        if word in text:
            found |= {
                f"{region}{n}" for n, ordinal in enumerate(_ORDINALS, 1) if re.search(rf"\b{ordinal}\b", text)
            }
    for before, region, after in _CHINESE.findall(name):
        number = before or after
        n = int(number) if number.isdigit() else _NUMERALS.get(number, 0)
        found.add(f"{dict(zip('颈胸腰', 'CTL', strict=True))[region]}{n}")
    found &= set(LEVELS)
    return found.pop() if len(found) == 1 else None


def tissue_in(name: str) -> Tissue | None:
    """
    The tissue of the spine that a segment's name speaks of.

    Examples
    --------
    >>> tissue_in("sacrum").name, tissue_in("rib_left_3").name, tissue_in("liver")
    ('SACRUM', 'RIB', None)
    """
    text = name.upper().replace("_", " ")
    return next(
        (tissue for word, tissue in _TISSUES if re.search(rf"\b{word}|{word}(?<=[一-鿿])", text)), None
    )
