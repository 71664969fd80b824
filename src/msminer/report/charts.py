"""Drawing: Altair specifications to small SVG that follows the page's colours."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

import pandas as pd
from markupsafe import Markup

from msminer.report.svg import FONT_SIZE, GRID, HUMAN, INK, MODEL, PAPER, SOFT, slim

if TYPE_CHECKING:
    import altair as alt


def unchecked() -> AbstractContextManager[None]:
    """Context in which Altair does not check its own specifications: half of the time a report takes (2026-11).

    A test draws every chart with the checks on.
    """
    from altair.utils.schemapi import debug_mode

    return cast("AbstractContextManager[None]", debug_mode(False))


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share (Wilson 1927)."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, total, alpha=0.05, method="wilson")
    return float(low), float(high)


def with_poisson(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The frame with `low` and `high`, Garwood's exact 95% interval of a Poisson count (Garwood 1936)."""
    from scipy.stats import chi2

    counts = frame[column].astype(float)
    low = (chi2.ppf(0.025, 2 * counts) / 2).tolist()
    return frame.assign(
        low=[0.0 if n == 0 else v for n, v in zip(counts, low, strict=True)], high=chi2.ppf(0.975, 2 * counts + 2) / 2
    )


def tier_svg(counts: pd.DataFrame, label: str) -> Markup:
    """Dot and interval by kind of study; columns tier, studies, share, low, high, scope."""
    import altair as alt

    order = list(counts["tier"])
    base = alt.Chart(counts.assign(text=[f"n = {n}" for n in counts["studies"]]))
    y = alt.Y(
        "tier:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=220, labelFontSize=13, labelPadding=9, ticks=False, domain=False),
    )
    x = alt.X("low:Q", title="Share reporting benefit", scale=_shares(), axis=_share_axis())
    color = alt.Color(
        "scope:N", legend=None, scale=alt.Scale(domain=["people", "animals or dish"], range=[HUMAN, MODEL])
    )
    shape = alt.Shape(
        "scope:N", legend=None, scale=alt.Scale(domain=["people", "animals or dish"], range=["circle", "diamond"])
    )
    ranges = base.mark_rule(strokeWidth=4, opacity=0.5, aria=False).encode(x=x, x2="high:Q", y=y, color=color)
    dots = base.mark_point(size=110, filled=True, opacity=1, aria=False).encode(
        x="share:Q", y=y, color=color, shape=shape
    )
    text = base.mark_text(align="left", dx=14, color=SOFT, fontSize=12, aria=False).encode(
        x=alt.datum(1), y=y, text="text:N"
    )
    return svg(alt.layer(ranges, dots, text).properties(width=300, height=alt.Step(34)), label)


def shares_svg(frame: pd.DataFrame, order: list[str], group: str, label: str) -> Markup:
    """Small multiples by panel: share with interval by year.

    Columns panel, year, share, share_low, share_high, incomplete.
    """
    import altair as alt

    color = HUMAN if group == "ms" else MODEL
    base = alt.Chart().encode(x=_years(frame["year"]))
    y = alt.Y("share_low:Q", title="Share", scale=_shares(), axis=_share_axis())
    ranges = base.mark_rule(strokeWidth=1.6, opacity=0.6, color=color, aria=False).encode(y=y, y2="share_high:Q")
    points = base.mark_point(
        size=34, opacity=1, strokeWidth=1.5, color=color, shape="circle" if group == "ms" else "diamond", aria=False
    )
    points = points.encode(y="share:Q", fill=_hollow("incomplete", color))
    return svg(_panels(alt.layer(ranges, points, data=_plain(frame)), order, 92), label)


def kinds_svg(frame: pd.DataFrame, order: list[str], label: str) -> Markup:
    """Small multiples by kind: studies a year with interval; columns kind, year, studies, low, high."""
    import altair as alt

    color = alt.condition(
        alt.FieldOneOfPredicate("kind", ["Animals", "Laboratory"]), alt.value(MODEL), alt.value(HUMAN)
    )
    base = alt.Chart().encode(x=_years(frame["year"]))
    y = alt.Y(
        "studies:Q",
        title="Studies a year",
        axis=alt.Axis(tickCount=3, format="d", tickMinStep=1),
        scale=alt.Scale(zero=True),
    )
    bars = base.mark_bar(width=4, opacity=0.75, aria=False).encode(y=y, color=color)
    ranges = base.mark_rule(strokeWidth=1, color=SOFT, aria=False).encode(y="low:Q", y2="high:Q")
    seen = _plain(frame[frame["studies"] > 0]) if (frame["studies"] > 0).any() else _plain(frame)
    return svg(_panels(alt.layer(bars, ranges, data=seen.assign(panel=seen["kind"])), order, 92), label)


