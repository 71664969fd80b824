"""The model card as the page shows it: scores beside baselines, and how far probabilities can be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from msminer.report import charts
from msminer.report.words import plain

# Scores of single labels fill the file, not the page.
_EACH = "each"
_BASELINES = {
    "majority": "Most frequent label",
    "keywords": "Keyword rules",
    "tfidf_lr": "TF-IDF, logistic regression",
}


@dataclass(frozen=True)
class CardView:
    """Scores as rows (measure, score with interval, one cell a baseline); the reliability chart and its rows."""

    baselines: tuple[str, ...]
    scores: tuple[tuple[str, ...], ...]
    reliability: Markup | None
    calibration: tuple[tuple[str, ...], ...]


def card_view(card: Mapping[str, Any]) -> CardView | None:
    """What the page shows of a card; None without scores. Parts that a card lacks are left out."""
    scores = dict(_intervals(card.get("scores") or {}))
    if not scores:
        return None
    others = {str(name): dict(_intervals(part)) for name, part in (card.get("baselines") or {}).items()}
    rows = [
        (_words(path), _score(score), *(_score(other.get(path)) for other in others.values()))
        for path, score in scores.items()
    ]
    calibration = card.get("calibration") or {}
    table = [
        (_words((axis,)), f"{part['n']:,}", f"{part['ece']:.3f}", f"{part['brier']:.3f}")
        for axis, part in calibration.items()
    ]
    return CardView(
        tuple(plain(_BASELINES, name) for name in others), tuple(rows), _reliability(calibration), tuple(table)
    )


def _intervals(part: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every score with value, low and high, with its path."""
    for name, inner in part.items():
        if not isinstance(inner, dict) or name == _EACH:
            continue
        if {"value", "low", "high"} <= inner.keys():
            yield (*path, name), inner
        else:
            yield from _intervals(inner, (*path, name))


def _words(path: tuple[str, ...]) -> str:
    text = ", ".join(path).replace("_", " ").replace(" f1", " F1")
    return text[:1].upper() + text[1:]


def _score(score: Mapping[str, Any] | None) -> str:
    if score is None:
        return "not given"
    return f"{score['value']:.2f} ({score['low']:.2f} to {score['high']:.2f})"


def _reliability(calibration: Mapping[str, Any]) -> Markup | None:
    """Stated probability against how often it was right, by axis, with Wilson intervals."""
    rows = []
    for axis, part in calibration.items():
        for point in part.get("curve") or []:
            low, high = charts.wilson(round(point["right"] * point["n"]), int(point["n"]))
            rows.append({"panel": _words((axis,)), "p": point["p"], "right": point["right"], "low": low, "high": high})
    if not rows:
        return None
    order = list(dict.fromkeys(row["panel"] for row in rows))
    return charts.reliability_svg(
        pd.DataFrame(rows), order, "Stated probability against how often it was right, by axis"
    )
