"""Which publications and findings a claim is about: its predicate, applied."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from msminer.evidence.claims import DRUG_ARM, Claim, allowed_designs, expand_cells, keyword_pattern
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.rules import Rules
from msminer.evidence.studies import tier_of
from msminer.vocabulary import Vocabulary

_BARE_MODEL = "animal_model"
_OTHER = "other_disease"


@dataclass(frozen=True)
class Match:
    """A publication that a claim is about, with the findings that speak to it; none where it asks for no outcome.

    p: chance that its design, population and cell type are what they were read as; 1 where people labelled.
    """

    publication: Publication
    tier: str
    findings: tuple[Finding, ...]
    p: float = 1.0


@dataclass
class Matches:
    """What matched, what is shown only, and what was left out, counted by reason."""

    primary: list[Match] = field(default_factory=list)
    context: list[Match] = field(default_factory=list)
    retracted: list[Match] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


class Matcher:
    """One claim's predicate over publications."""

    def __init__(self, claim: Claim, rules: Rules, vocabulary: Vocabulary) -> None:
        self.claim = claim
        self.rules = rules
        self.vocabulary = vocabulary
        self.cells = expand_cells(claim.cell_types, vocabulary)
        self.designs = allowed_designs(claim, vocabulary)
        self.keywords = keyword_pattern(claim.keywords)
        self.drug_arm = drug_comparison(rules) if DRUG_ARM in claim.against else None
        self._parents = {cell: vocabulary.with_parents([cell]) for cell in vocabulary.ids("cell_types")}

    def run(self, publications: Iterable[Publication]) -> Matches:
        """All matches; a publication left out on one ground alone is counted under that ground."""
        found = Matches()
        for publication in publications:
            self._place(publication, found)
        return found

    def _place(self, publication: Publication, found: Matches) -> None:
        findings = self._findings(publication)
        if findings is None or not self._population(publication):
            return
        if self.claim.routes and not set(self.claim.routes) & set(publication.routes):
            found.left_out["another or unknown route"] += 1
            return
        match = Match(publication, tier_of(publication, self.rules), findings, self._belongs(publication, findings))
        context = match.tier in self.rules.block.context
        if match.tier not in self.designs and not (context and self.claim.check != "mention"):
            found.left_out[f"design does not count: {match.tier}"] += 1
        elif publication.retracted:
            found.retracted.append(match)
            found.left_out["retracted"] += 1
        elif not context and (why := self._too_short(publication)):
            found.left_out[why] += 1
        else:
            (found.context if context else found.primary).append(match)

    def _too_short(self, publication: Publication) -> str | None:
        if self.claim.horizon_months is None:
            return None
        if publication.follow_up_months is None:
            return "unknown follow-up"
        return "follow-up too short" if publication.follow_up_months < self.claim.horizon_months else None

    def _population(self, publication: Publication) -> bool:
        return matches_population(self.claim.population, publication.populations, self.vocabulary)

    def _belongs(self, publication: Publication, findings: Sequence[Finding]) -> float:
        """Chance that it is a study of this kind: three readings, taken as independent (docs/statistics.md)."""
        if not publication.label_p:
            return 1.0
        people = matching_populations(self.claim.population, publication.populations, self.vocabulary)
        named = [finding.cell_type for finding in findings] or publication.cell_types
        cells = self.vocabulary.with_parents(named) & self.cells
        design = publication.chance("study_design", [publication.study_design])
        return design * publication.chance("populations", people) * publication.chance("cell_types", cells)

    def _findings(self, publication: Publication) -> tuple[Finding, ...] | None:
        if not self.claim.outcome:
            cells = self.vocabulary.with_parents(publication.cell_types)
            named = bool(cells & self.cells) and (not self.keywords or self.keywords.search(publication.text))
            return () if named else None
        return tuple(one for one in publication.findings if self._speaks(one, publication)) or None

    def _speaks(self, finding: Finding, publication: Publication) -> bool:
        claim = self.claim
        return (
            finding.outcome in claim.outcome
            and bool(self._parents[finding.cell_type] & self.cells)
            and (not claim.directions or finding.direction in claim.directions)
            and finding.p >= self.rules.block.minimum_probability
            and (self.keywords is None or self.keywords.search(finding.text) is not None)
            and (self.drug_arm is None or self.drug_arm(publication, finding))
        )


def matches_population(wanted: Sequence[str], populations: Sequence[str], vocabulary: Vocabulary) -> bool:
    """Whether any population is wanted, with its subtypes; see `matching_populations`."""
    return bool(matching_populations(wanted, populations, vocabulary))


def matching_populations(wanted: Sequence[str], populations: Sequence[str], vocabulary: Vocabulary) -> set[str]:
    """The populations, broader ones included, that are wanted; `any` leaves out other diseases unless they are named.

    An animal model named beside another disease and no model of MS is that disease's model (annotation guide), so it
    goes with the other disease.
    """
    present = set(vocabulary.with_parents(populations))
    if _OTHER not in wanted and _OTHER in present:
        present.discard(_OTHER)
        if not any(vocabulary.parents.get(one) == _BARE_MODEL for one in present):
            present.discard(_BARE_MODEL)
    names = {one for name in wanted for one in vocabulary.claim_populations.get(name, frozenset({name}))}
    return present & names


def drug_comparison(rules: Rules) -> Callable[[Publication, Finding], bool]:
    """Whether a finding's study sets the cells against a drug: a drug's name soon after a word of comparison.

    Looked up in the finding's sentence and in the title; drugs given before or with the cells name no comparison.
    """
    block = rules.block
    words = "|".join(re.escape(word) for word in block.comparison_words)
    drugs = "|".join(re.escape(word) for word in block.drug_words)
    # Up to five words may stand between ("vs 34 drug patients", "compared with continued high-efficacy drugs").
    pattern = re.compile(rf"\b(?:{words})\b\.?\s+(?:[^\s.;:]+\s+){{0,5}}?[^\s.;:]*(?<![a-z])(?:{drugs})", re.IGNORECASE)

    def compares(publication: Publication, finding: Finding) -> bool:
        return bool(pattern.search(finding.text) or pattern.search(publication.title or ""))

    return compares
