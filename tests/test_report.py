"""The report page: what it shows, what it links to, and that hostile texts stay texts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from lxml import html

from msminer.errors import ReportError
from msminer.report.bundle import ReportBundle, is_local
from msminer.report.claims import MOST_PAPERS, claim_views
from msminer.report.figures import cell_trends
from msminer.report.folder import latest_report, write_report
from msminer.report.links import paper_url
from msminer.report.page import answer
from msminer.report.render import render
from msminer.report.rows import MOST_ROWS, evidence_rows
from msminer.report.svg import slim
from msminer.report.tiers import tier_figure
from msminer.report.words import METHODS, VERDICTS, sentences
from report_fixture import HOSTILE, NOW, make_bundle, pick, undrawn_bundle
from test_verdicts import entry as judged
from test_verdicts import many


@pytest.fixture(scope="module")
def bundle() -> ReportBundle:
    return make_bundle(150)


@pytest.fixture(scope="module")
def undrawn() -> ReportBundle:
    return undrawn_bundle(150)


@pytest.fixture(scope="module")
def text(bundle: ReportBundle) -> str:
    return render(bundle)


@pytest.fixture(scope="module")
def page(text: str) -> html.HtmlElement:
    return html.document_fromstring(text)


def test_first_screen_counts_every_claim_once(page: html.HtmlElement) -> None:
    counts = [int(node.text) for node in pick(page, ".ledger-count")]
    assert sum(counts) == 80
    assert "80" in pick(page, ".answer")[0].text_content()


@pytest.mark.parametrize(
    ("verdicts", "told"),
    [
        ({"backed": 2, "insufficient": 5, "unsearched": 21}, "2 hold up, 5 lack enough evidence, 21 were not searched"),
        ({"unsearched": 1, "insufficient": 1}, "1 lacks enough evidence, 1 was not searched"),
        ({"notfound": 3}, "3 cite a paper that was not found"),
        ({"challenged": 1, "misquoted": 1}, "2 are contradicted or misquote a paper"),
        ({"misquoted": 1, "models": 1}, "1 holds only in animals or the dish, 1 misquotes a paper"),
        ({}, ""),
    ],
)
def test_answer_counts_each_kind_in_its_own_words(bundle: ReportBundle, verdicts: dict[str, int], told: str) -> None:
    view = claim_views(bundle.claims, list(bundle.verdicts["verdicts"]), {})[0]
    kinds = {verdict.key: verdict for verdict in VERDICTS.values()}
    claims = [replace(view, verdict=kinds[key]) for key, n in verdicts.items() for _ in range(n)]
    assert ", ".join(f"{n} {words}" for _, n, words in answer(claims)) == told


@pytest.mark.parametrize(
    ("line", "most", "parts"),
    [
        ("too few: 1 trial; beside them 2 cases", 0, ("Too few: 1 trial.", "Beside them 2 cases.")),
        ("ends itself.", 0, ("Ends itself.",)),
        ("risk up to 18.8%. It denies; so", 0, ("Risk up to 18.8%.", "It denies.", "So.")),
        ("found; best: A; b", 1, ("Found.", "Best: A; b.")),
        ("", 0, ()),
    ],
)
def test_sentences(line: str, most: int, parts: tuple[str, ...]) -> None:
    assert sentences(line, most) == parts


def test_studies_of_other_diseases_are_not_counted_as_studies_of_ms(bundle: ReportBundle) -> None:
    whole = tier_figure(bundle.studies, bundle.findings)
    studies = bundle.studies.copy()
    studies["populations"] = [
        ["other_disease"] if tier == "case_report" else own
        for tier, own in zip(studies["tier"], studies["populations"], strict=True)
    ]
    part = tier_figure(studies, bundle.findings)
    assert whole is not None
    assert part is not None
    assert "Case reports" in whole.caption
    assert "Case reports" not in part.caption


def test_no_medical_advice_stands_on_the_first_screen(page: html.HtmlElement) -> None:
    assert "No medical advice" in pick(page, ".hero")[0].text_content()


def test_disclaimer_and_copyright_are_shown(page: html.HtmlElement) -> None:
    foot = pick(page, "footer")[-1].text_content()
    assert "NCBI" in foot
    assert "copyright" in foot
    assert "do not endorse" in foot


@pytest.mark.parametrize("title", HOSTILE)
def test_hostile_titles_are_text(title: str, text: str, page: html.HtmlElement) -> None:
    shown = "".join(page.itertext())
    assert title[:80] in shown
    assert len(pick(page, "script")) == 2
    assert not pick(page, "img, math, iframe, object, [onerror], [style]")
    assert "{{" in text  # the template text of a title is not run


def test_policy_allows_these_texts_alone(text: str, page: html.HtmlElement) -> None:
    policy = pick(page, "meta[http-equiv='Content-Security-Policy']")[0].get("content")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    for part in [*scripts, *styles[:2]]:
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_page_is_plain_ascii_and_shows_every_letter(text: str, page: html.HtmlElement) -> None:
    assert text.isascii()
    assert "Ann Zürich" in page.get_element_by_id("evidence").text_content()


def test_page_names_no_other_host_but_in_links(text: str) -> None:
    loads = re.findall(r"""(?:src|srcset|poster|data)\s*=\s*["']?(?:https?:)?//|url\(|@import""", text)
    assert loads == []


