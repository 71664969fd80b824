"""Shares, corrections, tests of trends: against known answers, limits, and short simulations."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msminer.evidence.claims import load_register
from msminer.evidence.correction import (
    GoldTable,
    corrected_share,
    error_matrix_share,
    gold_share,
    prediction_powered_share,
)
from msminer.evidence.figures import figures_in
from msminer.evidence.labelling import Labelling, labelling_from
from msminer.evidence.matching import Matcher
from msminer.evidence.mention import at_least
from msminer.evidence.publications import Finding, Publication
from msminer.evidence.quotes import wrong_quotes
from msminer.evidence.simulate import simulate_counts, simulate_publications
from msminer.evidence.statistics import pooled_share, wilson
from msminer.evidence.stored import publications_from_labels
from msminer.evidence.trends import trend_table
from msminer.evidence.trendtests import change_point, flat_shares, monotone, place_weights, rate_slope, share_slope
from msminer.evidence.verdicts import judge
from msminer.schema import ARTICLES, DENOMINATORS, FINDINGS, LABELS, TREND_TESTS, TRENDS, check, from_rows

REGISTER = load_register()
POOL = REGISTER.rules.block.pool
NOW = datetime(2026, 11, 1)


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Brown, Cai and DasGupta 2001; 0 of 10 and 5 of 10 by hand.
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_wilson(successes: int, trials: int, low: float, high: float) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=1e-3)


def test_no_study_no_share() -> None:
    share = pooled_share([], POOL)
    assert np.isnan(share.share)
    assert (share.low, share.high, share.above_half) == (0.0, 1.0, 0.5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=4))
def test_a_pooled_share_lies_in_its_interval_and_mirrors(groups: list[tuple[int, int]]) -> None:
    data = [(float(yes), float(yes + no), 0.0) for yes, no in groups if yes + no]
    share, mirror = pooled_share(data, POOL), pooled_share([(n - s, n, v) for s, n, v in data], POOL)
    if data:
        assert 0 <= share.low <= share.share <= share.high <= 1
        assert share.share == pytest.approx(1 - mirror.share)
        assert share.above_half == pytest.approx(1 - mirror.above_half, abs=1e-6)


def test_cell_types_that_disagree_widen_the_interval() -> None:
    alike, apart = (
        pooled_share([(5.0, 10.0, 0.0), (5.0, 10.0, 0.0)], POOL),
        pooled_share([(10.0, 10.0, 0.0), (0.0, 10.0, 0.0)], POOL),
    )
    assert apart.share == alike.share == 0.5
    one = pooled_share([(10.0, 20.0, 0.0)], POOL)
    assert one.low == pytest.approx(alike.low, abs=0.05)


def test_labelling_error_widens_the_interval() -> None:
    sure, unsure = pooled_share([(8.0, 10.0, 0.0)], POOL), pooled_share([(8.0, 10.0, 2.0)], POOL)
    assert unsure.high - unsure.low > sure.high - sure.low


@pytest.mark.parametrize(
    ("count", "chances", "p"), [(1, [], 0.0), (1, [0.9], 0.9), (2, [0.5, 0.5], 0.25), (1, [0.5, 0.5], 0.75)]
)
def test_at_least(count: int, chances: list[float], p: float) -> None:
    assert at_least(count, chances) == pytest.approx(p)


def test_corrections_find_the_truth_where_the_naive_share_does_not() -> None:
    gold = GoldTable(160, 40, 40, 160)
    positive, total = 2600.0, 10_000.0  # a true share of 0.1 seen through sensitivity and specificity of 0.8
    found = error_matrix_share(gold, positive, total, 0)
    assert found.low < 0.1 < found.high < positive / total


def test_a_classifier_no_better_than_chance_says_so_by_its_width() -> None:
    found = error_matrix_share(GoldTable(50, 50, 50, 50), 30, 100, 0)
    assert found.high - found.low > 0.8


def test_corrections_are_repeatable() -> None:
    gold = GoldTable(80, 20, 10, 90)
    assert corrected_share(gold, 30, 100, 7) == corrected_share(gold, 30, 100, 7)


def coverage(method: Any, runs: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    held = narrower = 0
    for run in range(runs):
        gold, positive = simulate_counts(1000, 0.3, (0.85, 0.85), 400, rng)
        found, alone = method(gold, positive, 1000, run), gold_share(gold, run)
        held += found.low <= 0.3 <= found.high
        narrower += found.high - found.low < alone.high - alone.low
    return held / runs, narrower / runs


def test_the_kept_correction_covers_and_is_narrower_than_the_gold_alone() -> None:
    """The whole grid is benchmarks/interval_coverage.py; here one cell, with room for chance in 300 runs."""
    held, narrower = coverage(corrected_share, 300, 1)
    assert 0.91 <= held <= 0.99
    assert narrower > 0.95


def test_the_other_corrections_cover_too() -> None:
    assert 0.91 <= coverage(error_matrix_share, 300, 2)[0] <= 0.99
    assert 0.91 <= coverage(lambda g, k, n, _: prediction_powered_share(g, k, n), 300, 3)[0] <= 0.99


DIRECTION = {
    "benefit": {"benefit": 90, "no_effect": 5, "harm": 2, "mixed": 3, "none": 20},
    "no_effect": {"benefit": 10, "no_effect": 30, "harm": 0, "mixed": 0, "none": 5},
    "harm": {"benefit": 5, "no_effect": 0, "harm": 20, "mixed": 0, "none": 5},
    "mixed": {"benefit": 8, "no_effect": 2, "harm": 0, "mixed": 10, "none": 5},
    "none": {"benefit": 30, "no_effect": 5, "harm": 5, "mixed": 2, "none": 0},
}
ERRORS = {"findings": {"direction": DIRECTION}}


def read(directions: list[str]) -> list[Publication]:
    return [
        Publication(
            f"R{index}",
            "observational",
            ("MSC",),
            ("ms",),
            (Finding("mri", name, "MSC", "It was so.", "quote", 0, 10, 0.9),),
        )
        for index, name in enumerate(directions)
    ]


def test_labels_by_people_need_no_correction() -> None:
    assert labelling_from(None, []) is None


SUPPORT = {"benefit": 1.0, "no_effect": 0.0, "harm": 0.0, "mixed": 0.5}


def labelling(directions: list[str]) -> Labelling:
    found = labelling_from(ERRORS, read(directions))
    assert found is not None
    return found


def test_what_stands_behind_a_prediction_follows_the_claims_own_studies() -> None:
    usual = labelling(["benefit"] * 700 + ["no_effect"] * 100)
    good = usual.reading(["benefit"] * 28 + ["no_effect"] * 2, 0.0, SUPPORT)
    bad = usual.reading(["benefit"] * 8 + ["no_effect"] * 22, 0.0, SUPPORT)
    assert bad.of["benefit"][1] < good.of["benefit"][1] < 1
    assert bad.of["no_effect"][1] < good.of["no_effect"][1]
    # Some of the findings that were read are none at all.
    assert 0.6 < good.of["benefit"][0] < 0.95


def test_the_more_studies_the_less_doubt_but_never_none() -> None:
    usual = labelling(["benefit"] * 700 + ["no_effect"] * 100)
    doubts = []
    for size in (4, 16, 64):
        told = ["benefit"] * (3 * size // 4) + ["no_effect"] * (size // 4)
        worth = {"benefit": 3 * size / 4, "no_effect": size / 4}
        doubts.append(usual.reading(told, 0.0, SUPPORT).doubt(worth))
    assert doubts[0] > doubts[1] > doubts[2] > 1e-4


def test_studies_that_may_not_belong_widen_the_interval() -> None:
    usual = labelling(["benefit"] * 700 + ["no_effect"] * 100)
    told, worth = ["benefit"] * 20 + ["no_effect"] * 10, {"benefit": 20.0, "no_effect": 10.0}
    sure, unsure = (usual.reading(told, strange, SUPPORT) for strange in (0.0, 0.3))
    assert unsure.doubt(worth) > sure.doubt(worth)
    assert unsure.of["benefit"][0] < sure.of["benefit"][0]


def test_readings_are_repeatable() -> None:
    one, other = (labelling(["benefit"] * 70).reading(["benefit"] * 9, 0.1, SUPPORT) for _ in range(2))
    assert one.of["benefit"] == other.of["benefit"]


def denominators() -> pd.DataFrame:
    rows = [{"year": year, "ms_papers": 2000, "asked_at": "2026-11-01", "query": "ms"} for year in range(2001, 2027)]
    return from_rows(rows, DENOMINATORS)


def test_trend_rows_hold_zero_years_and_mark_the_incomplete_one() -> None:
    rng = np.random.default_rng(0)
    papers = simulate_publications(range(2020, 2022), 3, rng) + simulate_publications(range(2025, 2027), 3, rng)
    papers = [Publication(**{**_fields(one), "id": f"{index}"}) for index, one in enumerate(papers)]
    trends, tests = trend_table(papers, denominators(), REGISTER, now=NOW)
    check(trends, TRENDS)
    check(tests, TREND_TESTS)
    one = trends[(trends.cell_type == "MSC") & (trends.population == "ms") & (trends.direction == "benefit")]
    assert one["year"].tolist() == list(range(2020, 2027))
    assert one["total"].tolist() == [3, 3, 0, 0, 0, 3, 3]
    assert one["incomplete"].tolist() == [False] * 6 + [True]
    assert one["share"].isna().tolist() == [False, False, True, True, True, False, False]
    assert one["rate_per_1000"].iloc[0] == pytest.approx(one["studies"].iloc[0] / 2)
    assert (tests["last_year"] == 2025).all()


def _fields(one: Publication) -> dict[str, Any]:
    return {name: getattr(one, name) for name in Publication.__dataclass_fields__}


def test_a_year_is_incomplete_until_a_quarter_of_the_next() -> None:
    papers = simulate_publications(range(2023, 2026), 3, np.random.default_rng(0))
    for now, whole in ((datetime(2026, 2, 1), 2024), (datetime(2026, 6, 1), 2025)):
        trends, _ = trend_table(papers, None, REGISTER, now=now)
        assert trends.loc[~trends["incomplete"], "year"].max() == whole


def test_animals_and_people_are_counted_apart_and_cells_rolled_up() -> None:
    found = (Finding("disability", "benefit", "MSC-BM", "better"),)
    both = ("ms", "eae", "animal_model")
    mouse = Publication("m", "animal", ("MSC", "MSC-BM"), both, found, year=2020, first_author="A")
    person = Publication("p", "observational", ("MSC", "MSC-BM"), ("ms",), found, year=2020, first_author="B")
    review = Publication("r", "narrative_review", ("MSC",), ("ms",), found, year=2020)
    gone = Publication("g", "observational", ("MSC",), ("ms",), found, year=2020, retracted=True)
    unknown = Publication("u", "observational", ("MSC",), ("ms",), found)
    trends, _ = trend_table([mouse, person, review, gone, unknown], None, REGISTER, now=NOW)
    benefit = trends[trends.direction == "benefit"].set_index(["cell_type", "population"])["studies"].to_dict()
    assert benefit["MSC", "ms"] == benefit["MSC-BM", "ms"] == benefit["any", "ms"] == 1
    assert benefit["MSC", "animal_model"] == 1
    assert benefit["any", "any"] == 2


def test_no_publications_make_empty_tables() -> None:
    trends, tests = trend_table([], None, REGISTER, now=NOW)
    assert (len(trends), len(tests)) == (0, 0)


def test_a_series_too_small_says_why() -> None:
    papers = simulate_publications(range(2020, 2023), 1, np.random.default_rng(0))
    _, tests = trend_table(papers, None, REGISTER, now=NOW)
    assert tests["p"].isna().all()
    assert tests["note"].str.contains("fewer than").all()


def test_the_family_is_corrected_and_a_change_of_share_found_in_it() -> None:
    rng = np.random.default_rng(3)
    papers = simulate_publications(range(2001, 2021), 6, rng, before=0.2, after=0.9, change=2011)
    _, tests = trend_table(papers, denominators(), REGISTER, now=NOW)
    one = tests.set_index(["cell_type", "direction", "population"]).loc[("MSC", "benefit", "ms")]
    assert one["p"] <= one["q"] < 0.01
    assert one["rate_slope_low"] > 0
    assert abs(one["change_point"] - 2011) <= 1
    assert one["theil_sen"] > 0
    assert one["mann_kendall_p"] < 0.01
    rare = tests[tests["direction"] == "harm"]
    assert rare["q"].isna().all()


def test_intervals_of_labels_by_a_model_are_wider() -> None:
    papers = simulate_publications(range(2018, 2022), 8, np.random.default_rng(4))
    sure, _ = trend_table(papers, None, REGISTER, now=NOW)
    unsure, _ = trend_table(papers, None, REGISTER, now=NOW, errors=ERRORS)
    some = sure["total"] > 0
    width = [(one["share_high"] - one["share_low"])[some].astype(float) for one in (sure, unsure)]
    assert (width[1] >= width[0] - 0.05).all()
    assert width[1].mean() > width[0].mean()
    assert (unsure.loc[some, "share_low"] <= unsure.loc[some, "share"]).all()
    assert set(unsure.loc[some, "method"]) == {"error matrix, multiple imputation"}


def test_without_counts_of_papers_there_is_no_rate() -> None:
    years, k = np.arange(2001, 2011), np.full(10, 3)
    assert rate_slope(years, k, np.zeros(10))["note"].startswith("no rate")


def test_a_flat_series_has_no_monotone_trend() -> None:
    years = np.arange(2001, 2011)
    assert monotone(years, np.full(10, 2), np.full(10, 4)) == {"theil_sen": 0.0, "mann_kendall_p": 1.0}


def test_a_planted_trend_is_found_and_slopes_have_the_right_sign() -> None:
    years = np.arange(2001, 2021)
    n = np.full(20, 12)
    k = np.round(n * np.linspace(0.3, 0.8, 20)).astype(int)
    found = share_slope(years, k, n)
    assert found["share_slope_low"] is not None
    assert found["share_slope_low"] > 0
    assert found["p"] is not None
    assert found["p"] < 0.001
    rate = rate_slope(years, k, np.full(20, 1000))
    assert rate["rate_slope_low"] > 0


def test_separated_shares_do_not_break_the_fit() -> None:
    years, n = np.arange(2001, 2011), np.full(10, 3)
    found = share_slope(years, np.where(years < 2006, 0, 3), n)
    assert found["p"] is not None
    assert found["p"] < 0.001


def test_places_of_a_change_weigh_alike_where_nothing_changes() -> None:
    """Flat shares alone would put more weight on the ends of a series without any change than on its middle."""
    rng, n = np.random.default_rng(6), np.full(20, 4)
    weights = [place_weights(rng.binomial(n, 0.6), n, flat_shares) for _ in range(300)]
    mean = np.mean(weights, axis=0)
    assert mean[[0, -1]].max() < mean[9]
    assert mean.sum() == pytest.approx(1)


def test_years_without_studies_bear_no_change_of_their_own() -> None:
    n = np.array([0, 6, 0, 0, 6, 6, 0])
    weight = place_weights(np.array([0, 1, 0, 0, 6, 6, 0]), n, flat_shares)
    assert weight[0] == weight[-1] == 0
    assert weight[1] == pytest.approx(weight[2]) == pytest.approx(weight[3])


def test_a_planted_change_is_found_within_two_years() -> None:
    """benchmarks/trends.py does it for other spans; here 8 years a side, 40 studies a side, a rise of 0.3."""
    rng = np.random.default_rng(5)
    years, n = np.arange(2001, 2017), np.full(16, 5)
    near = 0
    for run in range(60):
        k = rng.binomial(n, np.where(years < 2009, 0.5, 0.8))
        near += abs(change_point(years, k, n, run)["change_point"] - 2009) <= 2
    assert near >= 45


def test_a_sure_change_has_a_narrow_range() -> None:
    years, n = np.arange(2001, 2021), np.full(20, 20)
    found = change_point(years, np.where(years < 2011, 2, 18), n, 0)
    assert (found["change_low"], found["change_point"], found["change_high"]) == (2011, 2011, 2011)
    assert found["change_p"] < 0.01


FIGURES = [
    ("An estimated 2.8 million people live with MS worldwide (2020).", [("worldwide", 2_800_000, 2020)]),
    ("Nearly one million Americans have multiple sclerosis.", [("United States", 1_000_000, None)]),
    ("In 2010, 727,344 adults in the United States had MS.", [("United States", 727_344, 2010)]),
    ("MS affects two and a half million people globally.", [("worldwide", 2_500_000, None)]),
    ("People with MS in the United States cost $85 million a year.", []),
    ("We enrolled 1,200 people with MS in the United States.", []),
    ("Prevalence of MS in the United States was 309 per 100,000 people with MS.", []),
    ("About 130,000 people in the United Kingdom have MS.", []),
    ("Worldwide and in the United States, 1 million people have MS.", []),
    ("Stroke affects 15 million people worldwide.", []),
    ("A database of 72,000,000 patients in the United States identified patients with MS.", []),
]


@pytest.mark.parametrize(("text", "expected"), FIGURES)
def test_figures_in_sentences(text: str, expected: list[tuple[str, float, int | None]]) -> None:
    assert [(one.region, one.value, one.year) for one in figures_in(text)] == expected


def stored(**changes: Any) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    title, abstract = (
        "An invented trial",
        "We treated 24 patients (NCT01234567). Walking improved. Follow-up was 2 years.",
    )
    start = len(title) + 1 + abstract.index("Walking")
    article = {column.name: None for column in ARTICLES.columns}
    article |= {"pmid": "123", "version": 1, "kind": "article", "title": title, "abstract": abstract, "year": 2020}
    lists = ("sections", "authors", "mesh", "publication_types", "keywords", "languages", "trial_ids", "corrections")
    article |= {name: [] for name in lists} | {"authors": ["Doe J", "Roe R"], "queries": ["stem_cells_ms"]}
    article |= {"retracted": False, "concern": True, "fetched_at": "2026-11-01T00:00:00Z", **changes}
    labels = [
        ("cell_types", "MSC"),
        ("study_design", "trial_uncontrolled"),
        ("populations", "ms"),
        ("routes", "intrathecal"),
    ]
    rows = [{"pmid": "123", "axis": axis, "label": label, "p": 0.9, "model": "m"} for axis, label in labels]
    finding = {
        "pmid": "123",
        "outcome": "disability",
        "direction": "benefit",
        "cell_type": "MSC",
        "p": 0.8,
        "model": "m",
    }
    finding |= {"start": start, "end": start + 17, "quote": "Walking improved."}
    return from_rows([article], ARTICLES), from_rows(rows, LABELS), from_rows([finding], FINDINGS)


def test_publications_come_from_the_stores_tables() -> None:
    (one,) = publications_from_labels(*stored())
    assert (one.id, one.pmid, one.study_design, one.n, one.follow_up_months) == (
        "123",
        "123",
        "trial_uncontrolled",
        24.0,
        24.0,
    )
    assert one.trial_ids == ("NCT01234567",)
    assert one.concern
    assert one.queries == {"stem_cells_ms"}
    assert f"{one.title}\n{one.abstract}"[one.findings[0].start : one.findings[0].end] == "Walking improved."


def test_chances_of_labels_come_along_and_say_whether_a_study_belongs() -> None:
    articles, labels, findings = stored()
    (one,) = publications_from_labels(articles, labels, findings)
    assert one.chance("populations", ["ms"]) == 0.9
    assert one.chance("populations", []) == one.chance("populations", ["eae"]) == 1.0
    claim = REGISTER.claim("S0-26")
    (match,) = Matcher(claim, REGISTER.rules, REGISTER.vocabulary).run([one]).primary
    assert match.p == pytest.approx(0.9**3)
    (by_people,) = Matcher(claim, REGISTER.rules, REGISTER.vocabulary).run([replace(one, label_p={})]).primary
    assert by_people.p == 1


def test_a_local_identifier_is_no_pmid() -> None:
    articles, labels, findings = (frame.assign(pmid="990000001") for frame in stored())
    (one,) = publications_from_labels(articles, labels, findings, kind="digest")
    assert (one.id, one.pmid, one.findings[0].kind) == ("990000001", None, "digest")
    assert one.abstract_kind == "digest"


def test_an_article_without_labels_is_left_out() -> None:
    articles, labels, findings = stored()
    assert publications_from_labels(articles, labels.iloc[:0], findings) == []


def test_an_undecided_design_counts_nowhere() -> None:
    articles, labels, findings = stored()
    papers = publications_from_labels(articles, labels[labels.axis != "study_design"], findings)
    assert papers[0].study_design == "unknown"
    found = {one["claim_id"]: one for one in judge(REGISTER, papers)["verdicts"]}
    assert found["S0-26"]["tiers"] == []
    assert found["S0-26"]["counts"]["left_out"] == {"design does not count: unknown": 1}


def test_every_sentence_shown_is_verbatim_and_labelled_so() -> None:
    papers = publications_from_labels(*stored())
    verdicts = judge(REGISTER, papers)
    assert any(one["sentences"] for one in verdicts["verdicts"])
    assert wrong_quotes(verdicts, papers) == []
    row = next(row for one in verdicts["verdicts"] for row in one["sentences"])
    for change, why in (
        ({"start": row["start"] + 1}, "offsets"),
        ({"direction": "harm"}, "labelled"),
        ({"publication_id": "?"}, "no such"),
    ):
        bad = {"verdicts": [{"claim_id": "X", "sentences": [{**row, **change}], "also_report": None}]}
        assert why in wrong_quotes(bad, papers)[0]


def test_correction_may_take_support_away_but_never_gives_it() -> None:
    """At face value two in three support it: short of three in four, whatever the gold says of predicted harms."""
    harms = {**DIRECTION, "none": {**DIRECTION["none"], "harm": 2000}}
    papers = [
        replace(one, id=f"P{i}", study_design="trial_controlled")
        for i, one in enumerate(read(["benefit"] * 16 + ["harm"] * 8))
    ]
    claim = REGISTER.claim("S0-25")
    found = judge(replace(REGISTER, claims=(claim,)), papers, errors={"findings": {"direction": harms}})
    (one,) = found["verdicts"]
    assert one["tiers"][0]["share"] > 0.75
    assert one["verdict"] == "contested"
