"""Chinese names arrive whole however they were written and declared; other names stay as they are."""

import io
import struct

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from osteon.imaging.dicom_header import text_of
from osteon.imaging.dicom_text import reading_of

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许邓韩冯曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤祝楼鲁路"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂玉萍红华建文辉力志永健世广义海山仁波宁贵福生元全国胜学祥才发成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆民友裕河哲江浩亮政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以家致树炎德行时泰盛雄琛钧冠策腾楠榕风航弘婷琪鑫瑶晓小雪燕影院梅"
RARE = ("朱^镕基", "陶^喆", "李^珺", "张^玥", "黄^堃")  # outside GB 2312
names = st.builds("{}^{}".format, st.sampled_from(SURNAMES), st.text(GIVEN, min_size=1, max_size=2))
WRONG = ("", "ISO_IR 6", "ISO_IR 100", "ISO 2022 IR 100", "\\ISO 2022 IR 58", "ISO 2022 IR 58", "ISO_IR 192")
LATIN = ("Müller^Jürgen", "Gößl^Jörg", "Conceição^João", "ASSUNÇÃO^JOÃO", "Núñez^Íñigo", "Créée^Éloïse", "Ångström^Åsa",
         "Muñoz^Ángel", "Þórðarson^Óðinn", "Groß^Anaïs", "GÖSSL^JÖRG", "Lefèvre^Noël", "Ó Súilleabháin^Séamus")  # fmt: skip
CYRILLIC = ("Иванов^Пётр", "Сава^Саввин", "ШУХОВ^ЯША", "Щукин^Ефим", "Ковалёва^Дарья")
GREEK = ("Παπαδόπουλος^Γιώργος", "Διονυσιος", "Ιωάννου^Νίκη")


def element(tag, vr, value):
    value += b" " * (len(value) % 2)
    return struct.pack("<HH2sH", *tag, vr, len(value)) + value


def read(raw, declared):
    """The name and the notes as a header with these bytes gives them."""
    content = element((8, 5), b"CS", declared.encode()) if declared else b""
    content += element((8, 0x60), b"CS", b"CT") + element((0x10, 0x10), b"PN", raw)
    notes = []
    return text_of(pydicom.dcmread(io.BytesIO(content), force=True), "PatientName", notes=notes), notes


@settings(max_examples=150, deadline=None)
@given(names, st.sampled_from(WRONG))
@example("住^院", "")
@example("祝^小", "")
@example("卢^英", "ISO_IR 192")
def test_chinese_names_in_gb18030_are_read_whatever_is_declared(name, declared):
    kind = "repaired" if declared not in ("", "ISO_IR 6") else "guessed"
    assert read(name.encode("gb18030"), declared) == (name, [f"character_set_{kind}:gb18030"])


@settings(max_examples=100, deadline=None)
@given(names | st.sampled_from(RARE), st.sampled_from([*WRONG[:-1], "GB18030"]))
def test_chinese_names_in_utf8_are_read_whatever_is_declared(name, declared):
    kind = "repaired" if declared not in ("", "ISO_IR 6") else "guessed"
    assert read(name.encode(), declared) == (name, [f"character_set_{kind}:utf-8"])


@settings(max_examples=100, deadline=None)
@given(
    names | st.sampled_from(RARE),
    st.sampled_from([("gb18030", "GB18030"), ("gbk", "GBK"), ("utf-8", "ISO_IR 192")]),
)
def test_what_is_declared_truly_is_believed(name, way):
    encoding, declared = way
    assert read(name.encode(encoding), declared) == (name, [])


@pytest.mark.parametrize(
    ("text", "encoding", "declared"),
    [(name, "latin-1", declared) for name in LATIN for declared in ("ISO_IR 100", "\\ISO 2022 IR 58")]
    + [(name, "latin-1", "") for name in LATIN]
    + [(name, "iso8859-5", "ISO_IR 144") for name in CYRILLIC]
    + [(name, "iso8859-7", "ISO_IR 126") for name in GREEK]
    + [(name, "utf-8", "ISO_IR 192") for name in LATIN + CYRILLIC + GREEK],
)
def test_other_names_stay_as_they_are(text, encoding, declared):
    assert reading_of(text.encode(encoding), declared.split("\\")) is None


@pytest.mark.parametrize("text", LATIN + CYRILLIC + GREEK)
def test_other_names_in_undeclared_utf8_are_utf8(text):
    assert reading_of(text.encode(), []) == (text, "character_set_guessed:utf-8")


def test_words_beside_letters():
    assert reading_of("CT腰椎平扫".encode("gbk"), ["ISO_IR 100"])[0] == "CT腰椎平扫"
    assert reading_of("L片".encode("gbk"), [])[0] == "L片"
    assert reading_of("L片".encode("gbk"), ["ISO_IR 100"]) is None  # two letters of Latin-1 as well
    assert reading_of("30° 5µm".encode(), []) == ("30° 5µm", "character_set_guessed:utf-8")
