"""
The model card: what a model is, what it was trained on, how it did, where it must not be used.

A card is a frozen dataclass and a TOML file that people can read; the two convert without loss.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any

from osteon.core.config import read_toml
from osteon.core.errors import ConfigError, FileError
from osteon.core.files import write_text
from osteon.core.result import as_dict

__all__ = ["LIMITS", "Metric", "ModelCard", "Predictor", "card_toml", "read_card", "write_card"]

LIMITS = (
    "Research and evaluation software, not a medical device.",
    "Not for decisions about a patient without a clinician's own judgement.",
    "Valid for the population it was trained on; check calibration before use elsewhere.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """One input: its unit and the range (numbers) or the levels (categories) seen in training."""

    name: str
    kind: str
    unit: str = ""
    low: float = math.nan
    high: float = math.nan
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One figure with its 95 % interval, e.g. ``auc`` by nested cross-validation."""

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    group: str = "all"
    n: int = 0
    events: int = 0
    method: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """Everything a reader must know before trusting a model's number."""

    name: str
    version: str
    task: str
    learner: str
    source: str
    n: int
    events: int
    simulated: bool
    predictors: tuple[Predictor, ...]
    preprocessing: tuple[str, ...] = ()
    settings: Mapping[str, float | int | str | bool] = field(default_factory=dict)
    metrics: tuple[Metric, ...] = ()
    subgroups: tuple[Metric, ...] = ()
    calibration: tuple[Metric, ...] = ()
    intended_use: str = "Research on fracture and osteoporosis risk."
    limits: tuple[str, ...] = LIMITS
    seed: int = 0
    code: str = ""
    data_sha256: str = ""
    artefact: str = ""
    artefact_sha256: str = ""
    notes: tuple[str, ...] = ()


_LISTS = {"predictors": Predictor, "metrics": Metric, "subgroups": Metric, "calibration": Metric}


def card_toml(card: ModelCard) -> str:
    """The card as TOML text; absent figures are left out."""
    plain, tables = [], []
    for each in fields(card):
        value = getattr(card, each.name)
        if each.name in _LISTS:
            tables += [f"\n[[{each.name}]]\n" + _lines(item) for item in value]
        elif isinstance(value, Mapping):
            tables.append(f"\n[{each.name}]\n" + "".join(_line(key, entry) for key, entry in value.items()))
        else:
            plain.append(_line(each.name, value))
    return "".join(plain + tables)


def write_card(card: ModelCard, path: Path) -> None:
    """Write the card as TOML, wholly or not at all."""
    write_text(path, card_toml(card))


def read_card(path: Path) -> ModelCard:
    """
    The card in a TOML file.

    Raises
    ------
    FileError
        The file is absent.
    ConfigError
        Not TOML, or a key is unknown or missing.
    """
    content = read_toml(path)
    try:
        for name, kind in _LISTS.items():
            content[name] = tuple(_built(kind, item) for item in content.get(name, []))
        card: ModelCard = _built(ModelCard, content)
    except TypeError as error:
        raise ConfigError(f"{path}: not a model card ({error}).") from None
    if not card.name:
        raise FileError(f"{path}: the card names no model.")
    return card


def _built(kind: type[Any], values: Mapping[str, Any]) -> Any:
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})


def _lines(item: Any) -> str:
    if not is_dataclass(item):
        raise ConfigError(f"A card entry is a {type(item).__name__}, expected a dataclass.")
    return "".join(_line(each.name, getattr(item, each.name)) for each in fields(item))


def _line(key: str, value: Any) -> str:
    """One TOML line; nothing for a number that is not there."""
    if isinstance(value, float) and not math.isfinite(value):
        return ""
    name = key if key.replace("_", "").replace("-", "").isalnum() and key.isascii() else _text(key)
    return f"{name} = {_text(as_dict(value))}\n"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_text, value)) + "]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower() if isinstance(value, bool) else repr(value)
