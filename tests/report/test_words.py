import tomllib
from pathlib import Path

import pytest

from osteon.core.errors import ConfigError
from osteon.report import words as module
from osteon.report.value import (
    Estimate,
    Indented,
    Level,
    Number,
    Proportion,
    PValue,
    Ref,
    Spread,
    Strong,
    Variable,
    Words,
)  # fmt: skip
from osteon.report.words import placeholders, words

SCHEMA = Path(module.__file__).parents[1] / "cohort" / "schema.toml"


def test_both_languages_have_the_same_keys():
    assert set(words("en").entries) == set(words("zh").entries)


def test_the_same_key_has_the_same_placeholders_in_both_languages():
    en, zh = words("en").entries, words("zh").entries
    # {en} and {zh} are texts that the data bring in both languages, such as eligibility criteria
    unequal = {key for key in en if placeholders(en[key]) - {"en"} != placeholders(zh[key]) - {"zh"}}
    assert unequal == set()


def test_every_chinese_text_that_is_not_a_name_or_a_unit_is_chinese():
    def chinese(text):
        return any("\u4e00" <= char <= "\u9fff" for char in text)

    labels = {
        k: v for k, v in words("zh").entries.items() if k.startswith("variable.") and k.endswith(".label")
    }
    named = {"FRAX", "Mini-BESTest", "BMD"}
    assert [k for k, v in labels.items() if not chinese(v) and not any(name in v for name in named)] == []


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_column_of_the_schema_and_every_category_has_its_words(lang):
    entries = words(lang).entries
    fields = {
        name: field
        for table in tomllib.loads(SCHEMA.read_text(encoding="utf-8")).values()
        for name, field in table.items()
    }
    missing = [
        name
        for name in fields
        if f"variable.{name}.label" not in entries or f"variable.{name}.short" not in entries
    ]
    missing += [
        f"{name}.{category}"
        for name, field in fields.items()
        for category in field.get("categories", ())
        if f"value.{name}.{category}" not in entries
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("value", "en", "zh"),
    [
        (3750, "3,750", "3,750"),
        (Number(-0.0004, 2), "0.00", "0.00"),
        (Number(-1.25, 1), "−1.2", "−1.2"),
        (Number(0.5, 2, signed=True), "+0.50", "+0.50"),
        (Number(0.1234, 1, percent=True), "12.3%", "12.3%"),
        (Estimate(0.8213, 0.79, 0.851), "0.82 (0.79 to 0.85)", "0.82（0.79～0.85）"),
        (
            Estimate(0.8213, 0.79, 0.851, digits=1, percent=True),
            "82.1% (79.0 to 85.1)",
            "82.1%（79.0～85.1）",
        ),
        (Estimate(0.8213), "0.82", "0.82"),
        (Proportion(123, 270), "123 (45.6%)", "123（45.6%）"),
        (Proportion(123, 270, 0.397, 0.516), "45.6% (39.7 to 51.6), 123/270", "45.6%（39.7～51.6），123/270"),
        (Proportion(0, 0), "0/0", "0/0"),
        (PValue(0.0004), "<.001", "<0.001"),
        (PValue(0.0342), ".034", "0.034"),
        (PValue(0.5), ".50", "0.50"),
        (PValue(0.999), ">.99", ">0.99"),
        (PValue(None), "–", "–"),
        (Spread(63.2, sd=8.1), "63.2 ± 8.1", "63.2±8.1"),
        (Spread(63.2, low=55.1, high=70.0), "63.2 [55.1 to 70.0]", "63.2［55.1，70.0］"),
        (float("nan"), "–", "–"),
        (None, "–", "–"),
        (0.012345, "0.0123", "0.0123"),
        (1234.5, "1,234", "1,234"),
        (True, "Yes", "是"),
        (
            Variable("vitamin_d_25oh_nmol_l", "unit"),
            "25-hydroxyvitamin D (nmol/L)",
            "25-羟维生素 D（nmol/L）",
        ),
        (Variable("my_own_column"), "my_own_column", "my_own_column"),
        (Level("sex", "female"), "Female", "女"),
        (Level("sex", "x"), "x", "x"),
        (("a", "b", Level("sex", "male")), "a, b and Male", "a、b 和男"),
        (Strong(Indented("x")), "x", "x"),
    ],
)
def test_numbers_are_printed_as_each_language_prints_them(value, en, zh):
    assert (words("en").cell(value), words("zh").cell(value)) == (en, zh)


def test_a_p_value_in_a_sentence_is_an_equation():
    assert words("en")("figure.interaction", p=0.0001) == "p\u00a0<\u00a0.001 for heterogeneity"
    assert words("en")("figure.interaction", p=PValue(0.03)) == "p\u00a0=\u00a0.030 for heterogeneity"


def test_an_unknown_key_suggests_the_nearest():
    with pytest.raises(ConfigError, match=r"Did you mean 'report.table'"):
        words("en")("report.tabel", n=1)


def test_a_missing_value_names_itself():
    with pytest.raises(ConfigError, match="'n'"):
        words("en")("report.table")


def test_an_unknown_language_is_refused():
    with pytest.raises(ConfigError, match="'fr'"):
        words("fr")


def test_a_reference_to_nothing_is_refused():
    with pytest.raises(ConfigError, match="no-such"):
        words("en").cell(Ref("no-such"))


def test_words_with_the_same_key_and_values_are_equal():
    assert Words("a", n=1) == Words("a", n=1) != Words("a", n=2)
    assert len({Words("a", n=1), Words("a", n=1)}) == 1
