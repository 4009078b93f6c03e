"""SAS transport files: against pandas, against values written by hand, and cut at every place."""

import gzip
import importlib.util
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.cohort.read import read_table
from osteon.cohort.xpt import ibm_float, read_xpt
from osteon.core.errors import FileError

_spec = importlib.util.spec_from_file_location("xpt_writer", Path(__file__).with_name("xpt_writer.py"))
xpt_writer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(xpt_writer)


def one(value):
    return float(ibm_float(np.frombuffer(xpt_writer.ibm(value), dtype=np.uint8).reshape(1, 8))[0])


def test_textbook_value():
    # IBM System/360 Principles of Operation: -118.625 is C2 76A000 00000000
    cell = np.array([[0xC2, 0x76, 0xA0, 0, 0, 0, 0, 0]], dtype=np.uint8)
    assert ibm_float(cell)[0] == -118.625


def test_zero_written_as_sixteen_to_the_minus_65_is_zero():
    # what careless converters write; pandas reads it as 5.4e-79
    cell = np.array([[0, 0x10, 0, 0, 0, 0, 0, 0], [0] * 8], dtype=np.uint8)
    assert (ibm_float(cell) == 0).all()


@pytest.mark.parametrize("code", [b".", b"_", b"A", b"Z"])
def test_sas_missing_codes(code):
    assert np.isnan(ibm_float(np.frombuffer(code + bytes(7), dtype=np.uint8).reshape(1, 8))[0])


@given(st.floats(min_value=-1e60, max_value=1e60).filter(lambda x: x == 0 or abs(x) > 1e-60))
def test_there_and_back(value):
    assert one(value) == pytest.approx(value, rel=1e-15)


def test_short_numbers():
    # SAS may store a number in 3 bytes
    assert ibm_float(np.array([[0x41, 0x10, 0x00]], dtype=np.uint8))[0] == 1.0


def test_file_against_pandas(tmp_path):
    path = tmp_path / "BMX_J.XPT"
    content = xpt_writer.write_xpt(
        path, {"SEQN": [1.0, 2.0, 3.0], "BMXWT": [70.5, None, 0.0], "NOTE": ["ab", "", "abc"]}
    )
    ours = read_table(path)
    theirs = pd.read_sas(io.BytesIO(content), format="xport", encoding="latin-1")
    assert list(ours.columns) == list(theirs.columns)
    assert ours["SEQN"].tolist() == theirs["SEQN"].tolist()
    assert ours["BMXWT"].tolist()[0] == 70.5
    assert ours["BMXWT"].tolist()[2] == 0.0
    assert np.isnan(ours["BMXWT"].tolist()[1])
    assert ours["NOTE"].fillna("").tolist() == ["ab", "", "abc"]
    assert list(ours.index) == [2, 3, 4]


@pytest.mark.parametrize("n", [1, 4, 5, 9, 10, 11, 40])
def test_rows_are_counted_right_though_filling_could_be_rows(tmp_path, n):
    path = tmp_path / "P_HSQ.XPT"
    xpt_writer.write_xpt(path, {"SEQN": [float(i) for i in range(1, n + 1)]})
    assert len(read_table(path)) == n


def test_every_cut_inside_a_row_is_found(tmp_path):
    path = tmp_path / "DEMO_J.XPT"
    columns = {f"V{i}": [float(i + j) for j in range(1, 21)] for i in range(1, 14)}
    whole = xpt_writer.write_xpt(path, columns)
    rows_start = whole.rindex(b"HEADER RECORD*******OBS") + 80
    silent = 0
    for cut in range(240, len(whole)):
        try:
            table = read_xpt(whole[:cut], name="DEMO_J.XPT")
        except FileError as error:
            assert "DEMO_J.XPT" in str(error)
            assert "cut short" in str(error) or "no rows" in str(error)
        else:
            # the format stores no row count: a cut exactly between rows on a record's end cannot be seen
            silent += 1
            assert (cut - rows_start) % 80 == 0
            assert len(table) < 20
    assert silent <= 20 * 104 // np.lcm(104, 80) + 1


def test_half_a_gzipped_file(tmp_path, real_data):
    content = (real_data / "tabular/nhanes/raw_xpt/P_DEMO.XPT.gz").read_bytes()
    half = tmp_path / "P_DEMO.XPT.gz"
    half.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileError, match=r"P_DEMO\.XPT\.gz.*cut short"):
        read_table(half)
    plain = tmp_path / "P_DEMO.XPT"
    whole = gzip.decompress(content)
    plain.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match=r"P_DEMO\.XPT: cut short after row \d+"):
        read_table(plain)


def test_real_files_against_pandas(real_data):
    for path in sorted((real_data / "tabular/nhanes/raw_xpt").glob("*.XPT.gz")):
        theirs = pd.read_sas(
            io.BytesIO(gzip.decompress(path.read_bytes())), format="xport", encoding="latin-1"
        )
        ours = read_table(path)
        assert ours.shape == theirs.shape, path.name
        for column in theirs.select_dtypes("number"):
            expected = theirs[column].to_numpy()
            expected = np.where(np.abs(expected) < 1e-70, 0.0, expected)
            np.testing.assert_array_equal(ours[column].to_numpy(), expected, err_msg=f"{path.name} {column}")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"**COMPRESSED** **COMPRESSED**", "CPORT"),
        (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!", "version 8"),
        (b"SEQN,AGE\n1,2\n", "not a SAS transport file"),
    ],
)
def test_other_formats_are_refused(content, words):
    with pytest.raises(FileError, match=words):
        read_xpt(content, name="x.xpt")
