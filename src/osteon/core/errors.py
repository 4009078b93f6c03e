"""
Every error osteon raises on purpose. A message says what came, what was expected and what to do.

* OsteonError
  x InputError (also ValueError)
    + ShapeError        an array has the wrong number of axes or the wrong length
    + UnitError         a quantity is impossible in its unit
    + SchemaError       a table lacks a column, or a cell holds the wrong kind of value
    + ConfigError       a setting is unknown or out of range
    + NotEnoughData     the estimate is undefined on so few rows or events
    + LeakageError      a predictor is, or defines, the outcome
    + FileError         a file is missing, unreadable, cut short or changed
  x OutputError         a result cannot be written (disk full, no permission)
  x DependencyMissing   an optional part is not installed
  x ModelError
    + OutOfScope        outside the domain the model was validated for
"""

from __future__ import annotations

__all__ = [
    "ConfigError",
    "DependencyMissing",
    "FileError",
    "InputError",
    "LeakageError",
    "ModelError",
    "NotEnoughData",
    "OsteonError",
    "OutOfScope",
    "OutputError",
    "SchemaError",
    "ShapeError",
    "UnitError",
]


class OsteonError(Exception):
    """Root of the tree. ``code`` names the error for machines and for translation; ``hint`` says what to do."""

    code = "osteon"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class InputError(OsteonError, ValueError):
    """The caller passed something outside the documented domain."""

    code = "input"


class ShapeError(InputError):
    """An array has the wrong number of axes or the wrong length."""

    code = "input.shape"


class UnitError(InputError):
    """A quantity is in an impossible range for its unit."""

    code = "input.unit"


class SchemaError(InputError):
    """A table lacks a column, or a cell holds the wrong kind of value."""

    code = "input.schema"


class ConfigError(InputError):
    """A setting is unknown or out of range."""

    code = "input.config"


class NotEnoughData(InputError):
    """The estimate is undefined on so few rows, events or classes."""

    code = "input.few"


class LeakageError(InputError):
    """A predictor is, or arithmetically defines, the outcome."""

    code = "input.leakage"


class FileError(InputError):
    """A file is missing, unreadable, cut short or not what its name says."""

    code = "input.file"


class OutputError(OsteonError):
    """A result cannot be written; nothing half-written is left behind."""

    code = "output"


class DependencyMissing(OsteonError):
    """An optional part of osteon is not installed."""

    code = "dependency"


class ModelError(OsteonError):
    """A model cannot answer."""

    code = "model"


class OutOfScope(ModelError):
    """The patient or scan lies outside the domain the model was validated for."""

    code = "model.scope"
