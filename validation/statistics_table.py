"""
Every statistic of osteon beside the answer of another program: writes statistics.csv and statistics.md beside itself.

A check names a part of an oracle in tests/oracles and a function that gives osteon's answer in the same shape; every
number of the answer becomes one row. Rows agree when the absolute difference is within the tolerance. A check whose
input is not ours to ship and not beside OSTEON_DATA is listed as "input not available".
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from answers import reading
from answers import statistics as ours
from answers.inputs import ORACLES, InputAbsent, oracle

from osteon.core.files import whole_file, write_text
from osteon.core.provenance import code_version

HERE = Path(__file__).resolve().parent
ABSENT = "input not available"
COLUMNS = ("statistic", "oracle", "input", "expected", "osteon", "absolute difference", "tolerance", "agrees")
# What an oracle file holds beside answers: inputs and words (by the last part of the path; by the last two where the
# name alone would hide an answer), and figures of rms val.prob that osteon does not offer.
NOT_COMPARED = {
    "data", "truth", "n", "events", "columns", "event", "order", "note", "se_note", "ici_note", "model", "method",
    "miscalibrated_score", "decision_curve/threshold", "months", "time", "rows", "term", "m", "seed", "each_estimate",
    "each_se", "complete_data_df", "complete_rows", "missing", "table", "k", "b", "c", "pair", "groups", "source",
    "made_with", "counts", "p_adjust/p", "R2", "D", "D:Chi-sq", "D:p", "U", "U:Chi-sq", "U:p", "Q", "S:z", "S:p",
}  # fmt: skip
# Files that hold inputs, or answers that other tables and tests lie beside.
NO_STATISTICS = {"versions", "published", "qfracture2012_test_vectors"}


@dataclass(frozen=True, kw_only=True)
class Check:
    """One part of an oracle, osteon's answer in the same shape, and how near the two must be."""

    statistic: str
    package: str
    oracle: str  # file, or file:part/of/it
    data: str
    answer: Callable[[], Any]
    tolerance: float = 1e-9
    looser: Mapping[str, float] = field(default_factory=dict)  # by a part of the path
    why: str = ""  # the reason for a looser tolerance


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of the table; nothing is expected of a check whose input is absent."""

    statistic: str
    oracle: str
    input: str
    expected: float | None = None
    osteon: float | None = None
    tolerance: float

    @property
    def difference(self) -> float | None:
        return None if self.osteon is None or self.expected is None else abs(self.osteon - self.expected)

    @property
    def agrees(self) -> str:
        if self.difference is None:
            return ABSENT
        return "yes" if self.difference <= self.tolerance else "NO"

    def cells(self) -> tuple[str, ...]:
        difference = "" if self.difference is None else f"{self.difference:.1e}"
        values = ["" if value is None else f"{value:.12g}" for value in (self.expected, self.osteon)]
        return (
            self.statistic,
            self.oracle,
            self.input,
            *values,
            difference,
            f"{self.tolerance:g}",
            self.agrees,
        )


GLM = "R's glm takes its errors one step before its last, this far from the maximum"
CHECKS = (
    *(
        Check(statistic=f"AUC and DeLong interval, Youden cut: {name}", package="pROC", oracle=f"delong:{name}",
              data="asah.csv", answer=partial(ours.marker, name))
        for name in ("s100b", "ndka", "wfns", "age")
    ),
    Check(statistic="DeLong covariance", package="pROC", oracle="delong:covariance_s100b_ndka", data="asah.csv",
          answer=ours.auc_covariance),
    Check(statistic="DeLong paired test", package="pROC", oracle="delong:paired", data="asah.csv",
          answer=ours.paired_aucs),
    Check(statistic="Partial AUC", package="pROC", oracle="delong:partial_auc_spec_1_to_0.8_s100b", data="asah.csv",
          answer=ours.partial_area),
    Check(statistic="NRI and IDI", package="Hmisc improveProb", oracle="reclassification", data="nri.csv",
          answer=ours.reclassified),
    *(
        Check(statistic=f"Calibration: {name}", package="glm, lowess", oracle=f"calibration:{name}", data="nri.csv",
              answer=partial(ours.calibrated, name), tolerance=1e-6, looser={"in_the_large_se": 1e-5, "/ici": 1e-7}, why=GLM)
        for name in ("p1", "p2", "miscalibrated")
    ),
    *(
        Check(statistic=f"Hosmer-Lemeshow: {name}", package="base R", oracle=f"calibration:hosmer_lemeshow/{name}",
              data="nri.csv", answer=partial(ours.hosmer, name), tolerance=1e-9)
        for name in ("p1", "p2", "miscalibrated")
    ),
    *(
        Check(statistic=f"val.prob: {name}", package="rms", oracle=f"calibration:rms_val_prob/{name}", data="nri.csv",
              answer=partial(ours.validated, name), tolerance=1e-6)
        for name in ("p2", "miscalibrated")
    ),
    Check(statistic="Net benefit", package="closed form in R", oracle="calibration:decision_curve", data="nri.csv",
          answer=ours.net_benefits),
    Check(statistic="Kaplan-Meier", package="survival survfit", oracle="survival:kaplan_meier", data="lung.csv",
          answer=ours.kaplan_meier_values),
    Check(statistic="Kaplan-Meier, log-log limits", package="survival survfit",
          oracle="survival:km_ci_loglog_at_180_365", data="lung.csv", answer=ours.log_log_limits),
    Check(statistic="Median survival", package="survival survfit", oracle="survival:median_by_sex", data="lung.csv",
          answer=lambda: [curve.median for curve in ours.medians()]),
    Check(statistic="Median survival, limits", package="survival survfit", oracle="survival:median_ci_by_sex",
          data="lung.csv", answer=ours.median_limits),
    Check(statistic="Restricted mean survival", package="survival survfit", oracle="survival:restricted_mean_730",
          data="lung.csv", answer=ours.restricted_mean),
    Check(statistic="Log-rank test", package="survival survdiff", oracle="survival:logrank_sex", data="lung.csv",
          answer=ours.log_rank_by_sex),
    *(
        Check(statistic=f"Cox model, {ties} ties, and Harrell's C", package="survival coxph",
              oracle=f"survival:cox_{ties}", data="lung.csv", answer=partial(ours.cox_model, ties), tolerance=1e-6,
              looser={"wald": 0.005}, why="R's summary rounds the Wald statistic to two decimals")
        for ties in ("efron", "breslow")
    ),
    Check(statistic="Test of proportional hazards", package="survival cox.zph",
          oracle="survival:proportional_hazards_test", data="lung.csv", answer=ours.hazards_test, tolerance=1e-6),
    Check(statistic="Survival predicted by Cox", package="survival survfit.coxph",
          oracle="survival:predicted_survival_age60_sex1_ecog1_at_180_365", data="lung.csv",
          answer=ours.predicted_survival, tolerance=1e-6),
    Check(statistic="Cumulative incidence", package="cmprsk cuminc", oracle="competing_risks:cumulative_incidence",
          data="mgus2.csv", answer=ours.incidences, tolerance=1e-6),
    *(
        Check(statistic=f"Fine-Gray model, cause {cause}", package="cmprsk crr",
              oracle=f"competing_risks:fine_gray_cause{cause}", data="mgus2.csv",
              answer=partial(ours.fine_gray_model, cause), tolerance=1e-6)
        for cause in (1, 2)
    ),
    Check(statistic="Incidence predicted by Fine-Gray", package="cmprsk predict.crr",
          oracle="competing_risks:predicted_incidence_age70_male_mspike1.5", data="mgus2.csv",
          answer=ours.predicted_incidence, tolerance=1e-6),
    Check(statistic="Gray's test", package="cmprsk cuminc", oracle="competing_risks:gray_test_by_male",
          data="mgus2.csv", answer=ours.grays_tests, tolerance=1e-6),
    *(
        Check(statistic=f"Rubin's rules: {name}", package="mice pool", oracle=f"imputation:{name}",
              data="the fits in the oracle", answer=partial(ours.pooled, name), looser={"/df": 1e-7},
              why="the degrees of freedom are in the hundreds and the fits printed to 15 digits")
        for name in ("pooled_m20", "pooled_m20_seed2", "pooled_m20_seed3", "pooled_m200")
    ),
    *(
        Check(statistic=f"Logistic regression: {part}", package="glm", oracle=f"imputation:{part}", data=data,
              answer=partial(ours.logistic, data), tolerance=1e-6, looser={"/se/": 1e-4}, why=GLM)
        for part, data in (("full_data", "mar500_full.csv"), ("complete_cases", "mar500_missing.csv"))
    ),
    Check(statistic="Cohen's kappa", package="psych cohen.kappa", oracle="agreement:table3x3",
          data="the table in the oracle", answer=lambda: ours.kappas(oracle("statistics/agreement")["table3x3"]["table"])),
    Check(statistic="Kappa of readers, Fleiss' kappa", package="psych, arithmetic", oracle="agreement:readers",
          data="readers80.csv", answer=ours.reader_kappas),
    Check(statistic="ICC and Bland-Altman", package="aov, arithmetic", oracle="agreement:heights",
          data="heights30.csv", answer=ours.heights),
    Check(statistic="Interval of a proportion", package="prop.test, binom.test", oracle="proportions:intervals",
          data="the counts in the oracle", answer=ours.intervals),
    Check(statistic="McNemar's test", package="mcnemar.test", oracle="proportions:mcnemar",
          data="the counts in the oracle", answer=ours.mcnemars),
    *(
        Check(statistic=f"Patients with several units: {name}", package="survey; Durkalski et al. (2003)",
              oracle=f"clustered:{name}", data="the counts in the oracle", answer=partial(reading.clustered_units, name),
              looser={"obuchowski_published": 0.005}, why="the published statistic has two decimals")
        for name in ("thyroids", "psychiatry")
    ),
    Check(statistic="Kappa of grades of a patient's vertebrae", package="survey, delta method",
          oracle="clustered:vertebrae", data="vertebrae24.csv", answer=reading.clustered_grades),
    Check(statistic="Many readers, many cases", package="OR-DBM MRMC 2.51", oracle="../reader_study/van_dyke",
          data="tabular/mrmc/VanDyke.csv", answer=reading.van_dyke, tolerance=5.1e-9,
          looser={"/ddf": 0.0051, "/df": 0.0051, "/single/": 5.1e-9, "delong/F": 5.1e-5, "/F": 0.0051, "/readers/": 5.1e-5,
                  "/p": 5.1e-5, "/chi2": 5.1e-6, "/difference": 5.1e-6, "/se": 5.1e-6, "/ci": 5.1e-6},
          why="the program prints F and degrees of freedom with two decimals, p with four"),
    Check(statistic="The published reading study, recomputed", package="a separate program",
          oracle="../ovcf_reading/recomputed", data="published_s2.toml", answer=reading.published_reading),
    Check(statistic="Group comparison", package="base R", oracle="groups", data="groups120.csv",
          answer=ours.group_tests,
          looser={"tukey_vas/p": 1e-4, "shapiro_los": 1e-5, "odds_ratio": 1e-4, "fisher_2x2/ci": 5e-4},
          why="R's ptukey, swilk and the root search of fisher.test are themselves approximate"),
    Check(statistic="Logistic regression of the GLOW500 textbook", package="statsmodels and glm",
          oracle="../glow500/textbook_model", data="tabular/glow/glow500.csv", answer=ours.glow500, tolerance=1e-4,
          why="the coefficients are printed with six decimals"),
)  # fmt: skip


def rows(checks: tuple[Check, ...] = CHECKS) -> Iterator[Row]:
    """One row per number that osteon answers, or one per check whose input is absent."""
    for check in checks:
        file, _, part = check.oracle.partition(":")
        expected = {path: value for path, value in leaves(known(file)) if path.startswith(part)}
        where = f"{check.package}, {Path(file).name}"
        try:
            answer = list(leaves(check.answer(), at=part))
        except InputAbsent:
            yield Row(
                statistic=check.statistic,
                oracle=f"{where} {part}",
                input=check.data,
                tolerance=check.tolerance,
            )
            continue
        for path, value in answer:
            loose = [tolerance for word, tolerance in check.looser.items() if word in path]
            yield Row(
                statistic=check.statistic, oracle=f"{where} {path}", input=check.data, expected=float(expected[path]),
                osteon=float(value), tolerance=loose[0] if loose else check.tolerance,
            )  # fmt: skip


def known(file: str) -> Any:
    """The oracle that a check means by its file name."""
    return oracle(file.removeprefix("../") if file.startswith("../") else f"statistics/{file}")


def leaves(tree: Any, *, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a tree of mappings and lists, with its path."""
    if isinstance(tree, Mapping):
        branches = tree.items()
    elif isinstance(tree, list | tuple | np.ndarray):
        branches = enumerate(tree)
    else:
        yield at, tree
        return
    for name, branch in branches:
        yield from leaves(branch, at=f"{at}/{name}" if at else str(name))


