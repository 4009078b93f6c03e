"""The trial on SIMULATED spines: its truth is dealt evenly and independently of the grader; six spines read end to end."""

import ast
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import osteon
from osteon.studies.spine_trial import case_rows, planned_case, read_case, true_grade
from osteon.studies.spine_trial_figures import stated_confidences, trial_figures

HOUSE = Path(osteon.__file__).parent


def test_truth_is_dealt_evenly():
    cases = [planned_case(n, seed=1) for n in range(100)]
    counted = [f for case in cases for f in case.fractures if f.loss >= 0.2]
    grades = Counter(true_grade(f.loss) for f in counted)
    assert max(grades.values()) - min(grades.values()) <= 1
    assert set(grades) == {1, 2, 3}
    types = Counter(f.denis for f in counted)
    assert set(types) == set("ABCD")
    assert max(types.values()) - min(types.values()) <= 3
    assert sum(case.unseen for case in cases) == 30
    assert sum(not any(f.loss >= 0.2 for f in case.fractures) for case in cases) == 30
    assert len({case.seed for case in cases}) == 100


@pytest.mark.parametrize(("loss", "grade"), [(0.0, 0), (0.199, 0), (0.2, 1), (0.249, 1), (0.25, 2), (0.4, 3)])
def test_true_grades(loss, grade):
    assert true_grade(loss) == grade


def test_truth_lies_on_the_cubes_a_scan_was_resampled_to():
    case = replace(planned_case(1, seed=1, spacing_mm=(2.0, 2.0, 2.0)), cube_mm=3.0)
    shown, volume = read_case(case, read=lambda volume, **_: volume)
    np.testing.assert_allclose(volume.spacing_mm, 3.0)
    assert shown.labels.bodies.grid.same_place(volume.grid)
    for v in shown.anatomy.shown[1:-1]:
        centre = volume.grid.world(np.argwhere(shown.labels.bodies.array == v.code)).mean(axis=0)
        assert np.linalg.norm(centre - v.frame.centre) < 5.0


def test_the_renderer_knows_no_threshold_of_the_grader():
    for path in (HOUSE / "synth").glob("spine_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names] if isinstance(node, ast.Import) else []  # fmt: skip
            for name in names:
                assert not str(name).startswith(
                    ("osteon.reading", "osteon.imaging.measure", "osteon.studies")
                ), path


def rows(**changed):
    """Ten spines of three vertebrae, all read as they are."""
    table = pd.DataFrame(
        {
            "case": np.repeat(np.arange(10), 3), "level": ["T12", "L1", "L2"] * 10, "found_level": ["T12", "L1", "L2"] * 10,
            "dice": 0.95, "true_loss": [0.0, 0.3, 0.22] * 10, "true_grade": [0, 2, 1] * 10, "grade": [0, 2, 1] * 10,
            "true_fracture": [False, True, True] * 10, "fractured": [False, True, True] * 10, "true_denis": [None, "A", "B"] * 10,
            "denis": [None, "A", "B"] * 10, "evaluable": True, "confidence": 0.95, "planted_reason": "",
            "red_flags": "", "level_confidence": 0.9, "denis_confidence": [None, 0.8, 0.8] * 10,
            "grade_confidence": [None, 0.7, 0.7] * 10, "of_type": [None, 4, 2] * 10, "true_of": [None, 4, 2] * 10,
            "of_confidence": [None, 0.6, 0.6] * 10, "endplate_injury": False, "true_broken_endplate": [False, True, True] * 10,
            **{f"{p}{s}_mm": 25.0 for p in ("", "true_") for s in ("anterior", "middle", "posterior")},
        }
    )  # fmt: skip
    return table.assign(**changed)


def figures(table):
    return {figure.name: figure.value for figure in trial_figures(table)}


def test_a_perfect_reader_is_perfect():
    found = figures(rows())
    assert (
        found["level accuracy"]
        == found["grade exact, macro over 0-3"]
        == found["sensitivity per vertebra"]
        == 1
    )
    assert found["height MAE, mm"] == found["not evaluable without a planted reason"] == 0
    assert found["expected calibration error of the calls"] == pytest.approx(0.05)
    assert found["expected calibration error of the Denis types"] == pytest.approx(0.2)
    assert found["expected calibration error of the levels"] == pytest.approx(0.1)
    assert found["expected calibration error of the grades"] == pytest.approx(0.3)
    assert found["expected calibration error of the OF types"] == pytest.approx(0.4)


def test_whole_bodies_called_broken_are_counted():
    assert figures(rows())["whole body with an endplate called broken"] == 0.0
    wrong = figures(rows(endplate_injury=[True, True, False] * 10))
    assert wrong["whole body with an endplate called broken"] == 1.0


def test_a_missing_call_is_a_wrong_call():
    mute = figures(rows(fractured=None, grade=None, evaluable=False, confidence=None))
    assert (
        mute["sensitivity per vertebra"] == mute["specificity per vertebra"] == mute["grade within one"] == 0
    )
    assert mute["not evaluable without a planted reason"] == 1


def test_a_planted_reason_takes_a_vertebra_out():
    table = rows(
        planted_reason=["", "screws", ""] * 10, grade=[0, None, 1] * 10, fractured=[False, None, True] * 10
    )
    assert figures(table)["sensitivity per vertebra"] == 1


def test_suspicions_are_judged_beside_what_was_planted():
    table = rows(planted_reason=["lytic", "", "sclerotic"] * 10, red_flags=["lytic_focus", "", ""] * 10)
    found = figures(table)
    assert found["planted disease called suspicious"] == 0.5 and found["suspicion right"] == 1.0
    assert "suspicion right" not in figures(rows())


@pytest.mark.slow
def test_six_spines():
    told = []
    for number in (0, 1, 2, 4, 5, 9):
        case = planned_case(number, seed=31_000_000)
        told += case_rows(case, *read_case(case))
    table = pd.DataFrame(told)
    found = figures(table)
    assert found["level accuracy"] >= 0.9
    assert found["body Dice"] >= 0.9
    assert found["height MAE, mm"] <= 1.0
    assert found["grade within one"] >= 0.9
    assert found["sensitivity per vertebra"] >= 0.6  # seven fractures
    assert found["specificity per vertebra"] >= 0.85
    assert len(stated_confidences(table)["calls"][0]) > 30
