"""``osteon read ct``: a scan in, labelled and measured vertebrae and a report out."""

from __future__ import annotations

import math
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from osteon.cli.screen import Language, bars

if TYPE_CHECKING:
    from osteon.domain.spine import ScanFacts, SpineReading

__all__ = ["Backend", "OperatingPoint", "app", "ct", "say"]

app = typer.Typer(help="Scans: measured, graded and reported.", no_args_is_help=True)


class Backend(StrEnum):
    """What finds the vertebrae."""

    auto = "auto"
    embedded = "embedded"
    classical = "classical"
    totalsegmentator = "totalsegmentator"
    spineps = "spineps"
    nnunet = "nnunet"


class OperatingPoint(StrEnum):
    """From which loss of height a deformity counts."""

    twenty = "20"
    twenty_five = "25"


@app.command("ct")
def ct(
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="DICOM folder or zip, NIfTI, NRRD, MHA; with --labels alone: a label map.")],
    segmentation: Annotated[Path | None, typer.Option(help="A label map of this scan: NIfTI, NRRD, DICOM SEG, RTSTRUCT, or a folder of masks (vertebrae_L1.nii.gz, ...).")] = None,
    labels: Annotated[str | None, typer.Option(help="What its numbers mean: verse, totalsegmentator, totalsegmentator_v1, spineps, totalspineseg or a TOML file.")] = None,
    regions: Annotated[Path | None, typer.Option(help="A second map that tells body from arch and disc, by the same --labels.")] = None,
    prior: Annotated[Path | None, typer.Option(help="Folder of an earlier reading of this patient (its results.json).")] = None,
    prior_unchecked: Annotated[bool, typer.Option("--prior-unchecked", help="Compare with --prior even where patient ID, examination or date speak against it.")] = False,
    backend: Annotated[Backend, typer.Option(help="What finds the vertebrae; auto = embedded where torch can be used, else classical, which as a rule names no level.")] = Backend.auto,
    series: Annotated[str | None, typer.Option(help="Series to read where a folder holds several (its number or UID); by default the best suited one.")] = None,
    pin: Annotated[str | None, typer.Option(help="Name one vertebra and shift the others with it: LEVEL=x,y,z in LPS mm, e.g. L3=4,-32,-710.")] = None,
    operating_point: Annotated[OperatingPoint, typer.Option(help="Per cent of height from which a deformity counts.")] = OperatingPoint.twenty,
    hu_calibration: Annotated[str | None, typer.Option(help="The site's map from HU to mg/cm3: SLOPE,INTERCEPT.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report and its parts.")] = Path("osteon-reading"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what --out holds, also the reading of another scan or an edited report.")] = False,
    lang: Annotated[Language, typer.Option(help="Language of the report and of what is printed.")] = Language.en,
) -> None:  # fmt: skip
    """Read a CT: vertebrae labelled, measured and graded, with results.json, a report (HTML, PDF), masks and DICOM objects.

    Exit codes: 0 every vertebra was evaluated; 2 refused, nothing was written; 3 the report was written, but some vertebra
    could not be evaluated or none was found: the last line says which and why.
    """
    from osteon.core.files import checked_folder
    from osteon.reading.spine_ct import CtOptions, read_ct
    from osteon.reading.spine_prior import check_prior
    from osteon.report.spine_ct_lines import exit_line
    from osteon.report.spine_folder import check_folder
    from osteon.report.spine_save import read_prior, save_reading

    checked_folder(out)
    options = CtOptions(
        backend=backend.value,
        operating_point=int(operating_point.value) / 100,
        pin=_pin(pin),
        hu_calibration=_pair(hu_calibration),
        series=series,
    )
    earlier = read_prior(prior) if prior is not None else None

    def check(scan: ScanFacts, simulated: bool) -> None:
        if earlier is not None:
            check_prior(scan, earlier, simulated=simulated, unchecked=prior_unchecked)
        if not overwrite:
            check_folder(out, scan)

    with bars():
        read = read_ct(
            source,
            segmentation=segmentation,
            labels=labels,
            regions=regions,
            options=options,
            check=check,
        )
        save_reading(
            out,
            read.reading,
            read.volume,
            read.labels,
            lang=lang.value,
            prior=earlier,
            command=shlex.join(["osteon", *sys.argv[1:]]),
        )
    say(read.reading, prior=earlier, lang=lang.value, report=out / "report.html")
    if why := exit_line(read.reading, lang.value):
        typer.echo(why)
        raise typer.Exit(3)


def _pin(text: str | None) -> tuple[tuple[float, float, float], str] | None:
    if text is None:
        return None
    level, _, place = text.partition("=")
    try:
        x, y, z = (float(part) for part in place.split(","))
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r}; expected LEVEL=x,y,z in LPS millimetres, e.g. L3=4,-32,-710"
        ) from error
    return (x, y, z), level


def _pair(text: str | None) -> tuple[float, float] | None:
    if text is None:
        return None
    try:
        slope, intercept = (float(part) for part in text.split(","))
    except ValueError as error:
        raise typer.BadParameter(f"{text!r}; expected SLOPE,INTERCEPT, e.g. 0.78,-4.2") from error
    if not (0 < slope < math.inf and math.isfinite(intercept)):
        raise typer.BadParameter(
            f"{text!r}; expected finite numbers with a slope above 0: denser bone has more HU"
        )
    return slope, intercept


def say(reading: SpineReading, *, lang: str, report: Path, prior: SpineReading | None = None) -> None:
    """One line a vertebra in the words of the report, and where that lies."""
    from osteon.report.spine_ct_lines import reading_lines
    from osteon.report.words import words

    for line in reading_lines(reading, lang, prior=prior):
        typer.echo(line)
    typer.echo(words(lang)("spine_ct.terminal.report", path=str(report)))
