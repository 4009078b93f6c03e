"""
Recheck of the reading study of vertebral fractures on CT: every figure it prints, recomputed from its own counts.

The counts and the printed figures are data (``published_s2.toml``); here stands how each kind of figure follows from
the counts. ``follows`` is "yes" when the recomputed value rounds to the printed one, "no" when it cannot, "not
computable" when the paper prints too little. Nothing here judges the study beyond arithmetic and what the paper
itself says elsewhere.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from osteon.core.errors import ConfigError
from osteon.stats.agreement import Kappa, cohens_kappa
from osteon.stats.compare import Comparison
from osteon.stats.contingency import chi_squared, expected_counts
from osteon.stats.margins import kappa_band, kappa_from_margins, mcnemar_bounds, sd_bounds

__all__ = ["ARMS", "Recheck", "published", "recheck"]

Follows = Literal["yes", "no", "not computable"]
Value = float | str | None
ARMS = ("conventional", "ai")
_MEASURES = {"accuracy": ("tp", "tn"), "sensitivity": ("tp",), "specificity": ("tn",)}
_MISSED = {"accuracy": ("fn", "fp"), "sensitivity": ("fn",), "specificity": ("fp",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recheck:
    """One printed figure, where it stands, and what the paper's own counts give; ``why`` is a key of the word lists."""

    figure: str
    item: str = ""
    place: str
    printed: str | None
    recomputed: Value
    follows: Follows
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """What the counts give: a value, a remark for the reader, and a verdict where rounding cannot decide it."""

    value: Value
    why: str = ""
    follows: Follows | None = None


@cache
def published() -> dict[str, Any]:
    """The counts and the printed figures as data."""
    return tomllib.loads((files("osteon.studies") / "published_s2.toml").read_text(encoding="utf-8"))


def recheck(paper: dict[str, Any] | None = None) -> tuple[Recheck, ...]:
    """
    Every printed figure in the order of the paper.

    Parameters
    ----------
    paper : dict, optional
        Counts and printed figures in the form of :func:`published`, to see what other counts would say.

    Examples
    --------
    >>> accuracy = next(line for line in recheck() if line.figure == "accuracy")
    >>> accuracy.printed, round(accuracy.recomputed, 2), accuracy.follows
    ('86.91', 85.91, 'no')
    """
    content = paper or published()
    return tuple(_line(content, entry) for entry in content["printed"])


def _line(paper: dict[str, Any], entry: dict[str, str]) -> Recheck:
    figure, item, text = entry["figure"], entry.get("item", ""), entry.get("text")
    if figure not in _FIGURES:
        raise ConfigError(f"published_s2.toml: no rule for {figure!r}.")
    found = _FIGURES[figure](paper, item)
    follows = found.follows or _follows(text or "", found.value)
    return Recheck(figure=figure, item=item, place=entry["place"], printed=text, recomputed=found.value,
                   follows=follows, why=found.why)  # fmt: skip


def _follows(printed: str, value: Value) -> Follows:
    """Whether a value rounds to the printed figure (half a unit of its last digit), lies below it, or is the same text."""
    if isinstance(value, str) or value is None:
        return "yes" if printed == value else "no"
    if printed.startswith("< "):
        return "yes" if value < float(printed[2:]) else "no"
    half_unit = 0.5 * 10 ** -len(printed.partition(".")[2])
    return "yes" if abs(float(printed) - value) <= half_unit * (1 + 1e-9) else "no"


def _fraction(paper: dict[str, Any], arm: str, measure: str) -> tuple[int, int]:
    """Right calls and all calls of one measure in one arm."""
    cells = paper["detection"][arm]
    right = sum(cells[name] for name in _MEASURES[measure])
    return right, right + sum(cells[name] for name in _MISSED[measure])


def _series(values: list[int]) -> str:
    return " / ".join(map(str, values))


def _sum(*names: str) -> Callable[[dict[str, Any], str], _Found]:
    return lambda paper, _: _Found(float(sum(_flat(paper["cohort"][name] for name in names))))


def _flat(parts: Any) -> list[int]:
    return [value for part in parts for value in (part if isinstance(part, list) else [part])]


def _share(name: str) -> Callable[[dict[str, Any], str], _Found]:
    return lambda paper, _: _Found(100 * paper["cohort"][name] / paper["cohort"]["n"])


def _spread(paper: dict[str, Any], item: str) -> _Found:
    row = paper["cohort"][item]
    bounds = sd_bounds(n=paper["cohort"]["n"], mean=row["mean"], low=row["low"], high=row["high"])
    return _Found(f"{bounds.low:.2f} - {bounds.high:.2f}", "sd_range", "yes" if row["sd"] in bounds else "no")


def _truth_margin(paper: dict[str, Any], arm: str) -> _Found:
    cells = paper["detection"][arm]
    return _Found(_series([cells["tp"] + cells["fn"], cells["fp"] + cells["tn"]]))


