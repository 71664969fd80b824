"""Claims proposed from an article's text, in YAML for a person to edit: what it says, never whether it is right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from msminer.claimtools import words as cues
from msminer.claimtools.ready import TELLING, citation, figure, no_cure, strength, trials
from msminer.claimtools.words import Words, says
from msminer.classify.text import sentence_spans
from msminer.errors import ClaimError
from msminer.evidence.claims import Register
from msminer.vocabulary import Vocabulary

_SOURCE = re.compile(r"S\d+")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_STUDY = re.compile(r"(?i)\b(?:study|trial|published|journal|researchers at)\b")
# What a claim in people needs at least, so that a single patient's story counts as what it is.
_LEAST = {"ms": "case_report", "animal_model": "animal", "any": "in_vitro"}
# What "better than drugs" is about where the sentence does not say it.
_COMPARABLE = ("disability", "relapse")
_HEADER = """\
# Drafted by msminer from {name}: {n} of {sentences} sentences look like a claim. Drafts are guesses by key words.
# For each: read the sentence, mend the fields, say it in your own words, or delete it. Nothing here is a verdict.
# A paraphrase is kept, never a quotation: the number tells which sentence of the article it is.
# Then: msminer claims check THIS_FILE

"""


@dataclass(frozen=True)
class Draft:
    """One proposed claim: the numbers of its sentences (from 1) and its fields without id and source."""

    sentences: tuple[int, ...]
    fields: dict[str, Any]


def sentences_of(article: str) -> list[str]:
    """The sentences of an article in order; every line break that stands alone or ends a heading ends one too."""
    out: list[str] = []
    for paragraph in re.split(r"\n\s*\n|\r\n\r\n", article):
        flat = "\n" + " ".join(paragraph.split())  # an empty title: the splitter's first line is one
        out += [flat[start:end] for start, end in sentence_spans(flat) if end > start]
    return out


def draft(article: str, vocabulary: Vocabulary) -> list[Draft]:
    """Proposed claims in the order of the article; sentences that make the same claim make one draft.

    A sentence is a claim where it names stem cells or the body's own repair, and an outcome; a number of people with
    MS; a study by its year; or that there is no cure. Questions are none.
    """
    finder = Words(vocabulary)
    found: dict[str, Draft] = {}
    for number, sentence in enumerate(sentences_of(article), start=1):
        if sentence.rstrip().endswith("?"):
            continue
        for fields in _claims(sentence, finder):
            key = repr({name: value for name, value in fields.items() if name != "strength"})
            old = found.get(key)
            found[key] = Draft((*old.sentences, number) if old else (number,), old.fields if old else fields)
    return list(found.values())


def draft_yaml(article: str, register: Register, *, source: str, name: str) -> str:
    """The drafts as the text of a claims file that the register's loader takes.

    source: id of the article, S and a number, not one of the register's; name: what to call the article. Raises
    ClaimError when the id is not free, or the text holds no claim.
    """
    if not _SOURCE.fullmatch(source) or source in register.sources:
        raise ClaimError("a source is S and a number that is still free", source=source, taken=sorted(register.sources))
    drafts = draft(article, register.vocabulary)
    if not drafts:
        raise ClaimError("no sentence looks like a claim about stem cells or MS", article=name)
    texts = sentences_of(article)
    claimed = len({number for one in drafts for number in one.sentences})
    head = _HEADER.format(name=_one_line(name), n=claimed, sentences=len(texts))
    sources = yaml.safe_dump(
        {"sources": [{"id": source, "kind": f"article: {_one_line(name)}"}]}, allow_unicode=True, sort_keys=False
    )
    body = "".join(_entry(f"{source}-{place:02d}", source, one, texts) for place, one in enumerate(drafts, start=1))
    return f"{head}{sources}claims:\n{body}"


def _entry(name: str, source: str, one: Draft, texts: list[str]) -> str:
    numbers = ", ".join(f"sentence {number} ({_start(texts[number - 1])} …)" for number in one.sentences)
    text = yaml.safe_dump({"id": name, "source": source, **one.fields}, sort_keys=False, allow_unicode=True,
                          default_flow_style=None, width=110)  # fmt: skip
    first, *rest = text.splitlines()
    return "".join([f"  # {numbers}\n", f"  - {first}\n", *(f"    {line}\n" for line in rest), "\n"])


def _start(sentence: str) -> str:
    """The first words of a sentence: enough to find it, too few to quote it."""
    return _one_line(" ".join(sentence.split()[:5]))


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _claims(sentence: str, finder: Words) -> Iterator[dict[str, Any]]:
    if says(cues.NO_CURE, sentence):
        yield no_cure()
    number = figure(sentence, finder)
    if number is not None:
        yield number
    cells = _cells(sentence, finder)
    if not cells:
        return
    population = _population(sentence, finder)
    outcomes = finder.labels("outcomes", sentence)
    compared = says(cues.COMPARED, sentence)
    year = _YEAR.search(sentence)
    if year and _STUDY.search(sentence):
        yield citation(sentence, cells, population, int(year[0]))
    elif outcomes or compared:
        yield _effect(sentence, cells, population, outcomes or _COMPARABLE, finder)
    elif says(cues.TRIALS, sentence):
        yield trials(sentence, cells)


def _cells(sentence: str, finder: Words) -> list[str]:
    """The cells a sentence is about, the most specific; any for stem cells as such."""
    named = [label for label in finder.labels("cell_types", sentence) if label not in {"none", "other", "endogenous"}]
    broad = {finder.vocabulary.parents.get(label) for label in named}
    specific = [label for label in named if label not in broad]
    if specific:
        return specific
    if says(cues.STEM_CELLS, sentence):
        return ["any"]
    return ["endogenous"] if says(cues.OWN_REPAIR, sentence) else []


def _population(sentence: str, finder: Words) -> list[str]:
    """Animals before people, since a sentence on both is about the animals' result; subtypes where they are named."""
    named = finder.labels("populations", sentence)
    whole = finder.vocabulary.with_parents(named)
    group = "animal_model" if "animal_model" in whole else "ms" if "ms" in whole else "any"
    subtypes = [label for label in named if finder.vocabulary.parents.get(label) == group]
    return subtypes or [group]


