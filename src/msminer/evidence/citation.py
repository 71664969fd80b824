"""Verdicts on references: the best candidates for the study an article describes, compared field by field."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from msminer.evidence.claims import StudyTarget
from msminer.evidence.phrases import joined
from msminer.evidence.publications import Publication
from msminer.evidence.registry import whole_number
from msminer.evidence.rules import Rules
from msminer.vocabulary import Vocabulary

CONFIRMED, DIFFERS, UNKNOWN = "confirmed", "differs", "unknown"
MISQUOTED, NOT_FOUND = "misquoted", "not found"
# What a record is recognised by, and what the article says about it.
_IDENTITY = ("authors", "title_words", "journal", "year", "cell_types", "routes", "population")
_SHOWN = 3
# Fields whose names do not say it in plain words.
_FIELDS = {
    "title_words": "title",
    "cell_types": "kind of cells",
    "routes": "how the cells were given",
    "population": "who was treated",
    "follow_up_months": "length of follow-up",
    "doses": "number of doses",
}


@dataclass(frozen=True)
class Candidate:
    """A record that could be the reference: each field confirmed, differs or unknown; score: share confirmed."""

    publication: Publication
    fields: Mapping[str, str]
    score: float


def candidates(
    target: StudyTarget, publications: Sequence[Publication], vocabulary: Vocabulary, rules: Rules
) -> list[Candidate]:
    """Records that could be the reference, best first, at most three.

    Named by authors or title: an author or two thirds of the title words agree, and at most one other identity differs.
    Described only: nothing of its identity differs, it is primary work, and something the article says is confirmed.
    """
    found = []
    for publication in publications:
        fields = compare(target, publication, vocabulary)
        if _could_be(target, publication, fields, rules):
            score = sum(value == CONFIRMED for value in fields.values()) / len(fields)
            found.append(Candidate(publication, fields, round(score, 3)))
    return sorted(found, key=lambda one: (-one.score, _differs(one), one.publication.id))[:_SHOWN]


def _differs(candidate: Candidate) -> int:
    return sum(value == DIFFERS for value in candidate.fields.values())


def rule_citation(found: Sequence[Candidate]) -> tuple[str, str]:
    """Verdict and what differs: no candidate is `not found`, any field that differs `misquoted`, else `confirmed`."""
    if not found:
        return NOT_FOUND, "no paper among the records fits the description"
    fields = found[0].fields
    wrong = [name for name, value in fields.items() if value == DIFFERS]
    if wrong:
        return MISQUOTED, f"the paper that fits best differs in {_list(wrong)}"
    right = [name for name, value in fields.items() if value == CONFIRMED]
    open_ = [name for name, value in fields.items() if value == UNKNOWN]
    return CONFIRMED, f"the paper agrees in {_list(right)}" + (
        f"; its abstract does not tell: {_list(open_)}" if open_ else ""
    )


def _list(names: Sequence[str]) -> str:
    return joined([_FIELDS.get(name, name) for name in names])


def _could_be(target: StudyTarget, publication: Publication, fields: Mapping[str, str], rules: Rules) -> bool:
    identity = [fields[name] for name in _IDENTITY if name in fields]
    if target.authors or target.title_words:
        named = fields.get("authors") == CONFIRMED or _title_share(target, publication) >= 2 / 3
        others = [fields[name] for name in _IDENTITY[2:] if name in fields]
        return named and others.count(DIFFERS) + (fields.get("authors") == DIFFERS) <= 1
    said = [value for name, value in fields.items() if name not in _IDENTITY]
    primary = rules.scope(publication.study_design) is not None
    return primary and DIFFERS not in identity and CONFIRMED in identity and CONFIRMED in said


def compare(target: StudyTarget, publication: Publication, vocabulary: Vocabulary) -> dict[str, str]:
    """Every field the article gives, as confirmed, differs or unknown in the record."""
    given: dict[str, Callable[[], str]] = {
        "authors": lambda: _authors(target.authors, publication),
        "title_words": lambda: _title(target, publication),
        "journal": lambda: _journal(target.journal or "", publication.journal),
        "year": lambda: _same(publication.year, publication.year == target.year),
        "cell_types": lambda: _overlap(target.cell_types, publication.cell_types, vocabulary),
        "routes": lambda: _overlap(target.routes, publication.routes, vocabulary),
        "population": lambda: _overlap(target.population, publication.populations, vocabulary),
        "follow_up_months": lambda: _follow_up(target.follow_up_months, publication),
        "doses": lambda: _doses(target.doses or 0, publication),
        "finding": lambda: _finding(target.finding or "", publication),
    }
    return {name: check() for name, check in given.items() if getattr(target, name)}


def _same(value: object, equal: bool) -> str:
    return UNKNOWN if value is None else CONFIRMED if equal else DIFFERS


def fold(text: str) -> str:
    """Lower case, without accents and punctuation, single blanks."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))
    return " ".join(re.sub(r"[^\w]+", " ", plain.casefold()).split())


