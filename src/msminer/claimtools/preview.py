"""What a claim would be judged on: publications and studies by tier, and what its conditions leave out; no verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msminer.evidence.claims import DEFAULT_QUERY, Claim, Register
from msminer.evidence.matching import Match, Matcher
from msminer.evidence.publications import Publication
from msminer.evidence.studies import find_studies

# Conditions that a claim can do without, with the value that takes them away.
_CONDITIONS: dict[str, object] = {
    "keywords": (), "directions": (), "routes": (), "horizon_months": None, "population": ("any", "other_disease"),
    "designs": (), "min_design": None,
}  # fmt: skip


@dataclass(frozen=True)
class Tier:
    """One tier: publications, studies (one study, one vote), and publications by direction of their findings."""

    tier: str
    counts: bool
    publications: int
    studies: int
    directions: dict[str, int]


@dataclass(frozen=True)
class Paper:
    """One publication that the claim would use, with the sentences that speak to it."""

    id: str
    pmid: str | None
    year: int | None
    title: str | None
    tier: str
    directions: tuple[str, ...]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What the claim would use.

    left_out: publications left out on one ground alone, by ground. without: condition → publications that would match
    if this one condition were dropped; tells which condition is too narrow. searched: whether any record comes from the
    claim's own search; where none does, a count of 0 says nothing about the literature.
    """

    claim: Claim
    tiers: tuple[Tier, ...]
    papers: tuple[Paper, ...]
    left_out: dict[str, int]
    without: dict[str, int]
    searched: bool


def preview(claim: Claim, publications: Sequence[Publication], register: Register) -> Preview:
    """The preview of a claim on publications of a store or an evidence table; no verdict.

    Checks of figures and references match no publication by predicate: their preview is empty.
    """
    rows = [one for one in publications if one.queries is None or _in_search(claim, one)]
    if claim.check in {"figure", "citation"}:
        return Preview(claim, (), (), {}, {}, bool(rows))
    found = Matcher(claim, register.rules, register.vocabulary).run(rows)
    # Reviews and opinions count where the question is whether something is said at all.
    shown_only = claim.check != "mention"
    used = [(match, True) for match in found.primary] + [(match, not shown_only) for match in found.context]
    tiers = tuple(_tiers(used, rows, register))
    without = {name: count for name, count in _without(claim, rows, register) if count > len(found.primary)}
    papers = tuple(_paper(match) for match, _ in used)
    return Preview(claim, tiers, papers, dict(found.left_out), without, bool(rows))


def _in_search(claim: Claim, publication: Publication) -> bool:
    """A record serves the searches that found it; a custom search stands in for the default one."""
    searches = publication.queries or frozenset()
    return claim.query in searches or (claim.query == DEFAULT_QUERY and "custom" in searches)


def _tiers(used: Sequence[tuple[Match, bool]], rows: Sequence[Publication], register: Register) -> Iterator[Tier]:
    studies = find_studies(rows, register.vocabulary)
    order = [*register.rules.tiers("human"), *register.rules.tiers("model"), *register.rules.block.context]
    for name in order:
        matches = [(match, counts) for match, counts in used if match.tier == name]
        if not matches:
            continue
        directions = Counter(one for match, _ in matches for one in {finding.direction for finding in match.findings})
        distinct = {studies.of(match.publication).id for match, _ in matches}
        yield Tier(name, matches[0][1], len(matches), len(distinct), dict(directions))


def _without(claim: Claim, rows: Sequence[Publication], register: Register) -> Iterator[tuple[str, int]]:
    for name, empty in _CONDITIONS.items():
        if getattr(claim, name) not in {(), None}:
            wider = claim.model_copy(update={name: empty})
            yield name, len(Matcher(wider, register.rules, register.vocabulary).run(rows).primary)


def _paper(match: Match) -> Paper:
    one = match.publication
    directions = tuple(finding.direction for finding in match.findings)
    return Paper(one.id, one.pmid, one.year, one.title, match.tier, directions, tuple(f.text for f in match.findings))


def as_text(shown: Preview, papers: int = 20) -> str:
    """The preview in plain words, with at most `papers` of its publications."""
    lines = [f"{shown.claim.id}: {shown.claim.says}", f"judged on the search {shown.claim.query}"]
    if not shown.searched:
        lines.append("No record of this search is at hand: not searched. That is no absence of papers.")
    if shown.claim.check in {"figure", "citation"}:
        lines.append(f"check {shown.claim.check}: looked up when it is judged; nothing to count beforehand.")
    elif not shown.tiers:
        lines.append("nothing matches")
    lines += [_tier_line(tier) for tier in shown.tiers]
    lines += [f"left out: {n} ({why})" for why, n in shown.left_out.items()]
    lines += [f"without {name}: {n} would match" for name, n in shown.without.items()]
    lines += [_paper_line(paper) for paper in shown.papers[:papers]]
    if len(shown.papers) > papers:
        lines.append(f"and {len(shown.papers) - papers} more")
    return "\n".join([*lines, "A preview, no verdict."])


def _tier_line(tier: Tier) -> str:
    words = ", ".join(f"{n} {direction}" for direction, n in sorted(tier.directions.items())) or "no findings asked for"
    note = "" if tier.counts else " (shown beside, no vote)"
    return f"{tier.tier}: {_count(tier.studies, 'study', 'studies')} in {_papers(tier.publications)}: {words}{note}"


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"


def _papers(n: int) -> str:
    return _count(n, "publication", "publications")


def _paper_line(paper: Paper) -> str:
    name = f"PMID {paper.pmid}" if paper.pmid else paper.id
    found = ", ".join(dict.fromkeys(paper.directions)) or "mentioned"
    return f"  {name} ({paper.year or 'year unknown'}), {paper.tier}, {found}: {paper.title or 'no title'}"
