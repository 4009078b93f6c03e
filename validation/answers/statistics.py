"""Each answer in the shape of its oracle, so that the two can be laid beside each other number by number."""

from __future__ import annotations

from typing import Any

import numpy as np

from answers.inputs import asah, groups, lung, mgus, nri, numbers, oracle, outcome_counts, table
from osteon.models.linear import logistic_fit
from osteon.stats import (
    agreement,
    auc,
    calibration,
    compare,
    compare_many,
    competing,
    contingency,
    cox,
    decision,
    fine_gray,
    multiplicity,
    normality,
    pooling,
    posthoc,
    proportion,
    reclassification,
    reliability,
    survival,
)
from osteon.stats.hosmer_lemeshow import hosmer_lemeshow


def marker(name: str) -> dict[str, Any]:
    y_true, markers = asah()
    area, best = auc.auc(y_true, markers[name]), auc.youden_threshold(y_true, markers[name])
    return {
        "auc": area.value, "ci_low": area.ci.low, "ci_high": area.ci.high, "variance": area.se**2,
        "youden": {"threshold": best.threshold, "sensitivity": best.sensitivity, "specificity": best.specificity},
    }  # fmt: skip


def paired_aucs() -> dict[str, Any]:
    y_true, markers = asah()
    pairs = auc.compare_aucs(y_true, {name: markers[name] for name in ("s100b", "ndka", "wfns")}).pairs
    return {f"{pair.first}_vs_{pair.second}": {"z": pair.z, "p": pair.p} for pair in pairs}


def auc_covariance() -> float:
    y_true, markers = asah()
    return float(
        auc.compare_aucs(y_true, {name: markers[name] for name in ("s100b", "ndka")}).covariance[0, 1]
    )


def partial_area() -> float:
    y_true, markers = asah()
    return auc.partial_auc(y_true, markers["s100b"], low=0.8, focus="specificity").value


def reclassified() -> dict[str, float]:
    y_true, risks = nri()
    free = reclassification.net_reclassification(y_true, risks["p1"], risks["p2"])
    cut = reclassification.net_reclassification(y_true, risks["p1"], risks["p2"], cuts=(0.2, 0.5))
    gain = reclassification.discrimination_improvement(y_true, risks["p1"], risks["p2"])
    return {
        "continuous_nri": free.value, "se_nri": free.se, "z_nri": free.z, "nri_events": free.event_part,
        "nri_nonevents": free.non_event_part, "se_nri_events": free.event_part_se,
        "se_nri_nonevents": free.non_event_part_se, "idi": gain.value, "se_idi": gain.se, "z_idi": gain.z,
        "improvement_sensitivity": gain.event_part, "improvement_specificity": gain.non_event_part,
        "categorical_nri_cuts_0.2_0.5": cut.value,
    }  # fmt: skip


def calibrated(name: str) -> dict[str, Any]:
    y_true, risks = nri()
    fit = calibration.calibration(y_true, risks[name])
    answer = {
        "intercept": fit.intercept, "slope": fit.slope, "se": [fit.intercept_se, fit.slope_se],
        "in_the_large": fit.in_the_large, "in_the_large_se": fit.in_the_large_se,
        "brier": calibration.brier(y_true, risks[name]).value, "expected_over_observed": fit.expected_over_observed,
    }  # fmt: skip
    if name != "miscalibrated":
        answer |= {"ici": fit.ici, "e50": fit.e50, "e90": fit.e90, "emax": fit.emax}
    return answer


def hosmer(name: str) -> dict[str, float]:
    y_true, risks = nri()
    test = hosmer_lemeshow(y_true, risks[name], fitted_here=True)
    return {"chi2": test.chi2, "df": test.df, "p": test.p}


def validated(name: str) -> dict[str, float]:
    y_true, risks = nri()
    fit, area = calibration.calibration(y_true, risks[name]), auc.auc(y_true, risks[name]).value
    return {
        "Dxy": 2 * area - 1, "C (ROC)": area, "Brier": calibration.brier(y_true, risks[name]).value,
        "Intercept": fit.intercept, "Slope": fit.slope, "Emax": fit.emax, "E90": fit.e90, "Eavg": fit.ici,
    }  # fmt: skip


