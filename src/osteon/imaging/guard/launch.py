"""How a reader's Python is started: nothing in the working folder is imported, a checkout's own code is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

__all__ = ["command", "environment"]

_ROOT = Path(__file__).resolve().parents[3]  # the folder that holds the package
_INSTALLED = ("site-packages", "dist-packages")


def command(module: str, *args: str) -> list[str]:
    """
    Run a module of osteon's as a program.

    The working folder is as a rule the folder of an upload: ``-m`` alone would put it first on the path, and a
    ``numpy.py`` beside the slices would be executed.

    Examples
    --------
    >>> command("osteon.imaging.guard.afresh", "in", "out")[1:]
    ['-P', '-m', 'osteon.imaging.guard.afresh', 'in', 'out']
    """
    return [sys.executable, "-P", "-m", module, *args]


def environment() -> dict[str, str]:
    """
    The variables of this process; ``PYTHONPATH`` leads to the code that runs here, and not to the working folder.

    An empty part of it ("PYTHONPATH=:/opt/x") would mean the working folder again.
    """
    parts = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
    if _ROOT.name not in _INSTALLED:  # a checkout, found on the path of this process by whatever way
        parts.insert(0, str(_ROOT))
    return os.environ | {"PYTHONPATH": os.pathsep.join(parts)}
