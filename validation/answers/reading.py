"""The answers of a reading study: units of one patient, many readers, the recheck of the published counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from answers.inputs import numbers, oracle, table
from osteon.stats import agreement, clustered, contingency, proportion
from osteon.stats.accuracy import diagnostic_accuracy
from osteon.stats.obuchowski_rockette import ArmTest
from osteon.stats.reader_study import ReaderStudy, reader_study
from osteon.studies.published_s2 import published, recheck


def clustered_units(name: str) -> dict[str, Any]:
    counts = oracle("statistics/clustered")[name]["counts"]
    kinds = {"both": (1, 1), "first": (1, 0), "second": (0, 1), "neither": (0, 0)}
    units = [
        (patient, *calls)
        for kind, calls in kinds.items()
        for patient, n in enumerate(counts[kind])
        for _ in range(n)
    ]
    patients, first, second = np.array(units).T
    shares = {
        key: clustered.clustered_share(calls, patients)
        for key, calls in (("first", first), ("second", second))
    }
    test, kappa = (
        clustered.clustered_mcnemar(first, second, patients),
        clustered.clustered_kappa(first, second, patients),
    )
    return {
        **{
            f"share_{key}": {"value": s.value, "design_effect": s.design_effect, "ci": [s.ci.low, s.ci.high]}
            for key, s in shares.items()
        },
        "difference": {"value": test.difference, "ci": [test.ci.low, test.ci.high]},
        "p_exact": test.p_exact,
        "kappa": {"value": kappa.value, "se": kappa.se},
        "obuchowski_published": test.chi2 * (test.patients - 1) / test.patients,
    }  # fmt: skip


def clustered_grades() -> dict[str, Any]:
    patients, *calls = (numbers("vertebrae24.csv", name).astype(int) for name in ("patient", "a", "b", "c"))
    found = {
        weights: clustered.clustered_kappa(calls[0], calls[1], patients, weights=weights)
        for weights in ("none", "linear", "quadratic")
    }
    found["fleiss"] = clustered.clustered_fleiss_kappa(np.array(calls).T.tolist(), patients)
    return {name: {"value": kappa.value, "se": kappa.se} for name, kappa in found.items()}


def van_dyke() -> dict[str, Any]:
    name = "tabular/mrmc/VanDyke.csv"
    columns = {key: numbers(name, key).astype(int) for key in table(name) if not key.startswith("case")}
    arm, reader, case = columns["treatment"] - 1, columns["reader"] - 1, numbers(name, "case").astype(int) - 1
    ratings, truth = np.zeros((2, 5, 114)), np.zeros(114)
    ratings[arm, reader, case], truth[case] = columns["rating"], columns["truth"]

    def studied(method: Any) -> ReaderStudy:
        return reader_study(ratings, truth, arms=("1", "2"), readers=tuple("12345"), method=method)

    study, delong = studied("jackknife"), studied("delong")
    parts, values = study.components, study.figures.values
    both, fixed, readers = (
        study.test(scope)
        for scope in (
            "random_readers_random_cases",
            "fixed_readers_random_cases",
            "random_readers_fixed_cases",
        )
    )
    general = delong.test("random_readers_random_cases")
    return {
        "auc": {"1": values[0], "2": values[1]},
        "mean_auc": values.mean(axis=1),
        "ms": {"t": parts.ms_t, "r": parts.ms_r, "tr": parts.ms_tr},
        "components": {k: getattr(parts, k) for k in ("error", "cov1", "cov2", "cov3", "var_r", "var_tr")},
        "random_random": {"F": both.statistic, "error_term": both.error_term, "ddf": both.df2,
                          "difference": both.differences[0].difference, **_limits(both, df=True)},
        "fixed_random": {"chi2": fixed.statistic, **_limits(fixed),
                         "readers": [[own.difference, own.se, own.p] for own in study.by_reader]},
        "random_fixed": {"F": readers.statistic, "ddf": readers.df2, **_limits(readers, df=True)},
        "delong": {"F": general.statistic, "ddf": general.df2, "p": general.p,
                   **{k: getattr(delong.components, k) for k in ("error", "cov1", "cov2", "cov3")}},
    }  # fmt: skip


def _limits(test: ArmTest, *, df: bool = False) -> dict[str, Any]:
    (gap,) = test.differences
    return {
        "p": test.p, "se": gap.se, "ci": [gap.ci.low, gap.ci.high],
        "single": {
            mean.arm: {"se": mean.se, **({"df": mean.df} if df else {}), "ci": [mean.ci.low, mean.ci.high]}
            for mean in test.means
        },
    }  # fmt: skip


def published_reading() -> dict[str, Any]:
    """The recheck's lines where it has one, the same functions on its counts where it has none."""
    arms = {"conventional": "conventional", "ai_assisted": "ai"}
    return {
        "detection": {name: _detection(arm) for name, arm in arms.items()},
        "denis": {name: _denis(arm) for name, arm in arms.items()},
        "tests_unpaired": {
            **{measure: _two_groups(*(_counts(measure, arm) for arm in arms.values()))
               for measure in ("accuracy", "sensitivity", "specificity")},
            "denis_158_170": _two_groups(*(_counts("typing", arm) for arm in arms.values())),
            "denis_156_170": _two_groups(*((_counts("typing", arm)[0], int(_line("typing_total", arm))) for arm in arms.values())),
        },
    }  # fmt: skip


def _line(figure: str, item: str) -> Any:
    return next(line.recomputed for line in recheck() if (line.figure, line.item) == (figure, item))


def _margin(figure: str, item: str) -> list[int]:
    return [int(n) for n in _line(figure, item).split(" / ")]


def _counts(measure: str, arm: str) -> list[int]:
    """Right calls and all calls."""
    return _margin(f"{measure}_counts", arm)


def _detection(arm: str) -> dict[str, float]:
    c = published()["detection"][arm]
    found = diagnostic_accuracy(
        true_positive=c["tp"], false_positive=c["fp"], false_negative=c["fn"], true_negative=c["tn"]
    )
    shares = {measure: _line(measure, arm) / 100 for measure in ("accuracy", "sensitivity", "specificity")}
    return {**shares, "ppv": found.ppv.value, "npv": found.npv.value, "kappa": _line("kappa", arm)}


def _denis(arm: str) -> dict[str, Any]:
    cells = np.array(published()["typing"][arm]["cells"])
    right, called = _counts("typing", arm)
    fractures = _margin("truth_margin", arm)[0]
    true_positive = called - int(_line("typing_false_positive", arm))
    return {
        "cases": _line("typing_total", arm), "reader_positive": _line("typing_called", arm), "correct": right,
        "reader_margin": _margin("typing_rows", arm)[:4], "mri_margin": _margin("typing_columns", arm),
        **{f"accuracy_over_{whole}": proportion.proportion(right, int(n)).value for whole, n in (
            ("table", _line("typing_total", arm)), ("true_positive", true_positive), ("all_fractures", fractures))},
        "accuracy_over_reader_positive": _line("typing_accuracy", arm) / 100,
        "kappa_5x5": _line("typing_kappa", arm), "kappa_4x4": agreement.cohens_kappa(cells[:4, :4]).value,
    }  # fmt: skip


def _two_groups(*arms: Any) -> dict[str, Any]:
    rows = [(right, n - right) for right, n in arms]
    return {
        name: {"chi2": test.statistic, "p": test.p}
        for name, test in (
            ("plain", contingency.chi_squared(rows)),
            ("yates", contingency.chi_squared(rows, continuity=True)),
        )
    }
