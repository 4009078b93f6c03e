"""Key images: where things lie in them, and that a millimetre is a millimetre."""

import importlib.util
import io
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure
from matplotlib.text import Text as TextArtist
from matplotlib.transforms import Affine2D

from osteon.core.errors import InputError
from osteon.domain.spine import FlagPlace
from osteon.report.figure_levels import LevelProfileFigure
from osteon.report.figure_spine import CloseUpFigure, OverviewFigure, evidence_rows, marked_place, status_of
from osteon.report.speech import speak
from osteon.report.spine_ct import spine_ct_document
from osteon.report.spine_ct_evidence import evidence
from osteon.report.spine_scene import PIXEL_MM, height_lines, spine_scene
from osteon.report.theme import Pen, drawn, text_width_mm
from osteon.report.words import words

_spec = importlib.util.spec_from_file_location("spine_fixture", Path(__file__).with_name("spine_fixture.py"))
fixture = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fixture)


@cache
def scene(spacing=(1.0, 1.0, 1.0), ct=True):
    volume, labels = fixture.spine(spacing)
    return spine_scene(fixture.reading(), labels, volume if ct else None)


def length(line):
    return float(np.hypot(line.upper[0] - line.lower[0], line.upper[1] - line.lower[1]))


@pytest.mark.parametrize("body", fixture.planted(), ids=lambda body: body.level)
def test_height_lines_run_where_the_planted_heights_are(body):
    lines = height_lines(scene().sagittal, scene().code[body.level])
    assert [length(line) for line in lines] == pytest.approx(body.heights, abs=2.5)
    assert all(line.upper[1] > line.lower[1] for line in lines)
    across = [line.lower[0] for line in lines]
    assert across == sorted(across)  # anterior to the left


def test_the_picture_is_true_to_scale_whatever_the_voxels():
    fine, coarse = scene().sagittal, scene((3.0, 1.5, 1.5)).sagittal
    for plane in (fine, coarse):
        left, right, bottom, top = plane.extent_mm
        assert plane.grey.shape == (
            pytest.approx((top - bottom) / PIXEL_MM),
            pytest.approx((right - left) / PIXEL_MM),
        )
    areas = [np.count_nonzero(plane.codes == 22) * PIXEL_MM**2 for plane in (fine, coarse)]
    assert areas[0] == pytest.approx(areas[1], rel=0.08)


def test_the_plane_follows_the_curve_of_the_spine():
    """Every body is cut through its middle although the spine bends sideways by 7 mm."""
    plane = scene().sagittal
    for body in fixture.planted():
        cut = plane.codes == scene().code[body.level]
        depth = np.ptp(np.nonzero(cut.any(axis=0))[0]) * PIXEL_MM
        assert depth == pytest.approx(34 + abs(np.sin(np.radians(body.tilt_deg))) * body.heights[1], abs=4)


def test_the_patients_right_lies_left_in_the_coronal_plane():
    volume, labels = fixture.spine()
    marked = replace(volume, array=volume.array.copy())
    z, y, x = (round(c / s) for c, s in zip(scene().centre_mm["L2"], (1.5, 1.0, 1.0), strict=True))
    marked.array[z - 2 : z + 3, y - 4 : y + 5, x + 14 : x + 18] = 3000.0  # to the patient's left
    plane = spine_scene(fixture.reading(), labels, marked).around("L2", plane="coronal")
    bright = np.nonzero(plane.grey > 0.99)
    assert np.median(bright[1]) > 0.6 * plane.grey.shape[1]


def test_the_axial_plane_is_seen_from_the_feet_and_holds_body_and_canal():
    volume, labels = fixture.spine()
    marked = replace(volume, array=volume.array.copy())
    z, y, x = (round(c / s) for c, s in zip(scene().centre_mm["L2"], (1.5, 1.0, 1.0), strict=True))
    marked.array[z - 2 : z + 3, y - 12 : y - 8, x + 12 : x + 16] = 3000.0  # in front, to the patient's left
    plane = spine_scene(fixture.reading(), labels, marked).around("L2", plane="axial")
    rows, columns = np.nonzero(plane.grey > 0.99)
    assert np.median(columns) > 0.6 * plane.grey.shape[1]
    assert np.median(rows) > 0.7 * plane.grey.shape[0]  # row 0 lies at the back
    body = plane.codes == scene().code["L2"]
    assert np.ptp(np.nonzero(body.any(axis=1))[0]) * PIXEL_MM == pytest.approx(34, abs=2)
    assert not body[0].any()
    assert not body[-1].any()


