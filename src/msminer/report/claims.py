"""Claims as the page shows them: verdict, tiers with intervals, papers with one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from msminer.report.links import name_of, paper_url, shown_id
from msminer.report.notes import notes
from msminer.report.stated import StatedNumber, stated_numbers
from msminer.report.values import interval, percent, present, whole
from msminer.report.words import (
    CELLS,
    DESIGNS,
    DIRECTIONS,
    KINDS,
    MANY,
    METHODS,
    OUTCOMES,
    SCOPES,
    STANCES,
    STRENGTHS,
    VERDICTS,
    Verdict,
    plain,
    sentences,
    verdict_of,
)

# Papers shown a claim; the rest are in the evidence table and in verdicts.json. Keeps 80 claims under 1 MB (2026-11).
MOST_PAPERS = 8
# Studies linked a tier without JavaScript; with it, all are one click away in the evidence table.
MOST_STUDIES = 24


@dataclass(frozen=True)
class Tier:
    """One line of a claim's tier table; shares from 0 to 1, None where there is none."""

    key: str
    word: str
    many: str
    scope: str
    studies: int
    agree: int
    benefit: int
    no_effect: int
    mixed: int
    harm: int
    share: float | None
    low: float | None
    high: float | None
    method: str
    stance: str
    sources: bool
    rows: tuple[int, ...]
    absent: int

    @property
    def spoken(self) -> str:
        """The interval picture in words."""
        if self.share is None:
            return "no share can be given"
        limits = interval(self.low, self.high)
        told = f"{self.agree} of {self.studies} {'points' if self.studies == 1 else 'point'} the claim's way"
        return f"{told}, estimated share {percent(self.share)}, 95% interval {limits}"


@dataclass(frozen=True)
class Paper:
    """One deciding paper with at most one sentence."""

    name: str
    title: str
    url: str | None
    shown_id: str
    about: str
    sentence: str | None
    kind: str
    kind_words: str
    concern: bool


@dataclass(frozen=True)
class ClaimView:
    """One claim and its verdict; `reason` is the line that decides, `beside` what a reader should know with it."""

    id: str
    source: str
    says: str
    topic: str
    strength: str
    about: str
    query: str
    verdict: Verdict
    reason: str
    beside: str
    tiers: tuple[Tier, ...]
    lead: Tier | None
    papers: tuple[Paper, ...]
    papers_left: int
    history: tuple[tuple[str, Verdict, int], ...]
    flipped: int | None
    notes: tuple[tuple[str, str], ...]
    candidates: tuple[Mapping[str, Any], ...]
    figures: tuple[StatedNumber, ...]


def claim_views(
    register: Mapping[str, Mapping[str, Any]], entries: list[dict[str, Any]], rows: Mapping[str, int]
) -> list[ClaimView]:
    """Views in the register's order; `rows` maps studies and publications to lines of the evidence table."""
    by_id = {entry["claim_id"]: entry for entry in entries}
    return [_view(claim, by_id[name], rows) for name, claim in register.items() if name in by_id]


def _view(claim: Mapping[str, Any], entry: dict[str, Any], rows: Mapping[str, int]) -> ClaimView:
    tiers = tuple(_tier(tier, str(claim.get("expect")), rows) for tier in entry["tiers"])
    verdict = verdict_of(entry)
    papers = _papers(entry)
    # A cited title may hold semicolons of its own.
    reason, *beside = sentences(str(entry["reason"]), most=1 if claim.get("check") == "citation" else 0)
    return ClaimView(
        id=str(claim["id"]),
        source=str(claim["source"]),
        says=str(claim["says"]),
        topic=str(claim["topic"]),
        strength=plain(STRENGTHS, claim.get("strength", "asserts")),
        about="treating people" if claim.get("about") == "people" else "biology",
        query=str(entry.get("query") or claim.get("query", "stem_cells_ms")),
        verdict=verdict,
        reason=reason,
        beside=" ".join(beside),
        tiers=tiers,
        lead=_lead(tiers, verdict),
        papers=papers[:MOST_PAPERS],
        papers_left=max(0, len(papers) - MOST_PAPERS),
        history=_history(entry["as_of"]),
        flipped=entry.get("flipped"),
        notes=tuple(notes(entry)),
        candidates=tuple(_candidate(c) for c in entry.get("candidates") or []),
        figures=stated_numbers(entry.get("figures") or []),
    )


