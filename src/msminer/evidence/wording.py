"""The one-line reason of a verdict, in plain words, with its counts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from msminer.evidence.claims import Claim
from msminer.evidence.direction import MODELS_ONLY
from msminer.evidence.figures import Stated
from msminer.evidence.judging import Case, Outcome
from msminer.evidence.phrases import joined, share
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
_FOUND = {"benefit": "benefit", "mixed": "mixed results", "no_effect": "no effect", "harm": "harm"}
_REPORT = {"benefit": "a benefit for", "no_effect": "no effect on", "harm": "harm to", "mixed": "mixed results on"}
_ON = {
    "relapse": "relapses",
    "mri": "MRI lesions",
    "remyelination": "myelin repair",
    "immune": "the immune system",
    "neuroprotection": "nerve cells",
    "engraftment": "the fate of the cells",
    "cost_access": "cost and access",
}
_NEGATIVE = re.compile(r"\b(?:no|not|cannot|never)\b", re.IGNORECASE)


def count(number: int, design: str) -> str:
    """A number of studies of a design, in words: "3 animal studies"."""
    one, many = _NAMES[design]
    return f"{number} {one if number == 1 else many}"


def not_searched(claim: Claim) -> str:
    """The reason where the claim's query was not searched."""
    return f"not searched: the search {claim.query} was not run, so nothing is known; that is no lack of papers"


def reason(case: Case, outcome: Outcome) -> str:
    """What decided, with counts by design and direction, and what a reader must know beside it."""
    claim = case.claim
    if claim.check == "figure":
        return f"{outcome.why}{_figure(outcome)}"
    if claim.check == "citation":
        return f"{outcome.why}{_candidate(outcome)}"
    if claim.check == "mention":
        return f"{outcome.why}{_sources(outcome)}{_negative(claim)}"
    return f"{_votes(case, outcome)}{_notes(case, outcome)}{_negative(claim)}"


def _figure(outcome: Outcome) -> str:
    newest = [one for one in outcome.numbers if one.year == outcome.numbers[0].year]
    papers: dict[str, set[str]] = {}
    for one in newest:
        papers.setdefault(_stated(one), set()).add(one.publication.id)
    return "".join(f"; {text} ({len(ids)} paper{'s' * (len(ids) > 1)})" for text, ids in papers.items())


def _stated(one: Stated) -> str:
    when = f", {one.year}" if one.year else ""
    return f"{one.figure.value:,.0f} {one.figure.quantity}, {one.figure.region}{when}"


def _candidate(outcome: Outcome) -> str:
    if not outcome.found:
        return ""
    paper = outcome.found[0].publication
    where = ", ".join(str(one) for one in (paper.first_author, paper.journal, paper.year) if one)
    warning = "; it is retracted" if paper.retracted else "; an expression of concern stands" if paper.concern else ""
    return f"; the paper: {paper.title or paper.id} ({where or 'author and year unknown'}){warning}"


def _sources(outcome: Outcome) -> str:
    counts = Counter(source.match.tier for source in outcome.counted)
    beside = Counter(source.match.tier for source in outcome.sources) - counts
    not_people = f"; not counted, since not on people: {_listed(beside)}" if beside else ""
    return f": {_listed(counts)}{not_people}" if counts else ""


def _listed(counts: Mapping[str, int]) -> str:
    return joined([count(counts[tier], tier) for tier in _NAMES if counts.get(tier)])


def _votes(case: Case, outcome: Outcome) -> str:
    if not outcome.votes:
        return f"no study among the records tests this{_shown(case)}"
    deciding = outcome.deciding or outcome.votes
    spoken = {vote.study_id for vote in deciding}
    rest = [vote for vote in outcome.votes if vote.study_id not in spoken]
    why, asked = outcome.why, case.claim.expect
    if asked != "benefit" and all(vote.direction != asked for vote in deciding):
        # A claim that something does harm is not met by benefits, which a reader may take for support.
        why = f"{why}, and none reports {_FOUND.get(asked, asked)}"
    return f"{why}: {_told(deciding)}" + (f"; there {_are(rest)} also {_told(rest)}" if rest else "")


