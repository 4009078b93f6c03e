"""Height loss against the neighbours: planted losses come back, natural shapes do not count, more loss never grades lower."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from osteon.core.errors import ConfigError, NotEnoughData
from osteon.domain.spine import HeightLoss, Heights
from osteon.reading.spine_confidence import (
    call_confidence,
    fit_confidence,
    fit_type_confidence,
    grade_confidence,
    type_confidence,
)
from osteon.reading.spine_findings import ReadingOptions
from osteon.reading.spine_genant import genant
from osteon.reading.spine_neighbours import expected
from osteon.reading.spine_reference import height_losses
from osteon.reading.spine_rules import level_place, norm_heights, rules

LEVELS = ("T9", "T10", "T11", "T12", "L1", "L2", "L3", "L4", "L5")
SITES = ("anterior", "middle", "posterior")


def spine(levels=LEVELS, *, size=27.0, noise=0.0, slope=0.0, seed=0):
    """Heights of a spine that follows the norm but for its size, a trend in its wedging, and noise."""
    rng = np.random.default_rng(seed)
    found = {}
    for level in levels:
        norm, place = norm_heights(level), level_place(level) - 13
        factors = np.exp(rng.normal(0, noise, 3) + slope * place * np.array([1.0, 0.5, 0.0]))
        found[level] = Heights(
            **{s: size * getattr(norm, s) * f for s, f in zip(SITES, factors, strict=True)}
        )
    return found


def lower(heights, **losses):
    return Heights(**{s: getattr(heights, s) * (1 - losses.get(s, 0.0)) for s in SITES})


def losses(heights, se=0.3):
    return height_losses(heights, se_mm=dict.fromkeys(heights, se))


@pytest.mark.parametrize("size", [20.0, 32.0])
def test_a_spine_like_the_norm_has_lost_nothing(size):
    assert max(abs(v.largest) for v in losses(spine(size=size)).values()) < 1e-9


def test_natural_wedge_and_the_low_back_of_l5_are_no_fractures():
    found = losses(spine())
    naive = {k: 1 - min(h.anterior, h.posterior) / max(h.anterior, h.posterior) for k, h in spine().items()}
    assert naive["L5"] > 0.1 and naive["T11"] > 0.05
    assert all(genant(v).grade == 0 and v.largest < 0.01 for v in found.values())


@pytest.mark.parametrize(("planted", "grade", "shape"), [
    ({"anterior": 0.22, "middle": 0.1}, 1, "wedge"),
    ({"middle": 0.32, "anterior": 0.05}, 2, "biconcave"),
    ({"anterior": 0.45, "middle": 0.45, "posterior": 0.43}, 3, "crush"),
    ({"anterior": 0.17}, 0, "none"),
])  # fmt: skip
def test_a_planted_loss_comes_back(planted, grade, shape):
    heights = spine(slope=0.004)
    heights["T12"] = lower(heights["T12"], **planted)
    found = losses(heights)
    assert found["T12"].largest == pytest.approx(max(planted.values()), abs=0.012)
    assert (genant(found["T12"]).grade, genant(found["T12"]).type) == (grade, shape)
    assert "T12" not in found["L1"].reference_from
    assert all(genant(v).grade == 0 for k, v in found.items() if k != "T12")


def test_several_fractures_do_not_hide_each_other():
    heights = spine(noise=0.012, seed=3)
    broken = {"T11": 0.35, "T12": 0.45, "L1": 0.3, "L2": 0.28}
    for level, share in broken.items():
        heights[level] = lower(heights[level], anterior=share, middle=share * 0.7)
    found = losses(heights)
    for level in LEVELS:
        assert found[level].largest == pytest.approx(broken.get(level, 0.0), abs=0.06)
        assert not set(found[level].reference_from) & set(broken)


def test_the_standard_error_says_how_far_off_the_estimate_is():
    off = []
    for seed in range(60):
        heights = spine(noise=0.02, slope=0.003, seed=seed)
        heights["L1"] = lower(heights["L1"], anterior=0.25)
        found = losses(heights)["L1"]
        off.append((found.anterior - 0.25) / found.se)
    assert 0.4 < np.std(off) < 1.3 and abs(np.mean(off)) < 0.4


def test_a_lone_vertebra_rests_on_its_own_posterior_height():
    heights = {"L1": lower(spine()["L1"], anterior=0.3)}
    found = losses(heights)["L1"]
    assert found.reference_from == ()
    assert found.anterior == pytest.approx(0.3)
    assert found.self_loss == pytest.approx(0.3)
    assert found.se / (1 - found.largest) > losses(spine())["L1"].se
    assert losses({}) == {}


def test_unanchored_levels_are_graded_too():
    named = spine(("L1", "L2", "L3", "L4"))
    heights = {f"V{4 - n}": h for n, h in enumerate(named.values())}
    heights["V3"] = lower(heights["V3"], anterior=0.4, middle=0.3)
    found = losses(heights)
    assert genant(found["V3"]).grade >= 2 and all(genant(found[k]).grade == 0 for k in ("V1", "V2", "V4"))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(LEVELS), st.sampled_from(SITES), st.floats(0, 0.6), st.floats(0, 0.3), st.integers(0, 50)
)
def test_more_planted_loss_never_lowers_the_grade(level, site, first, more, seed):
    heights = spine(noise=0.015, seed=seed)
    grades = []
    for share in (first, min(first + more, 0.8)):
        broken = dict(heights)
        broken[level] = lower(heights[level], **{site: share})
        found = losses(broken)
        grades.append((genant(found[level]).grade, found[level].largest))
    assert grades[1][0] >= grades[0][0]


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.2, 0.8), st.floats(-0.2, 0.8), st.floats(-0.2, 0.8))
def test_the_operating_point_only_moves_the_lower_bound(anterior, middle, posterior):
    at = Heights(anterior=27, middle=25, posterior=27)
    loss = HeightLoss(anterior=anterior, middle=middle, posterior=posterior, reference_mm=at, reference_from=(), se=0.02, self_loss=0)  # fmt: skip
    sensitive, specific = (genant(loss, operating_point=p) for p in (0.20, 0.25))
    assert sensitive.grade == specific.grade or (sensitive.grade == 1 and specific.grade == 0)
    assert (specific.grade == 0) == (loss.largest < 0.25) and (sensitive.type == "none") == (
        sensitive.grade == 0
    )


@given(loss=st.floats(0.0, 0.7), se=st.floats(0.0, 0.1), point=st.sampled_from([0.20, 0.25]))
def test_a_broken_endplate_only_carries_a_loss_over_the_threshold_from_within_its_error(loss, se, point):
    at = Heights(anterior=27, middle=25, posterior=27)
    seen = HeightLoss(
        anterior=loss,
        middle=0.0,
        posterior=0.0,
        reference_mm=at,
        reference_from=("L2",),
        se=se,
        self_loss=0.0,
    )
    plain, broken, burst = (genant(seen, operating_point=point, breaks=n) for n in (0, 1, 2))
    for reach, found in ((se, broken), (2 * se, burst)):
        reach = min(reach, 0.06)
        assert found.threshold == pytest.approx(point - reach)
        if point - reach <= loss < point:
            assert plain.grade == 0 and found.grade == 1
        else:
            assert (found.grade, found.type) == (plain.grade, plain.type)
    assert genant(replace(seen, reference_from=()), operating_point=point, breaks=2) == plain, (
        "nobody says what was lost"
    )


def test_only_the_two_operating_points_are_offered():
    with pytest.raises(ConfigError):
        ReadingOptions(operating_point=0.15)
    with pytest.raises(ConfigError):
        rules("nothing")


def test_every_section_of_the_rules_says_where_it_comes_from():
    names = ("evaluable", "norm", "reference", "genant", "endplate", "denis", "of", "density", "flags", "trabecular", "contents", "confidence", "type_confidence", "one_sided", "compare")  # fmt: skip
    for name in names:
        assert rules(name)["source"] and rules(name)["confidence"] in {
            "read",
            "recalled",
            "derived",
            "design",
            "fitted",
        }
    norm = rules("norm")
    assert (
        len({len(norm[k]) for k in ("levels", "posterior", "anterior_over_posterior", "middle_over_mean")})
        == 1
    )


def test_signs_are_expected_from_sound_neighbours_only():
    values = {"T12": 9.0, "L1": 5.0, "L2": 1.0, "L3": 1.2, "L4": None}
    found = expected(values, "L1", frozenset({"L1", "L2", "L3", "L4"}), default=1.0, sd_floor=0.5)
    assert found.n == 2 and found.value == pytest.approx(1.1, abs=0.05)
    assert expected(values, "L1", frozenset(), default=1.0, sd_floor=0.5).n == 0
    assert expected(values, "L1", frozenset({"L2", "L3"}), default=None, sd_floor=0.5).value == pytest.approx(
        1.1
    )
    assert np.isnan(expected(values, "L1", frozenset(), default=None, sd_floor=0.5).value)


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 6), st.floats(0, 3), st.one_of(st.none(), st.floats(0.3, 1.0)))
def test_confidence_grows_with_the_distance_to_the_threshold(z, more, agreement):
    near, far = (call_confidence(k, agreement=agreement, slice_mm=1.0) for k in (z, z + more))
    assert 0.5 <= near <= far <= 0.995


def test_a_fitted_confidence_is_calibrated():
    rng = np.random.default_rng(1)
    rows = []
    for z in rng.normal(0, 2, 3000):
        slice_mm = float(rng.choice([1.0, 3.0]))
        chance = 1 / (1 + np.exp(-(0.2 + 1.1 * min(abs(z), 4) - 0.3 * (slice_mm - 1))))
        rows.append((float(z), None, slice_mm, bool(rng.random() < chance)))
    fitted = fit_confidence(rows)
    said = np.array([call_confidence(z, agreement=a, slice_mm=s, parameters=fitted) for z, a, s, _ in rows])
    right = np.array([r for *_, r in rows])
    for low, high in ((0.5, 0.7), (0.7, 0.9), (0.9, 1.0)):
        chosen = (said > low) & (said <= high)
        assert said[chosen].mean() == pytest.approx(right[chosen].mean(), abs=0.04)


def test_a_fitted_confidence_of_types_is_calibrated():
    rng = np.random.default_rng(2)
    margins, broken = rng.gamma(1.5, 0.4, 6000), rng.random(6000)
    right = rng.random(6000) < 1 / (1 + np.exp(-(1.3 + 2.0 * np.minimum(margins, 1.0) - 1.5 * broken)))
    fitted = fit_type_confidence([(float(m), float(b), bool(r)) for m, b, r in zip(margins, broken, right, strict=True)])  # fmt: skip
    assert fitted["base"] == pytest.approx(1.3, abs=0.25) and fitted["margin"] == pytest.approx(2.0, abs=0.4)
    assert fitted["broken"] == pytest.approx(-1.5, abs=0.3)
    said = np.array([type_confidence(float(m), broken=float(b), parameters=fitted) for m, b in zip(margins, broken, strict=True)])  # fmt: skip
    assert said.mean() == pytest.approx(right.mean(), abs=0.02)
    with pytest.raises(NotEnoughData):
        fit_type_confidence([(0.5, 0.2, True)] * 80)


def test_the_confidence_of_a_grade_is_the_chance_of_the_true_loss_within_its_bounds():
    """Against drawn errors: of losses measured with a normal error, as many grades are right as is stated."""
    rng = np.random.default_rng(5)
    measured, se = rng.uniform(0.2, 0.6, 4000), rng.uniform(0.01, 0.06, 4000)
    grades = np.searchsorted([0.25, 0.40], measured, side="right") + 1
    true = np.searchsorted([0.25, 0.40], measured + se * rng.standard_normal(4000), side="right") + 1
    said = np.array([grade_confidence(*row) for row in zip(measured, se, grades.tolist(), strict=True)])
    for low in np.arange(0.5, 1.0, 0.1):
        inside = (said >= low) & (said < low + 0.1)
        assert (grades == true)[inside].mean() == pytest.approx(said[inside].mean(), abs=0.05)
    assert grade_confidence(0.9, 0.02, 3) <= rules("confidence")["most"]
