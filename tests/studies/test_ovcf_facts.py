"""What is known of a case: written once or in every row it says the same, said twice differently it is refused."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.config import override
from osteon.core.errors import SchemaError
from osteon.report.document import Bullets, Paragraph, TableBlock
from osteon.report.words import words
from osteon.studies.ovcf_analysis import analysed
from osteon.studies.ovcf_config import Config, configured
from osteon.studies.ovcf_flow_tables import flow_table
from osteon.studies.ovcf_page import limits_of, study_blocks
from osteon.studies.ovcf_reads import read_columns, read_reads, reads_of
from osteon.studies.ovcf_results import study_results
from osteon.studies.ovcf_virtual import virtual_reads

QUICK = override(configured("planted"), {"virtual": {"cases": 40}})
TABLE = virtual_reads(QUICK, 5)[0].table.drop(columns="unit").dropna(axis=1, how="all")
FACTS = [c.name for c in read_columns() if c.same and c.name in TABLE and not c.needed]


def reads(table):
    return reads_of(table, source="r.csv")


def results(table):
    found = reads(table)
    return study_results(found, analysed(found, Config()))


WHOLE = results(TABLE)


def written_once(table, names, rows):
    """Each case's facts in one of its rows only: the one that ``rows`` picks."""
    places = table.groupby("case").cumcount()
    count = table.groupby("case")["case"].transform("size")
    keep = places == table["case"].map(rows) % count
    return table.assign(**{name: table[name].where(keep) for name in names})


@settings(max_examples=5, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=40, max_size=40))
def test_facts_written_once_say_what_facts_written_everywhere_say(rows):
    cases = dict(zip(sorted(TABLE["case"].unique()), rows, strict=True))
    assert results(written_once(TABLE, FACTS, cases)) == WHOLE


@pytest.mark.parametrize("place", [0, 5])
def test_eligibility_written_once_is_judged(place):
    full = TABLE.assign(age_years=60.0, t_lowest=np.where(TABLE["case"] < "V011", -1.0, -3.0))
    once = written_once(full, ["age_years", "t_lowest"], dict.fromkeys(full["case"], place))
    assert analysed(reads(once), Config()).cases == 30


@pytest.mark.parametrize(
    ("column", "one", "other"), [("t_lowest", -3.0, -1.0), ("ai_call", 1, 0), ("mri_days", 3, 4)]
)
def test_two_values_for_a_case_are_refused(column, one, other):
    table = TABLE.assign(**{column: np.where(TABLE["reader"] == "R2", other, one)})
    with pytest.raises(
        SchemaError, match=r"r\.csv: rows \d+ and \d+, column .*: .* for V\d+, expected one value"
    ):
        reads(table)


def test_a_case_has_one_day_of_mri_whatever_the_vertebra():
    table = pd.concat([TABLE.assign(vertebra=v, mri_days=d) for v, d in (("T12", 3), ("L1", 9))])
    with pytest.raises(SchemaError, match=r"column mri days: 3 and 9 for V\d+"):
        reads(table.reset_index(drop=True))


def with_training():
    trained = TABLE[TABLE["case"] < "V006"].assign(training=1, t_lowest=-1.0, age_years=60)
    trained["case"] = "T" + trained["case"]
    return pd.concat([TABLE.assign(t_lowest=-3.0, age_years=60), trained], ignore_index=True)


@pytest.mark.parametrize(
    "table", [with_training(), TABLE.assign(t_lowest=-3.0, mri_days=np.where(TABLE["case"] < "V004", 9, 1))]
)
def test_the_last_step_of_the_flow_leaves_the_cases_analysed(table):
    analysis = analysed(reads(table), Config())
    steps = flow_table(analysis, limits_of(Config())).rows
    assert steps[-1][2] == analysis.cases
    assert [row[2] + (row[1] or 0) for row in steps[1:]] == [
        row[2] for row in steps[:-1]
    ]  # each from the one before
    flow = study_results(reads(table), analysis)["flow"]
    assert (flow[0]["n_before"], flow[-1]["n_after"]) == (40, analysis.cases)


def test_training_cases_are_in_no_count_of_the_flow():
    analysis = analysed(reads(with_training()), Config())
    assert (analysis.flow.cases, analysis.cases) == (40, 40)
    assert not any(step.n_excluded for step in analysis.eligible.flow)


def test_eligibility_in_chinese_headers_is_judged(tmp_path):
    table = TABLE.assign(
        年龄=60, T值=np.where(TABLE["case"] < "V011", -1.0, -3.0), 脊柱外伤="是", 腰背痛="是"
    )
    table.to_csv(tmp_path / "reads.csv", index=False, encoding="gb18030")
    analysis = analysed(read_reads(tmp_path / "reads.csv"), Config())
    assert analysis.cases == 30
    assert "trauma_and_pain" not in analysis.eligible.not_applicable


@pytest.mark.parametrize(
    ("lang", "silent", "loud"),
    [("en", "cases that meet the published criteria", "None of the published eligibility criteria was judged"),
     ("zh", "符合已发表标准（以", "已发表的入排标准均未判断")],
)  # fmt: skip
def test_criteria_are_claimed_only_where_they_were_judged(lang, silent, loud):
    say = words(lang)

    def text(table):
        found = reads(table)
        blocks = list(study_blocks(found, analysed(found, Config()), Config(), simulated=True))
        assert any(isinstance(b, TableBlock) and b.id == "table-criteria" for b in blocks) == (
            "t_lowest" in table
        )
        return " ".join([say.say(b.text) for b in blocks if isinstance(b, Paragraph)]
                        + [say.say(i) for b in blocks if isinstance(b, Bullets) for i in b.items])  # fmt: skip

    judged, unjudged = text(TABLE.assign(t_lowest=-3.0)), text(TABLE)
    assert silent in judged
    assert loud not in judged
    assert silent not in unjudged
    assert loud in unjudged


def test_the_template_asks_for_every_criterion_and_an_empty_column_judges_nobody():
    assert analysed(reads(TABLE.assign(t_lowest=np.nan, age_years=np.nan)), Config()).eligible is None
