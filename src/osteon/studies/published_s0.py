"""
The published portraits study, recomputed from its own numbers: do the totals follow from the groups, and the tests?

Source: Zheng, Zhang & Li 2026, doi:10.12208/j.jacn.20260189.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from osteon.core.config import read_toml
from osteon.stats.printed import pooled_mean_sd

__all__ = ["Recheck", "published", "published_groups", "recheck"]

_P = {"match_high": "p_match_high", "healing_days": "p_healing_days", "satisfied": "p_satisfied"}
Follows = Literal["yes", "no", "not computable"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """One printed figure beside what the paper's own numbers give; ``why`` is a code."""

    figure: str
    printed: str
    recomputed: float | None
    digits: int
    follows: Follows
    why: str = ""
    group: int | None = None


@cache
def published() -> Mapping[str, Any]:
    """The printed figures."""
    return MappingProxyType(read_toml(Path(str(files("osteon.studies"))) / "published_s0.toml"))


def published_groups() -> pd.DataFrame:
    """The published groups, one row each: n, age_years, age_sd, t_lowest, t_sd, fracture_type, conservative (0-1)."""
    rows = [
        {"n": g["n"], "age_years": g["age_mean"], "age_sd": g["age_sd"], "t_lowest": g["t_mean"], "t_sd": g["t_sd"],
         "fracture_type": g["fracture_type"], "conservative": g["conservative_pct"] / 100}
        for g in published()["group"]
    ]  # fmt: skip
    return pd.DataFrame(rows)


def recheck() -> tuple[Recheck, ...]:
    """Every printed figure that the paper's other figures decide."""
    return (*_people(), *_shares(), *_tests())


def _people() -> Iterator[Recheck]:
    paper = published()
    groups = paper["group"]
    yield _line("n", paper["n"], sum(g["n"] for g in groups), digits=0)
    mean, sd = pooled_mean_sd(*([g[key] for g in groups] for key in ("n", "age_mean", "age_sd")))
    yield _line("age_mean", paper["age_mean"], mean, digits=2, why="groups_give_another")
    yield _line("age_sd", paper["age_sd"], sd, digits=2, why="groups_give_another")
    yield Recheck(figure="sex", printed=f"{paper['men']} / {paper['women']}", recomputed=None, digits=0,
                  follows="not computable", why="no_sex_by_group")  # fmt: skip


def _shares() -> Iterator[Recheck]:
    for number, group in enumerate(published()["group"], start=1):
        for name in ("conservative", "surgical"):
            printed = group[f"{name}_pct"]
            nearest = round(printed * group["n"] / 100)
            yield _line(f"{name}_pct", printed, 100 * nearest / group["n"], digits=1, group=number)


def _tests() -> Iterator[Recheck]:
    from osteon.studies.before_after import printed_comparisons

    for line in printed_comparisons():
        yield Recheck(figure=_P[line.measure], printed="< 0.05", recomputed=line.classic.p, digits=4,
                      follows="yes" if line.classic.p < 0.05 else "no", why="two_groups_assumed")  # fmt: skip
    for what in ("match_grades", "vas", "fim"):
        yield Recheck(
            figure=what, printed="", recomputed=None, digits=0, follows="not computable", why="not_printed"
        )


def _line(
    figure: str, printed: float, value: float, *, digits: int, why: str = "", group: int | None = None
) -> Recheck:
    same = abs(float(printed) - value) <= 0.5 * 10**-digits + 1e-9
    return Recheck(figure=figure, printed=f"{printed:.{digits}f}", recomputed=float(value), digits=digits,
                   follows="yes" if same else "no", why="" if same else why, group=group)  # fmt: skip
