"""The rules of judgement: the `rules:` block of data/claims.yaml, typed and versioned by its own checksum."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msminer.errors import ClaimError

Scope = Literal["human", "model"]


class Tier(BaseModel):
    """One tier of primary evidence: its design, what it can stand for, whether it may back a claim by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: str
    scope: Scope
    may_back: bool


class BaseRate(BaseModel):
    """How many abstracts of a kind report a success, of how many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    positive: int = Field(ge=0)
    of: int = Field(ge=1)


class RuleBlock(BaseModel):
    """The rules as written; data/claims.yaml gives the reason of each, docs/verdicts.md the whole."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    tiers: tuple[Tier, ...] = Field(min_length=1)
    context: tuple[str, ...]
    review_of_controlled: tuple[str, ...]
    minimum_studies: int = Field(ge=1)
    dispute_studies: int = Field(ge=1)
    mixed_counts: float = Field(ge=0, le=1)
    no_effect_is_benefit: tuple[str, ...]
    support_share: float = Field(ge=0.5, le=1)
    support_probability: float = Field(ge=0.5, lt=1)
    support_probability_read: float = Field(ge=0.5, lt=1)
    pool: tuple[float, ...] = Field(min_length=1)
    null_controlled_vetoes: bool
    largest_trial_vetoes: bool
    model_base_rate: BaseRate
    mention_solid: int = Field(ge=1)
    mention_sources: int = Field(ge=1)
    mention_records: int = Field(ge=1)
    mention_probability: float = Field(gt=0, lt=1)
    comparison_probability: float = Field(ge=0.5, lt=1)
    comparison_difference: float = Field(ge=0, le=1)
    minimum_probability: float = Field(ge=0, le=1)
    comparison_words: tuple[str, ...] = Field(min_length=1)
    drug_words: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Rules:
    """A rule block with the version that every verdict carries: its name and the checksum of its content."""

    block: RuleBlock
    version: str

    def scope(self, design: str) -> Scope | None:
        """What a design's result can stand for; None for designs that are no primary evidence."""
        return next((tier.scope for tier in self.block.tiers if tier.tier == design), None)

    def tiers(self, scope: Scope) -> tuple[str, ...]:
        """Tiers of a scope, strongest first."""
        return tuple(tier.tier for tier in self.block.tiers if tier.scope == scope)

    def may_back(self, tier: str) -> bool:
        """Whether studies of the tier may back a claim of effect."""
        return any(entry.may_back for entry in self.block.tiers if entry.tier == tier)


def make_rules(data: Mapping[str, Any], designs: tuple[str, ...]) -> Rules:
    """Typed rules from the block's data; raises ClaimError naming the rule that is missing, unknown or out of range.

    designs: the vocabulary's study designs; every one must stand in exactly one of `tiers` and `context`.
    """
    try:
        block = RuleBlock.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ClaimError(f"rules.{where}: {first['msg']}", value=first.get("input")) from None
    placed = [tier.tier for tier in block.tiers] + list(block.context)
    if sorted(placed) != sorted(designs):
        raise ClaimError("rules: every study design stands in tiers or context, once", placed=placed)
    return Rules(block, f"{block.name}-{checksum(block)}")


def checksum(block: RuleBlock) -> str:
    """First eight hexadecimal digits of the SHA-256 of the block's content; comments and layout do not enter."""
    content = json.dumps(block.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode("ascii")).hexdigest()[:8]
