"""
The look of every figure: a journal's column widths, one typeface, a palette that colour-blind readers can tell.

Colours are those of Okabe and Ito (2008); lines differ in style as well, so that a grey print still reads.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text as TextArtist

from osteon.report import fonts
from osteon.report.value import Text
from osteon.report.words import Dictionary

__all__ = [
    "BLUE",
    "COLOURS",
    "DOUBLE_MM",
    "FAINT",
    "GREEN",
    "GREY",
    "INK",
    "ORANGE",
    "PURPLE",
    "SINGLE_MM",
    "SKY",
    "STYLES",
    "VERMILLION",
    "Drawn",
    "Pen",
    "colour",
    "drawn",
    "key_panel",
    "percent_axis",
    "style",
    "text_width_mm",
    "wrapped",
]

INK, GREY, FAINT = "#1a1a1a", "#6b6b6b", "#d9d9d9"
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, SKY, ORANGE = "#CC79A7", "#56B4E9", "#E69F00"
COLOURS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK, GREY)
STYLES: tuple[Any, ...] = (
    "-", (0, (5, 1.6)), (0, (5, 1.4, 1.2, 1.4)), (0, (1.4, 1.2)),
    (0, (8, 1.6, 1.2, 1.6, 1.2, 1.6)), (0, (3, 1)), "-", (0, (1, 2)),
)  # fmt: skip
SINGLE_MM, DOUBLE_MM = 85.0, 180.0
MM_PER_INCH = 25.4
SIZE_PT = 7.5

_STYLE: Any = {
    "font.family": [fonts.FAMILY],
    "font.size": SIZE_PT,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": SIZE_PT,
    "axes.titlesize": SIZE_PT,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 5.0,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "xtick.labelsize": 7.0,
    "ytick.labelsize": 7.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.3,
    "lines.solid_capstyle": "butt",
    "patch.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.0,
    "legend.handlelength": 2.6,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "osteon",
}
_ONE_AT_A_TIME = threading.RLock()


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished figure: SVG with its text as outlines, PNG at 300 dots an inch, and the width it is made for."""

    svg: bytes
    png: bytes
    width_mm: float


@dataclass(frozen=True, slots=True)
class Pen:
    """What a figure needs to draw itself: the words of a language, and whether the data are invented."""

    words: Dictionary
    simulated: bool = False

    def say(self, text: Text) -> str:
        """A text in the pen's language."""
        return self.words.say(text)

    def cell(self, value: Any) -> str:
        """A number as the pen's language prints it."""
        return self.words.cell(value)


def colour(index: int) -> str:
    """The ``index``-th colour, starting again after the last."""
    return COLOURS[index % len(COLOURS)]


def style(index: int) -> Any:
    """The ``index``-th line style."""
    return STYLES[index % len(STYLES)]


@lru_cache(maxsize=1)
def _register_fonts() -> None:
    for path in (fonts.REGULAR, fonts.BOLD):
        font_manager.fontManager.addfont(path)


def drawn(
    paint: Callable[[Figure, Pen], None],
    pen: Pen,
    *,
    width_mm: float,
    height_mm: float,
    layout: Literal["constrained"] | None = "constrained",
) -> Drawn:
    """Run ``paint`` on an empty figure in the house style and return what it drew, in both formats."""
    with _ONE_AT_A_TIME, matplotlib.rc_context(_STYLE):
        _register_fonts()
        figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH), layout=layout)
        FigureCanvasAgg(figure)
        paint(figure, pen)
        if pen.simulated:
            _mark_simulated(figure, pen)
        _legible(figure)
        svg, png = io.BytesIO(), io.BytesIO()
        figure.savefig(png, format="png", dpi=300, metadata={"Software": None})
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return Drawn(svg=svg.getvalue(), png=png.getvalue(), width_mm=width_mm)


def _mark_simulated(figure: Figure, pen: Pen) -> None:
    mark = pen.words("report.simulated_mark")
    look: dict[str, Any] = {
        "ha": "right",
        "va": "top",
        "fontsize": 6.5,
        "fontweight": "bold",
        "color": VERMILLION,
    }
    if figure.get_layout_engine() is None:
        figure.text(0.998, 0.998, mark, **look)
    else:
        figure.suptitle(mark, x=0.998, **look)


