"""What a run of the portraits study holds."""

from __future__ import annotations

from dataclasses import dataclass

from osteon.care.portrait_plan import PortraitRules
from osteon.core.provenance import Provenance
from osteon.models.cluster import Grouping
from osteon.studies.before_after import BeforeAfter
from osteon.studies.portraits_config import Config
from osteon.studies.portraits_data import Patients
from osteon.studies.portraits_groups import Compared, Portraits
from osteon.studies.portraits_survival import PortraitSurvival
from osteon.studies.portraits_virtual import Nothing, Repeats, Table1
from osteon.studies.published_s0 import Recheck
from osteon.synth.portraits import ChangingClinic

__all__ = ["Result"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """The whole study; what a kind of data does not have is None or empty."""

    kind: str
    simulated: bool
    config: Config
    rules: PortraitRules
    provenance: Provenance
    recheck: tuple[Recheck, ...] = ()
    patients: Patients | None = None
    found: Portraits | None = None
    ari: float | None = None
    recipe: Grouping | None = None
    recipe_agreement: float | None = None
    methods: tuple[Compared, ...] = ()
    table1: Table1 | None = None
    repeats: Repeats | None = None
    nothing: tuple[Nothing, ...] = ()
    survival: tuple[PortraitSurvival, ...] = ()
    periods: BeforeAfter | None = None
    clinic: tuple[ChangingClinic, BeforeAfter] | None = None
