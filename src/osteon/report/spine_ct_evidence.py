"""What stands beside the close-up of a vertebra: its heights, its grade, its endplates and its posterior wall."""

from __future__ import annotations

from osteon.domain.spine import Endplate, VertebraFinding
from osteon.report.figure_spine import status_of
from osteon.report.spine_ct_phrases import bulges, coded, denis_name, flags_text, lost, phrase, sure, unseen
from osteon.report.value import Cell, Number, Text

__all__ = ["evidence"]


def evidence(vertebra: VertebraFinding) -> tuple[tuple[Text, Cell], ...]:
    """Label and value of each line."""
    rows: list[tuple[Text, Cell]] = []
    heights, loss = vertebra.graded_heights_mm, vertebra.height_loss
    place = "side" if vertebra.one_sided else "site"
    if heights is not None and loss is not None:
        for site in ("anterior", "middle", "posterior"):
            pair = phrase("evidence.height", mm=Number(getattr(heights, site), digits=1), share=lost(getattr(loss, site)),
                          expected=Number(getattr(loss.reference_mm, site), digits=1))  # fmt: skip
            rows.append((phrase(f"{place}.{site}"), pair))
    if vertebra.red_flags:
        flags = flags_text(vertebra)
        rows += [(phrase("evidence.flag") if nth == 0 else "", flag) for nth, flag in enumerate(flags)]
    elif vertebra.genant is not None:
        short = phrase(
            "genant_short", grade=vertebra.genant.grade, type=phrase(f"type.{vertebra.genant.type}")
        )
        rows.append((phrase("evidence.genant"), short))
    if vertebra.denis is not None and not vertebra.red_flags:
        rows.append((phrase("evidence.denis"), denis_name(vertebra)))
    for name, plate in (("superior", vertebra.superior), ("inferior", vertebra.inferior)):
        if plate is not None:
            rows.append((phrase(f"endplate.{name}"), _injury(plate)))
    wall = vertebra.posterior_wall
    if wall is not None:
        key = (
            "evidence.bulges" if bulges(wall) else "evidence.narrow" if wall.involved else "evidence.no_bulge"
        )
        rows.append((phrase("evidence.wall"), phrase(key, mm=Number(wall.convexity_mm or 0.0, digits=1))))
    if vertebra.confidence is not None:
        rate = "evidence.injury_rate" if status_of(vertebra) == "injury" else "evidence.confidence"
        key = "evidence.suspicion_rate" if vertebra.red_flags else rate
        rows.append((phrase(key), sure(vertebra.confidence)))
    return tuple(rows)


def _injury(plate: Endplate) -> Text:
    if not plate.injured:
        if plate.signs:
            return phrase("evidence.one_sign", signs=coded("spine_sign", plate.signs))
        return phrase("evidence.not_judged" if unseen(plate) else "evidence.intact")
    if "depression" not in plate.signs:
        return phrase("evidence.broken", signs=coded("spine_sign", plate.signs))
    return phrase("evidence.injured", mm=Number(plate.depression_mm, digits=1))