def test_anchors_are_unique_and_resolve(page: html.HtmlElement) -> None:
    ids = [node.get("id") for node in page.iter() if isinstance(node.tag, str) and node.get("id")]
    assert [name for name, n in Counter(ids).items() if n > 1] == []
    inside = {a.get("href")[1:] for a in page.iter("a") if a.get("href", "").startswith("#")}
    assert {name for name in inside if not name.startswith("rows=")} <= set(ids)


def test_every_tier_count_leads_to_its_rows(bundle: ReportBundle, page: html.HtmlElement) -> None:
    by_id = {node.get("id"): node for node in page.iter() if isinstance(node.tag, str)}
    known = dict(zip(bundle.articles["pmid"], bundle.articles["doi"], strict=True))
    for entry in bundle.verdicts["verdicts"]:
        for tier in entry["tiers"]:
            rows = [a.get("href") for a in by_id[f"{entry['claim_id']}-{tier['tier']}"].iter("a")]
            assert len(rows) == len(set(tier["study_ids"]))
            shown = "".join(by_id[row[1:]].text_content() for row in rows)
            for study in tier["study_ids"]:
                assert (str(known[study] or "") if is_local(study) else f"PMID {study}") in shown


def test_local_identifiers_are_never_linked_or_called_pmid(text: str) -> None:
    assert "ncbi.nlm.nih.gov/99" not in text
    assert "PMID 99" not in text


@pytest.mark.parametrize(
    ("pmid", "doi", "url"),
    [
        ("30644983", None, "https://pubmed.ncbi.nlm.nih.gov/30644983/"),
        ("30644983", "10.1001/x", "https://pubmed.ncbi.nlm.nih.gov/30644983/"),
        ("990000001", "10.1001/jama.2018.18743", "https://doi.org/10.1001/jama.2018.18743"),
        ("990000001", None, None),
        (None, '10.1000/a<b>"c', "https://doi.org/10.1000/a%3Cb%3E%22c"),
        (None, "javascript:alert(1)", None),
        ("1; DROP", None, None),
        ("٣٠٦٤٤٩٨٣", None, None),
    ],
)
def test_paper_url(pmid: str | None, doi: str | None, url: str | None) -> None:
    assert paper_url(pmid, doi) == url


def test_at_most_one_sentence_a_paper_a_claim_and_each_is_marked(page: html.HtmlElement) -> None:
    for claim in pick(page, "article.claim"):
        papers = pick(claim, "ul.papers > li")
        assert len(papers) <= MOST_PAPERS or pick(claim, "h5")[0].text.startswith("Works")
        for paper in papers:
            quotes = pick(paper, "blockquote")
            assert len(quotes) <= 1
            for quote in quotes:
                marked = pick(quote, "footer")[0].text_content()
                assert marked.startswith(("Quoted from the abstract", "Digest in", "Fact in"))


