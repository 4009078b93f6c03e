import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from osteon.core.errors import NotEnoughData, ShapeError
from osteon.report import fonts
from osteon.report.figure_calibration import tenths
from osteon.report.figure_heatmap import HeatmapFigure
from osteon.report.figure_roc import RocFigure, RocLine
from osteon.report.figure_shap import ShapSwarmFigure
from osteon.report.theme import Pen, text_width_mm, wrapped
from osteon.report.value import Estimate
from osteon.report.words import words

NAMES = ("roc", "calibration", "forest", "flow", "decision", "love", "survival", "swarm", "waterfall", "dependence",
         "distribution", "bars", "missing", "heatmap", "radar")  # fmt: skip


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_every_figure_draws_itself_as_svg_without_text_elements_and_as_png_at_300_dots(figures, name, lang):
    drawn = figures[name]().draw(Pen(words(lang)))
    root = ElementTree.fromstring(drawn.svg)
    assert root.tag.endswith("svg")
    assert not list(root.iter("{http://www.w3.org/2000/svg}text"))
    assert b"date" not in drawn.svg.lower()
    with Image.open(io.BytesIO(drawn.png)) as image:
        assert image.width == pytest.approx(drawn.width_mm / 25.4 * 300, abs=2)
        assert image.info["dpi"][0] == pytest.approx(300, abs=0.5)


def test_the_same_figure_gives_the_same_bytes(figures):
    pen = Pen(words("en"))
    assert figures["roc"]().draw(pen) == figures["roc"]().draw(pen)


def test_the_language_and_invented_data_show(figures):
    make = figures["decision"]
    plain, chinese, marked = (
        make().draw(pen) for pen in (Pen(words("en")), Pen(words("zh")), Pen(words("en"), simulated=True))
    )
    assert len({plain.svg, chinese.svg, marked.svg}) == 3


def roc_named(name):
    line = RocLine(
        label=name, false_positive_rate=[0, 1], true_positive_rate=[0, 1], auc=Estimate(0.5, 0.4, 0.6)
    )
    return RocFigure(curves=(line,)).draw(Pen(words("zh")))


def test_rare_names_are_drawn_or_spelled_out_without_a_missing_glyph():
    drawn = roc_named(
        "王䶮 㛃 \U00020164 \U0002cb5a 😀 $x_1$"
    )  # a missing glyph would warn, and warnings are errors
    assert b"<svg" in drawn.svg


def test_without_machine_fonts_the_code_point_is_drawn(monkeypatch):
    monkeypatch.setattr(fonts, "installed", lambda: ())
    fonts.fallback.cache_clear()
    spelled, written = roc_named("\U0010fffd"), roc_named("〔U+10FFFD〕")
    fonts.fallback.cache_clear()
    assert spelled.svg == written.svg


def test_lines_are_broken_at_spaces_and_between_chinese_characters_within_the_width():
    for text in (
        "Younger than 50 years, or without a scan of the femoral neck",
        "年龄小于五十岁，或没有股骨颈双能X线扫描（包括植入物）。",
    ):
        lines = wrapped(text, width_mm=22).split("\n")
        assert len(lines) > 2
        assert all(text_width_mm(line) <= 22 for line in lines)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert not any(line[0] in "，。）" or line[-1] in "（《" for line in lines)
    assert wrapped("骨质疏松：结局已知（n\u00a0=\u00a02,000）", width_mm=28).endswith(
        "\n（n\u00a0=\u00a02,000）"
    )


def test_tenths_hold_everybody_once_in_ascending_risk():
    rng = np.random.default_rng(1)
    risk = rng.random(103)
    y_true = (rng.random(103) < risk).astype(float)
    mean, share, low, high = tenths(y_true, risk, groups=10)
    assert np.all(np.diff(mean) > 0)
    assert np.all((low <= share) & (share <= high))
    sizes = [part.size for part in np.array_split(np.arange(103), 10)]
    assert np.dot(share, sizes) == pytest.approx(y_true.sum())


def test_too_few_people_for_the_groups_is_refused():
    with pytest.raises(NotEnoughData, match="3 people"):
        tenths([0, 1, 0], [0.1, 0.2, 0.3], groups=10)


def test_arrays_that_do_not_fit_are_refused():
    pen = Pen(words("en"))
    with pytest.raises(ShapeError, match="a label for each"):
        ShapSwarmFigure(labels=("a",), shap=np.zeros((5, 2)), values=np.zeros((5, 2))).draw(pen)
    with pytest.raises(ShapeError, match="has not 2 rows"):
        HeatmapFigure(rows=("a", "b"), columns=("a",), values=[[1.0]], scale_label="r").draw(pen)
