"""The trend table: studies per cell type, outcome, direction, population group and year, and their tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from msminer.evidence.claims import ANY, Register, expand_cells
from msminer.evidence.correction import GoldTable, error_matrix_share
from msminer.evidence.publications import Publication
from msminer.evidence.statistics import wilson
from msminer.evidence.studies import Studies, find_studies, newest_first, tier_of
from msminer.evidence.trendtests import Series, run_tests
from msminer.evidence.votes import direction_of
from msminer.vocabulary import Vocabulary

if TYPE_CHECKING:
    import pandas as pd

DIRECTIONS = ("benefit", "no_effect", "harm", "mixed")
POPULATIONS = ("ms", "animal_model", "other", ANY)
# PubMed's records of a year keep coming for about a quarter of the next one; until then the year is not whole.
_INDEXING = timedelta(days=90)

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Report:
    """One study's direction on one outcome of one cell type (rolled up), with the year it was published."""

    cell_type: str
    outcome: str
    populations: tuple[str, ...]
    year: int
    direction: str


def trend_table(
    publications: Iterable[Publication],
    denominators: pd.DataFrame | None,
    register: Register,
    *,
    now: datetime,
    errors: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables schema.TRENDS and schema.TREND_TESTS.

    One study, one vote, in the year of the publication that speaks for it on that outcome; publications without a year
    are left out, zero years between the first and the last are rows with zero. denominators: schema.DENOMINATORS or
    None (then no rates). errors: the classifier's error table; intervals of a year's share are then those of the
    inverted error matrix, else Wilson's. The year of 90 days before `now` and
    every later one are marked incomplete and not tested.
    """
    from msminer.schema import TREND_TESTS, TRENDS, from_rows

    papers = _denominators(denominators)
    reports = list(study_reports(publications, register))
    if not reports:
        return from_rows([], TRENDS), from_rows([], TREND_TESTS)
    incomplete = (now - _INDEXING).year
    last = max(report.year for report in reports)
    series = list(_series(reports, last, papers, incomplete))
    rows = [row for one in series for row in _rows(one, papers, errors, seed)]
    return from_rows(rows, TRENDS), from_rows(run_tests(series, seed), TREND_TESTS)


def study_reports(publications: Iterable[Publication], register: Register) -> Iterator[Report]:
    """What each study of primary evidence reports on each outcome and cell type, rolled up, with `any` added."""
    rows = [one for one in publications if not one.retracted]
    studies, vocabulary, rules = find_studies(rows, register.vocabulary), register.vocabulary, register.rules
    order = [tier.tier for tier in rules.block.tiers]
    able = [one for one in rows if one.year is not None and tier_of(one, rules) in order]
    able.sort(key=lambda one: (order.index(tier_of(one, rules)), *newest_first(one)))
    seen: set[tuple[str, str, str]] = set()
    for publication in able:
        yield from _reports(publication, studies, register, seen, vocabulary)


def _reports(
    publication: Publication,
    studies: Studies,
    register: Register,
    seen: set[tuple[str, str, str]],
    vocabulary: Vocabulary,
) -> Iterator[Report]:
    study = studies.of(publication).id
    groups = _groups(publication, register)
    for (cell, outcome), directions in _by_cell(publication, vocabulary).items():
        if (study, cell, outcome) not in seen and publication.year is not None:
            seen.add((study, cell, outcome))
            yield Report(cell, outcome, groups, publication.year, directions)


def _by_cell(publication: Publication, vocabulary: Vocabulary) -> dict[tuple[str, str], str]:
    given = expand_cells((ANY,), vocabulary)
    found: dict[tuple[str, str], list[Any]] = defaultdict(list)
    for finding in publication.findings:
        cells = set(vocabulary.with_parents([finding.cell_type]))
        for cell in cells | ({ANY} if cells & given else set()):
            found[cell, finding.outcome].append(finding)
    return {key: direction_of(findings) for key, findings in sorted(found.items())}


def _groups(publication: Publication, register: Register) -> tuple[str, ...]:
    scope = register.rules.scope(tier_of(publication, register.rules))
    present = register.vocabulary.with_parents(publication.populations)
    group = "ms" if scope == "human" and "ms" in present else "other"
    return ("animal_model" if scope == "model" and "animal_model" in present else group, ANY)


def _denominators(frame: pd.DataFrame | None) -> dict[int, int]:
    if frame is None:
        return {}
    return {int(year): int(count) for year, count in frame[["year", "ms_papers"]].itertuples(index=False)}


def _series(reports: Sequence[Report], last: int, papers: Mapping[int, int], incomplete: int) -> Iterator[Series]:
    counts: dict[Key, dict[tuple[int, str], int]] = defaultdict(lambda: defaultdict(int))
    for report in reports:
        for population in report.populations:
            counts[report.cell_type, report.outcome, population][report.year, report.direction] += 1
    for (cell, outcome, population), cells in sorted(counts.items()):
        years = np.arange(min(year for year, _ in cells), last + 1)
        table = np.array([[cells.get((int(year), name), 0) for name in DIRECTIONS] for year in years])
        whole = years < incomplete
        known = np.array([papers.get(int(year), 0) for year in years])
        for index, name in enumerate(DIRECTIONS):
            yield Series((cell, outcome, name, population), years, table[:, index], table.sum(axis=1), known, whole)


def _rows(
    series: Series, papers: Mapping[int, int], errors: Mapping[str, Any] | None, seed: int
) -> Iterator[dict[str, Any]]:
    cell, outcome, direction, population = series.key
    gold = gold_of(errors, direction)
    for year, k, n, whole in zip(series.years, series.studies, series.total, series.whole, strict=True):
        low, high, method = _limits(gold, int(k), int(n), seed)
        ms_papers = papers.get(int(year))
        yield {
            "cell_type": cell,
            "outcome": outcome,
            "direction": direction,
            "population": population,
            "year": int(year),
            "studies": int(k),
            "total": int(n),
            "share": float(k / n) if n else None,
            "share_low": low if n else None,
            "share_high": high if n else None,
            "method": method,
            "ms_papers": ms_papers,
            "rate_per_1000": 1000.0 * float(k) / ms_papers if ms_papers else None,
            "incomplete": not bool(whole),
        }


def gold_of(errors: Mapping[str, Any] | None, direction: str) -> GoldTable | None:
    """The gold table of one direction against the others, from errors.json; None without errors."""
    if not errors:
        return None
    table = errors["findings"]["direction"]
    known = [name for name in DIRECTIONS if name in table]
    total = sum(table[g].get(p, 0) for g in known for p in known)
    both = table[direction].get(direction, 0)
    missed = sum(table[direction].get(p, 0) for p in known) - both
    false = sum(table[g].get(direction, 0) for g in known) - both
    return GoldTable(both, missed, false, total - both - missed - false)


@lru_cache(maxsize=16384)
def _limits(gold: GoldTable | None, k: int, n: int, seed: int) -> tuple[float, float, str]:
    if n == 0:
        return 0.0, 1.0, "no study"
    if gold is None:
        return *wilson(k, n), "Wilson; labelled by people"
    found = error_matrix_share(gold, k, n, seed)
    return min(found.low, k / n), max(found.high, k / n), found.method
