"""
Probabilistic linkage of patient rows by names, birth date, sex, address and telephone (Fellegi-Sunter, splink).

For one hospital's tables, or hospitals that agreed to be linked; never among de-identified public cohorts, which
hold different people and no identifiers. No labels are needed: the weights are learned from the table itself by
expectation maximisation. DuckDB works on one machine; the same settings run on Spark.

Note codes: ``not-trained:<columns>`` (no pair agreed in them, so the other weights rest on fewer rounds),
``largest-cluster:<n>`` (from 4 rows on).
"""

from __future__ import annotations

import tempfile
import unicodedata
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from osteon.cohort.link import Linkage, clusters_of, linkage, source_codes
from osteon.core.errors import ConfigError, DependencyMissing, NotEnoughData, SchemaError

__all__ = [
    "FuzzyOptions",
    "Identifiers",
    "comparable",
    "linkage_settings",
    "linked_by_identifiers",
    "plain_name",
]

ROW = "unique_id"
FEWEST = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifiers:
    """
    Which columns identify a person; an empty text means the table has none.

    ``names`` may be one column (full names, Chinese or latin) or several (surname, given name).
    """

    names: tuple[str, ...] = ("surname", "given_name")
    birth_date: str = "birth_date"
    sex: str = "sex"
    postcode: str = ""
    phone: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns in use."""
        return tuple(filter(None, (*self.names, self.birth_date, self.sex, self.postcode, self.phone)))


@dataclass(frozen=True, slots=True, kw_only=True)
class FuzzyOptions:
    """
    How the linkage runs.

    Parameters
    ----------
    threshold : float in (0, 1)
        Match probability from which a pair is linked.
    backend : {"duckdb", "spark"}
        Spark needs a session passed to :func:`linked_by_identifiers`.
    memory_gb : float
        Limit of DuckDB, which then works from disk.
    threads : int
        Threads of DuckDB; 0 takes all cores.
    training_pairs : int
        Pairs looked at in each step of learning.
    recall : float in (0, 1]
        Share of true pairs that agree in the names and the birth date, as a first guess.
    """

    threshold: float = 0.9
    backend: Literal["duckdb", "spark"] = "duckdb"
    memory_gb: float = 4.0
    threads: int = 0
    training_pairs: int = 2_000_000
    recall: float = 0.7

    def __post_init__(self) -> None:
        if self.backend not in ("duckdb", "spark"):
            raise ConfigError(f"backend is {self.backend!r}, expected 'duckdb' or 'spark'.")
        for name in ("threshold", "recall"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}, expected a number above 0 and at most 1."
                )


def plain_name(text: str) -> str:
    """
    A name for comparison: width and accents unified, lower case, letters only.

    Examples
    --------
    >>> plain_name(" Müller-Łuk "), plain_name("王　小明"), plain_name("O’Brien")
    ('mullerłuk', '王小明', 'obrien')
    """
    spread = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in spread if letter.isalnum())


def linkage_settings(identifiers: Identifiers) -> Any:
    """
    The comparisons and blocking rules of the linkage, the same for every backend (splink ``SettingsCreator``).

    Names are compared by Jaro-Winkler (.79 lets one of three Chinese characters differ) with weights by frequency,
    birth dates by typing errors and distance, postcode and telephone by one typing error.
    """
    import splink.comparison_library as compared
    from splink import SettingsCreator, block_on

    comparisons: list[Any] = [
        compared.JaroWinklerAtThresholds(name, [0.92, 0.79]).configure(term_frequency_adjustments=True)
        for name in identifiers.names
    ]
    if identifiers.birth_date:
        date = compared.DateOfBirthComparison(
            identifiers.birth_date,
            input_is_string=True,
            datetime_thresholds=[1, 1],
            datetime_metrics=["month", "year"],
        )
        comparisons.append(date)
    if identifiers.sex:
        comparisons.append(compared.ExactMatch(identifiers.sex))
    comparisons += [
        compared.DamerauLevenshteinAtThresholds(name, [1])
        for name in (identifiers.postcode, identifiers.phone)
        if name
    ]
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name=ROW,
        comparisons=comparisons,
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in _blocks(identifiers)],
        retain_matching_columns=False,
        retain_intermediate_calculation_columns=False,
        max_iterations=20,
    )


def linked_by_identifiers(
    table: pd.DataFrame,
    *,
    identifiers: Identifiers | None = None,
    options: FuzzyOptions | None = None,
    source: ArrayLike | None = None,
    spark: Any = None,
    seed: int,
) -> Linkage:
    """
    Rows that are probably the same person, from identifiers with typing errors and gaps.

    Parameters
    ----------
    table : DataFrame
        One row per record; index labels must be unique. Birth dates are dates or ISO text.
    identifiers : Identifiers, optional
        Which columns to compare.
    options : FuzzyOptions, optional
        Threshold, backend, memory.
    source : array_like, shape (n,), optional
        Data source of each row. When given, only pairs of different sources are linked.
    spark : SparkSession, optional
        For ``backend="spark"``.
    seed : int
        Seed of the sample from which chance agreement is learned.

    Returns
    -------
    Linkage
        ``pairs`` holds ``match_weight`` (log2 Bayes factor), ``match_probability`` and ``agreed``, the identifiers
        that were exactly equal.

    Raises
    ------
    SchemaError
        A column is absent or index labels repeat.
    NotEnoughData
        Fewer than 50 rows, or nothing to learn from: no pair agrees in any block.
    DependencyMissing
        Spark is asked for and pyspark is not installed.

    Source
    ------
    Fellegi & Sunter (1969), J Am Stat Assoc 64:1183; Linacre et al. (2022), Splink, Int J Popul Data Sci 7(3).
    """
    identifiers, options = identifiers or Identifiers(), options or FuzzyOptions()
    _checked(table, identifiers)
    with tempfile.TemporaryDirectory(prefix="osteon-link-") as spill:
        api, close = _backend(options, spark, spill)
        try:
            found, notes = _scored(comparable(table, identifiers), identifiers, options, api, seed)
        finally:
            close()
    left = found[f"{ROW}_l"].to_numpy(dtype=np.intp)
    right = found[f"{ROW}_r"].to_numpy(dtype=np.intp)
    keep = np.ones(len(found), dtype=bool)
    if source is not None:
        origin = source_codes(source, len(table))
        keep = origin[left] != origin[right]
    first, second = np.minimum(left, right)[keep], np.maximum(left, right)[keep]
    order = np.lexsort((second, first))
    first, second = first[order], second[order]
    kept = found.loc[keep].iloc[order]
    pairs = pd.DataFrame(
        {
            "left": table.index[first],
            "right": table.index[second],
            "match_weight": kept["match_weight"].to_numpy(dtype=float),
            "match_probability": kept["match_probability"].to_numpy(dtype=float),
            "agreed": _agreed(table, identifiers, first, second),
        }
    )
    return linkage(pairs, clusters_of(first, second, index=table.index), notes=notes)


def comparable(table: pd.DataFrame, identifiers: Identifiers) -> pd.DataFrame:
    """The identifiers as plain text, None where missing or empty, with row numbers."""
    plain = {ROW: np.arange(len(table))}
    for name in identifiers.columns:
        codes, values = pd.factorize(table[name])
        if name == identifiers.birth_date:
            texts = [str(value)[:10] for value in values]
        else:
            texts = [plain_name(str(value)) for value in values]
        known = np.array([text or None for text in texts] + [None], dtype=object)
        plain[name] = known[codes]
    return pd.DataFrame(plain)


def _scored(
    plain: pd.DataFrame, identifiers: Identifiers, options: FuzzyOptions, api: Any, seed: int
) -> tuple[pd.DataFrame, list[str]]:
    """Pairs above the threshold, after learning the weights."""
    from splink import Linker, block_on
    from splink.internals.exceptions import EMTrainingException

    linker = Linker(api.register(plain), linkage_settings(identifiers), log_level=None)
    certain = [*identifiers.names, *filter(None, [identifiers.birth_date])]
    linker.training.estimate_probability_two_random_records_match([block_on(*certain)], recall=options.recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=options.training_pairs, seed=seed)
    notes, rounds = [], 0
    for columns in _training_blocks(identifiers):
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(
                block_on(*columns), max_pairs=options.training_pairs
            )
            rounds += 1
        except EMTrainingException:
            notes.append(f"not-trained:{'+'.join(columns)}")
    if not rounds:
        raise NotEnoughData("linkage: no two rows agree in names or birth date, nothing to learn from.")
    scored: Any = linker.inference.predict(
        threshold_match_probability=options.threshold, warning_mode="never"
    )
    frame: pd.DataFrame = scored.as_pandas_dataframe()
    return frame, notes


def _blocks(identifiers: Identifiers) -> list[tuple[str, ...]]:
    """A pair is scored when it agrees in any two identifiers but sex, or in the telephone alone."""
    strong = [*identifiers.names, *filter(None, [identifiers.birth_date, identifiers.postcode])]
    pairs: list[tuple[str, ...]] = list(combinations(strong, 2)) if len(strong) > 1 else [tuple(strong)]
    return [*pairs, (identifiers.phone,)] if identifiers.phone else pairs


def _training_blocks(identifiers: Identifiers) -> list[tuple[str, ...]]:
    """Each round holds some identifiers equal and learns the weights of the others."""
    rounds = [identifiers.names]
    if identifiers.birth_date:
        rounds.append((identifiers.birth_date,))
    return rounds


def _backend(options: FuzzyOptions, spark: Any, spill: str) -> tuple[Any, Any]:
    """The database that does the work, and how to let go of it."""
    if options.backend == "spark":
        try:
            from splink import SparkAPI

            spark_api: Any = SparkAPI
        except ImportError:
            raise DependencyMissing(
                "linkage on Spark needs pyspark.", hint="pip install pyspark, or use backend 'duckdb'."
            ) from None
        if spark is None:
            raise ConfigError("backend 'spark' needs a session.", hint="Pass spark=SparkSession.")
        return spark_api(spark_session=spark), lambda: None
    import duckdb
    from splink import DuckDBAPI

    settings: dict[str, Any] = {"memory_limit": f"{options.memory_gb}GB", "temp_directory": spill}
    if options.threads:
        settings["threads"] = options.threads
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("SET enable_progress_bar = false")
    return DuckDBAPI(connection=connection), connection.close


def _agreed(table: pd.DataFrame, identifiers: Identifiers, left: Any, right: Any) -> list[str]:
    """For each pair, the identifiers that are exactly equal once made plain, joined by +."""
    rows = np.union1d(left, right)
    plain = comparable(table.iloc[rows], identifiers)
    a, b = np.searchsorted(rows, left), np.searchsorted(rows, right)
    told = np.full(len(left), "", dtype=object)
    for name in identifiers.columns:
        codes = pd.factorize(plain[name])[0]
        equal = (codes[a] == codes[b]) & (codes[a] >= 0)
        told[equal] += f"+{name}"
    return [text[1:] for text in told]


def _checked(table: pd.DataFrame, identifiers: Identifiers) -> None:
    """Refuse absent columns, repeated labels, too few rows, and identifiers that cannot tell people apart."""
    absent = [name for name in identifiers.columns if name not in table.columns]
    if absent:
        raise SchemaError(
            f"linkage: columns absent: {', '.join(absent)}.", hint="Name the columns in Identifiers."
        )
    if not identifiers.names or len(identifiers.columns) < 3:
        raise ConfigError("linkage needs a name and two more identifiers.")
    if not table.index.is_unique:
        raise SchemaError("linkage: index labels repeat.", hint="Reset the index.")
    if len(table) < FEWEST:
        raise NotEnoughData(f"linkage: {len(table)} rows, at least {FEWEST} are needed to learn weights.")
