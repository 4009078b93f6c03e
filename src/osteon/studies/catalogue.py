"""The studies osteon knows, as plain data: read by the command line, the platform and the docs without loading anything."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from osteon.core.errors import ConfigError

__all__ = ["STUDIES", "StudyEntry", "study"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyEntry:
    """One study: what it asks, what it takes, where its code is."""

    name: str
    module: str
    title: dict[str, str]
    question: dict[str, str]
    data: tuple[str, ...]
    configs: tuple[str, ...] = ("default",)


STUDIES = {
    entry.name: entry
    for entry in (
        StudyEntry(
            name="portraits",
            module="osteon.studies.portraits",
            title={"en": "Patient portraits", "zh": "患者画像"},
            question={
                "en": "What kinds of patients with vertebral compression fracture are there, do these kinds come back "
                "when patients are drawn again, and how is each kind managed?",
                "zh": "椎体压缩骨折患者有哪几类？重新抽样后这些类别是否稳定？每一类应如何管理？",
            },
            data=("virtual", "estonia", "published", "FILE", "DIR"),
            configs=("default", "quick"),
        ),
        StudyEntry(
            name="fracture-risk",
            module="osteon.studies.fracture_risk",
            title={"en": "Osteoporosis and fracture risk", "zh": "骨质疏松与骨折风险"},
            question={
                "en": "Who has osteoporosis and who fractures, from what a clinic already knows, "
                "and does a model beat bone density, OST and FRAX?",
                "zh": "仅凭门诊已有信息，谁患有骨质疏松、谁会骨折？模型是否优于骨密度、OST 与 FRAX？",
            },
            data=("nhanes", "glow", "estonia", "virtual", "published", "FILE", "DIR"),
            configs=("default", "full", "quick"),
        ),
        StudyEntry(
            name="ovcf-reading",
            module="osteon.studies.ovcf_reading",
            title={"en": "CT reading of vertebral fractures", "zh": "椎体压缩骨折的 CT 阅片"},
            question={
                "en": "Do readers find and type osteoporotic vertebral fractures on CT better with AI than without, "
                "MRI being the truth?",
                "zh": "以 MRI 为金标准，医师在 AI 辅助下诊断骨质疏松性椎体压缩骨折并分型是否更准？",
            },
            data=("published", "virtual", "design", "FILE"),
            configs=("default", "quick", "planted"),
        ),
    )
}


def study(name: str) -> StudyEntry:
    """The entry called ``name``; an unknown name is an error that suggests the nearest one."""
    if name not in STUDIES:
        close = get_close_matches(name, STUDIES, n=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(STUDIES)}."
        raise ConfigError(f"unknown study {name!r}.", hint=hint)
    return STUDIES[name]
