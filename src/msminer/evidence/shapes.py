"""Rows of the verdicts' JSON: tiers, deciding papers, sentences, candidates, figures."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from msminer.evidence.citation import Candidate
from msminer.evidence.figures import Stated
from msminer.evidence.judging import Case, Outcome
from msminer.evidence.matching import Match
from msminer.evidence.mention import Source
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.tiers import TierTable
from msminer.evidence.votes import direction_of

_DIRECTIONS = ("benefit", "no_effect", "harm", "mixed")


def number(value: float | None, digits: int = 4) -> float | None:
    """A rounded figure for JSON; None for what is no number."""
    return None if value is None or math.isnan(value) else round(value, digits)


def tier_rows(case: Case, outcome: Outcome) -> list[dict[str, Any]]:
    """Tiers with votes, strongest first, then what is shown only."""
    rows = [_tier(table, None) for table in outcome.tiers]
    rows += [_tier(table, "+".join(case.claim.against)) for table in outcome.against]
    if outcome.sources:
        return rows + _source_rows(case, outcome)
    voted = {vote.publication.id for vote in outcome.votes}
    shown = [one for one in case.matches.context if one.publication.id not in voted]
    return rows + [
        _shown(tier, shown) for tier in case.register.rules.block.context if any(m.tier == tier for m in shown)
    ]


def _tier(table: TierTable, arm: str | None) -> dict[str, Any]:
    by_review = any(vote.tier == "systematic_review" for vote in table.votes)
    return {
        "tier": table.tier,
        "scope": table.scope,
        "studies": len(table.votes),
        **{name: table.count(name) for name in _DIRECTIONS},
        "share": number(table.share.share),
        "low": number(table.share.low),
        "high": number(table.share.high),
        "method": table.share.method + (" of systematic reviews, where the tier has no study" if by_review else ""),
        "stance": table.stance,
        "study_ids": [vote.study_id for vote in table.votes],
        "arm": arm,
    }


def _shown(tier: str, matches: list[Match]) -> dict[str, Any]:
    here = [one for one in matches if one.tier == tier]
    counts = Counter(direction_of(one.findings) for one in here if one.findings)
    return _plain(tier, "context", counts, [one.publication.id for one in here])


def _source_rows(case: Case, outcome: Outcome) -> list[dict[str, Any]]:
    block = case.register.rules.block
    order = [one.tier for one in block.tiers] + list(block.context)
    groups: dict[str, list[Source]] = {}
    for source in outcome.sources:
        groups.setdefault(source.match.tier, []).append(source)
    rows = []
    for tier in sorted(groups, key=order.index):
        counts = Counter(direction_of(one.match.findings) for one in groups[tier] if one.match.findings)
        scope = case.register.rules.scope(tier) or "context"
        counted = sum(one in outcome.counted for one in groups[tier])
        told = ("count of sources", "source") if counted else ("shown, not counted", "shown only")
        read = {**dict(zip(("method", "stance"), told, strict=True)), "counted": counted}
        rows.append({**_plain(tier, scope, counts, [one.id for one in groups[tier]]), **read})
    return rows


def _plain(tier: str, scope: str, counts: Counter[str], ids: list[str]) -> dict[str, Any]:
    return {
        "tier": tier,
        "scope": scope,
        "studies": len(ids),
        **{name: counts.get(name, 0) for name in _DIRECTIONS},
        "share": None,
        "low": None,
        "high": None,
        "method": "shown, no vote",
        "stance": "shown only",
        "study_ids": ids,
        "arm": None,
    }


def deciding_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """The papers that decide: of votes, sources, the newest numbers or the best candidate."""
    if outcome.deciding:
        return [_paper(vote.publication, vote.tier, vote.findings, vote.study_id) for vote in outcome.deciding]
    if outcome.counted:
        return [_paper(s.match.publication, s.match.tier, s.match.findings, s.id) for s in outcome.counted]
    if outcome.numbers:
        newest = [one for one in outcome.numbers if one.year == outcome.numbers[0].year]
        return [_paper(p, p.study_design, (), p.id) for p in dict.fromkeys(one.publication for one in newest)]
    return [_paper(one.publication, one.publication.study_design, (), one.publication.id) for one in outcome.found[:1]]


def _paper(publication: Publication, tier: str, findings: tuple[Finding, ...], study_id: str) -> dict[str, Any]:
    return {
        "study_id": study_id,
        "publication_id": publication.id,
        "pmid": publication.pmid,
        "doi": publication.doi,
        "title": publication.title,
        "first_author": publication.first_author,
        "year": publication.year,
        "journal": publication.journal,
        "design": publication.study_design,
        "tier": tier,
        "cell_type": "+".join(sorted({one.cell_type for one in findings})) or None,
        "outcome": "+".join(sorted({one.outcome for one in findings})) or None,
        "direction": direction_of(findings) if findings else None,
        "n": publication.n,
        "concern": publication.concern,
    }


def sentence_rows(outcome: Outcome) -> list[dict[str, Any]]:
    """The sentences of the deciding findings, one for each paper: the surest."""
    papers = [(vote.publication, vote.findings) for vote in outcome.deciding]
    papers += [(source.match.publication, source.match.findings) for source in outcome.counted]
    papers += [(one.publication, one.publication.findings) for one in outcome.found[:1]]
    rows = [_sentence(paper, max(findings, key=lambda one: one.p)) for paper, findings in papers if findings]
    return rows + [_figure_sentence(one) for one in outcome.numbers if one.figure.text]


def _sentence(publication: Publication, finding: Finding) -> dict[str, Any]:
    return {
        "publication_id": publication.id,
        "pmid": publication.pmid,
        "text": finding.text,
        "kind": finding.kind,
        "outcome": finding.outcome,
        "direction": finding.direction,
        "cell_type": finding.cell_type,
        "start": finding.start,
        "end": finding.end,
        "p": number(finding.p),
    }


def _figure_sentence(one: Stated) -> dict[str, Any]:
    blank = dict.fromkeys(("outcome", "direction", "cell_type", "start", "end", "p"))
    ids = {"publication_id": one.publication.id, "pmid": one.publication.pmid}
    return {**ids, "text": one.figure.text, "kind": one.publication.abstract_kind, **blank}


def candidate_row(one: Candidate) -> dict[str, Any]:
    """A candidate reference with its fields."""
    paper = one.publication
    row = {"publication_id": paper.id, "pmid": paper.pmid, "doi": paper.doi, "title": paper.title, "year": paper.year}
    return {**row, "fields": dict(one.fields), "score": one.score}


def figure_row(one: Stated) -> dict[str, Any]:
    """A stated number with its source."""
    figure = one.figure
    row = {"value": figure.value, "quantity": figure.quantity, "region": figure.region, "year": one.year or None}
    paper = {"publication_id": one.publication.id, "pmid": one.publication.pmid, "doi": one.publication.doi}
    return {**row, **paper, "text": figure.text or None}
