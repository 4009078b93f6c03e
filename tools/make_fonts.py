"""
Make the two fonts that every page and figure is set in: a subset of Noto Sans CJK SC, regular and bold.

Needs Debian's ``fonts-noto-cjk``. The subset holds GB 2312, Latin, Greek, mathematics, punctuation of both
languages, and every character of the word lists; tests/report/test_fonts.py fails when a word list outgrows it.

    python tools/make_fonts.py [--source /usr/share/fonts/opentype/noto]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont

HERE = Path(__file__).resolve().parents[1] / "src" / "osteon" / "report"
FAMILY = "Osteon Sans SC"
SIMPLIFIED_CHINESE = 2  # face of the collection: 0 Japanese, 1 Korean, 2 Simplified Chinese
RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x1CD, 0x1DC), (0x2C6, 0x2DD), (0x391, 0x3C9), (0x2000, 0x200A), (0x2010, 0x2027),
    (0x2030, 0x203B), (0x2070, 0x209C), (0x20AC, 0x20AC), (0x2100, 0x2126), (0x2150, 0x218B), (0x2190, 0x2199),
    (0x2200, 0x22A5), (0x2460, 0x2473), (0x2500, 0x257F), (0x25A0, 0x25CF), (0x2605, 0x2606), (0x2713, 0x2717),
    (0x3000, 0x301C), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE5),
)  # fmt: skip

PROPORTIONAL = "‘’“”…―"  # the source has narrow forms of these under the feature "pwid"
OPERATORS = "±×÷∓≈≠≤≥≡∞√∑∫∈→←↑↓↔"  # a Chinese em wide in the source: too large beside Latin figures
SIGNS = "§¶·†‡•‰℃№Ω"  # of the right size, but with a Chinese em around them
MATHS_AXIS, OPERATOR_SCALE, BEARING = 270, 0.78, 55


def gb2312() -> set[int]:
    """The code points of the national standard set GB 2312 (6,763 characters and 682 signs)."""
    points = set()
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            try:
                points.add(ord(bytes((high, low)).decode("gb2312")))
            except UnicodeDecodeError:
                continue
    return points


def wanted() -> set[int]:
    """Every code point the subset should hold, were the source to have it."""
    points = gb2312() | {point for low, high in RANGES for point in range(low, high + 1)}
    for folder in ("words", "checklists"):
        for path in sorted((HERE / folder).glob("*.toml")):
            points |= set(map(ord, path.read_text(encoding="utf-8")))
    return points - set(range(0x20))


def narrow_quotes(font: TTFont) -> None:
    """Map the quotation marks and the ellipsis to their proportional forms."""
    substitutions = {}
    table = font["GSUB"].table
    for record in table.FeatureList.FeatureRecord:
        if record.FeatureTag == "pwid":
            for index in record.Feature.LookupListIndex:
                for part in table.LookupList.Lookup[index].SubTable:
                    substitutions |= getattr(getattr(part, "ExtSubTable", part), "mapping", {})
    for cmap in font["cmap"].tables:
        for sign in PROPORTIONAL:
            if hasattr(cmap, "cmap") and cmap.cmap.get(ord(sign)) in substitutions:
                cmap.cmap[ord(sign)] = substitutions[cmap.cmap[ord(sign)]]


def fit(font: TTFont, sign: str, *, scale: float) -> None:
    """Scale a sign about the mathematical axis and give it the side bearings of a Latin letter."""
    name = font.getBestCmap()[ord(sign)]
    glyphs = font.getGlyphSet()
    bounds = BoundsPen(glyphs)
    glyphs[name].draw(bounds)
    left, _, right, _ = bounds.bounds
    width = round(scale * (right - left)) + 2 * BEARING
    strings = font["CFF "].cff[0].CharStrings
    private = strings[name].private
    pen = T2CharStringPen(width - private.nominalWidthX, glyphs)
    shift = (scale, 0, 0, scale, BEARING - scale * left, (1 - scale) * MATHS_AXIS)
    glyphs[name].draw(TransformPen(pen, shift))
    strings[name] = pen.getCharString(private=private, globalSubrs=strings[name].globalSubrs)
    font["hmtx"][name] = (width, BEARING)


def subset(source: Path, target: Path, *, weight: str) -> int:
    """Write the subset of one weight; returns its number of code points."""
    font = TTFont(source, fontNumber=SIMPLIFIED_CHINESE, lazy=True)
    narrow_quotes(font)
    options = Options()
    options.layout_features = ["kern", "liga", "locl", "mark", "ccmp"]
    options.hinting = False
    options.notdef_outline = True
    options.name_IDs = [0, 1, 2, 4, 6, 13, 14]
    options.drop_tables += ["BASE", "VORG", "vhea", "vmtx", "DSIG"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=wanted())
    subsetter.subset(font)
    for sign in OPERATORS + SIGNS:
        fit(font, sign, scale=OPERATOR_SCALE if sign in OPERATORS else 1.0)
    for record in font["name"].names:
        renamed = {1: FAMILY, 2: weight, 4: f"{FAMILY} {weight}", 6: f"OsteonSansSC-{weight}"}.get(
            record.nameID
        )
        if renamed:
            record.string = renamed
    top = font["CFF "].cff
    top.fontNames = [f"OsteonSansSC-{weight}"]
    font.recalcTimestamp = False
    font.save(target)
    return len(TTFont(target).getBestCmap())


def main() -> None:
    """Write both weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--source", type=Path, default=Path("/usr/share/fonts/opentype/noto"))
    source = parser.parse_args().source
    fonts = HERE / "fonts"
    fonts.mkdir(exist_ok=True)
    for weight in ("Regular", "Bold"):
        target = fonts / f"OsteonSansSC-{weight}.otf"
        count = subset(source / f"NotoSansCJK-{weight}.ttc", target, weight=weight)
        print(f"{target.name}: {count} code points, {target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
