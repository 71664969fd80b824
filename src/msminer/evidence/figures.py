"""Verdicts on figures: the newest number of a quantity and region, set against the one an article states."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from msminer.evidence.claims import FigureTarget
from msminer.evidence.direction import BACKED, CHALLENGED, CONTESTED, INSUFFICIENT
from msminer.evidence.publications import Figure, Publication

PEOPLE_WITH_MS = "people with MS"
_REGIONS = (
    ("worldwide", re.compile(r"\bworld[- ]?wide\b|\bglobally\b|\bin the world\b|\bglobal(?: \w+){0,3}\b", re.I)),
    ("United States", re.compile(r"\bUnited States\b|\bU\.?S\.?A?\.?(?=[\s,;.)]|$)|\bAmericans\b", re.I)),
)
_SCALE = {"million": 1e6, "millions": 1e6, "billion": 1e9, "thousand": 1e3}
_UNITS = {
    word: n
    for n, word in enumerate(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"])
}
_VALUE = re.compile(
    r"(?<![\w.,])(?P<number>\d{1,3}(?:[,   ]\d{3})+|\d+(?:\.\d+)?|" + "|".join(_UNITS) + r")"
    r"(?:\s+(?P<half>and a half))?(?:[\s-]+(?P<scale>millions?|billion|thousand))?(?![\w%]|[.,]\d)",
    re.I,
)
_PEOPLE = re.compile(
    r"\b(?:people|persons|individuals|patients|adults|Americans|cases)\b[^.;]{0,60}?\b(?:MS|multiple sclerosis)\b"
    r"|\b(?:MS|multiple sclerosis)\b[^.;]{0,40}?\b(?:affects|afflicts|prevalence|patients|cases|people)\b",
    re.I,
)
_YEAR = re.compile(r"(?<!\d)(?:19[5-9]\d|20[0-4]\d)(?!\d)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9])")
_RATE = re.compile(r"\bper (?:\d|hundred|thousand|million|capita|year|annum|person)|\bincidence\b|\bnew\b")
# Patients of a database are no count of a country (one such sentence among 2,500 MS abstracts, 2026-11).
_SAMPLE = re.compile(r"\b(?:databases?|networks?|records|enrolled|recruited|cohorts?)\b", re.I)
# Fewer people than this is a study's sample, not a count of a country or the world.
_LEAST = 50_000


@dataclass(frozen=True)
class Stated:
    """A number with the publication that states it."""

    figure: Figure
    publication: Publication

    @property
    def year(self) -> int:
        """The year the number is of, else that of the publication, else 0."""
        return self.figure.year or self.publication.year or 0


def stated(publications: Sequence[Publication], target: FigureTarget) -> list[Stated]:
    """Numbers of the target's quantity and region, newest first; from `figures` and from sentences of abstracts."""
    found = [
        Stated(figure, publication)
        for publication in publications
        if not publication.retracted
        for figure in (*publication.figures, *figures_in(publication.abstract))
        if _region(figure.region) == _region(target.region) and same_quantity(figure.quantity, target.quantity)
    ]
    return sorted(found, key=lambda one: (-one.year, one.publication.id, one.figure.value))


def same_quantity(given: str, wanted: str) -> bool:
    """Whether a quantity is the wanted one, perhaps qualified in brackets or after a comma; never a rate of it."""
    one, other = (" ".join(text.casefold().split()) for text in (given, wanted))
    rest = one.removeprefix(other).lstrip() if one.startswith(other) else "no"
    return rest == "" or (rest[0] in "(," and not _RATE.search(rest))


_SAME_REGION = {
    **dict.fromkeys(("us", "usa", "u.s.", "u.s.a.", "united states of america"), "united states"),
    **dict.fromkeys(("world", "global", "globally"), "worldwide"),
}


def _region(name: str) -> str:
    plain = name.casefold().strip()
    return _SAME_REGION.get(plain, plain)


def rule_figure(target: FigureTarget, numbers: Sequence[Stated]) -> tuple[str, str, list[Stated]]:
    """Verdict, why, and the newest numbers: all agree with the article, none does, or they differ among themselves."""
    newest = [one for one in numbers if one.year == numbers[0].year] if numbers else []
    agree = [agrees(target, one.figure.value) for one in newest]
    if not newest:
        return INSUFFICIENT, f"no paper among the records gives a number of {target.quantity}, {target.region}", newest
    when = f"the newest number in papers (of {newest[0].year or 'an unknown year'})"
    if all(agree):
        return BACKED, f"{when} agrees with the claim", newest
    return (
        (CONTESTED, f"{when} is not one: papers differ", newest)
        if any(agree)
        else (CHALLENGED, f"{when} differs from the claim", newest)
    )


def agrees(target: FigureTarget, value: float) -> bool:
    """Whether a value is at least the bound, or within the relative tolerance of the stated value."""
    if target.at_least is not None:
        return value >= target.at_least
    return target.about is not None and abs(value - target.about) <= (target.tolerance or 0.0) * target.about


@lru_cache(maxsize=1 << 14)  # a claim is judged again for every year and for every study left out
def figures_in(abstract: str) -> tuple[Figure, ...]:
    """Numbers of people with MS in the world or the United States, from the sentences that state them.

    A sentence counts when it names one region, people with MS, and a number of at least 50,000; its year is the last
    one in the sentence, else unknown. Rates per population and costs name no such number.
    """
    return tuple(figure for sentence in _SENTENCE.split(abstract) for figure in _in_sentence(sentence))


def _in_sentence(sentence: str) -> list[Figure]:
    regions = [name for name, pattern in _REGIONS if pattern.search(sentence)]
    if len(regions) != 1 or not _PEOPLE.search(sentence) or _SAMPLE.search(sentence):
        return []
    years = [int(one) for one in _YEAR.findall(sentence)]
    values = [value for match in _VALUE.finditer(sentence) if (value := _value(match, sentence)) is not None]
    return [Figure(PEOPLE_WITH_MS, regions[0], value, max(years, default=None), sentence) for value in values]


def _value(match: re.Match[str], sentence: str) -> float | None:
    before, after = sentence[: match.start()][-12:], sentence[match.end() :][:25]
    money = re.search(r"[$€£]\s*$|\b(?:USD|EUR|per|n\s*=)\s*$", before) or re.match(
        r"\s*(?:dollars|euros|USD|person)", after
    )
    if money or re.search(r"\bper\s*$", before):
        return None
    word = match["number"].lower()
    number = float(_UNITS[word]) if word in _UNITS else float(re.sub(r"[,   ]", "", word))
    value = (number + (0.5 if match["half"] else 0.0)) * _SCALE.get((match["scale"] or "").lower(), 1.0)
    return value if value >= _LEAST else None
