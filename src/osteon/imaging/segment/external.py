"""Segmenters of another make, run as their own commands in their own environments; nothing of theirs is imported."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from osteon.core.errors import ConfigError, DependencyMissing, FileError
from osteon.core.files import whole_file
from osteon.imaging.labels_io import read_labels
from osteon.imaging.segment.correct import pinned
from osteon.imaging.segment.labels import SpineLabels
from osteon.imaging.volume import Volume
from osteon.imaging.write import write_nifti

__all__ = ["TOOLS", "ExternalSegmenter", "Tool", "cache_folder", "found"]

LONGEST_S = 3600.0
UNKNOWN = "unknown"
_SHEBANG = re.compile(rb"#!\s*(?:\S*/env\s+(?:-S\s+)?)?((?:\S*/)?python[\w.]*)(?=\s|$)")
_LONG_SHEBANG = re.compile(
    rb"#!/bin/sh\s+'''exec' [\"']?([^\"'\n]*?/python[\w.]*)[\"']? "
)  # an installer's, for a long path or one with blanks


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """
    How one tool is called.

    Attributes
    ----------
    command, variable : str
        Its name on the PATH, and the environment variable that says where it is instead.
    package : str
        The Python distribution it comes from, which knows its version.
    scan : str
        What the scan's file must be called.
    arguments : tuple of str
        With {input}, {folder} (of the input), {output} (folder) and {result} to be filled in.
    result : str
        Pattern of the label map below the output folder.
    preset : str
        How its labels are read.
    settings : tuple of str
        Environment variables that decide the result besides.
    """

    command: str
    variable: str
    package: str
    scan: str
    arguments: tuple[str, ...]
    result: str
    preset: str
    settings: tuple[str, ...] = ()


TOOLS = {
    "totalsegmentator": Tool(
        command="TotalSegmentator",
        variable="OSTEON_TOTALSEGMENTATOR",
        package="TotalSegmentator",
        scan="case.nii.gz",
        arguments=("-i", "{input}", "-o", "{result}", "--ml", "-ta", "vertebrae_pp_refined"),
        result="labels.nii.gz",
        preset="totalsegmentator_bodies",  # the task knows vertebral bodies alone, by numbers of its own
    ),
    "nnunet": Tool(
        command="nnUNetv2_predict",
        variable="OSTEON_NNUNET",
        package="nnunetv2",
        scan="case_0000.nii.gz",
        arguments=("-i", "{folder}", "-o", "{output}", "-d", "{dataset}", "-c", "3d_fullres", "--disable_tta"),
        result="*.nii.gz",
        preset="verse",
        settings=("OSTEON_NNUNET_DATASET", "nnUNet_results"),
    ),
    "spineps": Tool(
        command="spineps",
        variable="OSTEON_SPINEPS",
        package="spineps",
        scan="sub-case_ct.nii.gz",  # it takes the modality from the name
        arguments=(
            "sample", "-i", "{input}", "-model_semantic", "ct", "-model_instance", "ct_instance",
            "-model_labeling", "ct_labeling", "-ignore_inference_compatibility",
        ),
        result="*seg-vert_msk.nii.gz",
        preset="spineps",
        settings=("SPINEPS_SEGMENTOR_MODELS",),
    ),
}  # fmt: skip


def found() -> dict[str, str | None]:
    """The version of each external tool that can be run, None where it is not there (for ``osteon doctor``)."""
    return {name: None if _program(tool) is None else _version(tool) for name, tool in TOOLS.items()}


def cache_folder() -> Path:
    """Where results are kept: OSTEON_CACHE, or ~/.cache/osteon."""
    named = os.environ.get("OSTEON_CACHE")
    return (Path(named) if named else Path.home() / ".cache" / "osteon") / "segmentations"


class ExternalSegmenter:
    """
    An external tool as a segmenter.

    Parameters
    ----------
    tool : str
        One of :data:`TOOLS`.

    Raises
    ------
    ConfigError
        No such tool.
    """

    def __init__(self, tool: str) -> None:
        if tool not in TOOLS:
            raise ConfigError(
                f"{tool!r} is no external segmenter.", hint=f"Choose one of {', '.join(TOOLS)}."
            )
        self.tool = TOOLS[tool]
        self.name = f"external:{tool}"

    def segment(
        self,
        volume: Volume,
        *,
        pin: tuple[tuple[float, float, float], str] | None = None,
        progress: Callable[[str, float], None] | None = None,
    ) -> SpineLabels:
        """
        Run the tool on ``volume`` (Hounsfield units), or take its kept result for the same voxels and version.

        Raises
        ------
        DependencyMissing
            The tool is not found.
        FileError
            It failed, or wrote no label map.
        """
        program = _program(self.tool)
        if program is None:
            raise DependencyMissing(
                f"{self.tool.command} is not on the PATH.",
                hint=f"Install it in an environment of its own and set {self.tool.variable} to its program.",
            )
        version = _version(self.tool)
        said = version if version != UNKNOWN else _identity(program)
        kept = cache_folder() / f"{self.tool.command}-{_digest(volume, self.tool, said)}.nii.gz"
        if not kept.exists():
            if progress is not None:
                progress("external", 0.0)
            self._run(program, volume, kept)
        labels = read_labels(kept, preset=self.tool.preset, like=volume)
        line = f"{self.name} {version}"
        labels = replace(labels, backend=self.name, version=version, provenance=(line, *labels.provenance))
        return labels if pin is None else pinned(labels, *pin)

    def _run(self, program: str, volume: Volume, kept: Path) -> None:
        """The tool in a folder of its own; its label map is kept whole or not at all."""
        with tempfile.TemporaryDirectory(prefix="osteon-") as name:
            folder = Path(name)
            source, output = folder / "in" / self.tool.scan, folder / "out"
            source.parent.mkdir()
            output.mkdir()
            write_nifti(volume, source)
            fill = {
                "input": str(source),
                "folder": str(source.parent),
                "output": str(output),
                "result": str(output / self.tool.result),
                "dataset": os.environ.get("OSTEON_NNUNET_DATASET", ""),
            }
            command = [str(Path(program).absolute()), *(part.format(**fill) for part in self.tool.arguments)]
            if "" in command:
                raise ConfigError("OSTEON_NNUNET_DATASET names no data set of nnU-Net.")
            try:
                # in its own folder: Python tools start children that import from the working folder, the upload's
                done = subprocess.run(
                    command, capture_output=True, text=True, errors="replace", timeout=LONGEST_S, check=False,
                    cwd=folder,
                )  # fmt: skip
            except (OSError, subprocess.TimeoutExpired) as error:
                raise FileError(f"{self.tool.command} did not finish: {error}.") from error
            if done.returncode:
                tail = (done.stderr or done.stdout).strip()[-300:]
                raise FileError(f"{self.tool.command} ended with {done.returncode}: {tail}")
            results = sorted(p for p in folder.glob(f"**/{self.tool.result}") if p != source)
            if not results:
                raise FileError(f"{self.tool.command} wrote no label map ({self.tool.result}).")
            with whole_file(kept) as draft:
                shutil.copyfile(results[0], draft)


def _program(tool: Tool) -> str | None:
    return shutil.which(os.environ.get(tool.variable) or tool.command)


def _version(tool: Tool) -> str:
    """
    The version of the tool's distribution in its own environment, else the first line of ``--version``; else "unknown".

    Most such programs know no ``--version``, and all of them load their networks' libraries before they answer.
    """
    program = _program(tool)
    if program is None:
        return UNKNOWN
    ask = f"import importlib.metadata as m; print(m.version({tool.package!r}))"
    for command in (*([python, "-c", ask] for python in _pythons(Path(program))), [program, "--version"]):
        if line := _first_line(command):
            return line
    return UNKNOWN


def _first_line(command: list[str]) -> str:
    try:
        said = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=60.0, check=False,
            cwd=Path(command[0]).parent,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (said.stdout or said.stderr).strip().splitlines() if said.returncode == 0 else []
    return lines[0].strip()[:80] if lines else ""


def _pythons(program: Path) -> Iterator[str]:
    """Interpreters of the program's environment: the one its first line names, then those beside it."""
    try:
        with program.open("rb") as stream:
            head = stream.read(1024)
    except OSError:
        return
    named = _SHEBANG.match(head) or _LONG_SHEBANG.match(head)
    if named is not None:
        name = os.fsdecode(named[1])
        if (where := shutil.which(name)) is not None:
            yield where
    for folder in dict.fromkeys((program.parent, program.resolve().parent)):
        for name in ("python", "python3", "python.exe"):
            if (beside := folder / name).is_file():
                yield str(beside)
                break


def _identity(program: str) -> str:
    """What tells two programs apart that do not say their version."""
    facts = Path(program).stat()
    return f"{program}:{facts.st_size}:{facts.st_mtime_ns}"


def _digest(volume: Volume, tool: Tool, version: str) -> str:
    """What decides the result: voxels, geometry, the tool's version and its arguments."""
    digest = hashlib.sha256()
    settings = (os.environ.get(name, "") for name in tool.settings)
    for part in (version, *tool.arguments, *settings, str(volume.array.shape)):
        digest.update(part.encode() + b"\0")
    digest.update(np.ascontiguousarray(volume.affine).tobytes())
    digest.update(np.ascontiguousarray(volume.array).tobytes())
    return digest.hexdigest()[:32]
