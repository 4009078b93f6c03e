"""
What ``osteon data fetch`` brings is read as the kept copy is: the copy, written as the address serves it, is the
registry's file to the byte, and gives the same cohort.
"""

import gzip
import hashlib
import re

import pandas as pd
import pytest

from osteon.cohort.registry import registry
from osteon.cohort.sources import estonia, glow, nhanes

WHOLE = re.compile(r"(?<![^,])(\d+)\.0(?=,|$)", re.MULTILINE)  # 68.0 in the kept copies is 68 at the address


def known_hash(data_set, name):
    """The registry's SHA-256 of what the address serves."""
    (found,) = [file.sha256 for file in registry()[data_set].files if file.path.endswith(f"/{name}")]
    return found


def same(cohort, other):
    pd.testing.assert_frame_equal(cohort.table, other.table)
    assert (cohort.flow, cohort.notes) == (other.flow, other.notes)
    assert cohort.log == other.log


def tabbed(path):
    return WHOLE.sub(r"\1", path.read_text(encoding="utf-8")).replace(",", "\t")


@pytest.mark.parametrize(
    ("kept", "served"),
    [("glow500.csv", "GLOW500.txt"), ("glow_bonemed.csv", "GLOW_BONEMED.txt"),
     ("glow_mis_comp.csv", "GLOW_MIS_Comp_Data.txt")],
)  # fmt: skip
def test_glow_separated_by_tabs(real_data, tmp_path, kept, served):
    copy = real_data / "tabular/glow" / kept
    path = tmp_path / served
    path.write_text(tabbed(copy), encoding="utf-8", newline="")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == known_hash("glow", served)
    same(glow.read(path), glow.read(copy))


def test_glow_separated_by_tabs_keeps_its_gaps(real_data, tmp_path):
    """Blank cells, the last of a row among them, as GLOW_MIS_WMissing_Data.txt has them."""
    lines = [line.split("\t") for line in tabbed(real_data / "tabular/glow/glow_mis_comp.csv").splitlines()]
    header = lines[0]
    for row, names in ((1, ["RATERISK"]), (2, ["MOMFRAC", "PRIORFRAC"]), (5, ["AGE", "PRIORFRAC"])):
        for name in names:
            lines[row][header.index(name)] = ""
    path = tmp_path / "GLOW_MIS_WMissing_Data.txt"
    path.write_text("\n".join("\t".join(line) for line in lines) + "\n", encoding="utf-8")
    table = glow.read(path).table
    assert table[["self_rated_fracture_risk", "mother_hip_fracture", "fracture_prior", "age_years"]].isna().sum().tolist() == [1, 1, 2, 1]  # fmt: skip
    assert table["weight_kg"].notna().all()


@pytest.mark.parametrize("mark", [";", ","])
def test_estonia_plain(real_data, tmp_path, mark):
    copy = real_data / "tabular/estonia_hip_fracture/hip_fracture.csv.gz"
    text = WHOLE.sub(r"\1", gzip.decompress(copy.read_bytes()).decode("utf-8"))
    path = tmp_path / "hip_fracture.csv"
    path.write_text(text.replace(",", mark), encoding="utf-8", newline="\r\n")
    if mark == ";":
        known = known_hash("estonia_hip_fracture", "hip_fracture.csv")
        assert hashlib.sha256(path.read_bytes()).hexdigest() == known
    same(estonia.read(path), estonia.read(copy))


def test_nhanes_transport_files_plain(real_data, tmp_path):
    kept = real_data / "tabular/nhanes/raw_xpt"
    folder = tmp_path / "raw_xpt"
    folder.mkdir()
    for copy in sorted(kept.glob("P_*.XPT.gz")):
        path = folder / copy.name.removesuffix(".gz")
        path.write_bytes(gzip.decompress(copy.read_bytes()))
        assert hashlib.sha256(path.read_bytes()).hexdigest() == known_hash("nhanes_2017_2020", path.name)
    cohort, other = (nhanes.read(place, cycles=("P",)) for place in (folder, kept))
    pd.testing.assert_frame_equal(cohort.table, other.table)
    assert (cohort.source, cohort.flow) == (other.source, other.flow)
    assert len(cohort) > 4000