def _call_margin(paper: dict[str, Any], arm: str) -> _Found:
    cells = paper["detection"][arm]
    return _Found(_series([cells["tp"] + cells["fp"], cells["fn"] + cells["tn"]]))


def _detection_kappa(paper: dict[str, Any], arm: str) -> Kappa:
    cells = paper["detection"][arm]
    return cohens_kappa([[cells["tp"], cells["fn"]], [cells["fp"], cells["tn"]]])


def _typing_kappa(paper: dict[str, Any], arm: str) -> Kappa:
    return cohens_kappa(paper["typing"][arm]["cells"])


def _p(kappa: Callable[[dict[str, Any], str], Kappa]) -> Callable[[dict[str, Any], str], _Found]:
    return lambda paper, arm: _Found(max(kappa(paper, arm).p, 1e-300))


def _band(kappa: Callable[[dict[str, Any], str], Kappa]) -> Callable[[dict[str, Any], str], _Found]:
    """The band of the paper (poor below .4, excellent from .75) as a range."""
    shown = {"poor": "< 0.4", "fair_to_good": "0.4 - 0.75", "excellent": ">= 0.75"}
    return lambda paper, arm: _Found(shown[kappa_band(kappa(paper, arm).value)], "band_of_recomputed")


def _percentage(measure: str) -> Callable[[dict[str, Any], str], _Found]:
    def found(paper: dict[str, Any], arm: str) -> _Found:
        right, n = _fraction(paper, arm, measure)
        value = 100 * right / n
        printed = next(
            float(e["text"]) for e in paper["printed"] if (e["figure"], e.get("item")) == (measure, arm)
        )
        # One digit typed wrong is the commonest cause; say so where that is what it looks like.
        slip = math.isclose(abs(value - printed), 1.0, abs_tol=0.0051)
        return _Found(value, "one_off" if slip else "")

    return found


def _counts(measure: str) -> Callable[[dict[str, Any], str], _Found]:
    return lambda paper, arm: _Found(_series(list(_fraction(paper, arm, measure))))


def _unpaired(paper: dict[str, Any], measure: str) -> Comparison:
    """Chi-square of two arms as if they were two groups of people; Yates' correction where a count below 5 is expected."""
    rows = [(k, n - k) for k, n in (_fraction(paper, arm, measure) for arm in ARMS)]
    return chi_squared(rows, continuity=bool((expected_counts(rows) < 5).any()))


def _chi2(paper: dict[str, Any], measure: str) -> _Found:
    test = _unpaired(paper, measure)
    return _Found(test.statistic, "with_yates" if test.test == "chi_squared_yates" else "unpaired")


def _chi2_p(paper: dict[str, Any], measure: str) -> _Found:
    test = _unpaired(paper, measure)
    return _Found(test.p, "with_yates" if test.test == "chi_squared_yates" else "unpaired")


def _p_range(first: int, second: int, n: int) -> _Found:
    """The exact p of McNemar's test over all pairings; never computable from margins, but bounded by them."""
    p = mcnemar_bounds(first, second, n).p_exact
    why = "paired_always" if p.high < 0.05 else "paired_never" if p.low >= 0.05 else "paired_open"
    return _Found(f"{p.low:.2g} - {p.high:.2g}", why, "not computable")


def _paired_p(paper: dict[str, Any], measure: str) -> _Found:
    (first, n), (second, _) = (_fraction(paper, arm, measure) for arm in ARMS)
    return _p_range(first, second, n)


def _trace(paper: dict[str, Any], arm: str) -> int:
    cells = paper["typing"][arm]["cells"]
    return sum(cells[i][i] for i in range(len(cells)))


def _typing_rows(paper: dict[str, Any], arm: str) -> _Found:
    table = paper["typing"][arm]
    sums = [sum(row) for row in table["cells"]]
    return _Found(_series(sums), _short(sums, table["rows"], "row_differs"))


def _typing_columns(paper: dict[str, Any], arm: str) -> _Found:
    table = paper["typing"][arm]
    sums = [sum(column) for column in zip(*table["cells"], strict=True)]
    return _Found(_series(sums), _short(sums, table["columns"], "column_differs"))


def _short(sums: list[int], printed: list[int], why: str) -> str:
    """Which margin differs, where exactly one does."""
    gaps = [(name, p - s) for name, p, s in zip("ABCD-", printed, sums, strict=True) if p != s]
    return f"{why}:{gaps[0][0]} {gaps[0][1]:+d}" if len(gaps) == 1 else ""


def _typing_total(paper: dict[str, Any], arm: str) -> _Found:
    cells, total = sum(_flat(paper["typing"][arm]["cells"])), paper["typing"][arm]["total"]
    return _Found(float(cells), "" if cells == total else "cell_c_d")


def _typing_called(paper: dict[str, Any], arm: str) -> _Found:
    cells = paper["detection"][arm]
    return _Found(float(cells["tp"] + cells["fp"]))


