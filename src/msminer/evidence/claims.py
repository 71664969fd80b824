"""The register of claims: each a predicate over labelled publications, read strictly from data/claims.yaml."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from msminer.errors import ClaimError
from msminer.evidence.rules import Rules, make_rules
from msminer.resources import shipped
from msminer.strictyaml import load_strictly
from msminer.vocabulary import Vocabulary, load_vocabulary

DEFAULT_QUERY = "stem_cells_ms"
DRUG_ARM = "drug_arm"
ANY = "any"
_NOT_ANY_CELL = frozenset({"endogenous", "none"})


class FigureTarget(BaseModel):
    """The number an article states: at least a bound, or about a value within a relative tolerance."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantity: str
    region: str
    at_least: float | None = None
    about: float | None = Field(default=None, gt=0)
    tolerance: float | None = Field(default=None, gt=0, lt=1)


class StudyTarget(BaseModel):
    """The reference an article describes; fields it leaves out are not compared."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authors: tuple[str, ...] = ()
    year: int | None = None
    title_words: tuple[str, ...] = ()
    journal: str | None = None
    cell_types: tuple[str, ...] = ()
    population: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    doses: int | None = None
    follow_up_months: tuple[float, ...] = ()
    finding: str | None = None


class Claim(BaseModel):
    """One claim; the header of data/claims.yaml says what each field means."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^S\d+-\d+$")
    source: str
    about: Literal["people", "biology"]
    topic: str
    strength: Literal["asserts", "suggests", "hopes"]
    check: Literal["direction", "comparison", "mention", "figure", "citation"]
    says: str = Field(min_length=1)
    expect: Literal["benefit", "no_effect", "harm", "up", "down", "present"]
    query: str = DEFAULT_QUERY
    cell_types: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    population: tuple[str, ...] = (ANY,)
    min_design: str | None = None
    designs: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    directions: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    horizon_months: float | None = None
    against: tuple[str, ...] = ()
    also_report: dict[str, Any] = Field(default_factory=dict)
    figure: FigureTarget | None = None
    study: StudyTarget | None = None

    @field_validator("outcome", "against", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    def with_also(self) -> Claim | None:
        """The claim with the fields of also_report replaced; None where it has none."""
        if not self.also_report:
            return None
        return Claim.model_validate({**self.model_dump(), "also_report": {}, **self.also_report})


@dataclass(frozen=True)
class Register:
    """The rules and the claims they judge, with the vocabulary both are written in."""

    rules: Rules
    claims: tuple[Claim, ...]
    vocabulary: Vocabulary
    sources: Mapping[str, str]

    def claim(self, claim_id: str) -> Claim:
        """The claim of that id; raises ClaimError."""
        for claim in self.claims:
            if claim.id == claim_id:
                return claim
        raise ClaimError("the register has no such claim", claim=claim_id)

    def with_rules(self, **changes: object) -> Register:
        """The register under changed rules; its version changes with them. Raises ClaimError for a bad rule."""
        data = {**self.rules.block.model_dump(), **changes}
        return replace(self, rules=make_rules(data, self.vocabulary.designs))


def load_register(path: Path | None = None, vocabulary: Vocabulary | None = None) -> Register:
    """Rules and claims of a YAML file, the shipped one by default; raises ClaimError naming the claim and the rule."""
    source = path or shipped("data", "claims.yaml")
    try:
        data = load_strictly(source.read_text(encoding="utf-8"), ClaimError)
    except (yaml.YAMLError, OSError, UnicodeDecodeError) as error:
        raise ClaimError("the register of claims cannot be read", path=source.name, why=str(error)) from error
    return parse_register(data, vocabulary or load_vocabulary())


def parse_register(data: object, vocabulary: Vocabulary) -> Register:
    """Rules and claims from loaded YAML; raises ClaimError naming the claim, the field and the rule."""
    if not isinstance(data, dict) or data.keys() != {"rules", "sources", "claims"}:
        raise ClaimError("the register needs rules, sources and claims, and nothing else")
    if not isinstance(data["rules"], dict) or not isinstance(data["claims"], list):
        raise ClaimError("rules must map words to values, claims must be a list")
    rules = make_rules(data["rules"], vocabulary.designs)
    sources = _sources(data["sources"])
    claims = tuple(_claim(entry, vocabulary, sources) for entry in data["claims"])
    ids = [claim.id for claim in claims]
    if len(set(ids)) != len(ids):
        raise ClaimError("a claim id is given twice", claim=sorted({one for one in ids if ids.count(one) > 1}))
    return Register(rules, claims, vocabulary, sources)


def _sources(entries: object) -> dict[str, str]:
    known = isinstance(entries, list) and all(isinstance(one, dict) and {"id", "kind"} <= one.keys() for one in entries)
    if not isinstance(entries, list) or not known:
        raise ClaimError("sources must be a list, each with id and kind")
    return {str(entry["id"]): str(entry["kind"]) for entry in entries}


def _claim(entry: object, vocabulary: Vocabulary, sources: Mapping[str, str]) -> Claim:
    name = entry.get("id") if isinstance(entry, dict) else entry
    try:
        claim = Claim.model_validate(entry)
        also = claim.with_also()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ClaimError(f"claim {name}: {where}: {first['msg']}", value=first.get("input")) from None
    if claim.source not in sources:
        raise ClaimError(f"claim {name}: source is not listed", value=claim.source)
    for one in (claim, also):
        if one is not None:
            _check_words(one, vocabulary)
            _check_shape(one)
    return claim


def _check_words(claim: Claim, vocabulary: Vocabulary) -> None:
    cells = set(vocabulary.ids("cell_types")) | {ANY}
    populations = set(vocabulary.ids("populations")) | set(vocabulary.claim_populations)
    study = claim.study or StudyTarget()
    allowed: tuple[tuple[str, tuple[str, ...], set[str]], ...] = (
        ("cell_types", claim.cell_types + study.cell_types, cells),
        ("against", claim.against, cells | {DRUG_ARM}),
        ("outcome", claim.outcome, set(vocabulary.ids("outcomes"))),
        ("population", claim.population + study.population, populations),
        ("designs", claim.designs, set(vocabulary.designs)),
        ("min_design", (claim.min_design,) if claim.min_design else (), set(vocabulary.designs)),
        ("directions", claim.directions, set(vocabulary.ids("directions"))),
        ("routes", claim.routes + study.routes, set(vocabulary.ids("routes"))),
    )
    for field, values, known in allowed:
        unknown = sorted(set(values) - known)
        if unknown:
            raise ClaimError(f"claim {claim.id}: {field} is not in the vocabulary", value=unknown)


def _check_shape(claim: Claim) -> None:
    needs = {"figure": claim.figure is not None, "citation": claim.study is not None}
    effect = claim.check in {"direction", "comparison"}
    if not needs.get(claim.check, bool(claim.cell_types)):
        raise ClaimError(f"claim {claim.id}: check {claim.check} lacks what it tests")
    if effect and (not claim.outcome or claim.expect not in {"benefit", "no_effect", "harm"}):
        raise ClaimError(f"claim {claim.id}: check {claim.check} needs an outcome and an expected direction")
    if claim.check == "comparison" and not claim.against:
        raise ClaimError(f"claim {claim.id}: a comparison needs `against`")
    if claim.figure and (claim.figure.at_least is None) == (claim.figure.about is None):
        raise ClaimError(f"claim {claim.id}: figure needs either at_least or about")
    if claim.figure and claim.figure.about is not None and claim.figure.tolerance is None:
        raise ClaimError(f"claim {claim.id}: about needs a tolerance")


def expand_cells(cell_types: tuple[str, ...], vocabulary: Vocabulary) -> frozenset[str]:
    """Cell types that a claim takes in: those named, and for `any` every stem cell or product of one that is given."""
    named = set(cell_types) - {ANY}
    if ANY in cell_types:
        named |= set(vocabulary.ids("cell_types")) - _NOT_ANY_CELL
    return frozenset(named)


def allowed_designs(claim: Claim, vocabulary: Vocabulary) -> frozenset[str]:
    """Designs that count: `designs`, else `min_design` and every stronger one; all where the claim names neither."""
    if claim.designs:
        return frozenset(claim.designs)
    if claim.min_design is None:
        return frozenset(vocabulary.designs)
    return frozenset(vocabulary.designs[vocabulary.designs.index(claim.min_design) :])


def keyword_pattern(keywords: tuple[str, ...]) -> re.Pattern[str] | None:
    """Any keyword, case-insensitive, at the start of a word; None where there are none."""
    if not keywords:
        return None
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(word) for word in keywords) + ")", re.IGNORECASE)
