"""How many readers and cases a reading study needs: power by formula, ratings and power by simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from osteon.core.errors import InputError, NotEnoughData
from osteon.stats.agreement import mcnemar
from osteon.stats.obuchowski_rockette import Components
from osteon.stats.proportion import Proportion, proportion
from osteon.stats.reader_covariance import Endpoint
from osteon.stats.reader_study import reader_study

__all__ = [
    "PlannedPower",
    "RoeMetz",
    "call_shares",
    "cases_needed",
    "model_components",
    "planned_power",
    "simulated_power",
    "simulated_ratings",
]

Floats = NDArray[np.float64]
CUTS = (-0.75, 0.25, 1.0, 1.75)
"""Where a latent suspicion becomes a rating of 2, 3, 4, 5: unfractured cases get a 1 or 2 mostly."""
CALLED_FROM = 3
CALL_CUT = CUTS[CALLED_FROM - 2]
CONSENSUS = "consensus"
FIXED = {"fixed_readers_random_cases": "var_tr", CONSENSUS: "var_tr", "random_readers_fixed_cases": "var_tc"}
"""What varies between arms with the readers or cases that a scope holds fixed."""

Scale = Literal["latent", "ordinal", "binary"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedPower:
    """Power of the random-reader, random-case test for ``readers`` and ``cases``, with its noncentral F."""

    power: float
    readers: int
    cases: int
    noncentrality: float
    df2: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RoeMetz:
    """
    Latent suspicion of every reader for every case in every arm, normal around 0 (unfractured) or the arm's mean.

    Attributes
    ----------
    aucs : tuple of float
        Mean AUC of each arm over readers and cases.
    var_r, var_tr : float
        Variance between readers, and of readers between arms; drawn apart for fractured and unfractured cases.
    var_c, var_tc, var_rc : float
        Shares of the unit variance within a class: cases, cases by arm, cases by reader; the rest is chance.
    """

    aucs: tuple[float, ...] = (0.85, 0.90)
    var_r: float = 0.0055
    var_tr: float = 0.0055
    var_c: float = 0.3
    var_tc: float = 0.3
    var_rc: float = 0.2

    def __post_init__(self) -> None:
        parts = (self.var_r, self.var_tr, self.var_c, self.var_tc, self.var_rc)
        if min(parts) < 0 or self.var_c + self.var_tc + self.var_rc > 1:
            raise InputError(f"variances {parts}: none below 0, and cases' shares may not exceed 1 together.")
        if not self.aucs or not all(0.5 <= auc < 1 for auc in self.aucs):
            raise InputError(f"aucs are {self.aucs}, expected values from 0.5 to below 1.")

    @property
    def means(self) -> tuple[float, ...]:
        """Distance of the classes on the latent scale in each arm."""
        spread = math.sqrt(2 * (1 + self.var_r + self.var_tr))
        return tuple(spread * float(stats.norm.ppf(auc)) for auc in self.aucs)


def call_shares(model: RoeMetz) -> tuple[tuple[float, float], ...]:
    """
    Sensitivity and specificity of the calls in each arm, over readers and cases.

    Examples
    --------
    >>> [(round(sensitivity, 3), round(specificity, 3)) for sensitivity, specificity in call_shares(RoeMetz())]
    [(0.888, 0.598), (0.941, 0.598)]
    """
    spread = math.sqrt(1 + model.var_r + model.var_tr)
    specificity = float(stats.norm.cdf(CALL_CUT / spread))
    return tuple((float(stats.norm.sf((CALL_CUT - mean) / spread)), specificity) for mean in model.means)


def planned_power(
    parts: Components,
    *,
    effect: float,
    readers: int,
    cases: int,
    pilot_cases: int,
    arms: int = 2,
    alpha: float = 0.05,
) -> PlannedPower:
    """
    Power to find a difference between arms, for readers and cases like those of a pilot study.

    Parameters
    ----------
    parts : Components
        Variances and covariances of the pilot (or of a conjecture), at ``pilot_cases`` cases.
    effect : float
        Difference between two arms to be found.
    readers, cases : int
        Size of the planned study, the mix of fractured and unfractured cases as in the pilot.
    pilot_cases : int
    arms : int
    alpha : float

    Raises
    ------
    NotEnoughData
        Fewer than two readers: no claim about readers in general is possible.

    Source
    ------
    Hillis, Obuchowski & Berbaum (2011), Academic Radiology 18:129-142. The example is that of RJafroc for the Van
    Dyke data and its own difference: 6 readers, 111 cases, power .5526.

    Examples
    --------
    >>> nan = float("nan")
    >>> parts = Components(ms_t=nan, ms_r=nan, ms_tr=nan, error=8.0229e-4, cov1=3.4661e-4, cov2=3.4407e-4,
    ...                    cov3=2.3903e-4, var_r=1.535e-3, var_tr=2.004e-4)
    >>> round(planned_power(parts, effect=0.0438, readers=6, cases=111, pilot_cases=114).power, 4)
    0.5526
    """
    if readers < 2 or cases < 2 or pilot_cases < 2:
        raise NotEnoughData(f"{readers} readers and {cases} cases: at least two of each are needed.")
    if not 0 < alpha < 1:
        raise InputError(f"alpha is {alpha}, expected a value between 0 and 1.")
    shrink = pilot_cases / cases
    shared = max(parts.cov2 - parts.cov3, 0.0)
    interaction = max(parts.var_tr, 0.0)
    term = interaction + shrink * (parts.error - parts.cov1 + (readers - 1) * shared)
    mean_square = interaction + shrink * max(parts.error - parts.cov1 - shared, 0.0)
    free = (arms - 1) * (readers - 1)
    df2 = math.inf if mean_square == 0 else term**2 / (mean_square**2 / free)
    noncentrality = readers * effect**2 / (2 * term)
    if effect == 0:
        power = alpha
    elif math.isfinite(df2):
        power = float(stats.ncf.sf(stats.f.ppf(1 - alpha, arms - 1, df2), arms - 1, df2, noncentrality))
    else:
        power = float(stats.ncx2.sf(stats.chi2.ppf(1 - alpha, arms - 1), arms - 1, noncentrality))
    return PlannedPower(power=power, readers=readers, cases=cases, noncentrality=noncentrality, df2=df2)


def cases_needed(
    parts: Components, *, effect: float, readers: int, pilot_cases: int, power: float = 0.8, alpha: float = 0.05,
    most: int = 5000,
) -> PlannedPower | None:  # fmt: skip
    """
    The smallest number of cases that reaches ``power``; None where ``most`` do not suffice (more readers are needed).

    Source
    ------
    Hillis, Obuchowski & Berbaum (2011), Academic Radiology 18:129-142.
    """

    def at(cases: int) -> PlannedPower:
        return planned_power(
            parts, effect=effect, readers=readers, cases=cases, pilot_cases=pilot_cases, alpha=alpha
        )

    # Scanned, not bisected: with two or three readers more cases can lose power through the degrees of freedom.
    return next((plan for cases in range(2, most + 1) if (plan := at(cases)).power >= power), None)


def simulated_ratings(
    model: RoeMetz, *, readers: int, fractured: int, unfractured: int, rng: np.random.Generator,
    scale: Scale = "latent",
) -> tuple[Floats, Floats]:  # fmt: skip
    """
    Draw a study: readings of shape (arms, readers, cases) and the truth of its cases.

    ``ordinal`` cuts the latent suspicion into ratings 1 to 5, ``binary`` into calls (ratings of 3 and more).

    Source
    ------
    Roe & Metz (1997), Academic Radiology 4:298-303.

    Examples
    --------
    >>> ratings, truth = simulated_ratings(RoeMetz(), readers=3, fractured=5, unfractured=5,
    ...                                    rng=np.random.default_rng(1), scale="ordinal")
    >>> ratings.shape, set(np.unique(ratings)) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    ((2, 3, 10), True)
    """
    arms, cases = len(model.aucs), fractured + unfractured
    truth = (np.arange(cases) < fractured).astype(float)

    def draw(variance: float, *shape: int) -> Floats:
        return math.sqrt(variance) * rng.standard_normal(shape)

    chance = max(1 - model.var_c - model.var_tc - model.var_rc, 0.0)
    by_class = draw(model.var_r, 1, readers, 2) + draw(model.var_tr, arms, readers, 2)
    latent = by_class[:, :, truth.astype(int)] + np.array(model.means)[:, None, None] * truth
    latent = latent + draw(model.var_c, 1, 1, cases) + draw(model.var_tc, arms, 1, cases)
    latent = latent + draw(model.var_rc, 1, readers, cases) + draw(chance, arms, readers, cases)
    if scale == "latent":
        return latent, truth
    rating = 1.0 + np.searchsorted(np.array(CUTS), latent)
    return (rating if scale == "ordinal" else (rating >= CALLED_FROM).astype(float)), truth


def model_components(
    model: RoeMetz,
    *,
    fractured: int,
    unfractured: int,
    rng: np.random.Generator,
    draws: int = 40,
    readers: int = 6,
) -> Components:
    """
    What a pilot study of this size would find on average, for planning without one.

    The error covariances are means over ``draws`` drawn studies of ``readers`` readers with ratings 1 to 5; the
    variances of readers, which such studies estimate badly, come from the model itself.

    Examples
    --------
    >>> parts = model_components(RoeMetz(), fractured=30, unfractured=30, rng=np.random.default_rng(1), draws=4)
    >>> parts.error > parts.cov1 > parts.cov3 > 0
    True
    """
    arms, names = [str(i) for i in range(len(model.aucs))], [str(i) for i in range(readers)]
    found = []
    for _ in range(draws):
        readings, truth = simulated_ratings(
            model, readers=readers, fractured=fractured, unfractured=unfractured, rng=rng, scale="ordinal"
        )
        found.append(reader_study(readings, truth, arms=arms, readers=names).components)
    many = 20_000
    by_class = math.sqrt(model.var_r) * rng.standard_normal((1, many, 2))
    by_class = by_class + math.sqrt(model.var_tr) * rng.standard_normal((len(arms), many, 2))
    distance = np.array(model.means)[:, None] + by_class[:, :, 1] - by_class[:, :, 0]
    aucs = stats.norm.cdf(distance / math.sqrt(2))
    rest = aucs - aucs.mean(axis=0)
    var_tr = float(rest.var(axis=1).sum() / (len(arms) - 1)) if len(arms) > 1 else 0.0
    error, cov1, cov2, cov3, ms_t = (
        float(np.mean([getattr(parts, name) for parts in found]))
        for name in ("error", "cov1", "cov2", "cov3", "ms_t")
    )
    var_r = float(aucs.mean(axis=0).var()) - var_tr / len(arms)
    return Components(ms_t=ms_t, ms_r=math.nan, ms_tr=var_tr + error - cov1 - (cov2 - cov3), error=error, cov1=cov1,
                      cov2=cov2, cov3=cov3, var_r=var_r, var_tr=var_tr)  # fmt: skip


def simulated_power(
    model: RoeMetz, *, readers: int, fractured: int, unfractured: int, rng: np.random.Generator,
    endpoint: Endpoint = "auc", scope: str = "random_readers_random_cases", draws: int = 500, alpha: float = 0.05,
) -> Proportion:  # fmt: skip
    """
    The share of drawn studies in which the arms differ at ``alpha`` the way they do in the model, with its interval.

    Where all arms of the model are alike every difference counts: the share is that of false alarms.

    Parameters
    ----------
    model : RoeMetz
    readers, fractured, unfractured : int
    rng : numpy Generator
    endpoint : {"auc", "accuracy", "sensitivity", "specificity"}
        The AUC is that of ratings 1 to 5, the others those of the calls.
    scope : str
        A scope of `osteon.stats.reader_study.reader_study`, or "consensus": McNemar's exact test of two arms whose
        calls are cut from the readers' mean suspicion. Where readers are fixed each has the arms' difference of the
        model, where cases are fixed each case has it: what would vary with them is no part of chance.
    draws : int
    alpha : float

    Raises
    ------
    InputError
        A consensus on the AUC, or of other than two arms.

    Source
    ------
    Roe & Metz (1997), Academic Radiology 4:298-303.

    Examples
    --------
    >>> found = simulated_power(RoeMetz(aucs=(0.7, 0.95)), readers=2, fractured=60, unfractured=40, draws=20,
    ...                         rng=np.random.default_rng(1), scope="fixed_readers_random_cases")
    >>> found.value
    1.0
    """
    if scope == CONSENSUS and (endpoint == "auc" or len(model.aucs) != 2):
        raise InputError(
            "a consensus is compared by McNemar's test.", hint="Pass two arms and an endpoint of calls."
        )
    held: dict[str, Any] = {FIXED[scope]: 0.0} if scope in FIXED else {}
    scale: Scale = "latent" if scope == CONSENSUS else "ordinal" if endpoint == "auc" else "binary"
    arms, names = [str(i) for i in range(len(model.aucs))], [str(i) for i in range(readers)]
    towards = float(np.sign(model.aucs[-1] - model.aucs[0])) if len(arms) == 2 else 0.0
    found = 0
    for _ in range(draws):
        readings, truth = simulated_ratings(
            replace(model, **held),
            readers=readers,
            fractured=fractured,
            unfractured=unfractured,
            rng=rng,
            scale=scale,
        )
        if scope == CONSENSUS:
            gain, p = _consensus_gain(readings, truth, endpoint)
        else:
            test = reader_study(readings, truth, arms=arms, readers=names, endpoint=endpoint).test(scope)
            gain, p = (-test.differences[0].difference, test.p) if test else (0.0, 1.0)
        found += p < alpha and gain * towards >= 0
    return proportion(found, draws)


def _consensus_gain(latent: Floats, truth: Floats, endpoint: Endpoint) -> tuple[float, float]:
    """How many more calls of the second arm's consensus are right, and McNemar's exact p."""
    inside = {"accuracy": truth >= 0, "sensitivity": truth == 1, "specificity": truth == 0}[endpoint]
    right = ((latent.mean(axis=1) > CALL_CUT) == truth)[:, inside]
    first, second = int((right[0] & ~right[1]).sum()), int((right[1] & ~right[0]).sum())
    if first + second == 0:
        return 0.0, 1.0
    return float(second - first), mcnemar(first_only=first, second_only=second).p_exact