def uncovered(checks: tuple[Check, ...] = CHECKS) -> list[str]:
    """The numbers of the oracles that no check answers and that are not declared as no answer."""
    missing = []
    answered = {row.oracle.split(", ")[-1] for row in rows(checks)}
    for file in sorted(ORACLES.glob("*/*.json")):
        if file.stem in NO_STATISTICS:
            continue
        for path, _ in leaves(oracle(f"{file.parent.name}/{file.stem}")):
            words = path.split("/")
            names = {*words, *("/".join(pair) for pair in pairwise(words))}
            if not names & NOT_COMPARED and f"{file.stem} {path}" not in answered:
                missing.append(f"{file.stem} {path}")
    return missing


def write(table: list[Row], folder: Path) -> None:
    """The table as statistics.csv and, under its header, as statistics.md."""
    text = markdown(table)  # first: it names the commit, which a new statistics.csv would mark as changed
    with (
        whole_file(folder / "statistics.csv") as draft,
        draft.open("w", encoding="utf-8", newline="") as stream,
    ):
        csv.writer(stream, lineterminator="\n").writerows([COLUMNS, *(row.cells() for row in table)])
    write_text(folder / "statistics.md", text)


def markdown(table: list[Row]) -> str:
    """The table with its header: the command, the commit, how many agree."""
    compared = [row for row in table if row.difference is not None]
    agreeing = sum(row.agrees == "yes" for row in compared)
    absent = len(table) - len(compared)
    lines = [
        "# Statistics beside known answers",
        "",
        "Each number osteon gives, beside the same number from another program, on the same input.",
        "",
        f"- Command: `OSTEON_DATA=... python validation/{Path(__file__).name}` (`make validation`)",
        f"- Code: {code_version()}; oracles: R 4.2.2, packages in tests/oracles/statistics/versions.json",
        f"- **{agreeing} of {len(compared)} numbers agree** within their tolerance (absolute difference)"
        + (f"; {absent} checks without their input" if absent else ""),
        "",
        "Tolerances are those of the oracle; where one is looser than 1e-6:",
        "",
        *sorted(
            {
                f"- {check.statistic.partition(':')[0].partition(',')[0]}: {check.why}"
                for check in CHECKS
                if check.why
            }
        ),
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
    ]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row.cells()) + " |" for row in table]
    return "\n".join(lines) + "\n"


def main() -> int:
    table = list(rows())
    write(table, HERE)
    wrong = [row for row in table if row.agrees == "NO"]
    absent = sum(row.agrees == ABSENT for row in table)
    print(
        f"statistics: {len(table) - len(wrong) - absent} agree, {len(wrong)} do not, {absent} inputs not available"
    )
    for row in wrong:
        print("  differs:", *row.cells())
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
