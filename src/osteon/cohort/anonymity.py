"""
k-anonymity: how many people share the values that together might single a person out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from osteon.core.errors import NotEnoughData, SchemaError

__all__ = ["KAnonymity", "k_anonymity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KAnonymity:
    """
    How well people hide among each other.

    Attributes
    ----------
    k : int
        Size of the smallest group that shares all quasi-identifiers.
    n_rows, n_groups, n_unique : int
        Rows, groups, and rows alone in their group.
    smallest : tuple of (values, size)
        The smallest groups, smallest first.
    """

    quasi_identifiers: tuple[str, ...]
    k: int
    n_rows: int
    n_groups: int
    n_unique: int
    smallest: tuple[tuple[tuple[str, ...], int], ...]

    def __str__(self) -> str:
        return (f"k = {self.k} over {', '.join(self.quasi_identifiers)}: {self.n_unique} of {self.n_rows} rows are "
                f"alone in their group ({self.n_groups} groups)")  # fmt: skip


def k_anonymity(table: pd.DataFrame, quasi_identifiers: Sequence[str], *, smallest: int = 5) -> KAnonymity:
    """
    The size of the smallest group of rows that share their quasi-identifiers; a missing value is a value of its own.

    Parameters
    ----------
    table : DataFrame, one row per person
    quasi_identifiers : sequence of str
    smallest : int
        How many of the smallest groups to list.

    Raises
    ------
    NotEnoughData
        The table is empty.
    SchemaError
        A column is absent, or none is given.

    Source
    ------
    Sweeney 2002, Int J Uncertain Fuzz 10:557-570.

    Examples
    --------
    >>> people = pd.DataFrame({"sex": ["f", "f", "f", "m"], "age": [60, 60, 60, 70]})
    >>> print(k_anonymity(people, ["sex", "age"]))
    k = 1 over sex, age: 1 of 4 rows are alone in their group (2 groups)
    """
    absent = [column for column in quasi_identifiers if column not in table]
    if absent or not quasi_identifiers:
        raise SchemaError(
            f"quasi-identifiers: {', '.join(absent) or 'none given'}.", hint="Name columns of the table."
        )
    if table.empty:
        raise NotEnoughData("k-anonymity of a table without rows is undefined.")
    columns = list(quasi_identifiers)
    words = table[columns].astype(object).map(lambda value: "" if pd.isna(value) else f"{value}")
    sizes = words.value_counts(sort=False).sort_values(kind="stable")
    listed = tuple((tuple(map(str, values)), int(size)) for values, size in sizes.head(smallest).items())
    return KAnonymity(quasi_identifiers=tuple(columns), k=int(sizes.iloc[0]), n_rows=len(table), n_groups=len(sizes),
                      n_unique=int((sizes == 1).sum()), smallest=listed)  # fmt: skip
