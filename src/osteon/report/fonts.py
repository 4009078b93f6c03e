"""
The typeface of pages and figures, and what to do with a character it lacks: never print an empty box.

Latin, Greek and the characters of GB 2312 come from the bundled subset. Any other character is looked for in the
machine's own fonts; one that no font can draw is replaced by its code point in brackets, such as 〔U+20BB7〕.
"""

from __future__ import annotations

import base64
import io
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont, TTLibError
from matplotlib import font_manager

__all__ = [
    "BOLD",
    "FAMILY",
    "REGULAR",
    "SystemFont",
    "covered",
    "fallback",
    "fallbacks",
    "installed",
    "printable",
    "with_faces",
]

FOLDER = Path(__file__).parent / "fonts"
REGULAR = FOLDER / "OsteonSansSC-Regular.otf"
BOLD = FOLDER / "OsteonSansSC-Bold.otf"
FAMILY = "Osteon Sans SC"
_SCRIPTS = 0x2E80  # from here on come the characters of Chinese, which not every machine can draw
_INVISIBLE = {0xAD, 0xFE0E, 0xFE0F, 0xFEFF} | set(range(0x200B, 0x2010)) | set(range(0x2060, 0x2065))
_NOT_TEXT = ("lastresort", "blank", "coloremoji", "color-emoji")


@dataclass(frozen=True, slots=True)
class SystemFont:
    """A font file of the machine with the name its family goes by."""

    path: Path
    family: str


def _code_points(path: Path) -> frozenset[int]:
    """What a font file can draw with outlines; nothing for bitmap, variable or unreadable fonts."""
    try:
        font = TTFont(path, fontNumber=0, lazy=True)
    except (TTLibError, OSError):
        return frozenset()
    with font:
        if "fvar" in font or not ("glyf" in font or "CFF " in font or "CFF2" in font):
            return frozenset()
        return frozenset(font.getBestCmap() or ())


@lru_cache(maxsize=1)
def covered() -> frozenset[int]:
    """The code points that both weights of the bundled font draw."""
    return _code_points(REGULAR) & _code_points(BOLD)


@lru_cache(maxsize=1)
def installed() -> tuple[Path, ...]:
    """The machine's own font files, upright regular ones first, in a stable order."""
    paths = map(Path, font_manager.findSystemFonts())
    text = (path for path in paths if not any(name in path.name.lower() for name in _NOT_TEXT))

    def plainness(path: Path) -> tuple[bool, str]:
        name = path.stem.lower()
        return any(mark in name for mark in ("bold", "italic", "oblique", "mono", "light", "black")), str(
            path
        )

    return tuple(sorted(set(text), key=plainness))


@lru_cache(maxsize=512)
def _drawing(path: Path) -> frozenset[int]:
    return _code_points(path)


@lru_cache(maxsize=4096)
def fallback(character: str) -> SystemFont | None:
    """The first font of the machine that draws ``character``."""
    for path in installed():
        if ord(character) in _drawing(path):
            with TTFont(path, fontNumber=0, lazy=True) as font:
                return SystemFont(path, font["name"].getBestFamilyName())
    return None


def fallbacks(text: str) -> tuple[SystemFont, ...]:
    """The machine's fonts needed beside the bundled one for ``text``."""
    rare = sorted({char for char in text if ord(char) not in covered() and not char.isspace()})
    return tuple(dict.fromkeys(font for char in rare if (font := fallback(char)) is not None))


def printable(text: str) -> str:
    r"""
    ``text`` with every character that no font can draw as its code point, and without invisible ones.

    Examples
    --------
    >>> printable("骨\u200b密度")
    '骨密度'
    >>> printable("\U0010fffd")
    '〔U+10FFFD〕'
    """
    if all(ord(char) in covered() or char == "\n" for char in text):
        return text
    return "".join(map(_visible, unicodedata.normalize("NFC", text)))


def _visible(char: str) -> str:
    point = ord(char)
    if point in covered() or char == "\n":
        return char
    if point in _INVISIBLE or unicodedata.category(char) == "Cf":
        return ""
    if char.isspace() or unicodedata.category(char) == "Cc":
        return " "
    return char if fallback(char) is not None else f"〔U+{point:04X}〕"


def with_faces(page: str) -> str:
    """
    An HTML page that brings the Chinese characters it uses with it, for machines that have no font for them.

    Both weights of the bundled face, cut to those characters. The page's font families name it first: named after a family
    of the machine, Chromium may leave a text of Chinese alone as empty boxes. For Latin and its marks the face is not asked,
    as its quotation marks are as wide as a character. A page without such characters is answered as it is.
    """
    kept = tuple(code for code in sorted(set(map(ord, page)) & covered()) if code >= _SCRIPTS)
    if not kept:
        return page
    rules = "".join(
        f'@font-face {{ font-family: "{FAMILY}"; font-weight: {weight}; unicode-range: U+{_SCRIPTS:X}-3FFFF; '
        f"src: url(data:font/woff;base64,{_cut(path, kept)}); }}\n"
        for path, weight in ((REGULAR, "1 599"), (BOLD, "600 1000"))
    )
    return page.replace("</style>", f"{rules}</style>", 1)


def _cut(path: Path, code_points: tuple[int, ...]) -> str:
    """A font with no more than these characters, as WOFF in base64."""
    options = subset.Options(flavor="woff", hinting=False, layout_features=[], name_IDs=[])
    stream = io.BytesIO()
    with subset.load_font(str(path), options) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=code_points)
        cutter.subset(font)
        subset.save_font(font, stream, options)
    return base64.b64encode(stream.getvalue()).decode("ascii")
