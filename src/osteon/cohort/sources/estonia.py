"""
Estonian national hip fracture data 2009-2017: everyone over 50 admitted with a hip fracture, death within 12 months.

Source: rstats-tartu/hip-fractures, licence ODC-By: attribution. The authors modified the data for a course.
"""

from __future__ import annotations

from pathlib import Path

from osteon.cohort.cohort import Cohort, FlowStep
from osteon.cohort.read import read_table
from osteon.cohort.sources.mapping import mapped, outside_limits, renumbered, required, source_map

__all__ = ["read"]


def read(path: Path) -> Cohort:
    """
    The hip fracture table in our names; follow-up time in months, ``death_12m`` as the event.

    People with time 0 are left out (a step of the flow): a survival curve cannot use them. Stay, therapy and post-acute
    columns lie in the future of admission: the schema marks them ``after_baseline``. Follow-up ends at 12.03 months.

    Raises
    ------
    FileError, SchemaError
        See :func:`osteon.cohort.read.read_table`; or a column the study needs is missing.
    """
    foreign = read_table(path)
    required(foreign, ["id", "year", "sex", "age", "time_12m", "status_12m"], where=str(path))
    table, log = mapped(foreign, source_map("estonia")["columns"], where=str(path))
    texts = {"county": "county", "management_method": "management", "PAC_category": "postacute_category",
             "PAC_type": "postacute_type"}  # fmt: skip
    for name, own in texts.items():
        if name in foreign.columns:
            table[own] = foreign[name].astype("category")
    cohort = Cohort(
        table=table, source="estonia", log=log,
        flow=(FlowStep(code="read", n_before=len(table), n_after=len(table), reason="admissions in the file"),),
        notes=("Treatment was chosen by the patient's state: differences between treatments are confounded.",
               "The authors modified the data for a course."),
    )  # fmt: skip
    cohort = cohort.kept(
        (table["time_months"] > 0).to_numpy(), code="time_zero", reason="follow-up time is zero"
    )
    kept = renumbered(cohort.table)
    for name in kept.select_dtypes("category"):
        kept[name] = kept[name].cat.remove_unused_categories()
    return cohort.logged(outside_limits(kept), table=kept)
