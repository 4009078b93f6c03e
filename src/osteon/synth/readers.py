"""
Simulated readers: how sure each is of each case with and without an AI's mark, how long the reading takes. SIMULATED.

A reader weighs the evidence of his own eyes and, with AI, part of the evidence of its mark; he calls a fracture where
the sum is positive. Everything is on the scale of log-odds, so that trust, skill and the AI's quality mean something.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from osteon.core.errors import InputError, ShapeError

__all__ = [
    "AiRole",
    "ReaderModel",
    "SimulatedFindings",
    "SimulatedReads",
    "simulate_findings",
    "simulate_readers",
]

AiRole = Literal["first", "concurrent", "second"]
Floats = NDArray[np.float64]
TYPES = np.array(["A", "B", "C", "D"])
RATING_CUTS = (-2.0, -0.5, 0.5, 2.0)
"""Log-odds at which a rating of 2, 3, 4, 5 begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReaderModel:
    """
    How readers read.

    Attributes
    ----------
    auc : float
        Mean AUC of a reader on CT alone.
    spread : float
        Standard deviation between readers of their skill and of their caution.
    shared : float, 0-1
        Share of the noise that belongs to the case: what is hard for one reader is hard for all.
    memory : float, 0-1
        Share of the rest that a reader repeats when he reads the case again.
    trust : float, 0-1
        Share of the AI's evidence he takes over; as first reader the AI anchors him more, as second less.
    typing : float, 0-1
        Chance to type a fracture right by his own eyes.
    counting : float, 0-1
        Chance to count to the right vertebra; otherwise the reader is one level off.
    measuring : float
        Standard deviation of the height loss he reads off, as a share of the height.
    seconds : float
        Median time of a plain case on CT alone.
    """

    auc: float = 0.90
    spread: float = 0.15
    shared: float = 0.4
    memory: float = 0.5
    trust: float = 0.6
    typing: float = 0.80
    counting: float = 0.93
    measuring: float = 0.05
    seconds: float = 210.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedReads:
    """Arrays of shape (2 arms, readers, cases), CT alone first; ``types`` is "-" where no fracture was called."""

    call: NDArray[np.int64]
    rating: NDArray[np.int64]
    time_s: Floats
    types: NDArray[np.str_]
    log_odds: Floats


def simulate_readers(
    truth: ArrayLike,
    ai_call: ArrayLike,
    *,
    readers: int,
    rng: np.random.Generator,
    model: ReaderModel = ReaderModel(),
    role: AiRole = "first",
    ai_sensitivity: float = 0.92,
    ai_specificity: float = 0.90,
    time_limit_s: float = 600.0,
    types: ArrayLike | None = None,
    ai_types: ArrayLike | None = None,
) -> SimulatedReads:
    """
    Read every case without and with AI.

    As first or concurrent reader the AI is seen at a second reading of the case, apart from the first; as second reader
    it is added to what was seen at the same reading, and the time runs on.

    Parameters
    ----------
    truth, ai_call : array_like of 0/1, shape (cases,)
    readers : int
    rng : numpy Generator
    model : ReaderModel
    role : "first", "concurrent", "second"
    ai_sensitivity, ai_specificity : float in (0, 1)
        What readers believe of the AI: they weigh its mark by them.
    time_limit_s : float
        A reading that would take longer is cut there and called as it stands.
    types, ai_types : array_like of "A" to "D" or "-", shape (cases,), optional
        True type and the AI's.

    Examples
    --------
    >>> reads = simulate_readers([0, 1] * 200, [0, 1] * 200, readers=2, rng=np.random.default_rng(1))
    >>> right = (reads.call == np.array([0, 1] * 200)).mean(axis=(1, 2))
    >>> bool(right[1] > right[0])  # an AI that is always right helps
    True
    """
    true, marks = np.asarray(truth, dtype=int), np.asarray(ai_call, dtype=int)
    if true.ndim != 1 or true.shape != marks.shape:
        raise ShapeError(f"truth has shape {true.shape}, ai_call {marks.shape}; both must be (cases,).")
    if readers < 1 or not (0 < ai_sensitivity < 1 and 0 < ai_specificity < 1):
        raise InputError(
            "one reader or more, sensitivity and specificity strictly between 0 and 1 are needed."
        )
    own, caution = _own_evidence(true, readers, rng, model)
    if role == "second":
        own[1] = own[0]
    weight = min(model.trust * {"first": 1.15, "concurrent": 1.0, "second": 0.8}[role], 1.0)
    ai = np.where(marks == 1, math.log(ai_sensitivity / (1 - ai_specificity)),
                  math.log((1 - ai_sensitivity) / ai_specificity))  # fmt: skip
    log_odds = own - caution[None, :, None]
    log_odds[1] += weight * ai
    call = (log_odds > 0).astype(np.int64)
    rating = 1 + np.searchsorted(np.array(RATING_CUTS), log_odds).astype(np.int64)
    seconds = _seconds(own, log_odds, ai, rng, model, role)
    if role == "second":
        seconds[1] = np.maximum(seconds[1], seconds[0] * 1.05)
    kinds = _types(call, true, types, ai_types, marks, rng, model, weight, same=role == "second")
    return SimulatedReads(
        call=call, rating=rating, time_s=np.minimum(seconds, time_limit_s), types=kinds, log_odds=log_odds
    )