def _legible(figure: Figure) -> None:
    """Give texts with rare characters the machine's fonts that draw them; spell out what none can draw."""
    for artist in figure.findobj(TextArtist):
        text = artist.get_text()
        if all(ord(char) in fonts.covered() or char == "\n" for char in text):
            continue
        text = fonts.printable(text)
        artist.set_text(text)
        extra = fonts.fallbacks(text)
        for font in extra:
            font_manager.fontManager.addfont(font.path)
        names = [font_manager.get_font(font.path).family_name for font in extra]
        artist.set_fontfamily([fonts.FAMILY, *dict.fromkeys(names)])


@lru_cache(maxsize=4)
def _face(bold: bool) -> FT2Font:
    return FT2Font(fonts.BOLD if bold else fonts.REGULAR)


def text_width_mm(text: str, *, size_pt: float = SIZE_PT, bold: bool = False) -> float:
    """The printed width of one line of text."""
    known = "".join(char if ord(char) in fonts.covered() else "国" for char in text)
    face = _face(bold)
    face.set_size(size_pt, 72)
    face.set_text(known, 0.0)
    return float(face.get_width_height()[0]) / 64 * MM_PER_INCH / 72


#: Opening marks, a word or one Chinese character, closing marks, spaces; or whatever is left of them.
_UNBROKEN = re.compile(
    r"[（《「]*(?:[^ \t\n\u2e80-\uffef]+|(?![（《「])[\u2e80-\uffef])[、。，；：！？）》」～]*[ \t\n]*|[（《「]+|[ \t\n]+"
)


def wrapped(text: str, *, width_mm: float, size_pt: float = SIZE_PT, bold: bool = False) -> str:
    """
    ``text`` in lines no wider than ``width_mm``: broken at spaces, and between Chinese characters.

    No line starts with a closing mark or ends with an opening one, and an unbreakable space holds. A single word wider
    than the line stands alone on its line.
    """
    pieces = _UNBROKEN.findall(text)
    lines = [""]
    for piece in pieces:
        longer = (lines[-1] + piece).rstrip()
        if lines[-1] and text_width_mm(longer, size_pt=size_pt, bold=bold) > width_mm:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip() for line in lines)


def percent_axis(axis: Any) -> None:
    """Print the fractions of an axis as whole percentages without the sign, which belongs into its label."""
    axis.set_major_formatter(lambda value, _: f"{100 * value:.0f}".replace("-", "−"))


def key_panel(
    axes: Axes,
    rows: list[tuple[dict[str, Any], str, str]],
    *,
    width_mm: float,
    height_mm: float,
    headers: tuple[str, str] = ("", ""),
) -> None:
    """
    A legend as a small table in axes of its own: a line sample, a name, a figure at the right.

    ``rows`` hold the sample's line properties, the name, the figure; ``width_mm`` and ``height_mm`` are what the
    axes will have at least.
    """
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    wide = max((text_width_mm(figure) for _, _, figure in rows), default=0.0)
    names = [wrapped(name, width_mm=0.86 * width_mm - wide) for _, name, _ in rows]
    heights = [1.0 + 0.72 * name.count("\n") for name in names]
    step = min(5.2 / height_mm, 0.92 / max(sum(heights) + 1, 1))
    top = 0.97
    if any(headers):
        axes.text(0.0, top, headers[0], fontweight="bold", va="center")
        axes.text(1.0, top, headers[1], fontweight="bold", va="center", ha="right")
        axes.plot([0, 1], [top - 0.62 * step] * 2, color=INK, linewidth=0.6, clip_on=False)
        top -= 0.8 * step
    for (look, _, figure), name, height in zip(rows, names, heights, strict=True):
        y = top - height * step / 2
        axes.plot([0.0, 0.085], [y, y], clip_on=False, **look)
        axes.text(0.11, y, name, va="center", linespacing=1.15)
        axes.text(1.0, y, figure, va="center", ha="right")
        top -= height * step
