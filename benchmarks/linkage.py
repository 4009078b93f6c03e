"""
Fuzzy linkage of a million hospital rows: wall time, processor time, peak memory, precision and recall.

Run: python benchmarks/linkage.py [--rows 1000000] [--peer-rows 100000]
Goals for a million rows: under 90 s and under 5 GB. Beside it, in the same run, the usual hand-made way: exact
blocking on the birth date by a pandas merge and a Jaro-Winkler comparison of names in Python, on a smaller table
(its pairs grow with the square of the rows; a million need tens of gigabytes).
"""

from __future__ import annotations

import argparse
import resource
import time
from typing import Any

import numpy as np
import pandas as pd

from osteon.cohort.link_splink import FuzzyOptions, Identifiers, linked_by_identifiers

WHO = Identifiers(postcode="postcode", phone="")


def words(n: int, rng: np.random.Generator) -> np.ndarray:
    """``n`` different invented names."""
    first, second = list("bcdfghjklmnprstvwz"), list("aeiou")
    made: set[str] = set()
    while len(made) < n:
        syllables = rng.integers(2, 5)
        made.add("".join(rng.choice(first) + rng.choice(second) for _ in range(syllables)).capitalize())
    return np.array(sorted(made), dtype=object)


def hospital(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """A table of ``n`` rows, a fifth of them duplicates, three fifths of those with one error; and who is who."""
    rng = np.random.default_rng(seed)
    people = round(n * 0.8)
    surnames, given = words(8000, rng), words(2000, rng)
    common = lambda k, size: np.minimum((k * rng.random(size) ** 2).astype(int), k - 1)  # noqa: E731
    table = pd.DataFrame(
        {
            "surname": surnames[common(8000, people)],
            "given_name": given[common(2000, people)],
            "birth_date": (
                pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 16_000, people), unit="D")
            ),
            "sex": np.where(rng.random(people) < 0.6, "female", "male"),
            "postcode": rng.integers(200_000, 209_999, people).astype(str),
        }
    )
    table["birth_date"] = table["birth_date"].dt.strftime("%Y-%m-%d")
    chosen = rng.choice(people, n - people, replace=False)
    again = table.iloc[chosen].reset_index(drop=True)
    error = np.where(rng.random(len(again)) < 0.6, rng.integers(0, 4, len(again)), 9)
    for i in np.flatnonzero(error == 0):
        name = again.at[i, "surname"]
        place = rng.integers(1, len(name))
        again.at[i, "surname"] = name[:place] + "xyz"[rng.integers(3)] + name[place + 1 :]
    again.loc[error == 1, "surname"] = None
    day = again["birth_date"].str[:8] + pd.Series(rng.integers(1, 29, len(again))).astype(str).str.zfill(2)
    again["birth_date"] = again["birth_date"].where(error != 2, day)
    again.loc[error == 3, "postcode"] = rng.integers(200_000, 209_999, int((error == 3).sum())).astype(str)
    order = rng.permutation(n)
    who = np.concatenate([np.arange(people), chosen])[order]
    return pd.concat([table, again], ignore_index=True).iloc[order].reset_index(drop=True), who


def judged(left: np.ndarray, right: np.ndarray, who: np.ndarray) -> tuple[float, float]:
    """Precision and recall of linked pairs."""
    right_ones = int((who[left] == who[right]).sum())
    sizes = np.bincount(who)
    return right_ones / max(len(left), 1), right_ones / int((sizes * (sizes - 1) // 2).sum())


def jaro_winkler(a: str, b: str) -> float:
    """Textbook Jaro-Winkler similarity in Python, as a hand-made script has it."""
    if a == b:
        return 1.0
    reach = max(len(a), len(b)) // 2 - 1
    used, same = [False] * len(b), []
    for i, letter in enumerate(a):
        for j in range(max(0, i - reach), min(len(b), i + reach + 1)):
            if not used[j] and b[j] == letter:
                used[j] = True
                same.append(letter)
                break
    if not same:
        return 0.0
    other = [letter for letter, flag in zip(b, used, strict=True) if flag]
    moved = sum(x != y for x, y in zip(same, other, strict=True)) / 2
    m = len(same)
    jaro = (m / len(a) + m / len(b) + (m - moved) / m) / 3
    prefix = next(
        (i for i, (x, y) in enumerate(zip(a[:4], b[:4], strict=False)) if x != y), min(4, len(a), len(b))
    )
    return jaro + 0.1 * prefix * (1 - jaro)


def by_hand(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Exact blocks of birth date, of given name with postcode, then names by Jaro-Winkler >= .9."""
    rows = table.fillna("").reset_index(names="row")
    blocks = []
    for columns in (["birth_date"], ["given_name", "postcode"]):
        both = rows.merge(rows, on=columns, suffixes=("_l", "_r"))
        blocks.append(both.loc[both["row_l"] < both["row_r"], ["row_l", "row_r"]])
    pairs = pd.concat(blocks).drop_duplicates()
    full = (rows["surname"] + " " + rows["given_name"]).tolist()
    alike = [
        jaro_winkler(full[a], full[b]) >= 0.9 for a, b in zip(pairs["row_l"], pairs["row_r"], strict=True)
    ]
    kept = pairs[alike]
    return kept["row_l"].to_numpy(), kept["row_r"].to_numpy()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--peer-rows", type=int, default=100_000)
    parser.add_argument("--threads", type=int, default=0)
    asked = parser.parse_args()
    options = FuzzyOptions(threads=asked.threads)
    timed("by hand", *hospital(asked.peer_rows, 2), by_hand)
    timed("osteon", *hospital(asked.peer_rows, 2), lambda table: linked(table, options))
    wall, peak = timed("osteon", *hospital(asked.rows, 1), lambda table: linked(table, options))
    print(
        f"goals for 1,000,000 rows: wall {wall:.1f} s < 90 s: {wall < 90}; peak {peak:.2f} GB < 5 GB: {peak < 5}"
    )


def linked(table: pd.DataFrame, options: FuzzyOptions) -> tuple[np.ndarray, np.ndarray]:
    """Pairs at p >= .9 by the library."""
    found = linked_by_identifiers(table, identifiers=WHO, options=options, seed=1)
    return found.pairs["left"].to_numpy(), found.pairs["right"].to_numpy()


def timed(name: str, table: pd.DataFrame, who: np.ndarray, link: Any) -> tuple[float, float]:
    """Run one way of linking, print its line, and return wall seconds and peak gigabytes so far."""
    wall, cpu = time.perf_counter(), time.process_time()
    left, right = link(table)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    precision, recall = judged(left, right, who)
    print(
        f"{name:8} {len(table):>9,} rows  wall {wall:6.1f} s  cpu {cpu:6.1f} s  peak {peak:.2f} GB  "
        f"{len(left):,} pairs, precision {precision:.4f}, recall {recall:.4f}",
        flush=True,
    )
    return wall, peak


if __name__ == "__main__":
    main()