def _typing_false_positive(paper: dict[str, Any], arm: str) -> _Found:
    return _Found(float(sum(row[-1] for row in paper["typing"][arm]["cells"])))


def _typing_missed(paper: dict[str, Any], arm: str) -> _Found:
    """MRI fractures of each type that the typing table lacks; together they are the missed ones of Table 1."""
    columns = [sum(column) for column in zip(*paper["typing"][arm]["cells"], strict=True)]
    missed = [n - k for n, k in zip(paper["cohort"]["denis"], columns[:4], strict=True)]
    return _Found(float(sum(missed)), f"missed_by_type:{_series(missed)}")


def _typing_counts(paper: dict[str, Any], arm: str) -> _Found:
    called = paper["detection"][arm]["tp"] + paper["detection"][arm]["fp"]
    return _Found(_series([_trace(paper, arm), called]), "false_positives_in_denominator")


def _typing_accuracy(paper: dict[str, Any], arm: str) -> _Found:
    called = paper["detection"][arm]["tp"] + paper["detection"][arm]["fp"]
    fractures = sum(paper["cohort"]["denis"])
    return _Found(
        100 * _trace(paper, arm) / called, f"of_all_fractures:{100 * _trace(paper, arm) / fractures:.2f}"
    )


def _typing_kappa_found(paper: dict[str, Any], arm: str) -> _Found:
    """Kappa of the cells; where the printed margins differ from them, kappa of the margins goes along."""
    table = paper["typing"][arm]
    value = _typing_kappa(paper, arm).value
    if sum(table["rows"]) != sum(table["columns"]) or sum(table["rows"]) == sum(_flat(table["cells"])):
        return _Found(value)
    from_margins = kappa_from_margins(_trace(paper, arm), table["rows"], table["columns"])
    return _Found(value, f"kappa_of_margins:{from_margins:.3f}")


def _typing_test(paper: dict[str, Any]) -> Comparison:
    rows = []
    for arm in ARMS:
        called = paper["detection"][arm]["tp"] + paper["detection"][arm]["fp"]
        rows.append((_trace(paper, arm), called - _trace(paper, arm)))
    return chi_squared(rows)


def _typing_paired(paper: dict[str, Any], _: str) -> _Found:
    first, second = (_trace(paper, arm) for arm in ARMS)
    return _p_range(first, second, sum(paper["cohort"]["denis"]))


def _stated(follows: Follows, why: str, value: Value = None) -> Callable[[dict[str, Any], str], _Found]:
    """A figure that no count decides."""
    return lambda paper, item: _Found(value, why, follows)


_FIGURES: dict[str, Callable[[dict[str, Any], str], _Found]] = {
    "groups_sum": _sum("positive", "negative"),
    "share_positive": _share("positive"),
    "share_negative": _share("negative"),
    "sex_sum": _sum("sex"),
    "cause_sum": _sum("cause"),
    "denis_sum": _sum("denis"),
    "spread": _spread,
    "window_width": _stated("no", "window_in_hu"),
    "scan_region": _stated("no", "chest_ct", "T12-S1"),
    "truth_margin": _truth_margin,
    "call_margin": _call_margin,
    "kappa": lambda paper, arm: _Found(_detection_kappa(paper, arm).value),
    "kappa_p": _p(_detection_kappa),
    "kappa_band": _band(_detection_kappa),
    "accuracy": _percentage("accuracy"),
    "sensitivity": _percentage("sensitivity"),
    "specificity": _percentage("specificity"),
    "accuracy_counts": _counts("accuracy"),
    "sensitivity_counts": _counts("sensitivity"),
    "specificity_counts": _counts("specificity"),
    "chi2": _chi2,
    "chi2_p": _chi2_p,
    "paired_p": _paired_p,
    "typing_rows": _typing_rows,
    "typing_columns": _typing_columns,
    "typing_total": _typing_total,
    "typing_called": _typing_called,
    "typing_false_positive": _typing_false_positive,
    "typing_missed": _typing_missed,
    "typing_counts": _typing_counts,
    "typing_accuracy": _typing_accuracy,
    "typing_kappa": _typing_kappa_found,
    "typing_kappa_p": _p(_typing_kappa),
    "typing_kappa_band": _band(_typing_kappa),
    "typing_chi2": lambda paper, _: _Found(_typing_test(paper).statistic, "unpaired_other_cases"),
    "typing_chi2_p": lambda paper, _: _Found(_typing_test(paper).p, "unpaired_other_cases"),
    "typing_paired_p": _typing_paired,
    "abstract_kappa": lambda paper, arm: _Found(_typing_kappa(paper, arm).value, "abstract_wrong_arm"),
    "readers_apart": _stated("not computable", "consensus_only"),
    "washout": _stated("not computable", "no_washout"),
    "reading_time": _stated("not computable", "no_times"),
}