def test_not_searched_is_no_lack_of_evidence(bundle: ReportBundle, page: html.HtmlElement) -> None:
    entry = next(v for v in bundle.verdicts["verdicts"] if v["searched"] is False)
    card = page.get_element_by_id(entry["claim_id"])
    assert card.get("data-verdict") == "unsearched"


def test_table_stands_without_scripts(bundle: ReportBundle, text: str) -> None:
    plain = html.document_fromstring(text.replace("<noscript", "<div").replace("</noscript>", "</div>"))
    assert len(pick(plain, "table.evidence tbody tr")) == len(bundle.articles)


def test_same_bundle_same_bytes(bundle: ReportBundle, text: str) -> None:
    assert render(bundle) == text


def test_unfit_trends_are_not_drawn_and_it_says_why(undrawn: ReportBundle) -> None:
    page = html.document_fromstring(render(replace(undrawn, trends_reason="Most years are unknown.")))
    trends = page.get_element_by_id("trends")
    assert not pick(trends, "svg")
    assert "Most years are unknown." in trends.text_content()


def test_unfit_trends_without_a_reason_are_refused(bundle: ReportBundle, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="reason"):
        write_report(replace(bundle, trends_publishable=False, trends_reason=""), tmp_path)


def test_sample_says_so_where_it_shows(undrawn: ReportBundle) -> None:
    page = html.document_fromstring(render(replace(undrawn, origin="sample", predicted_share=0.0)))
    hero = pick(page, ".hero")[0].text_content()
    assert "Offline sample" in hero
    assert "none is a published abstract" in hero
    assert "predicted from real abstracts: 0%" in hero
    assert "digests" in pick(page.get_element_by_id("evidence"), "p")[0].text_content()


def test_intervals_are_drawn_for_every_point(page: html.HtmlElement) -> None:
    for picture in pick(page, "svg.picture"):
        assert pick(picture, ".range")
        assert "95% interval" in picture.get("aria-label")


def test_two_arms_of_one_tier_keep_their_own_rows(undrawn: ReportBundle) -> None:
    entries = json.loads(json.dumps(undrawn.verdicts))
    twin = {**entries["verdicts"][0]["tiers"][0], "arm": "MSC+NSC"}
    entries["verdicts"][0]["tiers"].append(twin)
    page = html.document_fromstring(render(replace(undrawn, verdicts=entries)))
    assert (
        page.get_element_by_id("S0-01-trial_controlled-MSC-NSC")
        .text_content()
        .startswith("Controlled trials of Mesenchymal")
    )


def claim_card(bundle: ReportBundle, name: str, **changes: Any) -> html.HtmlElement:
    """The card of a claim whose verdict entry has the changes."""
    entries = json.loads(json.dumps(bundle.verdicts))
    next(one for one in entries["verdicts"] if one["claim_id"] == name).update(changes)
    return html.document_fromstring(render(replace(bundle, verdicts=entries))).get_element_by_id(name)


def sources(tier: str, scope: str, studies: int, counted: int) -> dict[str, Any]:
    plain = {"benefit": 0, "no_effect": 0, "mixed": 0, "harm": 0, "share": None, "low": None, "high": None, "arm": None}
    told = {"method": "count of sources", "stance": "source" if counted else "shown only", "counted": counted}
    return {"tier": tier, "scope": scope, "studies": studies, "study_ids": [], **plain, **told}


def test_sources_of_a_mention_are_never_said_to_decide_nothing(undrawn: ReportBundle) -> None:
    tiers = [
        sources("observational", "human", 3, 3),
        sources("animal", "model", 2, 0),
        sources("narrative_review", "context", 5, 2),
    ]
    table = pick(claim_card(undrawn, "S0-04", tiers=tiers), ".tiers")[0]
    readings = [pick(row, "td")[-1].text_content() for row in pick(table, "tr")[1:]]
    assert readings == ["counted as a source", "shown, never decides", "2 of 5 counted as a source"]
    assert "no vote" not in table.text_content()
    assert "sources are counted" in pick(table, "caption")[0].text_content()


