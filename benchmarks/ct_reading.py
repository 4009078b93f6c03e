"""
A whole spine CT, 512 x 512 x 300, from DICOM files to the report: where the seconds go, and the peak of memory.

    python benchmarks/ct_reading.py [--slices 300] [--folder DIR]

The scan is invented (SIMULATED) and written as uncompressed DICOM and as JPEG 2000; both are read, the report is made once.
The classical segmenter reads the same scan beside the embedded one; the ratio of the two is printed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

READ = """
import json, sys, time
from pathlib import Path
from osteon.reading.spine_ct import CtOptions, read_ct
from osteon.report.spine_save import save_reading
start = time.perf_counter()
read = read_ct(Path(sys.argv[1]), options=CtOptions(backend=sys.argv[2]))
done = time.perf_counter()
if sys.argv[3] != "-":
    save_reading(Path(sys.argv[3]), read.reading, read.volume, read.labels, lang="en", command="benchmark")
print(json.dumps({**read.reading.elapsed_s, "report": time.perf_counter() - done, "all": time.perf_counter() - start,
    "levels": [v.level for v in read.reading.vertebrae]}))
"""


def memory_gb(root: int) -> float:
    """Memory that a process and all that came from it hold now (Linux); pages shared by several count once."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    family, size = {root}, 0
    while len(family) > size:
        size = len(family)
        family |= {pid for pid, parent in parents.items() if parent in family}
    held = 0
    for pid in family:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            held += next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return held * 1024 / 1e9


def timed(scan: Path, backend: str, out: str) -> dict[str, object]:
    """Read in a process of its own; seconds per step and the peak of memory at tenths of a second, readers and typesetter included."""
    command = [sys.executable, "-c", READ, str(scan), backend, out]
    peak = 0.0
    with tempfile.TemporaryFile("w+") as said, subprocess.Popen(command, stdout=said) as running:
        while running.poll() is None:
            peak = max(peak, memory_gb(running.pid))
            time.sleep(0.1)
        if running.returncode:
            raise subprocess.CalledProcessError(running.returncode, command)
        said.seek(0)
        return {**json.loads(said.readlines()[-1]), "peak_gb": peak}


def main() -> None:
    """Invent the scan, read it, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, default=300)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as spare:
        folder = options.folder or Path(spare)
        for syntax in ("explicit", "jpeg2000"):
            if not (folder / syntax).exists():
                invent(folder, options.slices)
        print(f"512 x 512 x {options.slices}, SIMULATED")
        found = {}
        for name, backend, syntax, out in (
            ("embedded, uncompressed, with report", "embedded", "explicit", str(folder / "report")),
            ("embedded, JPEG 2000", "embedded", "jpeg2000", "-"),
            ("classical, uncompressed", "classical", "explicit", "-"),
        ):
            found[name] = timed(folder / syntax, backend, out)
            steps = ", ".join(
                f"{k} {v:.1f} s"
                for k, v in found[name].items()
                if isinstance(v, float) and k not in ("all", "peak_gb")
            )
            print(f"{name}: {found[name]['all']:.1f} s, peak {found[name]['peak_gb']:.2f} GB ({steps})")
            print("  levels " + " ".join(map(str, found[name]["levels"])))  # type: ignore[call-overload]
        ours, plain = found["embedded, uncompressed, with report"], found["classical, uncompressed"]
        print(f"embedded segmentation takes {ours['segment'] / plain['segment']:.1f} times the classical one")  # type: ignore[operator]


def invent(folder: Path, slices: int) -> None:
    """A spine from T9 down in a field of 358 mm, written both ways."""
    import numpy as np

    from osteon.imaging.volume import Grid
    from osteon.synth.ct_series import write_ct_series
    from osteon.synth.spine_ct import PlannedFracture, phantom

    start = time.perf_counter()
    grid = Grid.regular((slices, 512, 512), (1.2, 0.7, 0.7), (-179.0, -215.0, -0.72 * slices))
    scan = phantom(3, grid=grid, fractures=[PlannedFracture(level="L1", kind="wedge", loss=0.3)], variant="")
    for syntax in ("explicit", "jpeg2000"):
        write_ct_series(scan.volume, folder / syntax, syntax=syntax)  # type: ignore[arg-type]
    print(
        f"invented in {time.perf_counter() - start:.0f} s, values {np.percentile(scan.volume.array, [1, 50, 99]).round()}",
        flush=True,
    )


if __name__ == "__main__":
    main()