def _own_evidence(
    true: NDArray[np.int64], readers: int, rng: np.random.Generator, model: ReaderModel
) -> tuple[Floats, Floats]:
    """Log-likelihood ratio of what each reader sees at each reading, and how much each wants before calling."""
    skill = np.maximum(
        math.sqrt(2) * float(ndtri(model.auc)) + model.spread * rng.standard_normal(readers), 0.1
    )
    cases = true.size
    noise = math.sqrt(model.shared) * rng.standard_normal((1, 1, cases))
    noise = noise + math.sqrt((1 - model.shared) * model.memory) * rng.standard_normal((1, readers, cases))
    noise = noise + math.sqrt((1 - model.shared) * (1 - model.memory)) * rng.standard_normal(
        (2, readers, cases)
    )
    distance = skill[None, :, None]
    seen = distance * true + noise  # unit variance around 0 or the distance of the classes
    return np.asarray(distance * seen - distance**2 / 2), model.spread * rng.standard_normal(readers)


def _seconds(
    own: Floats, log_odds: Floats, ai: Floats, rng: np.random.Generator, model: ReaderModel, role: AiRole
) -> Floats:
    """Doubt takes time; marks save some where they agree with the eyes and cost some where they do not."""
    pace = np.exp(0.12 * rng.standard_normal((1, own.shape[1], 1)) + 0.25 * rng.standard_normal(own.shape))
    doubt = 1 + 0.6 * np.exp(-np.abs(log_odds))
    factor = np.ones_like(own)
    agrees = np.sign(own[1]) == np.sign(ai)
    saved, spent = {"first": (0.78, 1.15), "concurrent": (0.90, 1.20), "second": (1.12, 1.35)}[role]
    factor[1] = np.where(agrees, saved, spent)
    if role == "second":
        pace[1] = pace[0]
    return np.asarray(model.seconds * pace * doubt * factor)


def _types(
    call: NDArray[np.int64], true: NDArray[np.int64], types: ArrayLike | None, ai_types: ArrayLike | None,
    marks: NDArray[np.int64], rng: np.random.Generator, model: ReaderModel, weight: float, *, same: bool,
) -> NDArray[np.str_]:  # fmt: skip
    """The type of each called fracture: by the reader's eyes, or the AI's where he follows it."""
    if types is None:
        return np.full(call.shape, "-")
    truly = np.where(true == 1, np.asarray(types, dtype="<U1"), "-")
    chosen = TYPES[rng.integers(0, 4, call.shape)]
    eyes = rng.random(call.shape) < model.typing
    kinds = np.where(eyes & (truly != "-"), truly, chosen)
    if same:
        kinds[1] = kinds[0]
    if ai_types is not None:
        theirs = np.asarray(ai_types, dtype="<U1")
        follows = (rng.random(call.shape[1:]) < weight) & (marks == 1) & np.isin(theirs, TYPES)
        kinds[1] = np.where(follows, theirs, kinds[1])
    return np.asarray(np.where(call == 1, kinds, "-"))


GENANT_LOSSES = (0.20, 0.25, 0.40)
"""Height losses at which Genant's grades 1, 2, 3 begin (Genant 1993)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedFindings:
    """Arrays of shape (2 arms, readers, cases): ``level_off`` levels beside the true one, Genant ``grade``."""

    level_off: NDArray[np.int64]
    grade: NDArray[np.int64]


def simulate_findings(
    loss: ArrayLike,
    *,
    readers: int,
    rng: np.random.Generator,
    model: ReaderModel = ReaderModel(),
    role: AiRole = "first",
) -> SimulatedFindings:
    """
    How far off each reader counts, and the grade each gives, without and with the AI's outline and heights.

    With AI, half of the wrong counts are put right and heights are read off with half the error.

    Parameters
    ----------
    loss : array_like, shape (cases,)
        True height loss as a share of the height; 0 where nothing is fractured.
    readers, rng, model, role
        As in `simulate_readers`.

    Examples
    --------
    >>> found = simulate_findings([0.3] * 500, readers=2, rng=np.random.default_rng(1))
    >>> right = (found.grade == 2).mean(axis=(1, 2))
    >>> bool(right[1] > right[0]), bool(((found.level_off == 0).mean(axis=(1, 2)) > 0.9).all())
    (True, True)
    """
    true = np.asarray(loss, dtype=float)
    shape = (2, readers, true.size)
    wrong = rng.random(shape) >= model.counting
    side = np.where(rng.random(shape) < 0.5, -1, 1)
    read = true + model.measuring * rng.standard_normal(shape)
    if role == "second":
        wrong[1], side[1], read[1] = wrong[0], side[0], read[0]
    wrong[1] &= rng.random(shape[1:]) < 0.5
    read[1] = true + (read[1] - true) / 2
    grade = np.searchsorted(np.array(GENANT_LOSSES), read, side="right")
    return SimulatedFindings(
        level_off=np.where(wrong, side, 0).astype(np.int64), grade=grade.astype(np.int64)
    )
