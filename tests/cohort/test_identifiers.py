import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.identifiers import (
    identifier_kind,
    identifier_rows,
    names_an_identifier,
    resident_number,
    written_dates,
)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("11010519491231002X", "resident_number"), ("身份证11010519491231002x，已核对", "resident_number"),
        ("440524188001010014", None),  # born in 1880: outside the pattern
        ("110105194912310021", None), ("110105491231002", "resident_number_15"),
        ("13800138000", "mobile"), ("+86 138-0013-8000", "mobile"), (13800138000, "mobile"), (13800138000.0, "mobile"),
        ("12800138000", None), ("010-62781234", "telephone"), ("(555) 123-4567", "telephone"),
        ("li.lei@hospital.cn", "email"), ("住院号：ZY0012345", "record_number"), ("MRN 99887766", "record_number"),
        ("2020-01-05", "date"), ("fell on 2020/3/7 at home", "date"), ("osteopenia, T -1.8", None), (72.5, None), (None, None), (True, None), ("", None),
        (20200105, None), ("L1-L4 0.812 g/cm2", None),
    ],
)  # fmt: skip
def test_kinds(value, kind):
    assert identifier_kind(value) == kind


@given(
    st.from_regex(r"[1-6][0-9]{5}19[5-9][0-9](0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}", fullmatch=True)
)
def test_exactly_one_check_digit_is_right(stem):
    assert sum(resident_number(stem + digit) for digit in "0123456789X") == 1


def test_rows_and_headers():
    column = pd.Series(["a", None, "13800138000", "x@y.org", "13900139000"], index=list("abcde"))
    assert identifier_rows(column) == {"mobile": ("c", "e"), "email": ("d",)}
    assert identifier_rows(pd.Series(["13800138000"], dtype="category")) == {"mobile": (0,)}
    assert identifier_rows(pd.Series(pd.to_datetime(["2020-01-01"]))) == {}
    assert [names_an_identifier(h) for h in ("身份证号", "Patient Name", "住址", "age", "性别")] == [
        True
    ] * 3 + [False] * 2


def test_whole_dates_are_read_in_every_spelling_and_nothing_else_is():
    for spelling in (
        "2020-03-07",
        "2020/3/7",
        "2020.03.07",
        "2020年3月7日",
        "20200307",
        20200307,
        20200307.0,
    ):
        assert written_dates(pd.Series([spelling, None], dtype=object))[0] == pd.Timestamp(2020, 3, 7)
    for other in ("2020-13-07", "2020-02-30", "20200", "7.3.2020", 20201307, 61.5, True, "2020307"):
        assert written_dates(pd.Series([other], dtype=object)) is None
    assert written_dates(pd.Series([None, None], dtype=object)) is None