def test_what_judges_a_claim_names_its_statistics_in_the_method_alone(undrawn: ReportBundle) -> None:
    papers = [*many(3, "trial_controlled"), *many(3, "animal"), *many(2, "systematic_review")]
    methods = {tier["method"] for given in (papers, papers[3:]) for tier in judged(given)["tiers"]}
    assert {name for name in methods if "pooling" in name} == METHODS.keys()
    tiers = [undrawn.verdicts["verdicts"][0]["tiers"][0] | {"method": name} for name in sorted(METHODS)]
    card = claim_card(undrawn, "S0-01", tiers=tiers[:1]).text_content()
    assert "each cell type's share drawn towards the common one" in card
    assert not any("pooling" in words for words in METHODS.values())
    page = html.document_fromstring(render(undrawn))
    assert "partial pooling" in page.get_element_by_id("method").text_content()
    assert "pooling" not in page.get_element_by_id("claims").text_content()


def stated(value: float, year: int | None, key: str, **changes: Any) -> dict[str, Any]:
    pmid = None if is_local(key) else key
    row = {"value": value, "quantity": "people with MS", "region": "worldwide", "year": year, "text": None}
    return {**row, "publication_id": key, "pmid": pmid, "doi": None, **changes}


def test_one_number_is_told_once_with_each_paper_linked(undrawn: ReportBundle) -> None:
    figures = [
        stated(2_800_000, 2020, "11"),
        stated(2_300_000, 2013, "12"),
        stated(2_800_000, 2020, "13", region="Worldwide"),
        stated(2_800_000, 2020, "11"),
        stated(2_800_000, 2021, "14"),
        stated(2_800_000, 2020, "990000003", doi="10.1000/x"),
        stated(2_800_000, 2020, "13", region="United States"),
        stated(0.5, None, "E7"),
    ]
    card = claim_card(undrawn, "S2-08", figures=figures)
    heading = next(node for node in pick(card, "h5") if node.text_content().startswith("Figures found"))
    items = pick(heading.getnext(), "li")
    assert [" ".join(item.text_content().split()) for item in items] == [
        "2,800,000 people with MS, worldwide, 2020 · 3 papers: PMID 11, PMID 13, doi:10.1000/x",
        "2,300,000 people with MS, worldwide, 2013 · 1 paper: PMID 12",
        "2,800,000 people with MS, worldwide, 2021 · 1 paper: PMID 14",
        "2,800,000 people with MS, United States, 2020 · 1 paper: PMID 13",
        "0.5 people with MS, worldwide, year not known · 1 paper: no public identifier",
    ]
    links = [paper_url("11", None), paper_url("13", None), paper_url(None, "10.1000/x")]
    assert [node.get("href") for node in pick(items[0], "a")] == links


def test_a_missing_year_is_told_once_with_its_count(bundle: ReportBundle, page: html.HtmlElement) -> None:
    missing = int(bundle.articles["year"].isna().sum())
    assert missing > 1
    told = f"For {missing} publications no year is known"
    assert page.get_element_by_id("evidence").text_content().count(told) == 1
    assert "undated" not in page.text_content()
    rows = [row for row in evidence_rows(bundle, set()) if row.year is None]
    assert all(row.name and not row.name.endswith("None") for row in rows)
    dated = replace(bundle, articles=bundle.articles.assign(year=bundle.articles["year"].fillna(2020)))
    assert "no year is known" not in render(replace(dated, trends_publishable=False, trends_reason="Not drawn."))


def test_a_deciding_paper_without_a_year_says_so(undrawn: ReportBundle) -> None:
    paper = undrawn.verdicts["verdicts"][0]["deciding"][0] | {"first_author": "Someone", "year": None}
    shown = pick(claim_card(undrawn, "S0-01", deciding=[paper]), ".paper")[0].text_content()
    assert shown.startswith("Someone ")
    assert shown.count("year not known") == 1


