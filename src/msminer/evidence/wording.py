"""The one-line reason of a verdict, in plain words, with its counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msminer.evidence.claims import Claim
from msminer.evidence.direction import MODELS_ONLY
from msminer.evidence.judging import Case, Outcome
from msminer.evidence.votes import Vote

_NAMES = {
    "trial_controlled": ("controlled trial", "controlled trials"),
    "trial_uncontrolled": ("uncontrolled trial", "uncontrolled trials"),
    "observational": ("observational study", "observational studies"),
    "case_report": ("case report", "case reports"),
    "animal": ("animal study", "animal studies"),
    "in_vitro": ("laboratory study", "laboratory studies"),
    "systematic_review": ("systematic review", "systematic reviews"),
    "narrative_review": ("narrative review", "narrative reviews"),
    "guideline": ("guideline", "guidelines"),
    "opinion": ("opinion", "opinions"),
    "protocol": ("protocol", "protocols"),
}
# Shares closer than this are not worth a word in the reason; the table shows them.
_APART = 0.25
_ORDER = ("benefit", "mixed", "no_effect", "harm")
_NEGATIVE = re.compile(r"\b(?:no|not|cannot|never)\b", re.IGNORECASE)


def count(number: int, design: str) -> str:
    """A number of studies of a design, in words: "3 animal studies"."""
    one, many = _NAMES[design]
    return f"{number} {one if number == 1 else many}"


def not_searched(claim: Claim) -> str:
    """The reason where the claim's query was not searched."""
    return f"not searched: the query {claim.query} was not run, so nothing is known; this is no absence of papers"


def reason(case: Case, outcome: Outcome) -> str:
    """What decided, with counts by design and direction, and what a reader must know beside it."""
    claim = case.claim
    if claim.check == "figure":
        return f"{outcome.why}{_figure(outcome)}"
    if claim.check == "citation":
        return f"{outcome.why}{_candidate(outcome)}"
    if claim.check == "mention":
        return f"{outcome.why}: {_sources(outcome)}{_negative(claim)}"
    return f"{outcome.why}: {_votes(case, outcome)}{_notes(case, outcome)}{_negative(claim)}"


def _figure(outcome: Outcome) -> str:
    numbers = [one for one in outcome.numbers if one.year == outcome.numbers[0].year]
    return "".join(
        f"; {one.figure.value:,.0f} {one.figure.quantity}, {one.figure.region}, {one.year}" for one in numbers
    )


def _candidate(outcome: Outcome) -> str:
    if not outcome.found:
        return ""
    paper = outcome.found[0].publication
    where = ", ".join(str(one) for one in (paper.first_author, paper.journal, paper.year) if one)
    warning = "; it is retracted" if paper.retracted else "; an expression of concern stands" if paper.concern else ""
    return f"; best candidate: {paper.title or paper.id} ({where or 'author and year unknown'}){warning}"


def _sources(outcome: Outcome) -> str:
    counts = Counter(source.match.tier for source in outcome.sources)
    listed = ", ".join(count(counts[tier], tier) for tier in _NAMES if counts[tier])
    return listed or "no paper with such a finding"


def _votes(case: Case, outcome: Outcome) -> str:
    if not outcome.votes:
        return "no study with such a finding" + _shown(case)
    deciding = outcome.deciding or outcome.votes
    text = f"{_by_design(deciding)} ({_by_direction(deciding)})"
    spoken = {vote.study_id for vote in deciding}
    rest = [vote for vote in outcome.votes if vote.study_id not in spoken]
    return text + (f"; beside them {_by_design(rest)} ({_by_direction(rest)})" if rest else "")


def _shown(case: Case) -> str:
    counts = Counter(match.tier for match in case.matches.context)
    listed = ", ".join(count(counts[tier], tier) for tier in _NAMES if counts[tier])
    return f" (shown only: {listed})" if listed else ""


def _by_design(votes: Sequence[Vote]) -> str:
    counts = Counter(vote.tier for vote in votes)
    return ", ".join(count(counts[tier], tier) for tier in _NAMES if counts[tier])


def _by_direction(votes: Sequence[Vote]) -> str:
    counts = Counter(vote.direction for vote in votes)
    return ", ".join(f"{counts[name]} {name.replace('_', ' ')}" for name in _ORDER if counts[name])


def _notes(case: Case, outcome: Outcome) -> str:
    notes = [_models(case, outcome), _left_out(case), _rule_of_three(case, outcome)]
    return "".join(f"; {note}" for note in notes if note)


def _models(case: Case, outcome: Outcome) -> str:
    rules = case.register.rules
    models = [vote for vote in outcome.votes if rules.scope(vote.tier) == "model"]
    if not models or outcome.verdict != MODELS_ONLY:
        return ""
    share = sum(vote.score for vote in models) / len(models)
    base = rules.block.model_base_rate
    return (
        f"{share:.0%} of model studies support it, "
        f"but about {base:.0%} of animal abstracts on MS drugs do, whether the drug later worked or not"
    )


def _rule_of_three(case: Case, outcome: Outcome) -> str:
    # With no event among n people, rates up to 3/n are not ruled out (Hanley and Lippman-Hand 1983, JAMA 249:1743).
    good = [vote for vote in outcome.votes if vote.agrees and case.register.rules.scope(vote.tier) == "human"]
    people = sum(vote.publication.n or 0 for vote in good)
    if case.claim.outcome != ("safety",) or case.claim.expect != "benefit" or not people:
        return ""
    rate = min(1.0, 3 / people)
    return f"small numbers: no serious event in {people:.0f} people would not rule out a risk up to {rate:.1%}"


def _left_out(case: Case) -> str:
    unknown = case.matches.left_out.get("unknown follow-up", 0)
    return f"{unknown} left out for unknown follow-up" if unknown else ""


def _negative(claim: Claim) -> str:
    if not _NEGATIVE.search(re.sub(r"\([^)]*\)", "", claim.says)):
        return ""
    asked = (
        f"{claim.expect.replace('_', ' ')} of {', '.join(claim.outcome).replace('_', ' ')}"
        if claim.outcome
        else "its words"
    )
    return f". The claim denies something; what is tested is whether papers report {asked}, and the verdict is on that"


def subtypes(parts: Sequence[Mapping[str, Any]]) -> str:
    """What relapsing and progressive MS show apart, where their shares of support lie a quarter or more apart."""
    shares = {row["population"]: row for row in parts if row["studies"]}
    if len(shares) < 2 or abs(shares["rrms"]["share"] - shares["progressive"]["share"]) < _APART:
        return ""
    relapsing, progressive = (
        f"{row['share']:.0%} of {row['studies']}" for row in (shares["rrms"], shares["progressive"])
    )
    sure = "they differ" if shares["rrms"]["differ"] else "too few to be sure that they differ"
    return f"; support in relapsing MS alone {relapsing}, in progressive MS alone {progressive}: {sure}"