def net_benefits() -> dict[str, Any]:
    y_true, risks = nri()
    thresholds = oracle("statistics/calibration")["decision_curve"]["threshold"]
    curves = decision.decision_curves(
        y_true, {name: risks[name] for name in ("p1", "p2")}, thresholds=thresholds
    )
    answer = {name: curve.net_benefit for name, curve in curves.models.items()}
    return {**answer, "treat_all": curves.treat_all.net_benefit}


def kaplan_meier_values() -> dict[str, Any]:
    now = survival.kaplan_meier(lung("sex")[0]).at([90, 180, 365, 730])
    return {
        "survival": now.survival, "se": now.se, "ci_low_log": now.low, "ci_high_log": now.high, "at_risk": now.at_risk,
    }  # fmt: skip


def log_log_limits() -> dict[str, Any]:
    now = survival.kaplan_meier(lung("sex")[0], interval="log-log").at([180, 365])
    return {"low": now.low, "high": now.high}


def restricted_mean() -> float:
    return survival.kaplan_meier(lung("sex")[0]).restricted_mean(730).value


def medians() -> list[survival.KaplanMeier]:
    follow_up, columns = lung("sex")
    return [survival.kaplan_meier(follow_up.where(columns["sex"] == sex)) for sex in (1, 2)]


def median_limits() -> dict[str, list[float]]:
    limits = [curve.median_ci for curve in medians()]
    return {"low": [limit.low for limit in limits], "high": [limit.high for limit in limits]}


def log_rank_by_sex() -> dict[str, Any]:
    follow_up, columns = lung("sex")
    test = survival.log_rank(follow_up, columns["sex"])
    return {"chi2": test.chi2, "p": test.p, "observed": test.observed, "expected": test.expected}


def cox_model(ties: Any) -> dict[str, Any]:
    model = cox.cox(*lung("age", "sex", "ph.ecog"), ties=ties)
    return {
        "coef": {term.name: term.coefficient for term in model.terms}, "se": {term.name: term.se for term in model.terms},
        "loglik": [model.log_likelihood_null, model.log_likelihood], "lr_chi2": model.likelihood_ratio.chi2,
        "wald": model.wald.chi2, "score": model.score.chi2, "c_index": model.concordance.value,
        "c_index_se": model.concordance.se,
    }  # fmt: skip


def hazards_test() -> dict[str, list[float]]:
    follow_up, columns = lung("age", "sex", "ph.ecog")
    test = cox.proportional_hazards(cox.cox(follow_up, columns), follow_up, columns)
    rows = [*test.terms.values(), test.overall]
    return {"chi2": [row.chi2 for row in rows], "p": [row.p for row in rows]}


def predicted_survival() -> np.ndarray:
    model = cox.cox(*lung("age", "sex", "ph.ecog"))
    return model.survival_at({"age": [60], "sex": [1], "ph.ecog": [1]}, times=[180, 365])[0]


def incidences() -> dict[str, Any]:
    curves = competing.cumulative_incidence(mgus()[0])
    now = {cause: curve.at([60, 120, 240]) for cause, curve in curves.items()}
    return {f"cause{cause}": at.incidence for cause, at in now.items()} | {
        f"se_cause{cause}": at.se for cause, at in now.items()
    }


def fine_gray_model(cause: int) -> dict[str, Any]:
    model = fine_gray.fine_gray(*mgus("age", "male", "mspike"), cause=cause)
    answer: dict[str, Any] = {"coef": {term.name: term.coefficient for term in model.terms}}
    answer["se"] = [term.se for term in model.terms]
    return answer | ({"loglik": model.log_likelihood} if cause == 1 else {})


def predicted_incidence() -> dict[str, Any]:
    model = fine_gray.fine_gray(*mgus("age", "male", "mspike"), cause=1)
    return {"value": model.incidence_at({"age": [70], "male": [1], "mspike": [1.5]}, times=[60, 120, 240])[0]}