def test_empty_store_still_answers(undrawn: ReportBundle) -> None:
    nothing = {
        name: getattr(undrawn, name).iloc[:0]
        for name in ("articles", "labels", "findings", "studies", "trends", "denominators")
    }
    quiet = [
        {
            **v,
            "verdict": "insufficient",
            "tiers": [],
            "deciding": [],
            "sentences": [],
            "as_of": [],
            "candidates": [],
            "figures": [],
            "without_most_influential": None,
            "with_retracted": None,
            "flipped": None,
            "safety": None,
            "also_report": None,
        }
        for v in undrawn.verdicts["verdicts"]
    ]
    page = html.document_fromstring(
        render(replace(undrawn, verdicts={"rules_version": "1", "verdicts": quiet}, **nothing))
    )
    assert "lack enough evidence" in pick(page, ".answer")[0].text_content()


def test_report_lies_whole_under_its_time_and_as_latest(tmp_path: Path) -> None:
    small = undrawn_bundle(20)
    index = write_report(small, tmp_path)
    assert index == tmp_path / "reports" / "20261121T120000Z" / "index.html"
    assert (tmp_path / "reports" / "latest" / "index.html").read_bytes() == index.read_bytes()
    later = replace(small, generated_at=NOW + timedelta(hours=1), previous=latest_report(tmp_path))
    second = write_report(later, tmp_path)
    assert (tmp_path / "reports" / "latest").resolve() == second.parent
    assert not [p for p in (tmp_path / "reports").iterdir() if p.name.startswith(".")]
    page = html.document_fromstring(second.read_text(encoding="utf-8"))
    assert "Nothing: no new paper" in page.get_element_by_id("changed").text_content()


def test_a_copied_home_whose_latest_became_a_folder_goes_on(tmp_path: Path) -> None:
    small = undrawn_bundle(8)
    first = write_report(small, tmp_path / "home")
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    assert not (tmp_path / "copy" / "reports" / "latest").is_symlink()
    later = replace(small, generated_at=NOW + timedelta(hours=1))
    second = write_report(later, tmp_path / "copy")
    reports = tmp_path / "copy" / "reports"
    assert (reports / "latest").resolve() == second.parent
    assert (reports / f"before-{later.stamp}-latest" / "index.html").read_bytes() == first.read_bytes()
    assert latest_report(tmp_path / "copy") == second.parent


def test_second_report_of_one_time_is_refused(tmp_path: Path) -> None:
    small = undrawn_bundle(20)
    write_report(small, tmp_path)
    with pytest.raises(ReportError, match="already there"):
        write_report(small, tmp_path)


def test_half_written_report_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("msminer.report.folder.write_tables", full)
    with pytest.raises(ReportError, match="free space"):
        write_report(undrawn_bundle(20), tmp_path)
    assert list((tmp_path / "reports").iterdir()) == []


def test_verdict_on_an_unknown_claim_is_refused(bundle: ReportBundle, tmp_path: Path) -> None:
    strange = {"rules_version": "1", "verdicts": [{**bundle.verdicts["verdicts"][0], "claim_id": "S9-99"}]}
    with pytest.raises(ReportError, match="S9-99"):
        write_report(replace(bundle, verdicts=strange), tmp_path)


def test_unknown_verdict_is_refused(bundle: ReportBundle, tmp_path: Path) -> None:
    strange = {"rules_version": "1", "verdicts": [{**bundle.verdicts["verdicts"][0], "verdict": "proven"}]}
    with pytest.raises(ReportError, match="proven"):
        write_report(replace(bundle, verdicts=strange), tmp_path)


def test_time_without_zone_is_refused(bundle: ReportBundle, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="time zone"):
        write_report(replace(bundle, generated_at=datetime(2026, 11, 21)), tmp_path)
    assert bundle.generated_at.tzinfo is UTC


@pytest.mark.slow
def test_five_thousand_articles_stay_small(tmp_path: Path) -> None:
    index = write_report(make_bundle(MOST_ROWS), tmp_path)
    assert index.stat().st_size < 5_000_000


