"""The numbers of the portraits study for results.json, and what the command prints."""

from __future__ import annotations

from typing import Any

from osteon.core.result import as_dict
from osteon.report.value import Estimate, Number, PValue
from osteon.report.words import words
from osteon.studies.before_after import BeforeAfter, Compared, printed_comparisons
from osteon.studies.portraits_groups import Card, Portraits
from osteon.studies.portraits_result import Result
from osteon.studies.portraits_survival import PortraitSurvival
from osteon.studies.portraits_virtual import Table1
from osteon.studies.portraits_words import card_paragraph, portrait_name, portrait_word

__all__ = ["results", "summary_lines"]


def results(result: Result) -> dict[str, Any]:
    """All headline numbers."""
    content: dict[str, Any] = {
        "study": "portraits", "data": result.kind, "simulated": result.simulated,
        "provenance": as_dict(result.provenance), "config": as_dict(result.config),
        "plan_rules": {"version": result.rules.version, "sha256": result.rules.sha256},
        "before_after_published": [_comparison(line) for line in printed_comparisons()],
    }  # fmt: skip
    if result.recheck:
        content["recheck"] = [
            {"figure": r.figure if r.group is None else f"{r.figure}, group {r.group}", "printed": r.printed,
             "recomputed": r.recomputed, "follows": r.follows, "why": r.why} for r in result.recheck
        ]  # fmt: skip
    if result.found is not None:
        content |= _found(result, result.found)
    if result.table1 is not None:
        content["table1"] = _table1(result.table1)
    if result.repeats is not None:
        content["repeats"] = {"seeds": len(result.repeats.ks), "four_claimed": result.repeats.succeeded,
                              "k": list(result.repeats.ks), "adjusted_rand_index": list(result.repeats.aris)}  # fmt: skip
    if result.nothing:
        content["structureless"] = [as_dict(n) | {"claimed": n.claimed} for n in result.nothing]
    if result.survival:
        content |= _hip(result.survival[0])
        content["survival"] = {each.name: _survival(each) for each in result.survival}
    if result.periods is not None:
        content["before_after"] = _periods(result.periods)
    if result.clinic is not None:
        clinic, found = result.clinic
        content["changing_clinic"] = {"planted_days": clinic.effect_days, **_periods(found)}
    return content


def _found(result: Result, found: Portraits) -> dict[str, Any]:
    group, structure = found.grouping, found.grouping.count.structure
    return {
        "n": len(found.ids), "k": group.k, "k_rule": group.count.rule, "k_votes": dict(group.count.votes),
        "verdict": group.verdict, "adjusted_rand_index": result.ari, "silhouette": group.silhouette,
        "stability": {"least": group.stability.least, "jaccard": list(group.stability.jaccard),
                      "recovered": list(group.stability.recovered), "resamples": group.stability.resamples,
                      "seed_agreement": group.agreement},
        "structure": as_dict(structure) | {"found": structure.found},
        "features": list(found.features),
        "dropped": [as_dict(d) for d in found.selection.dropped], "selection_notes": list(found.selection.notes),
        "groups": [_group(card, len(found.ids)) for card in found.cards],
        "methods": [as_dict(m) for m in result.methods],
        "published_recipe": None if result.recipe is None else
        {"k": result.recipe.k, "agreement": result.recipe_agreement, "verdict": result.recipe.verdict},
        "memberships": {name: found.cards[g].letter for name, g in zip(found.ids, found.grouping.labels.tolist(), strict=True)}
        if result.simulated else None,
    }  # fmt: skip


def _hip(found: PortraitSurvival) -> dict[str, Any]:
    """The portraits without management under the names that every kind of data has."""
    group = found.grouping
    return {
        "n": sum(found.sizes), "k": group.k, "k_rule": group.count.rule, "verdict": group.verdict,
        "portraits_claimed": found.claimed, "continuum": found.continuum, "silhouette": group.silhouette,
        "stability": {"least": group.stability.least, "jaccard": list(group.stability.jaccard),
                      "recovered": list(group.stability.recovered), "resamples": group.stability.resamples},
        "features": list(found.features), "groups": _hip_groups(found), "log_rank_p": found.log_rank.p,
        "adjusted_p": found.adjusted_p, "c_index_gain": found.gain,
    }  # fmt: skip


def _hip_groups(found: PortraitSurvival) -> list[dict[str, Any]]:
    """The card of each portrait with the survival of everybody in it, later years too."""
    made = []
    for card, deaths in zip(found.cards, found.deaths, strict=True):
        alive = found.alive(card.letter)
        made.append(_group(card, sum(found.sizes)) | {
            "deaths_12m": deaths, "alive_12m": {"value": alive[0], "low": alive[1], "high": alive[2]},
        })  # fmt: skip
    return made


def _group(card: Card, total: int) -> dict[str, Any]:
    said = {lang: words(lang) for lang in ("en", "zh")}
    return {
        "letter": card.letter, "n": card.n, "named": card.named, "jaccard": card.jaccard, "published_group": card.published,
        **{f"name_{lang}": each.say(portrait_name(card.name)) if card.named else "" for lang, each in said.items()},
        **{f"text_{lang}": each.say(card_paragraph(card, total)) for lang, each in said.items()},
        "facts": dict(card.facts), "markers": [as_dict(m) for m in card.markers[:8]],
        "plan": [item.id for item in card.plan.items] if card.named else [],
    }  # fmt: skip