def grays_tests() -> dict[str, Any]:
    outcome, columns = mgus("male")
    tests = {cause: competing.grays_test(outcome, columns["male"], cause=cause) for cause in (1, 2)}
    return {f"cause{cause}": {"chi2": test.chi2, "p": test.p} for cause, test in tests.items()}


def pooled(name: str) -> dict[str, Any]:
    """Rubin's rules on the 20 printed fits, or on made-up fits with the printed mean and variances."""
    known, df = (
        oracle("statistics/imputation")[name],
        oracle("statistics/imputation")["pooled_m20"]["complete_data_df"],
    )
    if "each_estimate" in known:
        estimates, variances = np.array(known["each_estimate"]), np.square(known["each_se"])
    else:
        spread = np.linspace(-1, 1, known["m"])[:, None]
        estimates = np.array(known["estimate"]) + spread / spread.std(ddof=1) * np.sqrt(known["between"])
        variances = np.tile(known["within"], (known["m"], 1))
    terms = pooling.pool_terms(estimates, variances, complete_df=df)
    answer = {
        key: [getattr(term, key) for term in terms] for key in ("se", "df", "fmi", "riv", "within", "between")
    }
    return {"estimate": [term.value for term in terms], **answer}


def logistic(name: str) -> dict[str, Any]:
    columns = {key: numbers(name, key) for key in ("age", "female", "bmi", "tscore", "smoker", "fracture")}
    whole = np.all([np.isfinite(column) for column in columns.values()], axis=0)
    y_true = columns.pop("fracture")[whole]
    fit = logistic_fit(np.stack(list(columns.values()), axis=1)[whole], y_true)
    return {"estimate": [fit.intercept, *fit.coefficients], "se": np.sqrt(np.diag(fit.covariance))}


def glow500() -> dict[str, Any]:
    columns = {
        name.upper(): numbers("tabular/glow/glow500.csv", name) for name in table("tabular/glow/glow500.csv")
    }
    columns["RATERISK3"] = columns["RATERISK"] == 3
    columns["AGE_PRIORFRAC"] = columns["AGE"] * columns["PRIORFRAC"]
    columns["MOMFRAC_ARMASSIST"] = columns["MOMFRAC"] * columns["ARMASSIST"]
    names = [name for name in oracle("glow500/textbook_model")["coefficients"] if name != "const"]
    matrix = np.stack([columns[name] for name in names], axis=1).astype(float)
    fit = logistic_fit(matrix, columns["FRACTURE"])
    errors = np.sqrt(np.diag(fit.covariance))
    return {
        "coefficients": dict(zip(["const", *names], [fit.intercept, *fit.coefficients], strict=True)),
        "standard_errors": dict(zip(["const", *names], errors, strict=True)),
        "log_likelihood": fit.log_likelihood,
        "apparent_auc": auc.auc(columns["FRACTURE"], fit.predict(matrix)).value,
    }


def kappas(counts: Any) -> dict[str, Any]:
    plain, weighted = agreement.cohens_kappa(counts), agreement.cohens_kappa(counts, weights="quadratic")
    return {
        "unweighted": [plain.ci.low, plain.value, plain.ci.high], "var_unweighted": plain.se**2,
        "quadratic_estimate": weighted.value,
    }  # fmt: skip


def reader_kappas() -> dict[str, Any]:
    calls = {name: numbers("readers80.csv", name).astype(int).tolist() for name in "abc"}
    counts = agreement.rating_counts(list(zip(calls["a"], calls["b"], calls["c"], strict=True)))
    pairs = {
        f"{i}_{j}": kappas(agreement.cross_table(calls[i], calls[j]).counts) for i, j in ("ab", "ac", "bc")
    }
    return {**pairs, "fleiss_kappa": agreement.fleiss_kappa(counts).value}