def _tier(tier: Mapping[str, Any], expect: str, rows: Mapping[str, int]) -> Tier:
    ids = list(tier["study_ids"])
    found = sorted({rows[i] for i in ids if i in rows})
    arm = str(tier.get("arm") or "")
    beside = f" of {plain(CELLS, arm)}" if arm else ""
    return Tier(
        key=f"{tier['tier']}-{arm.replace('+', '-')}" if arm else str(tier["tier"]),
        word=plain(DESIGNS, tier["tier"]) + beside,
        many=plain(MANY, tier["tier"]) + beside,
        scope=SCOPES.get(str(tier["scope"]), ""),
        studies=int(tier["studies"]),
        agree=int(tier.get(expect) or 0),
        benefit=int(tier["benefit"]),
        no_effect=int(tier["no_effect"]),
        mixed=int(tier["mixed"]),
        harm=int(tier["harm"]),
        share=present(tier["share"]),
        low=present(tier["low"]),
        high=present(tier["high"]),
        method=plain(METHODS, tier["method"]),
        stance=_stance(tier),
        sources=tier.get("counted") is not None,
        rows=tuple(found),
        absent=sum(1 for i in ids if i not in rows),
    )


def _stance(tier: Mapping[str, Any]) -> str:
    """What a tier says, in words; of a tier that holds both, how many of its papers count."""
    told, counted = plain(STANCES, tier["stance"]), tier.get("counted")
    return f"{counted} of {tier['studies']} {told}" if counted and counted < tier["studies"] else told


def _lead(tiers: tuple[Tier, ...], verdict: Verdict) -> Tier | None:
    """The tier pictured beside the verdict: the strongest that says something, else the one with most studies.

    A verdict on models shows models; any other shows people where there are any.
    """
    wanted = SCOPES["model" if verdict.key == "models" else "human"]
    known = [tier for tier in tiers if tier.share is not None]
    known = [tier for tier in known if tier.scope == wanted] or known
    silent = {STANCES["too few"], STANCES["shown only"]}
    speaking = next((tier for tier in known if tier.stance not in silent), None)
    return speaking or max(known, key=lambda tier: tier.studies, default=None)


def _papers(entry: dict[str, Any]) -> tuple[Paper, ...]:
    sentences: dict[str, Mapping[str, Any]] = {}
    for one in entry["sentences"]:
        sentences.setdefault(str(one["publication_id"]), one)
    papers: dict[str, Paper] = {}
    for paper in entry["deciding"]:
        key = str(paper["publication_id"])
        if key not in papers:
            papers[key] = _paper(paper, sentences.get(key))
    return tuple(sorted(papers.values(), key=lambda p: p.sentence is None))


def _paper(paper: Mapping[str, Any], said: Mapping[str, Any] | None) -> Paper:
    of = "" if paper["cell_type"] in {None, "none"} else f", {paper['cell_type']}"
    n = f", n = {whole(paper['n'])}" if present(paper["n"]) else ""
    finding = ""
    if paper["outcome"] and paper["direction"]:
        finding = f"; {plain(OUTCOMES, paper['outcome'])}: {plain(DIRECTIONS, paper['direction'])}"
    undated = "" if present(paper["year"]) else "; year not known"
    kind = str(said["kind"]) if said else ""
    return Paper(
        name=name_of(paper),
        title=str(paper["title"] or ""),
        url=paper_url(paper["pmid"], paper["doi"]),
        shown_id=shown_id(paper["pmid"], paper["doi"]),
        about=f"{plain(DESIGNS, paper['design'])}{of}{n}{finding}{undated}",
        sentence=str(said["text"]) if said else None,
        kind=kind,
        kind_words=KINDS.get(kind, ""),
        concern=bool(paper["concern"]),
    )


def _history(as_of: list[Mapping[str, Any]]) -> tuple[tuple[str, Verdict, int], ...]:
    """Runs of years with one verdict: (years, verdict, studies at their end)."""
    runs = []
    for name, group in groupby(as_of, key=lambda point: str(point["verdict"])):
        points = list(group)
        first, last = points[0]["year"], points[-1]["year"]
        runs.append((str(first) if first == last else f"{first} to {last}", VERDICTS[name], int(points[-1]["studies"])))
    return tuple(runs)


def _candidate(candidate: Mapping[str, Any]) -> dict[str, Any]:
    pmid = candidate.get("pmid")
    return {
        "title": candidate.get("title") or "[no title]",
        "url": paper_url(pmid, candidate.get("doi")),
        "shown_id": shown_id(pmid, candidate.get("doi")),
        "fields": [(k.replace("_", " "), v) for k, v in (candidate.get("fields") or {}).items()],
    }