def _table1(found: Table1) -> dict[str, Any]:
    return {
        "bayes_adjusted_rand_index": found.bayes, "bayes_this_draw": found.bayes_here,
        "published_recipe": as_dict(found.published), "best": found.best.name, "best_adjusted_rand_index": found.best_ari,
        "best_k": found.best.k, "share_of_bayes": found.best_ari / found.bayes, "ways": [as_dict(w) for w in found.ways],
    }  # fmt: skip


def _survival(found: PortraitSurvival) -> dict[str, Any]:
    return {
        "features": list(found.features), "k": found.grouping.k, "verdict": found.grouping.verdict,
        "portraits_claimed": found.claimed, "continuum": found.continuum, "groups": _hip_groups(found),
        "stability": list(found.grouping.stability.jaccard), "silhouette": found.grouping.silhouette,
        "structure_z": found.grouping.count.structure.z, "sizes": list(found.sizes), "deaths": list(found.deaths),
        "log_rank_p": found.log_rank.p, "log_rank_stratified_p": found.stratified.p,
        "adjusted": {"chi2": found.adjusted_chi2, "df": found.adjusted_df, "p": found.adjusted_p},
        "c_index": {"age_sex": found.without.value, "with_portraits": found.with_portraits.value, "gain": found.gain,
                    "gain_low": found.gain_ci.low, "gain_high": found.gain_ci.high},
        "hazard_ratios": {t.name: {"value": t.hazard_ratio, "low": t.ci.low, "high": t.ci.high, "p": t.p} for t in found.model.terms},
    }  # fmt: skip


def _comparison(line: Compared) -> dict[str, Any]:
    return as_dict(line)  # type: ignore[no-any-return]


def _periods(found: BeforeAfter) -> dict[str, Any]:
    matched = found.matched
    return {
        "comparisons": [_comparison(line) for line in found.lines],
        "experts": {pair: {"kappa": k.value, "low": k.ci.low, "high": k.ci.high, "n": k.n} for pair, k in found.agreement},
        "interrupted_series": as_dict(found.series), "skipped": list(found.skipped),
        "matched": None if matched is None else {"value": matched.value, "low": matched.ci.low, "high": matched.ci.high,
                                                 "p": matched.p, "n": matched.n_matched},
    }  # fmt: skip


def summary_lines(result: Result, lang: str) -> tuple[str, ...]:
    """What the command prints."""
    say, lines = words(lang).say, []
    mark = portrait_word("line.simulated") if result.simulated else ""
    if result.found is not None:
        group = result.found.grouping
        key = "line.found_ari" if result.ari is not None else "line.found"
        lines.append(portrait_word(key, mark=mark, k=group.k, verdict=portrait_word(f"verdict_short.{group.verdict}"),
                                   ari=Number(result.ari, digits=3), silhouette=Number(group.silhouette, digits=2),
                                   least=Number(group.stability.least, digits=2)))  # fmt: skip
        lines += [
            portrait_word("line.group", letter=c.letter, n=c.n, name=portrait_name(c.name))
            for c in result.found.cards
            if c.named
        ]
    if result.table1 is not None:
        t = result.table1
        lines.append(portrait_word("line.table1", bayes=Number(t.bayes, digits=3), k=t.published.k, ari=Number(t.published.ari, digits=3),
                                   best=portrait_word(f"way.{t.best.name}"), best_ari=Number(t.best_ari, digits=3)))  # fmt: skip
    if result.repeats is not None and result.repeats.ks:
        lines.append(portrait_word("line.repeats", k=result.repeats.succeeded, n=len(result.repeats.ks)))
    if result.nothing:
        claimed = sum(n.claimed for n in result.nothing)
        lines.append(portrait_word("line.nothing", claimed=claimed, n=len(result.nothing)))
    for each in result.survival:
        key = "line.survival" if each.claimed else "line.survival_none"
        lines.append(portrait_word(key, name=portrait_word(f"survival.short_{each.name}"), k=each.grouping.k,
                                   least=Number(each.grouping.stability.least, digits=2), p=PValue(each.log_rank.p),
                                   adjusted=PValue(each.adjusted_p), without=Number(each.without.value, digits=3),
                                   full=Number(each.with_portraits.value, digits=3),
                                   gain=Estimate(each.gain, each.gain_ci.low, each.gain_ci.high, digits=3)))  # fmt: skip
        lines += [
            portrait_word("line.group_alive", letter=card.letter, n=size, name=portrait_name(card.name),
                          alive=Number(each.alive(card.letter)[0], digits=0, percent=True))
            for card, size in zip(each.cards, each.sizes, strict=True) if card.named
        ]  # fmt: skip
    if any(each.continuum and each.claimed for each in result.survival):
        lines.append(portrait_word("line.continuum"))
    if result.recheck:
        wrong = [r for r in result.recheck if r.follows == "no"]
        lines.append(portrait_word("line.recheck", n=len(result.recheck), wrong=len(wrong)))
    return tuple(say(line) for line in lines)
