import base64
import io
import re

import pytest
from fontTools.ttLib import TTFont

from osteon.report import fonts
from osteon.report.html import TEMPLATES
from osteon.report.words import FOLDER

RARE = "䶮㛃\U00020164\U0002cb5a😀"


@pytest.fixture
def bare_machine(monkeypatch):
    """A machine without a font of its own."""
    monkeypatch.setattr(fonts, "installed", lambda: ())
    fonts.fallback.cache_clear()
    yield
    fonts.fallback.cache_clear()


def test_the_bundled_font_draws_every_character_of_the_word_lists():
    texts = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.toml"))
    assert {char for char in texts if not char.isspace() and ord(char) not in fonts.covered()} == set()


def test_the_bundled_font_draws_gb2312():
    han = [bytes((high, low)).decode("gb2312") for high in range(0xB0, 0xD7) for low in range(0xA1, 0xFF)]
    assert all(ord(char) in fonts.covered() for char in han)


def test_each_weight_is_below_three_and_a_half_megabytes_and_carries_its_licence():
    assert all(path.stat().st_size < 3.5e6 for path in (fonts.REGULAR, fonts.BOLD))
    assert "SIL OPEN FONT LICENSE" in (fonts.FOLDER / "OFL.txt").read_text(encoding="utf-8")


def test_a_character_no_font_draws_is_spelled_out(bare_machine):
    assert fonts.printable("王䶮") == "王〔U+4DAE〕"
    assert fonts.printable("\U00020164😀") == "〔U+20164〕〔U+1F600〕"
    assert fonts.fallbacks(RARE) == ()


def test_nothing_invisible_or_unprintable_is_left(bare_machine):
    assert fonts.printable("a\u200b\ufeffb\x07c\u3000d\n") == "ab c\u3000d\n"


def test_a_letter_with_a_separate_accent_becomes_one_character(bare_machine):
    assert fonts.printable("cafe\u0301 王䶮").startswith("café")


def test_ordinary_text_is_untouched():
    assert fonts.printable("骨密度 ≥ 2.5 µg/L ± 1") == "骨密度 ≥ 2.5 µg/L ± 1"


def test_a_page_brings_the_chinese_characters_it_uses_and_no_more():
    page = "<style>p {}</style><p>骨密度 µ</p>"
    brought = fonts.with_faces(page)
    faces = re.findall(r"@font-face .*?base64,(.*?)\)", brought)
    assert len(faces) == 2 and brought.endswith("</style><p>骨密度 µ</p>")
    for face in faces:
        font = TTFont(io.BytesIO(base64.b64decode(face)))
        assert set(font.getBestCmap()) == set(map(ord, "骨密度"))
    assert fonts.with_faces(page) == brought, "the same page has the same bytes"


def test_a_page_without_chinese_brings_no_font():
    page = "<style>p {}</style><p>bone ≥ 2.5 µg</p>"
    assert fonts.with_faces(page) == page


def test_a_machine_font_is_used_where_it_draws_the_character(monkeypatch):
    monkeypatch.setattr(fonts, "covered", lambda: frozenset())
    monkeypatch.setattr(fonts, "installed", lambda: (fonts.BOLD,))
    fonts.fallback.cache_clear()
    found = fonts.fallbacks("骨")
    fonts.fallback.cache_clear()
    assert [(font.path, font.family) for font in found] == [(fonts.BOLD, fonts.FAMILY)]


def test_a_page_asks_the_face_it_brings_first_and_for_chinese_alone():
    style = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert f'--sans: "{fonts.FAMILY}",' in style
    brought = fonts.with_faces(f"<style>{style}</style><p>骨密度</p>")
    assert brought.count("unicode-range: U+2E80-3FFFF;") == 2
