"""
Real DICOM files and thousands of spoilt ones through the pool of readers.

    OSTEON_DATA=... python validation/dicom_fuzz.py [--mutants N] [--first N]

Each becomes a volume or one clear error; the table counts which, by kind of fault, with readers that crashed or were
ended by a limit, the slowest and the most memory. Writes validation/dicom_fuzz.csv and .md; a smaller N only prints.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from answers.dicom_mutants import seeds, write_mutant

from osteon.core.provenance import code_version
from osteon.imaging.guarded import ReaderPool, Reply

HERE = Path(__file__).resolve().parent
MUTANTS = 10_000
READ = "osteon.imaging.read:read_volume"
FATES = ("crashed", "cpu_limit", "wall_limit", "killed", "lost")
CODES = ("input.file", "input.few")
COLUMNS = ("fault", "files", "volumes", *CODES, "other errors", *FATES, "slowest_s", "peak_mb")


@dataclass
class Tally:
    """What became of the files of one kind."""

    fates: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest: str = ""
    peak_bytes: int = 0

    def add(self, reply: Reply, took_s: float, name: str) -> None:
        self.fates[reply.fate] += 1
        if reply.fate == "refused" and reply.error is not None:
            self.codes[reply.error.code] += 1
        if took_s > self.slowest_s:
            self.slowest_s, self.slowest = took_s, name
        self.peak_bytes = max(self.peak_bytes, reply.peak_bytes)

    def cells(self) -> list[object]:
        other = sum(self.codes.values()) - sum(self.codes[code] for code in CODES)
        counts = [self.fates["answered"], *(self.codes[code] for code in CODES), other]
        counts += [self.fates[fate] for fate in FATES]
        return [self.fates.total(), *counts, round(self.slowest_s, 2), round(self.peak_bytes / 1e6)]


def added(tallies: list[Tally]) -> Tally:
    """All kinds together."""
    total = Tally()
    for tally in tallies:
        total.fates += tally.fates
        total.codes += tally.codes
        if tally.slowest_s > total.slowest_s:
            total.slowest_s, total.slowest = tally.slowest_s, tally.slowest
        total.peak_bytes = max(total.peak_bytes, tally.peak_bytes)
    return total


def asked(pool: ReaderPool, path: Path, tally: Tally, name: str) -> None:
    start = time.monotonic()
    reply = pool.ask(READ, path)
    tally.add(reply, time.monotonic() - start, name)
    if reply.fate not in ("answered", "refused"):
        print(f"{name}: {reply.fate}: {reply.error}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--first", type=int, default=0)
    wanted = parser.parse_args()
    root = os.environ.get("OSTEON_DATA")
    if not root:
        print("dicom_fuzz: no OSTEON_DATA; the committed table is kept as it is")
        return
    real = Path(root) / "dicom"
    kinds: dict[str, Tally] = {"none (real files)": Tally()}
    start = time.monotonic()
    with ReaderPool() as pool, tempfile.TemporaryDirectory(prefix="osteon-fuzz-") as folder:
        pool.call("builtins:sum", [])
        for path in (p for p in sorted(real.rglob("*")) if p.is_file()):
            asked(pool, path, kinds["none (real files)"], path.name)
        known = seeds(real)
        for number in range(wanted.first, wanted.first + wanted.mutants):
            kind, name, path = write_mutant(known, number, Path(folder))
            asked(pool, path, kinds.setdefault(kind, Tally()), f"mutant {number} ({kind}, {name})")
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    total = added(list(kinds.values()))
    rows = [[kind, *tally.cells()] for kind, tally in kinds.items()] + [["all", *total.cells()]]
    text = f"# Spoilt DICOM files\n\nMade by `python validation/dicom_fuzz.py`: {len(known)} seeds from real files, "
    text += f"{wanted.mutants} mutants numbered from {wanted.first}, code {code_version()}. Each file went through a "
    text += "reader process of its own under the default limits; `volumes` were read, the rest are one error each by "
    text += "its code, or a reader that crashed or was ended by a limit (which the caller gets as one error as well). "
    text += f"Slowest: {total.slowest}. Seconds are wall-clock on a shared machine; memory is the reader's resident "
    text += "peak, its libraries included.\n\n"
    text += f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    text += "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)
    print(text)
    print(f"dicom_fuzz: {total.fates.total()} files in {time.monotonic() - start:.0f} s")
    if (wanted.mutants, wanted.first) != (MUTANTS, 0):
        return
    (HERE / "dicom_fuzz.md").write_text(text, encoding="utf-8")
    with (HERE / "dicom_fuzz.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    main()
