"""One study, one vote: which publications report the same study.

Publications of one study share an identifier (the same paper twice), a registry number, a trial's name, or first
author, cell type, population and size. Reviews, guidelines and opinions are never merged with what they review.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msminer.evidence.publications import Publication
from msminer.evidence.registry import registry_numbers, registry_of, trial_acronyms
from msminer.evidence.rules import Rules
from msminer.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas as pd

_HUMAN = frozenset({"protocol", "case_report", "observational", "trial_uncontrolled", "trial_controlled"})
_TRIALS = frozenset({"protocol", "trial_uncontrolled", "trial_controlled"})
_NEVER_PEOPLE = frozenset({"animal_model", "eae", "toxic_demyelination", "dysmyelination", "none"})
# Below four, equal size says nothing: most case reports are of one patient.
_LEAST_N = 4
# HALT-MS counts 25 patients at three years and 24 at five: where the trial is named, one in twenty may come or go.
_N_SLACK = 0.05
# A first report and its last follow-up are rarely further apart.
_YEARS_APART = 12


@dataclass(frozen=True)
class Study:
    """One study: the ids of its publications and why they are one."""

    id: str
    publications: tuple[Publication, ...]
    why_one: str


class Studies:
    """The study of every publication."""

    def __init__(self, studies: Sequence[Study]) -> None:
        self.studies = tuple(studies)
        self._of = {publication.id: study for study in studies for publication in study.publications}

    def of(self, publication: Publication) -> Study:
        """The study a publication belongs to."""
        return self._of[publication.id]


def tier_of(publication: Publication, rules: Rules) -> str:
    """The tier a publication's result stands in; its design, unless nobody but animals or cells took part.

    A controlled trial in mice is an animal study, whatever its label: an animal result never stands for a human one.
    """
    design, populations = publication.study_design, set(publication.populations)
    if rules.scope(design) == "human" and populations and populations <= _NEVER_PEOPLE:
        return "in_vitro" if populations == {"none"} else "animal"
    return design


def find_studies(publications: Iterable[Publication], vocabulary: Vocabulary) -> Studies:
    """Group publications into studies; the order of the input does not matter.

    Merged are: the same PMID, PMCID or DOI; the same registry number (unless a publication names several of one
    registry: then it pools trials); the same trial name in the titles of trials with a cell type in common and sizes
    that agree; the same first author, cell types, populations and size of at least 4. Different numbers of one registry
    are different trials whatever else agrees.
    """
    rows = sorted(publications, key=lambda one: one.id)
    joined = _Joined(rows)
    for key in (lambda p: p.pmid, lambda p: p.pmcid and p.pmcid.upper(), lambda p: p.doi and p.doi.lower()):
        joined.by(rows, key, "the same paper", _always)
    people = [row for row in rows if row.study_design in _HUMAN]
    for row in people:
        for number in joined.numbers[row.id]:
            joined.note(number, row)
    joined.by_numbers()
    for name, group in _by_name(people).items():
        joined.pairs(group, f"trial name {name}", _same_trial(vocabulary))
    joined.by(people, _series_key, "author, cells, population and size", _same_series(vocabulary))
    return Studies(joined.studies())


class _Joined:
    """Union-find over publications that refuses to join different numbers of one registry."""

    def __init__(self, rows: Sequence[Publication]) -> None:
        self.rows = {row.id: row for row in rows}
        self.root = {row.id: row.id for row in rows}
        self.numbers = {row.id: _own_numbers(row) for row in rows}
        self.held = {row.id: set(self.numbers[row.id]) for row in rows}
        self.why: dict[str, list[str]] = defaultdict(list)
        self._named: dict[str, list[Publication]] = defaultdict(list)

    def find(self, name: str) -> str:
        while self.root[name] != name:
            self.root[name] = self.root[self.root[name]]
            name = self.root[name]
        return name

    def join(self, a: Publication, b: Publication, why: str, *, sure: bool = False) -> None:
        first, second = sorted((self.find(a.id), self.find(b.id)))
        if first == second or (not sure and _clash(self.held[first], self.held[second])):
            return
        self.root[second] = first
        self.held[first] |= self.held.pop(second)
        self.why[first] += [*self.why.pop(second, []), why]

    def note(self, number: str, row: Publication) -> None:
        self._named[number].append(row)

    def by_numbers(self) -> None:
        for number, group in self._named.items():
            for other in group[1:]:
                self.join(group[0], other, f"registry number {number}", sure=True)

    def by(
        self,
        rows: Sequence[Publication],
        key: Callable[[Publication], Hashable],
        why: str,
        same: Callable[[Publication, Publication], bool],
    ) -> None:
        groups: dict[Hashable, list[Publication]] = defaultdict(list)
        for row in rows:
            if key(row):
                groups[key(row)].append(row)
        for group in groups.values():
            self.pairs(group, why, same)

    def pairs(self, group: Sequence[Publication], why: str, same: Callable[[Publication, Publication], bool]) -> None:
        for index, one in enumerate(group):
            for other in group[index + 1 :]:
                if same(one, other):
                    self.join(one, other, why, sure=why == "the same paper")

    def studies(self) -> list[Study]:
        groups: dict[str, list[Publication]] = defaultdict(list)
        for name, row in self.rows.items():
            groups[self.find(name)].append(row)
        return [self._study(root, group) for root, group in sorted(groups.items())]

    def _study(self, root: str, group: list[Publication]) -> Study:
        ordered = tuple(sorted(group, key=newest_first))
        numbers = sorted(self.held[root])
        reasons = "; ".join(dict.fromkeys(self.why[root])) or "one publication"
        return Study(numbers[0] if len(group) > 1 and numbers else ordered[0].id, ordered, reasons)


def newest_first(publication: Publication) -> tuple[float, float, str]:
    """Sort key: newest year first, then longest follow-up; an unknown year stands last."""
    return (-(publication.year or 0), -(publication.follow_up_months or 0), publication.id)


def _own_numbers(row: Publication) -> frozenset[str]:
    numbers = set(registry_numbers(*row.trial_ids, row.title or "", row.abstract))
    numbers |= {re.sub(r"[\s:#]", "", one).upper() for one in row.trial_ids if not registry_numbers(one)}
    registries = [registry_of(number) for number in numbers]
    return frozenset(number for number in numbers if registries.count(registry_of(number)) == 1)


def _clash(a: set[str], b: set[str]) -> bool:
    return bool(a and b) and not a & b and bool({registry_of(x) for x in a} & {registry_of(x) for x in b})


def _always(_: Publication, __: Publication) -> bool:
    return True


def _by_name(rows: Iterable[Publication]) -> dict[str, list[Publication]]:
    groups: dict[str, list[Publication]] = defaultdict(list)
    for row in rows:
        if row.study_design in _TRIALS:
            for name in trial_acronyms(row.title):
                groups[name].append(row)
    return groups


def _same_trial(vocabulary: Vocabulary) -> Callable[[Publication, Publication], bool]:
    def same(a: Publication, b: Publication) -> bool:
        protocol = "protocol" in {a.study_design, b.study_design}
        return _shares_cells(a, b) and _shares_people(a, b, vocabulary) and (protocol or _sizes_agree(a, b))

    return same


def _same_series(vocabulary: Vocabulary) -> Callable[[Publication, Publication], bool]:
    def same(a: Publication, b: Publication) -> bool:
        near = a.year is None or b.year is None or abs(a.year - b.year) <= _YEARS_APART
        x, y = (vocabulary.with_parents(one.cell_types) for one in (a, b))
        return near and (x <= y or y <= x) and _shares_people(a, b, vocabulary)

    return same


def _shares_cells(a: Publication, b: Publication) -> bool:
    return bool(set(a.cell_types) & set(b.cell_types))


def _shares_people(a: Publication, b: Publication, vocabulary: Vocabulary) -> bool:
    generic = {"ms", "healthy_human", "none"}
    x, y = (set(vocabulary.with_parents(one.populations)) - {"none"} for one in (a, b))
    if not x & y:
        return False
    exact_x, exact_y = x - generic, y - generic
    return not exact_x or not exact_y or bool(exact_x & exact_y)


def _series_key(row: Publication) -> Hashable:
    author = surname(row.first_author)
    return (author, row.n) if author and row.n is not None and row.n >= _LEAST_N else None


def _sizes_agree(a: Publication, b: Publication) -> bool:
    return a.n is None or b.n is None or abs(a.n - b.n) <= _N_SLACK * max(a.n, b.n)


def surname(name: str | None) -> str:
    """A name without accents, case, punctuation and trailing initials: "Nash RA" and "Nash" are one."""
    folded = unicodedata.normalize("NFKD", name or "")
    plain = "".join(one for one in folded if not unicodedata.combining(one)).split(",")[0]
    words = re.sub(r"[^\w\- ]", "", plain).split()
    if len(words) > 1 and words[-1].isupper() and len(words[-1]) <= 3:
        words = words[:-1]
    return " ".join(words).casefold()


def studies_table(found: Studies, rules: Rules) -> pd.DataFrame:
    """The table schema.STUDIES: one row a study of primary evidence, the one that speaks first.

    The newest publication with results speaks, among those of the study's strongest design; retracted ones never do.
    """
    from msminer.schema import STUDIES, from_rows

    return from_rows([_row(study, rules) for study in found.studies if _primary(study, rules)], STUDIES)


def _primary(study: Study, rules: Rules) -> bool:
    return any(rules.scope(one.study_design) for one in study.publications)


def speaker(publications: Iterable[Publication], rules: Rules) -> Publication | None:
    """The publication that speaks: not retracted, with findings, of the strongest tier, the newest; else None.

    Strongest first, so that the open-label extension of a null trial does not take the trial's vote.
    """
    order = [tier.tier for tier in rules.block.tiers]
    able = [one for one in publications if one.findings and not one.retracted and tier_of(one, rules) in order]
    return min(able, key=lambda one: (order.index(tier_of(one, rules)), *newest_first(one)), default=None)


def _row(study: Study, rules: Rules) -> dict[str, object]:
    voice = speaker(study.publications, rules)
    lead = voice or study.publications[0]
    others = [one.id for one in study.publications if one.id != lead.id]
    return {
        "study_id": study.id,
        "publications": [lead.id, *others],
        "speaker": lead.id,
        "pmid": lead.pmid,
        "year": lead.year,
        "design": lead.study_design,
        "tier": tier_of(lead, rules),
        "cell_types": list(lead.cell_types),
        "populations": list(lead.populations),
        "n": None if lead.n is None else int(lead.n),
        "follow_up_months": lead.follow_up_months,
        "retracted": lead.retracted,
        "concern": any(one.concern for one in study.publications),
        "why_one": study.why_one,
    }
