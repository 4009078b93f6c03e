"""``osteon doctor``: what is installed, usable and missing, with the line that mends it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import typer

from osteon.core.provenance import code_version

__all__ = ["doctor"]

_CORE = ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "duckdb", "splink", "typst",
         "pydicom", "highdicom", "nibabel", "SimpleITK", "scikit-image")  # fmt: skip
_OPTIONAL = {"captum": "deep", "fastapi": "server", "sqlalchemy": "server"}
_PROGRAMS = {"chromium": "opens reports in the browser tests", "git": "names the code version of a result"}


@dataclass(frozen=True, slots=True)
class _Line:
    state: Literal["ok", "optional", "missing"]
    part: str
    detail: str


def doctor() -> None:
    """Say what is installed, usable and missing, and how to get what is missing."""
    lines = [*_python(), *_packages(), _torch(), _weights(), *_programs(), *_segmenters(), _data(), _disk()]
    marks = {"ok": "ok      ", "optional": "optional", "missing": "MISSING "}
    for line in lines:
        typer.echo(f"{marks[line.state]}  {line.part:16s} {line.detail}")
    if any(line.state == "missing" for line in lines):
        raise typer.Exit(2)


def _python() -> list[_Line]:
    fits = (3, 11) <= sys.version_info[:2] < (3, 14)
    detail = (
        f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    )
    return [
        _Line("ok", "osteon", code_version()),
        _Line(
            "ok" if fits else "missing", "python", detail + ("" if fits else "; osteon needs 3.11 to 3.13")
        ),
    ]


def _packages() -> list[_Line]:
    lines = []
    for name in _CORE:
        try:
            lines.append(_Line("ok", name, version(name)))
        except PackageNotFoundError:
            lines.append(_Line("missing", name, "pip install -c constraints/py311.txt osteon"))
    for name, extra in _OPTIONAL.items():
        try:
            found = version(name)
        except PackageNotFoundError:
            lines.append(_Line("optional", name, f'not installed; pip install "osteon[{extra}]"'))
            continue
        lines.append(_Line("ok", name, found))
    return lines


def _torch() -> _Line:
    from osteon.models.torch_build import torch_build, torch_fault, torch_installed

    if not torch_installed():
        without = "the risk study works without, and the classical CT reading, which as a rule names no level"
        return _Line(
            "optional", "torch", f'not installed; {without}; pip install -e ".[deep]" in the checkout'
        )
    if fault := torch_fault():
        return _Line(
            "missing", "torch", f'{fault}; pip install --force-reinstall -e ".[deep]" in the checkout'
        )
    return _Line("ok", "torch", torch_build())


def _weights() -> _Line:
    from osteon.models.spine_net import shipped_weights

    named = os.environ.get("OSTEON_SPINE_WEIGHTS")
    if named and not Path(named).is_file():
        return _Line("missing", "spine weights", f"OSTEON_SPINE_WEIGHTS names {named}, which is not there")
    path = Path(named) if named else shipped_weights()
    if path is None:
        return _Line("optional", "spine weights", "none shipped; `osteon model train spine-ct` makes them")
    return _Line("ok", "spine weights", f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def _segmenters() -> list[_Line]:
    from osteon.imaging.segment.external import TOOLS, found

    lines = []
    for name, said in found().items():
        tool = TOOLS[name]
        place = os.environ.get(tool.variable)
        if said is not None:
            lines.append(_Line("ok", name, f"{said}; `osteon read ct --backend {name}`{_unset(name)}"))
        elif place:
            lines.append(_Line("missing", name, f"{tool.variable} names {place}, which is no program"))
        else:
            detail = f"not found; install {tool.package} in an environment of its own, {tool.variable}=its {tool.command}"
            lines.append(_Line("optional", name, detail))
    return lines


def _unset(name: str) -> str:
    """What a segmenter that is there still needs to be told."""
    told = name != "nnunet" or os.environ.get("OSTEON_NNUNET_DATASET")
    return "" if told else "; OSTEON_NNUNET_DATASET names no data set yet"


def _programs() -> list[_Line]:
    return [
        _Line("ok", name, where)
        if (where := shutil.which(name))
        else _Line("optional", name, f"not found; {what}")
        for name, what in _PROGRAMS.items()
    ]


def _data() -> _Line:
    root = os.environ.get("OSTEON_DATA")
    if not root:
        return _Line(
            "optional", "OSTEON_DATA", "not set; `osteon data fetch nhanes_2017_2020` brings the public files"
        )
    if not Path(root).is_dir():
        return _Line("missing", "OSTEON_DATA", f"{root} is not a folder")
    return _Line("ok", "OSTEON_DATA", f"{root} (`osteon data check` compares it with the registry)")


def _disk() -> _Line:
    free_gb = shutil.disk_usage(Path.cwd()).free / 1e9
    return _Line("ok" if free_gb > 1 else "missing", "disk", f"{free_gb:.0f} GB free here")
