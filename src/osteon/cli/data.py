"""``osteon data list | fetch | check | template | link``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import Language, bars
from osteon.core.errors import ConfigError

__all__ = ["app"]

app = typer.Typer(help="Public data sets, the hospital sheet, duplicate records.", no_args_is_help=True)


def _root(into: Path | None) -> Path:
    if into is not None:
        return into
    root = os.environ.get("OSTEON_DATA")
    if not root:
        raise ConfigError("no folder for data sets.", hint="Set OSTEON_DATA or pass --into FOLDER.")
    return Path(root)
