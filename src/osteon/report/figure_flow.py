"""STROBE flow chart: how many people came in, who was left out and why, who was analysed."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from osteon.report.theme import DOUBLE_MM, INK, SIZE_PT, Drawn, Pen, drawn, wrapped
from osteon.report.value import Text, Words

__all__ = ["Excluded", "FlowBox", "FlowFigure"]

LINE_MM, PAD_MM, GAP_MM = 3.55, 1.9, 5.0
MAIN_MM, SIDE_MM = 74.0, 84.0
SIDE_X_MM = DOUBLE_MM - SIDE_MM - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Excluded:
    """People left out for one reason."""

    text: Text
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowBox:
    """People at one stage; ``excluded`` are those who leave between this stage and the next."""

    text: Text
    n: int
    excluded: tuple[Excluded, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFigure:
    """Stages from top to bottom with the exclusions at the side; ``arms`` split the last stage."""

    boxes: tuple[FlowBox, ...]
    arms: tuple[FlowBox, ...] = field(default=())

    def draw(self, pen: Pen) -> Drawn:
        """The figure, 180 mm wide and as high as its boxes need."""
        stages = [_Stage.of(box, pen) for box in self.boxes]
        arms = self._arm_texts(pen)
        height = sum(stage.height_mm + GAP_MM + stage.side_height_mm for stage in stages) + 2
        if arms:
            height += 3 * GAP_MM / 2 + max(map(_height_mm, arms))
        else:
            height -= GAP_MM

        def paint(figure: Figure, _: Pen) -> None:
            axes = figure.add_axes((0, 0, 1, 1))
            axes.set_axis_off()
            axes.set(xlim=(0, DOUBLE_MM), ylim=(height, 0))
            _paint_stages(axes, stages, arms)

        return drawn(paint, pen, width_mm=DOUBLE_MM, height_mm=height, layout=None)

    def _arm_texts(self, pen: Pen) -> list[str]:
        if not self.arms:
            return []
        width = (DOUBLE_MM - 2 - GAP_MM * (len(self.arms) - 1)) / len(self.arms) - 2 * PAD_MM
        return [wrapped(_counted(arm.text, arm.n, pen), width_mm=width) for arm in self.arms]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A stage with its texts broken into lines."""

    text: str
    side: str

    @classmethod
    def of(cls, box: FlowBox, pen: Pen) -> _Stage:
        text = wrapped(_counted(box.text, box.n, pen), width_mm=MAIN_MM - 2 * PAD_MM)
        if not box.excluded:
            return cls(text, "")
        total = sum(reason.n for reason in box.excluded)
        head = pen.words("figure.excluded", n=total)
        width = SIDE_MM - 2 * PAD_MM - 3
        lines = [head]
        for reason in box.excluded:
            entry = wrapped(_counted(reason.text, reason.n, pen), width_mm=width)
            lines.append("   " + entry.replace("\n", "\n   "))
        return cls(text, "\n".join(lines))

    @property
    def height_mm(self) -> float:
        return _height_mm(self.text)

    @property
    def side_height_mm(self) -> float:
        return _height_mm(self.side) + GAP_MM if self.side else 0.0


def _counted(text: Text, n: int, pen: Pen) -> str:
    return pen.say(Words("figure.counted", text=text, n=n))


def _height_mm(text: str) -> float:
    return LINE_MM * (text.count("\n") + 1) + 2 * PAD_MM


def _paint_stages(axes: Axes, stages: list[_Stage], arms: list[str]) -> None:
    top, middle = 1.0, 1 + MAIN_MM / 2
    for index, stage in enumerate(stages):
        bottom = top + stage.height_mm
        _box(axes, stage.text, x=1, y=top, width=MAIN_MM, centred=True)
        last = index == len(stages) - 1
        following = bottom + GAP_MM + stage.side_height_mm
        if not last:
            _arrow(axes, (middle, bottom), (middle, following))
        if stage.side:
            height = _height_mm(stage.side)
            centre = (
                bottom + (GAP_MM + stage.side_height_mm) / 2 if not last else bottom - stage.height_mm / 2
            )
            _arrow(axes, (middle, centre), (SIDE_X_MM, centre))
            _box(axes, stage.side, x=SIDE_X_MM, y=centre - height / 2, width=SIDE_MM, centred=False)
        top = following
    if arms:
        _paint_arms(axes, arms, top=top - GAP_MM, middle=middle)


def _paint_arms(axes: Axes, arms: list[str], *, top: float, middle: float) -> None:
    """The last stage split: a bar with one arrow down to each arm."""
    width = (DOUBLE_MM - 2 - GAP_MM * (len(arms) - 1)) / len(arms)
    centres = [1 + width / 2 + index * (width + GAP_MM) for index in range(len(arms))]
    bar = top + GAP_MM
    axes.plot([middle, middle], [top, bar], color=INK, linewidth=0.6)
    axes.plot([min(middle, centres[0]), max(middle, centres[-1])], [bar, bar], color=INK, linewidth=0.6)
    for centre, text in zip(centres, arms, strict=True):
        _arrow(axes, (centre, bar), (centre, bar + GAP_MM))
        _box(axes, text, x=centre - width / 2, y=bar + GAP_MM, width=width, centred=True)


def _box(axes: Axes, text: str, *, x: float, y: float, width: float, centred: bool) -> None:
    height = _height_mm(text)
    axes.add_patch(Rectangle((x, y), width, height, facecolor="white", edgecolor=INK, linewidth=0.6))
    at, side = (x + width / 2, "center") if centred else (x + PAD_MM, "left")
    axes.text(at, y + height / 2, text, ha=side, va="center", fontsize=SIZE_PT, linespacing=1.3)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(
        FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=6, linewidth=0.6, color=INK, shrinkA=0, shrinkB=0
        )
    )
