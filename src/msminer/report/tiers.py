"""Benefit by kind of study: what stands beside "in mice is not in people"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from msminer.report import charts
from msminer.report.figures import FEWEST, Figure, elsewhere
from msminer.report.values import interval, percent
from msminer.report.words import MANY

# What a treatment is for; safety, cell fate and cost are no benefit to a person in themselves.
EFFICACY = ("disability", "relapse", "mri", "remyelination", "immune", "neuroprotection", "quality_of_life")
TIERS = ("trial_controlled", "trial_uncontrolled", "observational", "case_report", "animal", "in_vitro")


def tier_figure(studies: pd.DataFrame, findings: pd.DataFrame) -> Figure | None:
    """Share of studies that report a benefit by kind of study, Wilson intervals; None without studies."""
    counts = _tier_counts(studies, findings)
    if counts.empty:
        return None
    words = "; ".join(_words(row) for row in counts.to_dict("records"))
    svg = charts.tier_svg(counts, f"Share of studies that report a benefit, by kind of study. {words}")
    caption = (
        "Share of studies in this report that found benefit and nothing else, on outcomes of treatment (left out: "
        "safety, cell fate, cost, and studies of other diseases alone), with 95% Wilson intervals. " + words + "."
    )
    return Figure("Benefit by kind of study", svg, caption, _contrast(counts))


def _words(row: Mapping[Any, Any]) -> str:
    share = f", {percent(row['share'])}" if row["studies"] >= FEWEST else ""
    return f"{row['tier']}: {row['benefit']} of {row['studies']}{share} ({interval(row['low'], row['high'])})"


def _contrast(counts: pd.DataFrame) -> str:
    """Animals against controlled trials in one sentence; empty where there are too few of either."""
    enough = counts[counts["studies"] >= FEWEST].to_dict("records")
    told = {row["tier"]: f"{row['benefit']} of {row['studies']}" for row in enough}
    animals, trials = told.get(MANY["animal"]), told.get(MANY["trial_controlled"])
    if animals is None or trials is None:
        return ""
    tell = f"{animals} animal studies and {trials} controlled trials in people"
    return f"In this report, {tell} found benefit and nothing else."


def _tier_counts(studies: pd.DataFrame, findings: pd.DataFrame) -> pd.DataFrame:
    efficacy = findings[findings["outcome"].isin(EFFICACY) & (findings["cell_type"] != "none")]
    if studies.empty or efficacy.empty:
        return pd.DataFrame()
    only = efficacy.groupby("pmid")["direction"].agg(lambda found: set(found) == {"benefit"})
    live = studies[~studies["retracted"].astype(bool) & ~elsewhere(studies) & studies["speaker"].isin(only.index)]
    rows = [_tier_row(tier, only.loc[live.loc[live["tier"] == tier, "speaker"]]) for tier in TIERS]
    return pd.DataFrame([row for row in rows if row["studies"]])


def _tier_row(tier: str, only: pd.Series[Any]) -> dict[str, Any]:
    hits, total = int(only.sum()), len(only)
    low, high = charts.wilson(hits, total) if total else (0.0, 1.0)
    scope = "animals or dish" if tier in {"animal", "in_vitro"} else "people"
    share = hits / total if total else None
    return {
        "tier": MANY[tier],
        "benefit": hits,
        "studies": total,
        "share": share,
        "low": low,
        "high": high,
        "scope": scope,
    }