@pytest.mark.parametrize(
    ("verdict", "pictured"), [("backed in models only", "Animal studies"), ("contested", "Controlled trials")]
)
def test_an_animal_picture_stands_only_beside_a_verdict_on_models(
    undrawn: ReportBundle, verdict: str, pictured: str
) -> None:
    entries = json.loads(json.dumps(undrawn.verdicts))
    entries["verdicts"][0] |= {"verdict": verdict, "searched": True}
    card = html.document_fromstring(render(replace(undrawn, verdicts=entries))).get_element_by_id("S0-01")
    assert pick(card, "figcaption")[0].text_content().startswith(pictured)


def test_card_shows_scores_beside_baselines_with_intervals(page: html.HtmlElement) -> None:
    method = page.get_element_by_id("method").text_content()
    assert "0.93 (0.90 to 0.95)" in method
    assert "not given" in method  # the baseline has no such score
    assert "Can its probabilities be trusted?" in method


def test_card_without_scores_is_shown_as_it_is(undrawn: ReportBundle) -> None:
    page = html.document_fromstring(render(replace(undrawn, card={"model": "m", "list": list(range(99))})))
    method = page.get_element_by_id("method").text_content()
    assert "99 entries, in model_card.json" in method
    assert "Can its probabilities" not in method


@pytest.mark.parametrize(
    ("marks", "drawn"),
    [
        (
            '<line transform="translate(1,2)" x2="0" y2="5" stroke="#010101"/>'
            '<line transform="translate(3,4.26)" x2="6" y2="0" stroke="#010101"/>',
            '<path d="M1,2l0,5M3,4.3h6" stroke="var(--ink)"/>',
        ),
        (
            '<path transform="translate(10,20)" d="M2.9,0A2.9,2.9,0,1,1,-2.9,0h1Z"/>'
            '<path transform="translate(-10,1e1)" d="M-.5,0H1V2L3,4"/>',
            '<path d="M12.9,20A2.9,2.9,0,1,1,7.1,20h1ZM-10.5,10H-9V12L-7,14"/>',
        ),
        # Another look, another kind of move or another node between: each stays as it is.
        (
            '<line transform="translate(1,2)" x2="3"/><line transform="rotate(9)" x2="3"/><line x2="4" stroke="red"/>',
            '<line transform="translate(1,2)" x2="3"/><line transform="rotate(9)" x2="3"/><line x2="4" stroke="red"/>',
        ),
    ],
)
def test_marks_drawn_alike_become_one_path_in_the_same_place(marks: str, drawn: str) -> None:
    small = slim(f'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><g>{marks}</g></svg>', "label")
    assert re.sub(r"^<svg[^>]*>|</svg>$", "", small) == drawn


def test_two_kinds_are_set_side_by_side_only_where_both_have_studies_enough(bundle: ReportBundle) -> None:
    whole = tier_figure(bundle.studies, bundle.findings)
    assert whole is not None
    assert "animal studies and" in whole.note
    trials = bundle.studies[bundle.studies["tier"] == "trial_controlled"].head(3)
    few = tier_figure(pd.concat([bundle.studies[bundle.studies["tier"] == "animal"], trials]), bundle.findings)
    assert few is not None
    assert few.note == ""


def test_rate_leaves_other_diseases_out_and_is_none_where_papers_are_fewer(bundle: ReportBundle) -> None:
    def rates(changed: ReportBundle) -> list[str]:
        return [f.caption for f in cell_trends(changed)[0][0].figures if "per 1,000" in f.title]

    studies = bundle.studies.copy()
    studies["populations"] = [["other_disease"]] * len(studies)
    assert rates(replace(bundle, studies=studies))[0].startswith("0 studies (other diseases left out)")
    assert int(rates(bundle)[0].split()[0]) > 0
    assert rates(replace(bundle, denominators=bundle.denominators.assign(ms_papers=1))) == []


@pytest.mark.parametrize("name", ["style.css", "plain.css", "page.js"])
def test_what_browsers_take_as_it_is_holds_ascii_alone(name: str) -> None:
    """The page writes other characters as references, which style and script elements would show as they stand."""
    assert (Path(render.__globals__["__file__"]).parent / "templates" / name).read_bytes().isascii()
