"""
Real DICOM files and thousands of spoilt ones through the pool of readers.

    OSTEON_DATA=... python validation/dicom_fuzz.py [--mutants N] [--first N] [--workers N]

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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from answers.dicom_mutants import Seed, seeds, write_mutant

from osteon.core.provenance import code_version
from osteon.imaging.guarded import ReaderPool, Reply

HERE = Path(__file__).resolve().parent
MUTANTS = 10_000
READ = "osteon.imaging.read:read_volume"
FATES = ("crashed", "cpu_limit", "wall_limit", "killed", "lost")
CODES = ("input.file", "input.few")
COLUMNS = ("fault", "files", "volumes", *CODES, "other errors", *FATES, "slowest_cpu_s", "peak_mb")


@dataclass
class Tally:
    """What became of the files of one kind."""

    fates: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    slowest: str = ""
    peak_bytes: int = 0

    def add(self, reply: Reply, name: str) -> None:
        self.fates[reply.fate] += 1
        if reply.fate == "refused" and reply.error is not None:
            self.codes[reply.error.code] += 1
        if reply.cpu_s > self.slowest_s:
            self.slowest_s, self.slowest = reply.cpu_s, name
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


def asked(pool: ReaderPool, path: Path) -> Reply:
    """The reply; a volume is let go of at once."""
    return replace(pool.ask(READ, path), value=None)


def mutant(pool: ReaderPool, known: list[Seed], number: int, folder: Path) -> tuple[str, str, Reply]:
    kind, name, path = write_mutant(known, number, folder)
    reply = asked(pool, path)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    return kind, f"mutant {number} ({kind}, {name})", reply


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mutants", type=int, default=MUTANTS)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    wanted = parser.parse_args()
    root = os.environ.get("OSTEON_DATA")
    if not root:
        print("dicom_fuzz: no OSTEON_DATA; the committed table is kept as it is")
        return
    real = Path(root) / "dicom"
    kinds: dict[str, Tally] = {"none (real files)": Tally()}
    start = time.monotonic()
    known = seeds(real)
    with (
        ReaderPool(wanted.workers) as pool,
        tempfile.TemporaryDirectory(prefix="osteon-fuzz-") as folder,
        ThreadPoolExecutor(wanted.workers) as threads,
    ):
        files = [path for path in sorted(real.rglob("*")) if path.is_file()]
        for path, reply in zip(files, threads.map(partial(asked, pool), files), strict=True):
            kinds["none (real files)"].add(reply, path.name)
        spoil = partial(mutant, pool, known, folder=Path(folder))
        for kind, name, reply in threads.map(spoil, range(wanted.first, wanted.first + wanted.mutants)):
            kinds.setdefault(kind, Tally()).add(reply, name)
            if reply.fate not in ("answered", "refused"):
                print(f"{name}: {reply.fate}: {reply.error}", flush=True)
    total = added(list(kinds.values()))
    rows = [[kind, *tally.cells()] for kind, tally in kinds.items()] + [["all", *total.cells()]]
    text = f"# Spoilt DICOM files\n\nMade by `python validation/dicom_fuzz.py`: {len(known)} seeds from real files, "
    text += f"{wanted.mutants} mutants numbered from {wanted.first}, code {code_version()}. Each file went through a "
    text += "reader process of its own under the default limits; `volumes` were read, the rest are one error each by "
    text += "its code, or a reader that crashed or was ended by a limit (which the caller gets as one error as well). "
    text += f"Slowest: {total.slowest}. Seconds are the processor time of the reader; memory is the reader's resident "
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
