"""Claims that a sentence fills in whole: no cure, trials, a number of people, a study by its year."""

from __future__ import annotations

import re
from typing import Any

from msminer.claimtools import words as cues
from msminer.claimtools.words import Words, says

_MILLIONS = re.compile(r"(?i)\b(?P<number>\d+(?:[.,]\d+)?|a|one|two|three)\s+million\b")
_MANY_MILLIONS = re.compile(r"(?i)\bmillions\b")
_UNITED_STATES = re.compile(r"United States|U\.S\.|\bUSA?\b|(?i:\bamerica)")
_SMALL = {"a": 1.0, "one": 1.0, "two": 2.0, "three": 3.0}
# Designs that the shipped register lets tell what is commonly known.
TELLING = ["narrative_review", "guideline", "opinion", "systematic_review", "observational", "trial_controlled"]


def strength(sentence: str) -> str:
    """How hard a sentence asserts, by its hedges."""
    return "hopes" if says(cues.HOPES, sentence) else "suggests" if says(cues.SUGGESTS, sentence) else "asserts"


def no_cure() -> dict[str, Any]:
    """There is no cure."""
    return {
        "says": "There is no cure for MS.",
        "about": "people",
        "topic": "cure",
        "strength": "asserts",
        "query": "epidemiology",
        "check": "mention",
        "cell_types": ["any", "none"],
        "expect": "present",
        "population": ["ms"],
        "designs": list(TELLING),
        "keywords": list(cues.CURES),
    }


def trials(sentence: str, cells: list[str]) -> dict[str, Any]:
    """Trials test these cells."""
    return {
        "says": f"Clinical trials in people with MS test: {', '.join(cells)}.",
        "about": "people",
        "topic": "trials",
        "strength": strength(sentence),
        "check": "mention",
        "cell_types": cells,
        "expect": "present",
        "population": ["ms"],
        "designs": ["protocol", "trial_uncontrolled", "trial_controlled"],
    }


def figure(sentence: str, finder: Words) -> dict[str, Any] | None:
    """A number of people with MS; None where the sentence states none."""
    found = _MILLIONS.search(sentence)
    if not (found or _MANY_MILLIONS.search(sentence)) or "ms" not in finder.labels("populations", sentence):
        return None
    region = "United States" if _UNITED_STATES.search(sentence) else "worldwide"
    number = "Millions of"
    target: dict[str, float] = {"at_least": 2_000_000}  # millions are two at least
    if found:
        text = found["number"].lower()
        value = round(1_000_000 * (_SMALL.get(text) or float(text.replace(",", "."))))
        if value == 0:
            return None
        # A fifth: what the shipped register allows for "nearly a million".
        number, target = f"About {value:,}", {"about": value, "tolerance": 0.2}
    return {
        "says": f"{number} people have MS ({region}).",
        "about": "people",
        "topic": "epidemiology",
        "strength": strength(sentence),
        "query": "epidemiology",
        "check": "figure",
        "figure": {"quantity": "people with MS", "region": region, **target},
        "expect": "present",
    }


def citation(sentence: str, cells: list[str], population: list[str], year: int) -> dict[str, Any]:
    """A study of that year, as the sentence describes it."""
    known = {"cell_types": cells, "population": population}
    study = {"year": year, **{name: [word for word in words if word != "any"] for name, words in known.items()}}
    return {
        "says": f"A study of {year} exists as the article describes it.",
        "about": "people",
        "topic": "reference",
        "strength": strength(sentence),
        "check": "citation",
        "study": {name: value for name, value in study.items() if value},
        "expect": "present",
    }