def _surname(author: str) -> str:
    words = fold(author).split()
    # "Christodoulou MV" and "MV Christodoulou": initials are what is short.
    return max(words, key=len) if words else ""


def _authors(wanted: Sequence[str], publication: Publication) -> str:
    known = {_surname(name) for name in (*publication.authors, publication.first_author or "") if name}
    if not known:
        return UNKNOWN
    missing = [name for name in wanted if _surname(name) not in known]
    if not missing:
        return CONFIRMED
    # A record that names its first author alone can confirm that one, and says nothing of the others.
    alone = not publication.authors
    return (CONFIRMED if _surname(wanted[0]) in known else DIFFERS) if alone else DIFFERS


def _title_share(target: StudyTarget, publication: Publication) -> float:
    if not target.title_words or not publication.title:
        return 0.0
    title = f" {fold(publication.title)} "
    return sum(f" {fold(words)} " in title for words in target.title_words) / len(target.title_words)


def _title(target: StudyTarget, publication: Publication) -> str:
    if publication.title is None or publication.title_descriptive:
        return UNKNOWN
    return CONFIRMED if _title_share(target, publication) == 1 else DIFFERS


def _journal(wanted: str, given: str | None) -> str:
    if given is None:
        return UNKNOWN
    left, right = (
        [word for word in fold(name).split() if word not in {"and", "of", "the", "r"}] for name in (wanted, given)
    )
    same = len(left) == len(right) and all(a.startswith(b) or b.startswith(a) for a, b in zip(left, right, strict=True))
    return CONFIRMED if same else DIFFERS


def _overlap(wanted: Sequence[str], given: Sequence[str], vocabulary: Vocabulary) -> str:
    if not given:
        return UNKNOWN
    return CONFIRMED if set(wanted) & vocabulary.with_parents(given) else DIFFERS


# A word is tried from its first letter only: from each of its letters would take ten times as long.
_TIME = re.compile(r"((?<![\d.])\d+(?:\.\d+)?|(?<![a-z])[a-z]+)[\s-]*(month|year)s?\b", re.I)


def _follow_up(wanted: Sequence[float], publication: Publication) -> str:
    stated = {round(months) for months in _months(publication)}
    if not stated:
        return UNKNOWN
    return CONFIRMED if stated & {round(months) for months in wanted} else DIFFERS


def _months(publication: Publication) -> list[float]:
    stated = [] if publication.follow_up_months is None else [publication.follow_up_months]
    return [*stated, *_months_in(publication.text)]


@lru_cache(maxsize=1 << 14)  # a claim is judged again for every year and for every study left out
def _months_in(text: str) -> tuple[float, ...]:
    found = []
    for match in _TIME.finditer(text):
        number = whole_number(match[1]) if match[1].isalpha() else float(match[1])
        if number is not None:
            found.append(number * (12.0 if match[2].lower() == "year" else 1.0))
    return tuple(found)


_DOSES = re.compile(
    r"\b(\d{1,2}|two|three|four|five|six|seven|eight|nine|ten)\s+(?:[\w-]+\s+){0,3}?"
    r"(?:doses|injections|infusions|treatments|courses)\b",
    re.I,
)


def _doses(wanted: int, publication: Publication) -> str:
    stated = _doses_in(publication.text)
    return UNKNOWN if not stated else CONFIRMED if wanted in stated else DIFFERS


@lru_cache(maxsize=1 << 14)  # as for months
def _doses_in(text: str) -> frozenset[float | None]:
    return frozenset(whole_number(match[1]) for match in _DOSES.finditer(text))


# What words of a described finding ask of a record: outcomes, and a phrase that also confirms it in the sentence.
_ASKS = (
    (
        re.compile(r"no progression|not progress|nobody progressed", re.I),
        ("disability",),
        r"\bno\b[^.;]{0,30}progression|without progression",
    ),
    (re.compile(r"no adverse|without adverse", re.I), ("safety",), r"\bno\b[^.;]{0,30}(?:adverse|side effect)"),
    (re.compile(r"clinical benefit|improve", re.I), ("disability", "relapse"), r"\bimprove"),
)


def _finding(described: str, publication: Publication) -> str:
    asked = [(outcomes, phrase) for pattern, outcomes, phrase in _ASKS if pattern.search(described)]
    answers = [_answer(outcomes, phrase, publication) for outcomes, phrase in asked]
    if DIFFERS in answers:
        return DIFFERS
    return CONFIRMED if answers and UNKNOWN not in answers else UNKNOWN


def _answer(outcomes: Sequence[str], phrase: str, publication: Publication) -> str:
    found = [finding for finding in publication.findings if finding.outcome in outcomes]
    if not found:
        return UNKNOWN
    good = all(one.direction == "benefit" or re.search(phrase, one.text, re.IGNORECASE) for one in found)
    return CONFIRMED if good else DIFFERS