def _effect(
    sentence: str, cells: list[str], population: list[str], outcomes: tuple[str, ...], finder: Words
) -> dict[str, Any]:
    expect = _expected(sentence, outcomes, finder)
    parents = finder.vocabulary.with_parents(population)
    group = next((one for one in ("animal_model", "ms") if one in parents), "any")
    about = "biology" if group == "animal_model" or cells == ["endogenous"] else "people"
    fields: dict[str, Any] = {
        "says": _paraphrase(cells, population, outcomes, expect),
        "about": about,
        "topic": outcomes[0].replace("_", " "),
        "strength": strength(sentence),
        "check": "direction",
        "cell_types": cells,
        "outcome": list(outcomes),
        "expect": expect,
        "population": population,
        "min_design": _LEAST[group],
    }
    if cells == ["endogenous"]:
        fields["query"] = "remyelination"
    if outcomes == ("cost_access",):  # told by reviews and opinions as much as by studies
        del fields["min_design"]
        fields["designs"] = TELLING
    if expect == "harm" and "safety" in outcomes:  # a risk is there or is not: a mention, told by harmful findings
        fields |= {"check": "mention", "outcome": ["safety"], "expect": "present", "directions": ["harm", "mixed"]}
    elif says(cues.COMPARED, sentence):
        fields |= {"check": "comparison", "against": ["drug_arm"]}
    if group == "any" and about == "people":
        fields["also_report"] = {"population": ["ms"], "min_design": "case_report"}
    return fields


def _expected(sentence: str, outcomes: tuple[str, ...], finder: Words) -> str:
    """The direction a sentence asserts.

    A stated failure before all; harm before benefit where safety or cost is told, for "stops it from getting worse" is
    a benefit elsewhere; benefit where no direction is named.
    """
    named = set(finder.labels("directions", sentence)) - ({"harm"} if cues.LOW_RISK.search(sentence) else set())
    harm_first = {"safety", "cost_access"}.intersection(outcomes)
    order = ("no_effect", "harm", "benefit") if harm_first else ("no_effect", "benefit", "harm")
    return next((one for one in order if one in named), "benefit")


def _paraphrase(cells: list[str], population: list[str], outcomes: tuple[str, ...], expect: str) -> str:
    names = {"ms": "people with MS", "animal_model": "animal models", "any": "patients or animals"}
    who = " or ".join(names.get(one, one) for one in population)
    what = " or ".join(outcome.replace("_", " ") for outcome in outcomes)
    name = {"any": "Stem cells", "endogenous": "The body's own precursor cells"}.get(cells[0], " or ".join(cells))
    return f"{name}: {expect.replace('_', ' ')} in {what}, in {who}."
