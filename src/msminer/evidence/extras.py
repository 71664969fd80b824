"""What stands beside a verdict: as of each year, without one study, what would change it, subtypes, safety."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise
from typing import Any

from msminer.evidence.claims import Claim
from msminer.evidence.direction import BACKED, CONTROLLED, INSUFFICIENT, MODELS_ONLY
from msminer.evidence.judging import Case, Outcome
from msminer.evidence.matching import Match, Matcher
from msminer.evidence.publications import Publication
from msminer.evidence.rules import Rules
from msminer.evidence.shapes import number
from msminer.evidence.statistics import chance_above
from msminer.evidence.tiers import share_of
from msminer.evidence.votes import Vote, agreement, cast, score_of

_PROGRESSIVE = frozenset({"spms", "ppms", "progressive"})
_MOST_ADDED = 5
_DIRECTION_CHECKS = frozenset({"direction", "comparison"})


def pool_of(case: Case) -> list[Publication]:
    """Publications that can change the verdict: every match, or for figures and references every record."""
    if case.claim.check in {"figure", "citation"}:
        outcome = case.judge()
        return [one.publication for one in outcome.numbers] + [one.publication for one in outcome.found]
    both = (*case.matches.primary, *case.matches.context, *case.other.primary)
    return list({match.publication.id: match.publication for match in both}.values())


def as_of(case: Case) -> list[dict[str, Any]]:
    """The verdict as of the end of each year from the first relevant paper; papers without a year are left out."""
    known = sorted({one.year for one in pool_of(case) if one.year is not None})
    if not known:
        return []
    rows = []
    last: Outcome | None = None
    for year in range(known[0], known[-1] + 1):
        if last is None or year in known:
            last = case.judge(_until(year))
        rows.append({"year": year, "verdict": last.verdict, "studies": last.studies})
    return rows


def _until(year: int) -> Callable[[Publication], bool]:
    return lambda one: one.year is not None and one.year <= year


def flipped(rows: Sequence[dict[str, Any]]) -> int | None:
    """The year from which the verdict stands as it does; None where it never changed."""
    changes = [b["year"] for a, b in pairwise(rows) if a["verdict"] != b["verdict"]]
    return changes[-1] if changes else None


def without_one(case: Case, outcome: Outcome) -> dict[str, Any] | None:
    """The study whose absence changes the verdict, else the one that moves the share most; None without studies.

    Of studies alike in tier, direction, cell type and route the heaviest moves the share most: it is left out in turn.
    """
    trials = [(study, paper, case.judge(_without(case, study))) for study, paper in _representatives(outcome)]
    if not trials:
        return None
    changed = [one for one in trials if one[2].verdict != outcome.verdict]
    study, paper, after = max(changed or trials, key=lambda one: _shift(outcome, one[2]))
    return {"study_id": study, "publication_id": paper.id, "title": paper.title, "verdict": after.verdict}


def _representatives(outcome: Outcome) -> list[tuple[str, Publication]]:
    heaviest: dict[Hashable, tuple[float, str, Publication]] = {}

    def offer(key: Hashable, weight: float, study: str, paper: Publication) -> None:
        if key not in heaviest or weight > heaviest[key][0]:
            heaviest[key] = (weight, study, paper)

    for vote in outcome.votes:
        key: Hashable = (vote.tier, vote.direction, vote.agrees, vote.group, tuple(vote.publication.routes))
        offer(key, vote.weight, vote.study_id, vote.publication)
    for source in outcome.sources:
        key = (source.human, source.solid, tuple(source.match.publication.routes))
        offer(key, source.p, source.id, source.match.publication)
    for paper in (*(one.publication for one in outcome.found), *(one.publication for one in outcome.numbers)):
        offer(paper.id, 1.0, paper.id, paper)
    return [(study, paper) for _, study, paper in heaviest.values()]


def _without(case: Case, study_id: str) -> Callable[[Publication], bool]:
    known = {one.id for study in case.studies.studies if study.id == study_id for one in study.publications}
    gone = known or {study_id}
    return lambda one: one.id not in gone


def _shift(before: Outcome, after: Outcome) -> float:
    shares = [_share(one) for one in (before, after)]
    return abs(shares[0] - shares[1])


def _share(outcome: Outcome) -> float:
    scores = [(vote.score, vote.weight) for vote in (outcome.deciding or outcome.votes)]
    total = sum(weight for _, weight in scores)
    return sum(score * weight for score, weight in scores) / total if total else 0.5


def with_retracted(case: Case) -> dict[str, Any]:
    """The verdict with retracted work counted, and how much of it there is: shown, never used."""
    retracted = case.matches.retracted
    verdict = case.judge(retracted=True).verdict if retracted else None
    return {"verdict": verdict, "studies": len({case.studies.of(one.publication).id for one in retracted})}


def would_change(case: Case, outcome: Outcome) -> str:
    """The fewest further controlled trials of one kind that would change the verdict, in words."""
    if case.claim.check not in _DIRECTION_CHECKS:
        return _other_change(case, outcome)
    tier = CONTROLLED if case.claim.population != ("animal_model",) else "animal"
    found = [text for kind in (True, False) if (text := _added(case, outcome, tier, kind))]
    return "; ".join(found) or _unmoved(case, outcome, tier)


def _unmoved(case: Case, outcome: Outcome, tier: str) -> str:
    if case.claim.check == "comparison" and outcome.verdict == INSUFFICIENT:
        return "more studies on both sides of the comparison"
    return f"not even {_MOST_ADDED} more {_KIND[tier]} that all find the same: the studies at hand outweigh them"


_KIND = {CONTROLLED: "controlled trials", "animal": "animal studies"}


def _added(case: Case, outcome: Outcome, tier: str, agrees: bool) -> str | None:
    expect = case.claim.expect
    direction = expect if agrees else "no_effect" if expect != "no_effect" else "benefit"
    for count in range(1, _MOST_ADDED + 1):
        after = case.judge(extra=[_imagined(case, direction, tier, index) for index in range(count)])
        if after.verdict != outcome.verdict:
            kind = _KIND[tier] if count > 1 else _KIND[tier][:-1].replace("studie", "study")
            finds = f"that find{'' if count > 1 else 's'} {direction.replace('_', ' ')}"
            return f"{count} more {kind} {finds} would make it {after.verdict}"
    return None


def _imagined(case: Case, direction: str, tier: str, index: int) -> Vote:
    rules, expect = case.register.rules, case.claim.expect
    paper = Publication(f"imagined-{index}", tier, (), (), routes=case.claim.routes)
    cells = "+".join(case.claim.cell_types)
    return Vote(
        paper.id, paper, tier, direction, agreement(direction, expect), cells, (), score_of(direction, expect, rules)
    )


def _other_change(case: Case, outcome: Outcome) -> str:
    claim = case.claim
    if claim.check == "mention":
        return _other_mentions(claim, outcome, case.register.rules)
    if claim.check == "figure":
        return f"a newer number that {'does not agree' if outcome.verdict == BACKED else 'agrees'}"
    return f"a paper that fits the description{' better' if outcome.found else ''}"


def _other_mentions(claim: Claim, outcome: Outcome, rules: Rules) -> str:
    block = rules.block
    asked = f"{block.mention_records} papers that say so"
    if claim.outcome:
        asked = (
            f"{block.mention_solid} solid study in people, or {block.mention_sources} papers of any kind, that say so"
        )
    people = claim.about == "people" and outcome.verdict in {BACKED, MODELS_ONLY}
    on, now = " on people" * people, sum(one.human or not people for one in outcome.sources)
    if outcome.verdict == BACKED:
        return f"the loss of papers{on}: the rules ask for {asked}; there are {now} now"
    return f"more papers{on}: the rules ask for {asked} with little doubt; there are {now} now"


def subtypes(case: Case, outcome: Outcome) -> list[dict[str, Any]]:
    """Shares of support in relapsing and in progressive MS alone; studies of both are in neither."""
    if case.claim.check not in _DIRECTION_CHECKS:
        return []
    people = [vote for vote in outcome.votes if case.register.rules.scope(vote.tier) == "human"]
    parts = {
        "rrms": [v for v in people if _kind(v) == "rrms"],
        "progressive": [v for v in people if _kind(v) == "progressive"],
    }
    if not any(parts.values()):
        return []
    shares = {name: share_of(votes, case.register.rules) for name, votes in parts.items()}
    block = case.register.rules.block
    chance = chance_above(shares["rrms"], shares["progressive"])
    enough = min(len(votes) for votes in parts.values()) >= block.minimum_studies
    differ = enough and max(chance, 1 - chance) >= block.comparison_probability
    return [
        {"population": name, "studies": len(parts[name]), "agree": sum(vote.agrees is True for vote in parts[name])}
        | {"share": number(one.share), "low": number(one.low), "high": number(one.high), "differ": differ}
        for name, one in shares.items()
    ]


def _kind(vote: Vote) -> str | None:
    populations = set(vote.publication.populations)
    progressive = bool(populations & _PROGRESSIVE)
    if "rrms" in populations:
        return None if progressive else "rrms"
    return "progressive" if progressive else None


def safety(case: Case) -> dict[str, Any]:
    """Harm and benefit of the same cells in the same people, apart: studies by direction, and case reports of harm."""
    claim = case.claim
    blank = {"harm": 0, "mixed": 0, "benefit": 0, "no_effect": 0, "case_reports_of_harm": []}
    if claim.check not in _DIRECTION_CHECKS:
        return blank
    votes = cast(_safety_matches(case), "benefit", case.studies, case.register.rules)
    harm = [vote.publication.id for vote in votes if vote.tier == "case_report" and vote.direction in {"harm", "mixed"}]
    counts = {name: sum(vote.direction == name for vote in votes) for name in ("harm", "mixed", "benefit", "no_effect")}
    return {**counts, "case_reports_of_harm": harm}


def _safety_matches(case: Case) -> list[Match]:
    blank = {
        "check": "direction",
        "outcome": ("safety",),
        "min_design": None,
        "designs": (),
        "keywords": (),
        "expect": "benefit",
    }
    claim = case.claim.model_copy(
        update={**blank, "routes": (), "directions": (), "against": (), "horizon_months": None}
    )
    found = Matcher(claim, case.register.rules, case.register.vocabulary).run(case.publications)
    return [one for one in found.primary if case.register.rules.scope(one.tier) == "human"]
