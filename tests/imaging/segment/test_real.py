"""Real scans and masks (evaluation only): levels come out right or unanchored, bodies where a peer has them."""

import nibabel
import numpy as np
import pytest

from osteon.domain.anatomy import Tissue, level_of_verse
from osteon.imaging.read import read_volume
from osteon.imaging.segment.assemble import label_spine
from osteon.imaging.segment.classical import ClassicalSegmenter
from osteon.imaging.volume import LabelMap

PEER = {27: "L5", 28: "L4", 29: "L3", 30: "L2", 31: "L1", 32: "T12"}


def masks(path):
    image = nibabel.load(path)
    affine = (np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine)[:, [2, 1, 0, 3]]
    return LabelMap(
        array=np.asarray(image.dataobj).transpose(2, 1, 0).astype(np.int16), affine=affine
    ).canonical()


@pytest.fixture(scope="module")
def lumbar(real_data):
    folder = real_data / "ct" / "lumbar_3mm"
    report = folder / "spine_report" / "example_ct_report"
    return folder, masks(report / "totalseg.nii.gz"), masks(report / "totalseg_vertebrae_body.nii.gz")


def test_peer_masks_as_maps_keep_their_levels(lumbar):
    _, whole, parts = lumbar
    vertebra, body = whole.array >= 27, parts.array == 1
    maps = {
        Tissue.BODY: (body & vertebra).astype(np.float32),
        Tissue.DISC: (parts.array == 2).astype(np.float32),
        Tissue.POSTERIOR: (vertebra & (parts.array == 0)).astype(np.float32),
        Tissue.SACRUM: ((whole.array == 26) & (parts.array != 2)).astype(np.float32),
    }
    labels = label_spine(whole.grid, maps, whole.grid)
    assert [x.level for x in labels.levels] == ["T12", "L1", "L2", "L3", "L4", "L5"]
    for label in labels.levels:
        inside = whole.array[labels.bodies.array == label.code]
        assert np.mean([PEER.get(int(v)) == label.level for v in inside]) > 0.98
    assert labels.anchored_by == ("sacrum",) and labels.levels[0].cropped


def test_classical_finds_the_peers_bodies(lumbar):
    folder, whole, parts = lumbar
    labels = ClassicalSegmenter().segment(read_volume(folder / "example_ct.nii.gz"))
    assert all(x.confidence <= 0.8 for x in labels.levels)
    dice = []
    for value in PEER:
        truth = (whole.array == value) & (parts.array == 1)
        codes = np.bincount(labels.bodies.array[truth], minlength=2)
        codes[0] = 0
        found = labels.bodies.array == codes.argmax()
        dice.append(2 * (found & truth).sum() / (found.sum() + truth.sum()))
    assert min(dice) > 0.75 and np.mean(dice) > 0.8, dice


def test_a_field_without_sacrum_and_ribs_is_not_named(real_data):
    whole = masks(real_data / "ct" / "verse_masks" / "sub-verse010_seg-vert_msk.nii.gz")
    assert {level_of_verse(k) for k in whole.present} == {"L1", "L2", "L3", "L4", "L5"}
    coarse = LabelMap(array=whole.array[1::3, 1::3, 1::3], affine=_coarse(whole))
    # the mask does not part body and arch: the ring of bone shows the canal, and what lies ahead of it is body
    labels = label_spine(whole.grid, {Tissue.BODY: (coarse.array > 0).astype(np.float32)}, coarse.grid)
    assert labels.anchored_by == () and all(x.level.startswith("V") for x in labels.levels)


def _coarse(labels):
    affine = labels.affine.copy()
    affine[:3, :3] *= 3
    affine[:3, 3] = labels.grid.world([1, 1, 1])
    return affine
