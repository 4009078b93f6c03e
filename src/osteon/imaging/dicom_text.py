"""Header bytes as text where the declared character set is missing or wrong: Chinese scanners write GB 18030 as it comes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

__all__ = ["reading_of"]

_LATIN = frozenset(("", "ISO_IR 6", "ISO 2022 IR 6", "ISO_IR 100", "ISO 2022 IR 100"))
_GB2312 = "ISO 2022 IR 58"
_GB18030 = frozenset(("GB18030", "GBK"))
_WORD = re.compile(r"[^\s^=\\,;:/()\[\]_-]+")
_MARKS = re.compile(r"[\u00b7\u3000-\u303f\uff00-\uffef]")
_IDEOGRAPH = re.compile(r"[\u3007\u4e00-\u9fff]")
_GLUED = re.compile(r"[a-zA-Z]")
_GLUED_LOW = re.compile(r"[a-z]|[A-Z][^\x00-\x7f][A-Z]")
# the letters that people's names are written in; the rest of each block is history
_SCRIPTS = tuple(
    re.compile(f"[{letters}]")
    for letters in (
        r"\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u0259\u1e00-\u1eff",
        r"\u0386-\u03ce\u1f00-\u1fff",
        r"\u0400-\u045f\u0490\u0491",
        r"\u05d0-\u05ea",
        r"\u0621-\u06d2",
        r"\u0e01-\u0e4e",
        r"\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3",
    )
)


def reading_of(raw: bytes, charsets: Iterable[str]) -> tuple[str, str] | None:
    """
    (text, note) where bytes beyond ASCII say more than their declared character set; None where that is to be believed.

    Nothing declared: they are UTF-8 or GB 18030, and the note says which was guessed. Declared as Latin-1, as GB 2312
    without its escapes, as UTF-8 or as GB 18030: they are read otherwise only where the declared reading is none and
    the other one is whole Chinese words, and the note says that this was repaired.

    Examples
    --------
    >>> reading_of("住院".encode("gb18030"), [])
    ('住院', 'character_set_guessed:gb18030')
    >>> reading_of("王^秀英".encode("gb18030"), ["ISO_IR 100"])
    ('王^秀英', 'character_set_repaired:gb18030')
    >>> reading_of("Müller^Jürgen".encode("latin-1"), ["ISO_IR 100"]) is None
    True
    """
    declared = frozenset(charsets) or frozenset(("",))
    utf8, gb = _decoded(raw, "utf-8"), _decoded(raw, "gb18030")
    if declared <= {"", "ISO_IR 6"}:
        return _guessed(utf8, gb)
    found = ""
    if declared == {"ISO_IR 192"}:
        if _chinese(gb, _GLUED) and not (utf8 and (_ideographs(utf8) or _real(utf8))):
            found = "gb18030"
    elif declared <= _GB18030:
        # whole ideographs of three bytes each, which read by twos give letters that names do not have
        odd = not _ideographs_alone(gb) or not all(map(_in_gb2312, _ideographs(gb or "")))
        found = "utf-8" if odd and _ideographs_alone(utf8) else ""
    elif declared <= _LATIN | {_GB2312} and b"\x1b" not in raw:
        if _ideographs_alone(utf8):
            found = "utf-8"
        elif _chinese(gb, _GLUED):
            found = "gb18030"
    if not found:
        return None
    return (utf8 if found == "utf-8" else gb) or "", f"character_set_repaired:{found}"


def _guessed(utf8: str | None, gb: str | None) -> tuple[str, str] | None:
    """Nothing is declared: UTF-8 where it can be that and makes sense, else GB 18030."""
    if utf8 is not None and (_ideographs(utf8) or _real(utf8) or not _chinese(gb, _GLUED_LOW)):
        text, name = utf8, "utf-8"
    elif gb is not None and _chinese(gb, _GLUED_LOW):
        text, name = gb, "gb18030"
    else:
        return None
    return text, f"character_set_guessed:{name}"


def _decoded(raw: bytes, name: str) -> str | None:
    try:
        return raw.decode(name).strip("\0 ")
    except UnicodeDecodeError:
        return None


def _ideographs(text: str) -> list[str]:
    return _IDEOGRAPH.findall(text)


def _ideographs_alone(text: str | None) -> bool:
    """Ideographs and their punctuation are all there is beyond ASCII."""
    return bool(text and _ideographs(text)) and _MARKS.sub("", _IDEOGRAPH.sub("", text or "")).isascii()


def _chinese(text: str | None, glue: re.Pattern[str]) -> bool:
    """
    Whether a GB 18030 reading is Chinese: ideographs alone, most of them of GB 2312, none alone within a Latin word.

    Latin-1 has its letters where GB 2312 has its ideographs, two letters for one: "ção" would read as one ideograph
    and an o. No Latin word has four such letters in a row, so that "CT腰椎" is Chinese.
    """
    if text is None or not _ideographs_alone(text):
        return False
    common = [one for one in _ideographs(text) if _in_gb2312(one)]
    if 2 * len(common) < len(_ideographs(text)):
        return False
    return not any(
        glue.search(word) and re.search(rf"(?<!{_IDEOGRAPH.pattern}){_IDEOGRAPH.pattern}(?!{_IDEOGRAPH.pattern})", word)
        for word in _WORD.findall(text)
    )  # fmt: skip


def _in_gb2312(letter: str) -> bool:
    try:
        return bool(letter.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _real(text: str) -> bool:
    """
    Whether a reading as UTF-8 looks like words of a living language.

    GB 18030 that happens to be UTF-8 gives Hebrew beside Armenian, accents without a plain letter, single letters,
    capitals after small ones.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    letters = [[letter for letter in word if letter.isalpha() and not letter.isascii()] for word in words]
    for word, beyond in zip(words, letters, strict=True):
        plain = r"[a-zA-Z]" if beyond else r"[0-9a-zA-Z]"  # a sign stands beside a figure: 30°, 5µm
        if (not beyond or _SCRIPTS[0].match(beyond[0])) and not re.search(plain, word):
            return False
    every = [letter for beyond in letters for letter in beyond]
    if not every:
        return True
    script = next((one for one in _SCRIPTS if all(map(one.match, every))), None)
    if script is None:
        return False
    if script is _SCRIPTS[0]:
        return True
    sizes = [len(beyond) for beyond in letters]
    if max(sizes) < 3 and min(sizes) < 2:
        return False
    risen = any(a.islower() and b.isupper() for beyond in letters for a, b in pairwise(beyond))
    return not risen and not (every[0].islower() and any(letter.isupper() for letter in every))
