"""Charts as inline SVG: Altair draws, vl-convert renders, intervals always shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from msminer.report import charts
from msminer.report.bundle import ReportBundle
from msminer.report.values import interval, percent, present
from msminer.report.words import CELLS, INTERVALS, OUTCOMES, plain

# Fewer studies than this in all years make no trend worth a picture (our choice, 2026-11: the interval of 5 spans
# more than 60 points at any share).
FEWEST = 5
# Small multiples a chart: more would not fit a laptop's height.
MOST_PANELS = 6
GROUPS = {"ms": "in people with MS", "animal_model": "in animals"}
KINDS = {
    "Trials": ("trial_controlled", "trial_uncontrolled"),
    "Cohorts and cases": ("observational", "case_report"),
    "Animals": ("animal",),
    "Laboratory": ("in_vitro",),
}
# People with MS, and the animals with a damage like theirs.
_MS = {"ms", "rrms", "spms", "ppms", "progressive", "eae", "toxic_demyelination", "dysmyelination"}


@dataclass(frozen=True)
class Figure:
    """One chart with its title and caption; the table below it is its text alternative."""

    title: str
    svg: Markup
    caption: str
    note: str = ""


@dataclass(frozen=True)
class CellTrends:
    """The charts of one cell type, their figures as table rows, and its tests in words."""

    cell: str
    title: str
    studies: int
    figures: tuple[Figure, ...]
    table: tuple[tuple[str, ...], ...]
    tests: tuple[str, ...]


def elsewhere(studies: pd.DataFrame) -> pd.Series[Any]:
    """Which studies are of other diseases alone: a search of the user's own may bring many."""
    return studies["populations"].map(lambda own: "other_disease" in own and not _MS.intersection(own)).astype(bool)


def cell_trends(bundle: ReportBundle) -> tuple[list[CellTrends], str]:
    """Charts for each cell type with enough studies, most first, and the others in words.

    The sample has no counts of all MS papers: it shows no rate.
    """
    studies = bundle.studies[~bundle.studies["retracted"].astype(bool)]
    sizes = {cell: int(studies["cell_types"].map(lambda own, c=cell: c in own).sum()) for cell in CELLS}
    ranked = sorted((c for c in sizes if sizes[c] and c not in {"none", "any"}), key=lambda c: (-sizes[c], c))
    built = [_cell(bundle, studies, cell, sizes[cell]) for cell in ranked if sizes[cell] >= FEWEST]
    few = ", ".join(f"{plain(CELLS, c)} ({sizes[c]})" for c in ranked if sizes[c] < FEWEST)
    return built, few


def _cell(bundle: ReportBundle, studies: pd.DataFrame, cell: str, size: int) -> CellTrends:
    mine = studies[studies["cell_types"].map(lambda own: cell in own) & studies["year"].notna()]
    rows = bundle.trends[(bundle.trends["cell_type"] == cell) & (bundle.trends["direction"] == "benefit")]
    found = [figure for group in GROUPS if (figure := _shares(rows, group))]
    found += [figure for figure in (_kinds(mine), _rate(mine, bundle)) if figure]
    return CellTrends(
        cell,
        plain(CELLS, cell),
        size,
        tuple(found),
        tuple(_table(rows, rated=bundle.origin != "sample")),
        tuple(_tests(bundle.trend_tests, cell)),
    )


def _shares(rows: pd.DataFrame, group: str) -> Figure | None:
    part = rows[(rows["population"] == group) & (rows["total"] > 0)]
    totals = part.groupby("outcome")["total"].sum().sort_values(ascending=False, kind="stable")
    chosen = [str(outcome) for outcome in totals[totals >= FEWEST].index[:MOST_PANELS]]
    if not chosen:
        return None
    part = part[part["outcome"].isin(chosen)].assign(panel=lambda f: f["outcome"].map(lambda o: plain(OUTCOMES, o)))
    order = [plain(OUTCOMES, outcome) for outcome in chosen]
    title = f"Share of studies that report a benefit, {GROUPS[group]}"
    svg = charts.shares_svg(part, order, group, f"{title}, by year; the figures are in the table below")
    methods = ", ".join(sorted(plain(INTERVALS, method) for method in set(part["method"])))
    return Figure(
        title,
        svg,
        f"Point: share of the year’s studies. Line: 95% interval ({methods}). {int(totals[chosen].sum())} findings "
        f"of studies in all; outcomes with at least {FEWEST}.",
    )


