"""The rule of types: what counts as an injured endplate, and the letters that follow."""

from types import SimpleNamespace

import numpy as np
import pytest

from osteon.domain.spine import Endplate, HeightLoss, Heights
from osteon.imaging.measure.canal import Canal
from osteon.imaging.measure.wall import BackWall
from osteon.reading.spine_denis import _injury, denis_type, posterior_wall

AT = Heights(anterior=27, middle=25, posterior=27)


def loss(anterior, middle, posterior):
    return HeightLoss(
        anterior=anterior, middle=middle, posterior=posterior, reference_mm=AT, reference_from=(), se=0.02, self_loss=0.2
    )  # fmt: skip


def plate(injury, depression=0.0):
    return Endplate(
        depression_mm=depression, discontinuity=0.0, band_hu=0.0, tilt_deg=0.0, injured=injury > 1, signs=(), injury=injury
    )  # fmt: skip


@pytest.mark.parametrize(
    ("ratios", "injured"),
    [
        ({"depression": 1.2, "band": 1.1}, True),  # two signs of a break
        ({"band": 1.2, "tilt": 1.5}, True),  # one of a break, one of displacement
        ({"depression": 1.4, "tilt": 0.2}, False),  # one alone must be strong
        ({"depression": 0.2, "tilt": 0.2, "band": 1.9, "discontinuity": 0.4}, False),
        ({"depression": 0.2, "tilt": 0.2, "band": 2.2, "discontinuity": 0.4}, True),
        ({"depression": 1.7, "tilt": 0.0}, True),
        ({"depression": 0.3, "tilt": 3.0}, False),  # tilted and whole: the anterior wall gave way
        ({"depression": 0.3, "tilt": 2.0, "sunk": 1.2}, False),  # displaced and whole
        ({"depression": 0.3, "tilt": 0.1, "sunk": 2.0}, True),
        (
            {"depression": 0.1, "band": 3.0, "discontinuity": 0.1, "tilt": 2.0},
            False,
        ),  # a whole cortex: a break elsewhere
        ({"depression": 1.2, "band": 1.2, "discontinuity": 0.1, "tilt": 0.0}, True),  # whole but depressed
    ],
)
def test_injury_takes_two_signs_or_a_strong_one(ratios, injured):
    assert (_injury(ratios, elsewhere=False) > 1) == injured


def test_a_whole_endplate_sunk_beside_a_broken_one_is_not_injured():
    sunk = {"depression": 0.0, "discontinuity": 0.0, "band": 0.3, "tilt": 0.7, "sunk": 2.0}
    assert _injury(sunk, elsewhere=False) > 1 > _injury(sunk, elsewhere=True)
    unseen = {name: ratio for name, ratio in sunk.items() if name != "discontinuity"}
    assert _injury(unseen, elsewhere=True) > 1  # nobody saw its cortex


def test_a_stronger_sign_never_makes_an_endplate_less_injured():
    ratios = {"depression": 0.8, "discontinuity": 0.2, "band": 0.9, "tilt": 0.4, "sunk": 0.7}
    for name in ratios:
        assert _injury(ratios | {name: ratios[name] + 0.5}, elsewhere=False) >= _injury(
            ratios, elsewhere=False
        )


@pytest.mark.parametrize(
    ("superior", "inferior", "letter"), [(1.5, 1.2, "A"), (1.5, 0.4, "B"), (0.4, 1.5, "C"), (0.2, 0.3, "D")]
)
def test_letters_follow_the_injured_endplates(superior, inferior, letter):
    found = denis_type(plate(superior), plate(inferior), loss=loss(0.3, 0.2, 0.05), kink_mm=1.5, wall=None)
    assert found.type == letter
    assert found.margin == pytest.approx(min(abs(superior - 1), abs(inferior - 1)))


def test_without_an_injured_endplate_only_the_anterior_wall_explains_a_fracture():
    def typed(at, kink, depression=0.0):
        whole = plate(0.4, depression)
        return denis_type(whole, whole, loss=at, kink_mm=kink, wall=None).type

    assert typed(loss(0.3, 0.2, 0.05), 0.0) == "D"
    assert typed(loss(0.3, 0.3, 0.28), 0.0) is None  # pressed flat: which endplate gave way is not seen
    assert typed(loss(0.3, 0.2, 0.05), 0.0, depression=0.8) is None  # dented, yet not enough to say so
    assert typed(loss(0.3, 0.2, 0.05), 1.4, depression=0.8) == "D"  # buckled


def wall_of(area, *, seen=True):
    """A vertebra with a hollow posterior wall, or one that could not be followed, and a canal of that area."""
    share = np.linspace(0.02, 0.98, 40)
    wall = BackWall(share=share, outward_mm=share * (share - 1) * 4, span_mm=(-13.0, 13.0), u_mm=0.0, rims_mm=(-0.2, -0.2), beside_mm=(0.2, 0.2))  # fmt: skip
    return SimpleNamespace(
        back_wall=wall if seen else None, convexity_mm=-0.6 if seen else None,
        canal=None if area is None else Canal(ap_mm=10.0, area_mm2=area), box=SimpleNamespace(voxel_mm=1.0),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("area", "seen", "involved", "ratio"),
    [
        (300.0, True, False, 1.0),
        (200.0, True, False, 0.667),  # narrow behind a wall as hollow as the neighbours'
        (100.0, True, True, 0.333),  # all but closed: whatever the wall looks like
        (0.0, True, True, 0.0),
        (200.0, False, True, 0.667),  # the canal speaks where the wall could not be followed
        (0.0, False, True, 0.0),
        (None, True, False, None),
        (300.0, False, None, None),  # nothing was seen of the wall, and the canal is wide: not assessed
        (None, False, None, None),
    ],
)
def test_a_narrow_canal_is_involvement_also_where_the_wall_was_not_followed(area, seen, involved, ratio):
    spine = {level: wall_of(300.0) for level in ("T11", "T12", "L2", "L3")} | {"L1": wall_of(area, seen=seen)}
    for m in spine.values():
        m.frame = SimpleNamespace(local=lambda p: p, world=lambda p: p)
    found = posterior_wall(spine, "L1", good=frozenset(spine) - {"L1"})
    assert (found is None) == (involved is None)
    if found is not None:
        assert found.involved is involved
        assert found.canal_area_ratio == (None if ratio is None else pytest.approx(ratio, abs=0.01))