def test_the_pictures_of_a_suspicious_level_run_through_what_is_marked():
    """A bright spot at the right pedicle, above and behind the middle of the body, lies in the ring of both pictures."""
    volume, labels = fixture.spine()
    marked = replace(volume, array=volume.array.copy())
    centre = scene().centre_mm["L2"]
    spot = (centre[0] + 9.0, centre[1] + 21.0, centre[2] - 13.0)
    z, y, x = (round(c / s) for c, s in zip(spot, (1.5, 1.0, 1.0), strict=True))
    marked.array[z - 1 : z + 2, y - 1 : y + 2, x - 1 : x + 2] = 3000.0
    lps = tuple(float(k) for k in volume.grid.world(np.array([z, y, x])))
    place = FlagPlace(flag="pedicle_destruction", side="right", centre_lps_mm=lps)
    suspect = replace(fixture.suspicious().at("L2"), flag_places=(FlagPlace(flag="lytic_focus"), place))
    made = spine_scene(fixture.suspicious(), labels, marked)
    at = marked_place(made, suspect)
    assert at == pytest.approx((z * 1.5, y, x))
    for name, across, up in (("axial", at[2], -at[1]), ("coronal", at[2], at[0])):
        plane = made.around("L2", plane=name, through=at)
        rows, columns = np.nonzero(plane.grey > 0.99)
        left, _, bottom, _ = plane.extent_mm
        assert left + columns.mean() * PIXEL_MM == pytest.approx(across, abs=1.5)
        assert bottom + rows.mean() * PIXEL_MM == pytest.approx(up, abs=1.5)
        assert not (made.around("L2", plane=name).grey > 0.99).any()
    assert marked_place(made, fixture.suspicious().at("L2")) is None


def test_the_border_of_a_body_does_not_follow_the_edges_of_coarse_voxels():
    """The roof of a wedge slopes through 3 mm slices in steps smaller than a slice."""
    plane = scene((3.0, 1.0, 1.0)).sagittal
    body = plane.codes == scene().code["T12"]
    columns = np.nonzero(body.any(axis=0))[0][8:-8]
    tops = np.array([np.nonzero(body[:, column])[0].max() for column in columns]) * PIXEL_MM
    assert np.abs(np.diff(tops)).max() < 1.5
    assert np.ptp(tops) > 3.0


def test_without_a_ct_the_labels_are_drawn():
    plane = scene(ct=False).sagittal
    assert set(np.unique(plane.grey)) == {0.06, 0.42, 0.72}
    assert (plane.grey[plane.codes > 0] == 0.72).all()


def test_labels_of_another_spine_are_refused():
    _, labels = fixture.spine((3.0, 3.0, 3.0))
    with pytest.raises(InputError, match="none of the vertebrae"):
        spine_scene(fixture.reading(), replace(labels, levels=()), None)


def test_colours_say_what_was_called():
    made = {v.level: status_of(v) for v in fixture.suspicious().vertebrae}
    assert (made["T12"], made["L1"], made["L3"], made["L2"], made["L4"], made["T11"]) == (
        "3", "2", "1", "suspicious", "0", "not_evaluable",
    )  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_each_figure_draws_itself(lang):
    reading, pen = fixture.reading(), Pen(words(lang), simulated=True)
    twelfth = reading.at("T12")
    for figure in (
        OverviewFigure(scene=scene(), reading=reading),
        CloseUpFigure(scene=scene(), vertebra=twelfth, evidence=evidence(twelfth)),
        LevelProfileFigure(reading=reading),
    ):
        made = figure.draw(pen)
        picture = image.imread(io.BytesIO(made.png), format="png")
        assert picture.shape[1] == pytest.approx(180 / 25.4 * 300, abs=2)
        assert made.svg.startswith(b"<?xml")


def test_the_outline_of_a_grade_three_is_drawn_in_its_colour():
    made = OverviewFigure(scene=scene(), reading=fixture.reading()).draw(Pen(words("en")))
    picture = np.round(255 * image.imread(io.BytesIO(made.png), format="png")[..., :3])
    assert (np.abs(picture - (0xF4, 0x51, 0x1E)).max(axis=-1) < 12).sum() > 500


