"""Searches for the references that articles name: one query a citation claim, from what the article says of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import ceil

from msminer.evidence.claims import Claim, Register, StudyTarget
from msminer.evidence.publications import Publication
from msminer.pubmed.query import NamedQuery, named_query
from msminer.vocabulary import Vocabulary

REFERENCE_PREFIX = "citation_"
# A synonym list is cut here so that a query stays readable; the first synonyms are the commonest.
_SYNONYMS = 6


def reference_query_name(claim: Claim) -> str:
    """Name of the query that looks a claim's reference up, such as citation_s0_46."""
    return f"{REFERENCE_PREFIX}{claim.id.lower().replace('-', '_')}"


def reference_queries(register: Register) -> list[NamedQuery]:
    """One query for each citation claim; a phrase that PubMed does not know may be lost, any one way of finding counts.

    A reference named by authors or title is searched by authors and year, or by its title words; one that is only
    described by cells, disease, route, year and journal. ecitmatch needs volume and page, which no article gives.
    """
    queries = []
    for claim in register.claims:
        if claim.check == "citation" and claim.study is not None:
            ways = _ways(claim.study, register.vocabulary)
            phrases = frozenset(part for way in ways for part in way)
            term = " OR ".join(f"({' AND '.join(way)})" for way in ways)
            queries.append(named_query(reference_query_name(claim), term, phrases | _single(phrases)))
    return queries


def _single(parts: frozenset[str]) -> frozenset[str]:
    return frozenset(one.strip() for part in parts for one in part.strip("()").split(" OR "))


def _ways(study: StudyTarget, vocabulary: Vocabulary) -> list[list[str]]:
    ways = []
    year = [f"{study.year}[dp]"] if study.year else []
    titles = [f'"{words}"[ti]' for words in study.title_words]
    if study.authors:
        ways.append([f"{author}[au]" for author in study.authors] + year)
        # A record may name its first author alone; a word of the title keeps namesakes out.
        ways += [[f"{study.authors[0]}[au]", *year, title] for title in titles]
    # Two thirds of the title's words recognise a reference (evidence.citation); articles misquote titles.
    ways += [list(some) for some in combinations(titles, ceil(len(titles) * 2 / 3))] if titles else []
    return ways or [_described(study, vocabulary)]


def _described(study: StudyTarget, vocabulary: Vocabulary) -> list[str]:
    parts = ['("multiple sclerosis"[tiab] OR "multiple sclerosis"[mh])']
    cells = [word for cell in study.cell_types for word in _words(vocabulary, "cell_types", cell)]
    routes = [word for route in study.routes for word in _words(vocabulary, "routes", route)]
    parts += [_joined(words) for words in (cells, routes) if words]
    if study.journal:
        parts.append(f'"{study.journal}"[ta]')
    if study.year:
        parts.append(f"{study.year}[dp]")
    return parts


def _words(vocabulary: Vocabulary, axis: str, label: str) -> list[str]:
    found = vocabulary.label(axis, label).synonyms
    return [word for word in found if '"' not in word and "*" not in word][:_SYNONYMS]


def _joined(words: list[str]) -> str:
    return "(" + " OR ".join(f'"{_stem(word)}"[tiab]' for word in words) + ")"


def _stem(word: str) -> str:
    # A phrase is matched to the letter: without the mark "stem cell" misses "stem cells". PubMed asks for four letters.
    last = word.rsplit(maxsplit=1)[-1]
    return f"{word}*" if len(last) >= 4 else word


def found_by(publications: Sequence[Publication]) -> Callable[[Claim], list[Publication]]:
    """A lookup for `judge`: the publications that the search for a claim's reference brought."""

    def lookup(claim: Claim) -> list[Publication]:
        name = reference_query_name(claim)
        return [row for row in publications if row.queries and name in row.queries]

    return lookup
