"""One claim judged on any part of the publications: asked again for every year and every study left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from msminer.evidence.citation import Candidate, candidates, rule_citation
from msminer.evidence.claims import DRUG_ARM, Claim, Register, allowed_designs
from msminer.evidence.comparison import rule_comparison
from msminer.evidence.direction import INSUFFICIENT, Ruling, rule
from msminer.evidence.figures import Stated, rule_figure, stated
from msminer.evidence.labelling import Labelling
from msminer.evidence.matching import Match, Matcher, Matches
from msminer.evidence.mention import Source, counted, rule_mention, sources_of
from msminer.evidence.publications import Publication
from msminer.evidence.studies import Studies
from msminer.evidence.tiers import TierTable
from msminer.evidence.votes import Vote, as_read, candidate_votes, review_votes, speakers

Keep = Callable[[Publication], bool]
Lookup = Callable[[Claim], Sequence[Publication]]


@dataclass(frozen=True)
class Outcome:
    """A verdict with what it rests on; parts that do not apply to the check are empty."""

    verdict: str
    why: str
    tiers: tuple[TierTable, ...] = ()
    against: tuple[TierTable, ...] = ()
    deciding: tuple[Vote, ...] = ()
    votes: tuple[Vote, ...] = ()
    sources: tuple[Source, ...] = ()
    counted: tuple[Source, ...] = ()
    found: tuple[Candidate, ...] = ()
    numbers: tuple[Stated, ...] = ()

    @property
    def studies(self) -> int:
        """Studies or sources that the verdict rests on."""
        return len(self.votes) or len(self.sources) or len(self.numbers) or len(self.found)


@dataclass(frozen=True)
class Context:
    """What all claims are judged with: the register, the studies of all publications, how labels err."""

    register: Register
    studies: Studies
    labelling: Labelling | None = None


@dataclass(frozen=True)
class Case:
    """A claim with its matches, ready to be judged on any part of them; make one with `Case.of`."""

    claim: Claim
    context: Context
    publications: Sequence[Publication]
    looked_up: Sequence[Publication]
    matches: Matches
    other: Matches

    @classmethod
    def of(
        cls, claim: Claim, context: Context, publications: Sequence[Publication], looked_up: Sequence[Publication] = ()
    ) -> Case:
        """The case of a claim; matches are found once. looked_up: records that a search for its reference brought."""
        register, matches, other = context.register, Matches(), Matches()
        if claim.check not in {"figure", "citation"}:
            matches = Matcher(claim, register.rules, register.vocabulary).run(publications)
        if claim.check == "comparison" and DRUG_ARM not in claim.against:
            opposite = claim.model_copy(update={"cell_types": claim.against, "against": claim.cell_types})
            other = Matcher(opposite, register.rules, register.vocabulary).run(publications)
        return cls(claim, context, publications, looked_up, matches, other)

    @property
    def register(self) -> Register:
        """The register the claim stands in."""
        return self.context.register

    @property
    def studies(self) -> Studies:
        """The studies of all publications."""
        return self.context.studies

    def judge(self, keep: Keep = lambda _: True, extra: Sequence[Vote] = (), *, retracted: bool = False) -> Outcome:
        """The verdict on the publications that `keep` lets through; extra votes and retracted work only where asked."""
        check = {
            "direction": self._direction,
            "comparison": self._comparison,
            "mention": self._mention,
            "figure": self._figure,
            "citation": self._citation,
        }[self.claim.check]
        return check(keep, extra, retracted)

    # A case is judged again for every year and study left out: what each publication would vote is found once.
    @cached_property
    def _own(self) -> Sequence[Vote]:
        return self._candidates(self.matches.primary)

    @cached_property
    def _opposite(self) -> Sequence[Vote]:
        return self._candidates(self.other.primary)

    @cached_property
    def _with_retracted(self) -> Sequence[Vote]:
        rules = self.register.rules
        gone = [one for one in self.matches.retracted if rules.scope(one.tier) is not None]
        return self._candidates([*self.matches.primary, *gone])

    def _candidates(self, matches: Sequence[Match]) -> Sequence[Vote]:
        return candidate_votes(matches, self.claim.expect, self.studies, self.register.rules)

    def _votes(self, pool: Sequence[Vote], keep: Keep) -> list[Vote]:
        kept = speakers(vote for vote in pool if keep(vote.publication))
        return as_read(kept, self.claim.expect, self.register.rules, self.context.labelling)

    def _ruling(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> tuple[Ruling, list[Vote]]:
        votes = [*self._votes(self._with_retracted if retracted else self._own, keep), *extra]
        context = [one for one in self.matches.context if keep(one.publication) and self._long_enough(one)]
        designs = allowed_designs(self.claim, self.register.vocabulary)
        reviews = review_votes(context, self.claim.expect, self.register.rules, designs, self.context.labelling)
        return rule(votes, reviews, self.claim.about, self.register.rules), votes

    def _long_enough(self, match: Match) -> bool:
        months, least = match.publication.follow_up_months, self.claim.horizon_months
        return least is None or (months is not None and months >= least)

    def _direction(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> Outcome:
        ruling, votes = self._ruling(keep, extra, retracted)
        missing = [one for one in self.claim.routes if not any(one in vote.publication.routes for vote in votes)]
        deciding = tuple(vote for table in ruling.tiers if table.tier in ruling.deciding for vote in table.votes)
        if missing and ruling.verdict != INSUFFICIENT:
            return Outcome(
                INSUFFICIENT,
                f"no study used this route: {', '.join(missing)}",
                ruling.tiers,
                (),
                deciding,
                tuple(votes),
            )
        every = tuple(vote for table in ruling.tiers for vote in table.votes)
        return Outcome(ruling.verdict, ruling.why, ruling.tiers, (), deciding, every)

    def _comparison(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> Outcome:
        if DRUG_ARM in self.claim.against:
            return self._direction(keep, extra, retracted)
        first = [*self._votes(self._with_retracted if retracted else self._own, keep), *extra]
        second = self._votes(self._opposite, keep)
        verdict, why, one, other = rule_comparison(first, second, self.claim.about, self.register.rules)
        deciding = tuple(vote for table in (*one, *other) for vote in table.votes)
        return Outcome(verdict, why, tuple(one), tuple(other), deciding, deciding)

    def _mention(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> Outcome:
        del extra
        pool = self.matches.primary + self.matches.context + (self.matches.retracted if retracted else [])
        kept = [one for one in pool if keep(one.publication)]
        sources = sources_of(kept, self.studies, self.register.rules)
        verdict, why = rule_mention(self.claim, sources, self.register.rules)
        return Outcome(verdict, why, sources=tuple(sources), counted=tuple(counted(self.claim, sources, verdict)))

    def _figure(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> Outcome:
        del extra, retracted
        target = self.claim.figure
        numbers = stated([one for one in self.publications if keep(one)], target) if target else []
        verdict, why, _ = rule_figure(target, numbers) if target else (INSUFFICIENT, "the claim names no figure", [])
        return Outcome(verdict, why, numbers=tuple(numbers))

    def _citation(self, keep: Keep, extra: Sequence[Vote], retracted: bool) -> Outcome:
        del extra, retracted
        pool = {one.id: one for one in (*self.publications, *self.looked_up) if keep(one)}
        target = self.claim.study
        register = self.register
        found = candidates(target, list(pool.values()), register.vocabulary, register.rules) if target else []
        verdict, why = rule_citation(found)
        return Outcome(verdict, why, found=tuple(found))