def printed(figure, lang):
    """Every text of a drawn figure with its box, 1 = the figure's width."""
    kept = []

    def paint(canvas: Figure, pen: Pen) -> None:
        figure._paint(canvas, pen)
        canvas.canvas.draw()
        unit = Affine2D().scale(1 / canvas.bbox.width)
        kept.extend(
            (text.get_text(), text.get_window_extent().padded(-1).transformed(unit))
            for text in canvas.findobj(TextArtist)
            if text.get_text().strip() and text.get_visible()
        )

    height = figure._height_mm(Pen(words(lang))) if isinstance(figure, CloseUpFigure) else figure._height_mm()
    head = 4.0 if isinstance(figure, CloseUpFigure) else 8.0
    drawn(paint, Pen(words(lang)), width_mm=180.0, height_mm=height + head, layout=None)
    return kept


def clashes(figure, lang):
    """Pairs of texts that lie on each other, and texts that run over the figure's edge."""
    boxes = printed(figure, lang)
    over = [text for text, box in boxes if box.x0 < -0.002 or box.x1 > 1.002]
    return over + [
        (a, b) for n, (a, one) in enumerate(boxes) for b, other in boxes[:n] if one.overlaps(other)
    ]


def many_signs(vertebra):
    """The vertebra with endplates that have every sign but a depression."""
    plate = replace(vertebra.superior, injured=True, signs=("discontinuity", "band", "sunk", "tilt"))
    return replace(vertebra, superior=plate, inferior=plate)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_long_evidence_is_broken_into_lines_within_its_column(lang):
    pen, vertebra = Pen(words(lang)), many_signs(fixture.reading().at("T12"))
    rows = evidence_rows(evidence(vertebra), pen)
    assert any("\n" in row.value for row in rows)
    for row in rows:
        label, value = (
            max(text_width_mm(line, size_pt=6.5) for line in text.split("\n"))
            for text in (row.label, row.value)
        )
        assert label + value <= 45.0, row
        assert row.height_mm > 2.4 * (1 + row.value.count("\n"))


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", ["plain", "many signs", "suspicious"])
def test_no_text_of_a_close_up_lies_on_another(lang, kind):
    vertebra = fixture.suspicious().at("L2") if kind == "suspicious" else fixture.reading().at("T12")
    vertebra = many_signs(vertebra) if kind == "many signs" else vertebra
    figure = CloseUpFigure(scene=scene(), vertebra=vertebra, evidence=evidence(vertebra))
    assert clashes(figure, lang) == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_height_on_the_picture_is_mid_sagittal_and_the_graded_one_beside_it_says_its_side(lang):
    pressed = fixture.one_sided().at("L2")
    close = CloseUpFigure(scene=scene(), vertebra=pressed, evidence=evidence(pressed))
    assert clashes(close, lang) == []
    shown = [text for text, _ in printed(close, lang)]
    assert {"24.9", "24.1", "27.0"} <= set(shown)
    assert any(text.startswith("17.3 / 26.5") for text in shown)
    side = "lower side" if lang == "en" else "较低侧"
    assert sum(side in text for text in shown) == 3
    whole = OverviewFigure(scene=scene(), reading=fixture.one_sided())
    assert clashes(whole, lang) == []
    shown = [text for text, _ in printed(whole, lang)]
    assert {"17.3", "L2*", f"* {words(lang)('spine_ct.figure.lower_side')}"} <= set(shown)
    assert "24.9" not in shown
    plain = [text for text, _ in printed(OverviewFigure(scene=scene(), reading=fixture.reading()), lang)]
    assert not [text for text in plain if "*" in text]


def test_the_profile_of_levels_shows_the_heights_that_the_loss_belongs_to():
    kept = []

    def paint(canvas: Figure, pen: Pen) -> None:
        LevelProfileFigure(reading=fixture.one_sided())._paint(canvas, pen)
        kept.extend(tuple(line.get_xdata()) for line in canvas.axes[0].lines)

    drawn(paint, Pen(words("en")), width_mm=180.0, height_mm=90.0)
    assert (17.3, 26.5) in kept
    assert not [line for line in kept if 24.9 in line]


def test_only_the_density_of_a_body_known_to_be_sound_is_drawn_full():
    kept = []

    def paint(canvas: Figure, pen: Pen) -> None:
        LevelProfileFigure(reading=made)._paint(canvas, pen)
        kept.extend(line.get_markerfacecolor() for line in canvas.axes[3].lines if line.get_marker() == "D")

    first = fixture.intact()
    made = replace(first, vertebrae=tuple(
        replace(v, evaluable=False, not_evaluable=("slice_thickness_over_3mm",), genant=None, fractured=None)
        if v.level == "L1" else v for v in first.vertebrae
    ))  # fmt: skip
    drawn(paint, Pen(words("en")), width_mm=180.0, height_mm=90.0)
    assert [face == "white" for face in kept] == [level == "L1" for level in fixture.LEVELS]


