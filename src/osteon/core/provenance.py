"""What a number was made with: versions, commit, seed, inputs, command."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from osteon import __version__
from osteon.core.files import sha256

__all__ = ["Provenance", "code_version", "provenance"]

_PARTS = ("numpy", "scipy", "pandas", "scikit-learn", "lightgbm", "torch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result comes from; written into every results.json."""

    osteon: str
    code: str
    python: str
    packages: Mapping[str, str]
    seed: int | None
    inputs: Mapping[str, str] = field(default_factory=dict)
    command: str = ""


def code_version() -> str:
    """The version with the commit it was run from, ``+changed`` when the working tree differs from it."""
    here = Path(__file__).resolve().parent
    try:
        commit = subprocess.run(
            ["git", "describe", "--always", "--dirty=+changed", "--abbrev=12", "--exclude=*"],
            cwd=here, capture_output=True, text=True, check=True, timeout=10,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{__version__}+g{commit}"


def provenance(*, seed: int | None, inputs: tuple[Path, ...] = (), command: str = "") -> Provenance:
    """The versions, seed and hashed inputs of a run."""
    packages = {}
    for name in _PARTS:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return Provenance(
        osteon=__version__,
        code=code_version(),
        python=platform.python_version(),
        packages=packages,
        seed=seed,
        inputs={path.name: sha256(path) for path in inputs if path.is_file()},
        command=command,
    )