def _are(votes: Sequence[Vote]) -> str:
    return "is" if len(votes) == 1 else "are"


def _shown(case: Case) -> str:
    counts = Counter(match.tier for match in case.matches.context)
    have = "has" if counts.total() == 1 else "have"
    return f"; {_listed(counts)} on it {have} no vote" if counts else ""


def _told(votes: Sequence[Vote]) -> str:
    """Studies by design, and what they found: "3 animal studies (2 found benefit, 1 harm)"."""
    counts = Counter(vote.direction for vote in votes)
    found = [f"{counts[name]} {words}" for name, words in _FOUND.items() if counts[name]]
    if len(found) == 1:
        all_of_them = {1: "it", 2: "both"}.get(len(votes), "all")
        said = f"{all_of_them} found {_FOUND[votes[0].direction]}"
    else:
        said = ", ".join([found[0].replace(" ", " found ", 1), *found[1:]])
    return f"{_listed(Counter(vote.tier for vote in votes))} ({said})"


def _notes(case: Case, outcome: Outcome) -> str:
    notes = [_models(case, outcome), _left_out(case), _rule_of_three(case, outcome)]
    return "".join(f"; {note}" for note in notes if note)


def _models(case: Case, outcome: Outcome) -> str:
    rules = case.register.rules
    models = [vote for vote in outcome.votes if rules.scope(vote.tier) == "model"]
    if not models or outcome.verdict != MODELS_ONLY:
        return ""
    agreeing = sum(vote.agrees is True for vote in models)
    told = share(agreeing, len(models), sum(vote.score for vote in models) / len(models))
    usual = rules.block.model_base_rate
    base = f"{usual.positive} of {usual.of} ({usual.positive / usual.of:.0%})"
    return (
        f"{told} animal or laboratory studies support it, but so do {base} animal abstracts "
        "on MS drugs, whether the drug later worked or not"
    )


def _rule_of_three(case: Case, outcome: Outcome) -> str:
    # With no event among n people, rates up to 3/n are not ruled out (Hanley and Lippman-Hand 1983, JAMA 249:1743).
    good = [vote for vote in outcome.votes if vote.agrees and case.register.rules.scope(vote.tier) == "human"]
    people = sum(vote.publication.n or 0 for vote in good)
    if case.claim.outcome != ("safety",) or case.claim.expect != "benefit" or not people:
        return ""
    rate = min(1.0, 3 / people)
    return f"even if none of {people:.0f} people had a serious event, a risk of up to {rate:.1%} could not be ruled out"


def _left_out(case: Case) -> str:
    unknown = case.matches.left_out.get("unknown follow-up", 0)
    if not unknown:
        return ""
    papers, they = ("1 paper is", "it does") if unknown == 1 else (f"{unknown} papers are", "they do")
    return f"{papers} left out, since {they} not say how long people were followed"


def _negative(claim: Claim) -> str:
    if not _NEGATIVE.search(re.sub(r"\([^)]*\)", "", claim.says)):
        return ""
    on = joined([_ON.get(one, one.replace("_", " ")) for one in claim.outcome])
    words = f"use its words: {', '.join(claim.keywords)}" if claim.keywords else "speak of it"
    asked = f"report {_REPORT.get(claim.expect, 'on')} {on}" if on else words
    return f". The claim says that something is not so; its verdict is on whether papers {asked}"


def subtypes(parts: Sequence[Mapping[str, Any]]) -> str:
    """What relapsing and progressive MS show apart, where their shares of support lie a quarter or more apart."""
    shares = {row["population"]: row for row in parts if row["studies"]}
    if len(shares) < 2 or abs(shares["rrms"]["share"] - shares["progressive"]["share"]) < _APART:
        return ""
    relapsing, progressive = (
        share(row["agree"], row["studies"], row["share"]) for row in (shares["rrms"], shares["progressive"])
    )
    sure = "they differ" if shares["rrms"]["differ"] else "too few to be sure that they differ"
    return (
        f"; studies that support it: in relapsing MS alone {relapsing}, in progressive MS alone {progressive}, {sure}"
    )