def rate_svg(frame: pd.DataFrame, label: str) -> Markup:
    """Rate with interval by year; columns year, rate_studies, rate_low, rate_high, newest."""
    import altair as alt

    base = alt.Chart(_plain(frame)).encode(x=_years(frame["year"], labels=7))
    y = alt.Y("rate_low:Q", title="Per 1,000 MS papers", axis=alt.Axis(tickCount=4), scale=alt.Scale(zero=True))
    ranges = base.mark_rule(strokeWidth=1.6, opacity=0.55, color=INK, aria=False).encode(y=y, y2="rate_high:Q")
    points = base.mark_point(size=34, opacity=1, strokeWidth=1.5, color=INK, aria=False)
    points = points.encode(y="rate_studies:Q", fill=_hollow("newest", INK))
    return svg(alt.layer(ranges, points).properties(width=440, height=170), label)


def reliability_svg(frame: pd.DataFrame, order: list[str], label: str) -> Markup:
    """Small multiples by panel: how often a stated probability was right; columns panel, p, right, low, high."""
    import altair as alt

    base = alt.Chart().encode(x=alt.X("p:Q", title="Stated probability", scale=_shares(), axis=_share_axis()))
    y = alt.Y("low:Q", title="Right", scale=_shares(), axis=_share_axis())
    ideal = base.mark_line(strokeWidth=1, strokeDash=[3, 3], color=SOFT, aria=False).encode(
        y=alt.Y("p:Q", scale=_shares())
    )
    ranges = base.mark_rule(strokeWidth=1.6, opacity=0.6, color=INK, aria=False).encode(y=y, y2="high:Q")
    points = base.mark_point(size=34, filled=True, opacity=1, color=INK, aria=False).encode(y="right:Q")
    return svg(_panels(alt.layer(ideal, ranges, points, data=frame), order, 120), label)


def _hollow(field: str, color: str) -> Any:
    import altair as alt

    return alt.condition(f"datum.{field}", alt.value(PAPER), alt.value(color))


def _panels(layered: alt.LayerChart, order: list[str], height: int) -> alt.FacetChart:
    """Small multiples in rows of up to three, as wide as the page allows; four stand two by two."""
    import altair as alt

    columns = 2 if len(order) == 4 else min(3, len(order))
    header = alt.Header(title=None, labelFontSize=13, labelFontWeight=600, labelAnchor="start", labelColor=INK)
    facet = alt.Facet("panel:N", sort=order, header=header, title=None)
    panels = layered.properties(width=460 // columns - 20, height=height).facet(
        facet=facet, columns=columns, spacing=20
    )
    # A shared axis would also be drawn below places that stay empty in the last row.
    return panels.resolve_axis(x="independent") if len(order) % columns else panels


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns as plain numbers and texts: Altair knows neither pandas' nullable types nor object numbers."""
    numbers = ("year", "share", "share_low", "share_high", "studies", "total", "low", "high", "papers")
    casts = {c: float for c in frame.columns if c in numbers or c.startswith("rate_")}
    kept = [c for c in frame.columns if c in casts or c in {"panel", "kind", "incomplete", "newest"}]
    return frame[kept].astype(casts)


def _years(years: pd.Series[Any], labels: int = 3) -> alt.X:
    """The axis of years with about so many labels: a panel a third as wide as the page has room for three."""
    import altair as alt

    first, last = int(years.min()), int(years.max())
    step = next(s for s in (1, 2, 5, 10, 20, 50) if (last - first) / s <= labels)
    ticks = [year for year in range(first, last + 1) if year % step == 0] or [first]
    axis = alt.Axis(format="d", values=ticks, grid=False, labelOverlap=True)
    return alt.X("year:Q", title="Year", axis=axis, scale=alt.Scale(domain=[first - 0.5, last + 0.5], nice=False))


def _shares() -> alt.Scale:
    import altair as alt

    return alt.Scale(domain=[0, 1])


def _share_axis() -> alt.Axis:
    import altair as alt

    return alt.Axis(format="%", values=[0, 0.5, 1])


def svg(chart: Any, label: str) -> Markup:
    """The chart as inline SVG with a spoken label; the same chart always gives the same text."""
    import vl_convert
    from altair.utils import schemapi

    axis = {
        "labelFontSize": FONT_SIZE,
        "titleFontSize": FONT_SIZE,
        "titleFontWeight": 400,
        "labelColor": SOFT,
        "titleColor": SOFT,
    }
    axis |= {"gridColor": GRID, "domainColor": SOFT, "tickColor": SOFT, "titlePadding": 6}
    config = {"background": None, "view": {"stroke": None}, "axis": axis}
    # Asked anew at every chart: `unchecked` turns it off.
    spec = chart.to_dict(validate=schemapi.DEBUG_MODE) | {"config": config}
    # vl-convert writes the SVG and escapes its texts; a test puts a script into one.
    return Markup(slim(vl_convert.vegalite_to_svg(spec), label))  # noqa: S704