def heights() -> dict[str, Any]:
    ratings = np.stack([numbers("heights30.csv", f"r{reader}") for reader in (1, 2, 3)], axis=1)
    random, fixed = (reliability.intraclass_correlation(ratings, form=form) for form in ("2,1", "3,1"))
    limits = reliability.bland_altman(ratings[:, 0], ratings[:, 1])
    return {
        "ms_subjects": random.ms_subjects, "ms_raters": random.ms_raters, "ms_error": random.ms_error,
        "icc_2_1": random.value, "icc_3_1": fixed.value, "bland_altman_r1_r2": {"bias": limits.bias, "sd": limits.sd},
    }  # fmt: skip


def intervals() -> list[dict[str, Any]]:
    methods = {
        "wilson": "wilson",
        "wilson_continuity": "wilson-continuity",
        "clopper_pearson": "clopper-pearson",
    }
    rows = []
    for case in oracle("statistics/proportions")["intervals"]:
        limits = {
            key: proportion.proportion(case["k"], case["n"], method=name).ci for key, name in methods.items()
        }
        rows.append({key: [ci.low, ci.high] for key, ci in limits.items()})
    return rows


def mcnemars() -> list[dict[str, float]]:
    cases = oracle("statistics/proportions")["mcnemar"]
    tests = [agreement.mcnemar(first_only=case["b"], second_only=case["c"]) for case in cases]
    return [
        {"chi2": test.chi2, "p": test.p, "p_continuity": test.p_continuity, "p_exact": test.p_exact}
        for test in tests
    ]


def compared(
    test: compare.Comparison, statistic: str, *, df: int = 0, mean: bool = False, ci: bool = False
) -> dict:
    """A comparison under R's names; ``df`` of its degrees of freedom, its estimate and interval where R prints them."""
    answer: dict[str, Any] = {statistic: test.statistic, "p": test.p}
    if df:
        answer["df"] = list(test.df) if df > 1 else test.df[0]
    if mean:
        answer["mean"] = test.estimate
    if ci:
        answer["ci"] = [test.ci.low, test.ci.high]
    return answer


def group_tests() -> dict[str, Any]:
    vas, los, counts = groups("vas"), groups("los"), outcome_counts()
    before, after = numbers("groups120.csv", "vas"), numbers("groups120.csv", "after")
    fisher = contingency.fisher_exact(counts[:2])
    tukey = posthoc.tukey(vas)
    pairs = [tukey.pair(*name.split("-")[::-1]) for name in oracle("statistics/groups")["tukey_vas"]["pair"]]
    p_values = oracle("statistics/groups")["p_adjust"]["p"]
    return {
        "anova_vas": compared(compare_many.anova(vas), "f", df=2),
        "welch_anova_vas": compared(compare_many.welch_anova(vas), "f", df=2),
        "kruskal_los": compared(compare_many.kruskal_wallis(los), "chi2", df=1),
        "welch_t_vas_A_B": compared(compare.welch_test(vas["A"], vas["B"]), "t", df=1, ci=True),
        "student_t_vas_A_B": compared(compare.t_test(vas["A"], vas["B"]), "t", df=1),
        "paired_t_vas_after": compared(compare.paired_t_test(before, after), "t", df=1, mean=True, ci=True),
        "mann_whitney_los_A_B": compared(compare.mann_whitney(los["A"], los["B"]), "w"),
        "signed_rank_vas_after": compared(compare.signed_rank(before, after), "v"),
        "chi2_3x2": compared(contingency.chi_squared(counts), "chi2", df=1),
        "chi2_2x2_yates": compared(contingency.chi_squared(counts[:2], continuity=True), "chi2"),
        "chi2_2x2": compared(contingency.chi_squared(counts[:2]), "chi2"),
        "fisher_2x2": {"p": fisher.p, "odds_ratio": fisher.estimate, "ci": [fisher.ci.low, fisher.ci.high]},
        "fisher_3x2_p": contingency.fisher_exact(counts).p,
        "levene_median": compared(compare_many.levene(vas), "f"),
        "tukey_vas": {"diff": [pair.difference for pair in pairs], "p": [pair.p for pair in pairs]},
        "shapiro_los": compared(normality.shapiro_wilk(numbers("groups120.csv", "los")), "w"),
        "p_adjust": {method: multiplicity.adjusted_p(p_values, method=method) for method in ("holm", "bh")},
    }