def _kinds(mine: pd.DataFrame) -> Figure | None:
    kind_of = {design: kind for kind, designs in KINDS.items() for design in designs}
    kinds = mine["design"].map(kind_of)
    if kinds.notna().sum() < FEWEST:
        return None
    counts = (
        pd.DataFrame({"kind": kinds, "year": mine["year"].astype(int)})
        .dropna()
        .value_counts()
        .reset_index(name="studies")
    )
    frame = charts.with_poisson(_every_year(counts), "studies")
    order = [kind for kind in KINDS if kind in set(frame["kind"])]
    svg = charts.kinds_svg(frame, order, "Studies a year by kind of study, with 95% Poisson intervals")
    return Figure(
        "Studies a year, by kind",
        svg,
        f"{int(frame['studies'].sum())} studies; reviews, opinions left out. Line: 95% Poisson interval of the count.",
    )


def _every_year(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts with a zero for each year without a study: a gap would hide the lull."""
    years = range(int(counts["year"].min()), int(counts["year"].max()) + 1)
    full = pd.MultiIndex.from_product([sorted(set(counts["kind"])), years], names=["kind", "year"])
    return counts.set_index(["kind", "year"])["studies"].reindex(full, fill_value=0).reset_index()


def _rate(mine: pd.DataFrame, bundle: ReportBundle) -> Figure | None:
    denominators = bundle.denominators
    known = {int(y): int(n) for y, n in zip(denominators["year"], denominators["ms_papers"], strict=True) if n}
    years = sorted(y for y in known if len(mine) and y >= int(mine["year"].min()))
    if bundle.origin == "sample" or len(years) < 2 or len(mine) < FEWEST:
        return None
    counts = mine.loc[~elsewhere(mine), "year"].astype(int).value_counts()
    if any(int(counts.get(y, 0)) > known[y] for y in years):
        return None
    frame = pd.DataFrame(
        {"year": years, "studies": [int(counts.get(y, 0)) for y in years], "papers": [known[y] for y in years]}
    )
    frame = charts.with_poisson(frame, "studies")
    for name in ("studies", "low", "high"):
        frame[f"rate_{name}"] = 1000 * frame[name] / frame["papers"]
    incomplete = bundle.trends.loc[bundle.trends["incomplete"].astype(bool), "year"]
    frame["newest"] = frame["year"].isin(set(incomplete))
    svg = charts.rate_svg(frame, "Studies per 1,000 MS papers by year, with 95% Poisson intervals")
    whole = f"{int(frame['studies'].sum())} studies (other diseases left out), {int(frame['papers'].sum()):,} MS papers"
    span = f"{years[0]} to {years[-1]}"
    return Figure("Studies per 1,000 MS papers", svg, f"{whole}, {span}. Line: 95% Poisson interval.")


def _table(rows: pd.DataFrame, *, rated: bool) -> list[tuple[str, ...]]:
    shown = rows[(rows["total"] > 0) & rows["population"].isin(GROUPS)].sort_values(["population", "outcome", "year"])
    return [_table_row(row, rated) for row in shown.to_dict("records")]


def _table_row(row: Mapping[Any, Any], rated: bool) -> tuple[str, ...]:
    rate = present(row["rate_per_1000"]) if rated else None
    return (
        GROUPS[row["population"]].removeprefix("in "),
        plain(OUTCOMES, row["outcome"]),
        f"{int(row['year'])}{' (incomplete)' if row['incomplete'] else ''}",
        f"{int(row['studies'])} / {int(row['total'])}",
        f"{percent(present(row['share']))} ({interval(present(row['share_low']), present(row['share_high']))})",
        "not known" if rate is None else f"{rate:.2f}",
    )


def _tests(tests: pd.DataFrame, cell: str) -> Sequence[str]:
    """Trends that survive the correction for the whole family (q below 0.05), in words."""
    mine = tests[(tests["cell_type"] == cell) & (tests["direction"] == "benefit") & (tests["q"].astype(float) < 0.05)]
    return [_test(row) for row in mine.sort_values("q").to_dict("records")]


def _test(row: Mapping[Any, Any]) -> str:
    way = "rises" if row["share_slope"] > 0 else "falls"
    where = GROUPS.get(str(row["population"]), f"population {row['population']}")
    return (
        f"{plain(OUTCOMES, row['outcome'])}, {where}: the share of benefit {way} from {row['first_year']} to "
        f"{row['last_year']} (log odds a year {row['share_slope']:+.2f}, 95% interval {row['share_slope_low']:+.2f} to "
        f"{row['share_slope_high']:+.2f}, "
        f"{row['total']} studies, q = {row['q']:.3f})."
    )