def test_the_ruler_of_the_overview_stands_behind_the_spine_and_its_marks_between_names():
    figure = OverviewFigure(scene=scene(), reading=fixture.reading())
    assert clashes(figure, "en") == []
    boxes = printed(figure, "en")
    names = [
        min((box for text, box in boxes if text == level), key=lambda box: box.x0) for level in fixture.LEVELS
    ]
    assert next(box for text, box in boxes if text == "50\u00a0mm").x0 > max(box.x1 for box in names)
    front = max((box for text, box in boxes if text == "A"), key=lambda box: box.x0)
    assert not any(front.y0 < name.y1 and name.y0 < front.y1 for name in names)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_overview_holds_its_texts_where_the_scan_cuts_the_top_and_an_endplate_is_broken(lang):
    volume, labels = fixture.spine((3.0, 1.5, 1.5))
    first = fixture.reading()
    plate = replace(first.at("L2").superior, injured=True, signs=("discontinuity",))
    made = replace(first, vertebrae=tuple(
        replace(v, superior=plate, fractured=False, genant=replace(v.genant, grade=0, type="none"), notes=("endplate_injury",))
        if v.level in ("T12", "L2") else v for v in first.vertebrae
    ))  # fmt: skip
    whole = spine_scene(made, labels, volume)
    left, right, bottom, _ = whole.sagittal.extent_mm
    rows = round((whole.centre_mm["T9"][0] + 2.0 - bottom) / PIXEL_MM)  # ends just above the middle of T9
    cut = replace(whole.sagittal, grey=whole.sagittal.grey[:rows], codes=whole.sagittal.codes[:rows],
                  extent_mm=(left, right, bottom, bottom + rows * PIXEL_MM))  # fmt: skip
    figure = OverviewFigure(scene=replace(whole, sagittal=cut), reading=made)
    assert clashes(figure, lang) == []
    boxes = printed(figure, lang)
    call = words(lang)("spine_ct.status.injury").replace("，", "").replace(" ", "")
    said = [text for text, _ in boxes if text.replace("，", "").replace("\n", "").replace(" ", "") == call]
    assert len(said) == 2
    edge = figure._height_mm() / 180.0  # upper edge of the pictures, 1 = the figure's width
    names = [box for text, box in boxes if text == "T9"]
    assert len(names) == 2 and all(box.y1 < edge + 0.002 for box in names)


@pytest.mark.parametrize(("changed", "drawn_at"), [
    ({}, [110.0, 160.0]), ({"contrast": "unknown"}, [110.0, 160.0]), ({"contrast": "portal_venous"}, []),
    ({"kvp": 100.0}, []), ({"kvp": None}, []), ("fractured", []), ("not graded", []),
])  # fmt: skip
def test_the_cutoffs_of_density_are_drawn_and_captioned_only_where_the_text_applies_them(changed, drawn_at):
    made = fixture.intact()
    made = replace(made, scan=replace(made.scan, contrast="none"))
    if changed == "fractured":
        made = replace(fixture.reading(), scan=made.scan)
    elif changed == "not graded":
        blind = replace(
            made.at("L1"), evaluable=False, not_evaluable=("slice_thickness_over_3mm",), genant=None
        )
        made = replace(made, vertebrae=tuple(blind if v.level == "L1" else v for v in made.vertebrae))
    else:
        made = replace(made, scan=replace(made.scan, **changed))
    kept = []

    def paint(canvas: Figure, pen: Pen) -> None:
        LevelProfileFigure(reading=made)._paint(canvas, pen)
        kept.extend(line.get_xdata()[0] for line in canvas.axes[3].lines if len(set(line.get_xdata())) == 1
                    and len(line.get_xdata()) == 2)  # fmt: skip

    drawn(paint, Pen(words("en")), width_mm=180.0, height_mm=90.0)
    assert kept == drawn_at
    spoken = speak(spine_ct_document(made), "en")
    caption = next(block.caption for block in spoken.blocks if getattr(block, "id", "") == "figure-levels")
    said = "".join(run.text for run in caption)
    assert "median trabecular HU" in said
    assert ("110" in said) == bool(drawn_at)
