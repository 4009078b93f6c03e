"""
Make docs/<lang>/reference/schema.md from the schema: every column with its unit, plausible limits and headers.

    python tools/make_schema_page.py    (tests/architecture/test_docs.py fails when a page is not up to date)
"""

from __future__ import annotations

from pathlib import Path

from osteon.cohort.schema import MODALITIES, Field, schema
from osteon.cohort.template import template_fields

ROOT = Path(__file__).parents[1]
LANGUAGES = ("en", "zh")
WORDS = {
    "en": {
        "title": "The columns osteon knows",
        "made": "Made from `src/osteon/cohort/schema.toml` by `tools/make_schema_page.py`; do not edit by hand.",
        "intro": "A table of yours is matched to these columns by its headers, in English or Chinese; upper and lower "
        "case, spaces, hyphens and full-width letters do not matter, and a unit may follow in brackets: "
        "`25OHD (ng/mL)`. {known} columns are known, and {snps} variants. A column osteon does not know is kept "
        "under its own header, is named in the log, and enters no model.",
        "limits": "A value outside the limits cannot be right in that unit or is worth a second look; the limits say "
        "nothing about health. **S** marks the columns of the hospital sheet that "
        "`osteon data template` writes. **†** marks what is known only after the baseline visit: the study never "
        "uses it as a predictor.",
        "columns": ("column", "kind", "unit", "limits", "values", "headers understood"),
        "genetic": "Dosages from 0 to 2 copies of the effect allele of {n} variants, each column named after its "
        "rs number: {names}. The effect alleles stand in `src/osteon/cohort/snp_panel.csv`.",
    },
    "zh": {
        "title": "osteon 认识的字段",
        "made": "本页由 `tools/make_schema_page.py` 根据 `src/osteon/cohort/schema.toml` 生成，请勿手工修改。",
        "intro": "osteon 依表头识别数据表中的列，中英文均可；大小写、空格、连字符与全角半角不影响识别，单位可写在表头"
        "括号内，例如“25羟维生素D (ng/mL)”。目前共收录 {known} 个字段，另有 {snps} 个基因位点。无法识别的列按原表头"
        "保留，在日志中列出，不进入任何模型。",
        "limits": "上下限只用于发现录入错误或单位错误，不代表正常值范围。**S** 表示该字段出现在 `osteon data template` "
        "生成的医院数据表中；**†** 表示基线之后才能得知，研究从不将其用作预测变量。",
        "columns": ("字段名", "类型", "单位", "合理范围", "取值", "可识别的表头"),
        "genetic": "{n} 个位点的效应等位基因剂量（0–2），列名即 rs 编号：{names}。效应等位基因见 "
        "`src/osteon/cohort/snp_panel.csv`。",
    },
}
HEADINGS = {
    "en": {
        "key": "Who and when", "design": "Survey design", "clinical": "Clinical", "dxa": "Bone density (DXA)",
        "microstructure": "Bone micro-structure", "turnover": "Bone turnover markers", "laboratory": "Laboratory",
        "genetic": "Genetic variants", "balance": "Balance and gait", "function": "Function and quality of life",
        "score": "Imported scores", "outcome": "Outcomes",
    },
    "zh": {
        "key": "标识与日期", "design": "抽样设计", "clinical": "临床资料", "dxa": "骨密度（DXA）", "microstructure": "骨微结构",
        "turnover": "骨转换标志物", "laboratory": "实验室检查", "genetic": "基因位点", "balance": "平衡与步态",
        "function": "功能与生活质量", "score": "导入的评分", "outcome": "结局",
    },
}  # fmt: skip
KINDS = {
    "en": {},
    "zh": {
        "number": "数值",
        "flag": "是／否",
        "category": "分类",
        "ordinal": "有序分类",
        "date": "日期",
        "id": "标识",
        "design": "设计变量",
    },
}


def page(lang: str) -> str:
    """The whole page in one language."""
    words, fields = WORDS[lang], schema().fields
    genetic = schema().of("genetic")
    lines = [f"# {words['title']}", "", f"*{words['made']}*", ""]
    lines += [
        words["intro"].format(known=len(fields) - len(genetic), snps=len(genetic)),
        "",
        words["limits"],
        "",
    ]
    for modality in MODALITIES:
        names = schema().of(modality)
        if not names:
            continue
        lines += [f"## {HEADINGS[lang][modality]}", ""]
        if modality == "genetic":
            lines += [
                words["genetic"].format(n=len(names), names=", ".join(f"`{name}`" for name in names)),
                "",
            ]
            continue
        lines += [_row(words["columns"]), _row("---" for _ in words["columns"])]
        lines += [_row(_cells(fields[name], lang)) for name in names]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(cells) -> str:
    return "| " + " | ".join(cells) + " |"


def _cells(field: Field, lang: str) -> tuple[str, ...]:
    on_sheet = field in template_fields()
    marks = (" **S**" if on_sheet else "") + (" †" if field.after_baseline else "")
    limits = "" if field.low is None and field.high is None else f"{_limit(field.low)} – {_limit(field.high)}"
    chinese = [text for text in field.synonyms if any("\u4e00" <= letter <= "\u9fff" for letter in text)]
    english = [text for text in field.synonyms if text not in chinese]
    spoken = (chinese + english) if lang == "zh" else (english + chinese[:2])
    headers = list(dict.fromkeys(spoken))
    return (
        f"`{field.name}`{marks}",
        KINDS[lang].get(field.kind, field.kind),
        field.unit,
        limits,
        ", ".join(field.categories),
        "; ".join(headers).replace("|", "\\|"),
    )


def _limit(value: float | None) -> str:
    return "…" if value is None else f"{value:g}"


def main() -> None:
    """Write both pages."""
    for lang in LANGUAGES:
        target = ROOT / "docs" / lang / "reference" / "schema.md"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(lang), encoding="utf-8")
        print(target.relative_to(ROOT))


if __name__ == "__main__":
    main()
