"""The annotation loop without a browser: proposals, rules, journal, agreement, export, the page's defences."""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from msminer.annotate import journal
from msminer.annotate.agreement import agreement, measured
from msminer.annotate.app import build_app
from msminer.annotate.export import export_gold
from msminer.annotate.journal import Entry
from msminer.annotate.keys import assign
from msminer.annotate.project import Project, Proposal, checked_reader
from msminer.annotate.propose import fill_queue, propose
from msminer.annotate.round import prepare
from msminer.annotate.rules import Finding, Labels, complete, problems, text_hash
from msminer.annotate.series import Member, claim_series, narrowing, trend_series
from msminer.annotate.serve import make_session, server, texts_of
from msminer.annotate.session import Changed, Session, Unfinished
from msminer.errors import DataError, StoreFull, UsageError
from msminer.evidence.claims import load_register
from msminer.evidence.publications import Finding as EvidenceFinding
from msminer.evidence.publications import Publication
from msminer.resources import shipped
from msminer.vocabulary import load_vocabulary

WORDS = load_vocabulary()
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
# Invented records.
TEXTS = {
    "1": ("Cells for mice", "Mice were treated. They walked better. None died."),
    "2": ("A letter", "We disagree."),
    "3": ("Another study", "Nothing changed."),
}
SHA = {pmid: text_hash(*text) for pmid, text in TEXTS.items()}
WALKED = Finding(outcome="disability", direction="benefit", cell_type="NSC", start=34, end=53)
DIED = Finding(outcome="safety", direction="benefit", cell_type="NSC", start=54, end=64)
MICE = Labels(cell_types=("NSC",), study_design="animal", populations=("animal_model",), findings=(WALKED,))
LETTER = Labels(cell_types=("none",), study_design="opinion", populations=("ms",))


def project(folder: Path, draws: dict[str, str] | None = None) -> Project:
    made = Project(folder)
    made.add([Proposal(pmid=p, draw=(draws or {}).get(p, "random"), score=0, why="") for p in TEXTS])  # type: ignore[arg-type]
    return made


def write(path: Path, pmid: str, labels: Labels, state: journal.State = "done", of: str | None = None) -> None:
    journal.append(
        path, Entry(pmid=pmid, state=state, labels=labels, text_sha256=SHA[pmid], at="2026-11-21T12:00:00", of=of)
    )


def session_of(folder: Path, reader: str = "ada", **options: Any) -> Session:
    return make_session(folder, TEXTS, reader, vocabulary=WORDS, now=lambda: NOON, **options)


# ---- rules


def messages(labels: Labels, spans: tuple[tuple[int, int], ...] = ((34, 53), (54, 64))) -> list[str]:
    return [problem.message for problem in problems(labels, WORDS, spans)]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"cell_types": ("none", "NSC")}, "none stands alone: take away none, or NSC."),
        ({"cell_types": ()}, "Choose at least one cell type"),
        ({"cell_types": ("MSC-BM", "NSC")}, "MSC-BM needs MSC too"),
        ({"cell_types": ("NSC", "nsc")}, "nsc is no cell type of the vocabulary"),
        ({"study_design": None}, "Choose one study design."),
        ({"study_design": "cohort"}, "cohort is no study design"),
        ({"populations": ("rrms",)}, "rrms needs ms too"),
        ({"populations": ("none", "ms")}, "none stands alone: take away none, or ms."),
        ({"routes": ("by mouth",)}, "by mouth is no route"),
        ({"cell_types": ("OPC",)}, "is about NSC, which is not chosen above"),
        (
            {"findings": (WALKED, WALKED.model_copy(update={"direction": "harm"}))},
            "disability has 2 findings about NSC",
        ),
        ({"findings": (WALKED.model_copy(update={"end": 50}),)}, "needs one whole sentence"),
        ({"findings": (WALKED.model_copy(update={"outcome": "gait"}),)}, "gait is no word of outcomes"),
    ],
)
def test_each_rule_has_its_message(change: dict[str, Any], part: str) -> None:
    found = messages(MICE.model_copy(update=change))
    assert any(part in message for message in found), found


def test_a_right_reading_has_no_problem() -> None:
    assert messages(MICE) == []
    assert messages(LETTER) == []


def test_the_shipped_gold_obeys_the_rules() -> None:
    rows = [json.loads(line) for line in shipped("data", "gold", "gold.jsonl").read_text().splitlines()]
    assert len(rows) == 741
    for row in rows:
        labels = Labels.model_validate({key: row[key] for key in Labels.model_fields})
        spans = [(finding.start, finding.end) for finding in labels.findings]
        assert problems(labels, WORDS, spans) == [], row["pmid"]
        assert set(complete(labels, WORDS)[0].cell_types) == set(labels.cell_types)


def test_implied_labels_are_added_and_said() -> None:
    labels, notes = complete(Labels(cell_types=("MSC-NP",), populations=("rrms", "eae")), WORDS)
    assert labels.cell_types == ("MSC", "MSC-NP")
    assert set(labels.populations) == {"rrms", "ms", "eae", "animal_model"}
    assert notes == [
        "MSC is set too: MSC-NP is a kind of MSC.",
        "animal_model is set too: eae is a kind of animal_model.",
        "ms is set too: rrms is a kind of ms.",
    ]


@settings(max_examples=40, deadline=None)
@given(st.sets(st.sampled_from(WORDS.ids("cell_types"))), st.sets(st.sampled_from(WORDS.ids("populations"))))
def test_completing_is_done_once_and_loses_nothing(cells: set[str], populations: set[str]) -> None:
    labels, _ = complete(Labels(cell_types=tuple(cells), populations=tuple(populations)), WORDS)
    assert cells <= set(labels.cell_types)
    assert populations <= set(labels.populations)
    assert complete(labels, WORDS) == (labels, [])


@pytest.mark.parametrize("axis", WORDS.axes)
def test_each_label_has_a_key_of_its_own(axis: str) -> None:
    keys = assign(WORDS.ids(axis))
    assert len(set(keys.values())) == len(keys) == len(WORDS.ids(axis))
    assert keys.get("none", "x") == "x"


# ---- the journal


def test_the_last_line_holds_and_a_cut_one_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "ada.jsonl"
    write(path, "1", LETTER)
    write(path, "1", MICE)
    with path.open("ab") as file:
        file.write(b'{"pmid": "1", "state": "don')
    assert journal.read(path).latest["1"].labels == MICE
    write(path, "2", LETTER)
    contents = journal.read(path)
    assert (contents.torn, contents.revisions) == (1, {"1": 2, "2": 1})


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=0, max_value=700))
def test_a_crash_at_any_byte_costs_at_most_the_last_change(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("cut") / "ada.jsonl"
    for pmid in TEXTS:
        write(path, pmid, LETTER)
    whole = path.read_bytes()
    kept = whole[: min(cut, len(whole))]
    path.write_bytes(kept)
    ends = [number for number, byte in enumerate(whole) if byte == ord("\n")]
    complete_lines = sum(end <= len(kept) for end in ends)
    assert len(journal.read(path).latest) == complete_lines
    write(path, "3", MICE)
    assert journal.read(path).latest["3"].labels == MICE


def test_a_line_that_was_edited_wrongly_is_named(tmp_path: Path) -> None:
    path = tmp_path / "ada.jsonl"
    path.write_text('{"pmid": "1", "state": "perhaps"}\n')
    with pytest.raises(DataError, match=r"line 1 of ada\.jsonl"):
        journal.read(path)


def _write_forever(path: Path) -> None:
    while True:
        write(path, "1", MICE)


def test_a_killed_writer_leaves_a_readable_journal(tmp_path: Path) -> None:
    path = tmp_path / "ada.jsonl"
    for _ in range(3):
        writer = multiprocessing.get_context("fork").Process(target=_write_forever, args=(path,))
        writer.start()
        while not path.exists() or path.stat().st_size < 1000:
            time.sleep(0.005)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
    contents = journal.read(path)
    assert contents.latest["1"].labels == MICE
    assert contents.torn <= 3


def test_a_disk_that_refuses_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreFull, match="not saved"):
        write(tmp_path / "ada.jsonl", "1", MICE)


def test_one_page_a_reader(tmp_path: Path) -> None:
    path = tmp_path / "ada.jsonl"
    with journal.held(path), pytest.raises(UsageError, match="another page"), journal.held(path):
        pass
    with journal.held(path):
        pass


@pytest.mark.parametrize("name", ["", "../eva", "a b", "a/b", ".hidden", "x" * 41])
def test_a_readers_name_must_name_a_file(name: str) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        checked_reader(name)


def test_the_queue_grows_behind_itself(tmp_path: Path) -> None:
    made = project(tmp_path)
    new = Proposal(pmid="4", draw="rare", score=1.5, why="safety harm")
    assert made.add([new, Proposal(pmid="1", draw="rare", score=9, why="")]) == 1
    assert [proposal.pmid for proposal in made.queue()] == ["1", "2", "3", "4"]
    assert made.queue()[-1] == new


# ---- a session


def test_a_draft_is_kept_and_an_unfinished_reading_is_refused(tmp_path: Path) -> None:
    project(tmp_path)
    session = session_of(tmp_path)
    with pytest.raises(Unfinished, match="Choose at least one cell type"):
        session.save("1", Labels(), "done", 0)
    saved = session.save("1", Labels(cell_types=("MSC-AD",)), "draft", 0)
    assert saved.labels.cell_types == ("MSC", "MSC-AD")
    again = session_of(tmp_path).record("1")
    assert (again.labels.cell_types, again.state, again.revision) == (("MSC", "MSC-AD"), "draft", 1)


def test_two_tabs_do_not_overwrite_each_other(tmp_path: Path) -> None:
    project(tmp_path)
    session = session_of(tmp_path)
    session.save("1", MICE, "done", 0)
    with pytest.raises(Changed, match="another tab"):
        session.save("1", LETTER, "done", 0)


def test_a_changed_text_is_read_anew(tmp_path: Path) -> None:
    project(tmp_path)
    session_of(tmp_path).save("1", MICE, "done", 0)
    changed = {**TEXTS, "1": ("Cells for mice", "Another text.")}
    record = make_session(tmp_path, changed, "ada", vocabulary=WORDS, now=lambda: NOON).record("1")
    assert (record.state, record.labels) == (None, Labels())


def test_the_order_of_work(tmp_path: Path) -> None:
    project(tmp_path)
    session = session_of(tmp_path)
    assert session.next_after() == "1"
    session.save("1", Labels(), "skipped", 0)
    session.save("2", LETTER, "uncertain", 0)
    assert session.next_after("1") == "3"
    session.save("3", LETTER, "done", 0)
    assert session.next_after("3") is None
    assert session.states() == {"1": "skipped", "2": "uncertain", "3": "done"}


def test_a_record_without_text_is_left_out_and_named(tmp_path: Path) -> None:
    project(tmp_path)
    session = make_session(tmp_path, {"1": TEXTS["1"]}, "ada", vocabulary=WORDS, now=lambda: NOON)
    assert (list(session.states()), session.missing()) == (["1"], ["2", "3"])


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="queue is empty"):
        session_of(tmp_path)
    project(tmp_path)
    with pytest.raises(UsageError, match="nothing to decide"):
        session_of(tmp_path, adjudicate=True)


def test_an_adjudicator_sees_others_differences_and_starts_from_what_is_common(tmp_path: Path) -> None:
    made = project(tmp_path)
    write(made.reading_file("ada"), "1", MICE.model_copy(update={"findings": (WALKED, DIED)}))
    write(made.reading_file("bob"), "1", MICE.model_copy(update={"routes": ("other",)}))
    write(made.reading_file("ada"), "2", LETTER)
    write(made.reading_file("bob"), "2", LETTER, "uncertain")
    write(made.reading_file("ada"), "3", LETTER)
    write(made.reading_file("bob"), "3", LETTER)
    write(made.reading_file("eva"), "2", LETTER, "draft")
    session = session_of(tmp_path, "eva", adjudicate=True)
    assert list(session.states()) == ["1"]  # eva began to read 2 herself, 3 is agreed
    assert session.record("1").labels == MICE
    assert session_of(tmp_path, "zoe", adjudicate=True).work.pmids == ["1", "2"]


def test_a_decision_falls_when_a_reading_changes(tmp_path: Path) -> None:
    made = project(tmp_path)
    write(made.reading_file("ada"), "1", MICE)
    write(made.reading_file("bob"), "1", LETTER)
    session_of(tmp_path, "eva", adjudicate=True).save("1", MICE, "done", 0)
    assert export_gold(tmp_path, tmp_path / "out.jsonl").rows == {"adjudicated": 1}
    write(made.reading_file("bob"), "1", LETTER.model_copy(update={"routes": ("other",)}))
    with pytest.raises(DataError, match="waiting"):
        export_gold(tmp_path, tmp_path / "out.jsonl")


def test_who_decided_on_a_record_does_not_read_it(tmp_path: Path) -> None:
    made = project(tmp_path)
    write(made.decision_file("eva"), "2", LETTER, of="x")
    assert session_of(tmp_path, "eva").work.pmids == ["1", "3"]


# ---- export


def test_export_says_how_each_record_was_labelled_and_drawn(tmp_path: Path) -> None:
    made = project(tmp_path, {"2": "rare", "3": "narrowing"})
    later = WALKED.model_copy(update={"start": 54, "end": 64})
    write(made.reading_file("ada"), "1", MICE.model_copy(update={"findings": (later,)}))
    write(made.reading_file("bob"), "1", MICE)
    write(made.reading_file("ada"), "2", LETTER)
    write(made.reading_file("bob"), "3", LETTER, "uncertain")
    out = tmp_path / "out" / "gold.jsonl"
    result = export_gold(tmp_path, out)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    gold = json.loads(shipped("data", "gold", "gold.jsonl").read_text().splitlines()[1])
    assert [list(row) for row in rows] == [list(gold)] * 2
    assert list(rows[0]["findings"][0]) == list(gold["findings"][0])
    assert rows[0]["findings"][0]["start"] == WALKED.start  # of two rationales the earlier
    assert [row["how"] for row in rows] == ["agreed", "one reader, rare findings over-sampled"]
    assert result.left_out == {"one reader in doubt": 1}
    for title, abstract in TEXTS.values():
        assert title not in out.read_text()
        assert abstract not in out.read_text()


def test_a_decision_in_doubt_is_no_gold(tmp_path: Path) -> None:
    made = project(tmp_path)
    write(made.reading_file("ada"), "1", MICE)
    write(made.reading_file("bob"), "1", LETTER)
    write(made.reading_file("ada"), "3", LETTER)
    session_of(tmp_path, "eva", adjudicate=True).save("1", MICE, "uncertain", 0)
    assert export_gold(tmp_path, tmp_path / "out.jsonl").left_out == {"decision in doubt": 1}


def test_readings_of_different_texts_are_left_out(tmp_path: Path) -> None:
    made = project(tmp_path)
    write(made.reading_file("ada"), "1", MICE)
    entry = journal.read(made.reading_file("ada")).latest["1"].model_copy(update={"text_sha256": "0" * 16})
    journal.append(made.reading_file("bob"), entry)
    with pytest.raises(DataError, match="different"):
        export_gold(tmp_path, tmp_path / "out.jsonl")


# ---- agreement


def test_kappa_by_hand(tmp_path: Path) -> None:
    made = project(tmp_path)
    none = LETTER
    for pmid, first, second in (("1", MICE, MICE), ("2", none, none), ("3", MICE, none)):
        write(made.reading_file("ada"), pmid, first)
        write(made.reading_file("bob"), pmid, second)
    table = agreement(tmp_path, WORDS).set_index(["axis", "label"])
    nsc = table.loc[("cell_types", "NSC")]
    # observed 2/3; chance (2/3 * 1/3) + (1/3 * 2/3) = 4/9; kappa (2/3 - 4/9) / (5/9) = 0.4
    assert (nsc["n"], nsc["both"], nsc["first_only"], nsc["second_only"], nsc["neither"]) == (3, 1, 1, 0, 1)
    assert nsc["kappa"] == pytest.approx(0.4)
    assert nsc["low"] <= 0.4 <= nsc["high"] <= 1
    assert table.loc[("study_design", "")]["kappa"] == pytest.approx(0.4)
    unused = table.loc[("cell_types", "OPC")]
    assert math.isnan(unused["kappa"])
    assert unused["note"].startswith("undefined")
    assert table.loc[("sentence", "")]["observed"] == 1.0
    assert set(table["readers"]) == {"ada and bob"}


@given(st.lists(st.integers(0, 8), min_size=2, max_size=60))
@settings(max_examples=30, deadline=None)
def test_kappa_is_that_of_scikit_learn(cells: list[int]) -> None:
    from sklearn.metrics import cohen_kappa_score

    tables = np.zeros((len(cells), 3, 3))
    for row, cell in enumerate(cells):
        tables[row, cell // 3, cell % 3] = 1
    found = measured(tables)
    if "kappa" in found:
        expected = cohen_kappa_score([cell // 3 for cell in cells], [cell % 3 for cell in cells])
        assert found["kappa"] == pytest.approx(expected)
        assert -1 <= found["low"] <= found["high"] <= 1
    else:
        assert found["note"].startswith("undefined")


def test_two_examples_without_a_difference_prove_little() -> None:
    tables = np.zeros((381, 2, 2))
    tables[:2, 0, 0] = 1
    tables[2:, 1, 1] = 1
    found = measured(tables)
    assert found["kappa"] == 1.0
    assert found["low"] < 0.2


def test_agreement_of_nobody_is_an_empty_table(tmp_path: Path) -> None:
    assert agreement(tmp_path, WORDS).empty


# ---- proposals

REGISTER = load_register()


def publication(pmid: str, design: str, p: float, direction: str = "benefit", cell: str = "MSC") -> Publication:
    finding = EvidenceFinding("disability", direction, cell, "Scores changed.", "quote", 0, 5, p)
    return Publication(pmid, design, (cell,), ("ms",), (finding,), pmid=pmid, title="t", year=2020)


def labels_of(publications: list[Publication]) -> pd.DataFrame:
    rows = [
        {"pmid": one.pmid, "axis": axis, "label": label, "p": 0.95, "model": "m"}
        for one in publications
        for axis, label in (
            ("cell_types", one.cell_types[0]),
            ("populations", "ms"),
            ("study_design", one.study_design),
        )
    ]
    return pd.DataFrame(rows)


def test_narrowing_by_hand() -> None:
    sure, unsure = Member("1", 1.0, True), Member("2", 0.5, True)
    gains = narrowing([sure, unsure])
    # m = 1.5, share 1: V = 0.25 / 2.25, so the half width falls from 1.96 / 3, cut to 1/2, to nothing
    assert gains == {"1": 0.0, "2": pytest.approx(50)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.booleans())
def test_narrowing_is_never_negative_and_largest_for_the_most_uncertain(chances: list[float], counted: bool) -> None:
    members = [Member(str(number), r, counted) for number, r in enumerate(chances)]
    gains = narrowing(members)
    assert all(0 <= gain <= 50 for gain in gains.values())
    best = max(members, key=lambda member: member.r * (1 - member.r))
    assert gains[best.pmid] == pytest.approx(max(gains.values()))


def test_only_tiers_that_can_decide_a_claim_count() -> None:
    rows = [publication(str(number), "trial_uncontrolled", 0.99) for number in range(1, 5)]
    rows += [publication("50", "trial_controlled", 0.6), publication("60", "case_report", 0.6)]
    series = claim_series(rows, {}, REGISTER)
    tiers = {tier: [member.pmid for member in members] for (claim, tier), members in series.items() if claim == "S0-26"}
    assert tiers == {"trial_controlled": ["50"], "trial_uncontrolled": ["1", "2", "3", "4"]}
    assert series[("S0-26", "trial_controlled")] == [Member("50", 0.6, True)]


def test_the_most_uncertain_of_the_smallest_series_comes_first() -> None:
    rows = [publication(str(number), "observational", 0.97) for number in range(1, 40)]
    rows += [publication("50", "trial_controlled", 0.6)]
    chosen = propose(rows, labels_of(rows), REGISTER, n=30, seed=1)
    best = max((one for one in chosen if one.draw == "narrowing"), key=lambda one: one.score)
    assert best.pmid == "50"
    assert "trial_controlled" in best.why


def test_trends_are_of_ms_and_its_models_and_of_enough_studies() -> None:
    rows = [publication(str(number), "observational", 0.9) for number in range(1, 5)]
    other = [replace(one, pmid=f"9{one.pmid}", populations=("animal_model", "other_disease")) for one in rows]
    few = [replace(one, pmid=f"8{one.pmid}", populations=("eae", "animal_model")) for one in rows[:2]]
    series = trend_series([*rows, *other, *few], {}, REGISTER)
    assert {key: len(members) for key, members in series.items()} == {("MSC", "disability", "ms"): 4}


def test_a_record_of_undecided_design_may_be_any_study() -> None:
    rows = [publication(str(number), "observational", 0.99) for number in range(1, 9)] + [
        publication("50", "unknown", 0.99)
    ]
    chosen = propose(rows, labels_of(rows), REGISTER, n=5, seed=2)
    assert max(chosen, key=lambda one: one.score if one.draw == "narrowing" else 0).pmid == "50"


def test_proposals_mix_exclude_and_repeat() -> None:
    rows = [
        publication(str(number), "observational", 0.5 + number / 400, "harm" if number % 40 == 0 else "benefit")
        for number in range(1, 121)
    ]
    gold = [
        {"pmid": "7", "cell_types": ["MSC"], "study_design": "observational", "populations": ["ms"], "routes": [],
         "findings": [{"outcome": "disability", "direction": "benefit"}] * 50}
    ]  # fmt: skip
    chosen = propose(rows, labels_of(rows), REGISTER, n=20, seed=3, gold=gold, exclude=frozenset({"8"}))
    pmids = [one.pmid for one in chosen]
    draws = pd.Series([one.draw for one in chosen]).value_counts().to_dict()
    assert draws == {"narrowing": 12, "rare": 4, "random": 4}
    assert len(set(pmids)) == 20
    assert not {"7", "8"} & set(pmids)
    assert {one.why for one in chosen if one.draw == "rare"} >= {"disability harm"}
    assert chosen == propose(rows, labels_of(rows), REGISTER, n=20, seed=3, gold=gold, exclude=frozenset({"8"}))


def test_digests_are_not_annotated() -> None:
    row = publication("1", "observational", 0.7)
    digest = replace(row, findings=(replace(row.findings[0], kind="digest"),))
    with pytest.raises(UsageError, match="digests"):
        propose([digest], labels_of([digest]), REGISTER, n=1, seed=1)


def test_the_queue_is_filled_from_what_it_lacks(tmp_path: Path) -> None:
    rows = [publication(str(number), "observational", 0.7) for number in range(1, 11)]
    assert fill_queue(tmp_path, rows, labels_of(rows), REGISTER, n=6, seed=1) == 6
    assert fill_queue(tmp_path, rows, labels_of(rows), REGISTER, n=6, seed=1) == 4
    assert len(Project(tmp_path).queue()) == 10


# ---- the page's defences

HOST = "127.0.0.1:8000"


class Client:
    """Asks the application without a socket."""

    def __init__(self, app: Starlette) -> None:
        self.app = app

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
                return await client.request(method, path, **options)

        return asyncio.run(asked())

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.ask("POST", path, **options)


def client_of(session: Session) -> Client:
    return Client(build_app(session, reader="ada", token="secret", hosts=frozenset({HOST})))


@pytest.fixture
def client(tmp_path: Path) -> Client:
    project(tmp_path)
    return client_of(session_of(tmp_path))


OWN = {"origin": f"http://{HOST}", "x-msminer": "annotate"}
CHANGE = {"labels": LETTER.model_dump(mode="json"), "state": "done", "revision": 0}


def test_a_change_from_the_page_is_saved(client: Client) -> None:
    answer = client.post("/secret/record/1", json=CHANGE, headers=OWN)
    assert (answer.status_code, answer.json()["next"]) == (200, "/secret/record/2")


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/secret/record/1", {**OWN, "origin": "http://evil.example"}, 403),
        ("/secret/record/1", {"x-msminer": "annotate"}, 403),
        ("/secret/record/1", {"origin": f"http://{HOST}"}, 403),
        ("/secret/record/1", {**OWN, "host": "evil.example"}, 400),
        ("/guess/record/1", OWN, 404),
        ("//record/1", OWN, 404),
    ],
)
def test_a_post_from_elsewhere_is_refused(client: Client, path: str, headers: dict[str, str], status: int) -> None:
    assert client.post(path, json=CHANGE, headers=headers).status_code == status
    assert client.get("/secret/list").text.count("open</span>") == 3


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no json", 422),
        (json.dumps({**CHANGE, "more": 1}).encode(), 422),
        (json.dumps({**CHANGE, "revision": 5}).encode(), 409),
        (json.dumps({**CHANGE, "labels": {"cell_types": ["none"]}}).encode(), 409),
        (b" " * 200_001, 413),
    ],
)
def test_a_bad_change_is_refused_with_a_reason(client: Client, body: bytes, status: int) -> None:
    answer = client.post("/secret/record/1", content=body, headers=OWN)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_headers_and_text_are_safe(client: Client, tmp_path: Path) -> None:
    hostile = {
        **TEXTS,
        "1": ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)> </script>. \u202eRight to left.'),
    }
    answer = client_of(make_session(tmp_path, hostile, "ada", vocabulary=WORDS, now=lambda: NOON)).get(
        "/secret/record/1"
    )
    assert "<script>alert" not in answer.text
    assert "<img" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "'unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert client.get("/secret/static/annotate.js").headers["x-content-type-options"] == "nosniff"
    assert client.get("/secret/static/../app.py").status_code == 404
    assert client.get("/secret/record/99").status_code == 404


def test_the_server_is_bound_to_loopback_under_a_fresh_token(tmp_path: Path) -> None:
    project(tmp_path)
    with server(session_of(tmp_path), "ada") as (_, listener, address):
        assert listener.getsockname()[0] == "127.0.0.1"
        assert len(address.rstrip("/").rsplit("/", 1)[1]) >= 32
        with (
            pytest.raises(UsageError, match="port"),
            server(session_of(tmp_path, "bob"), "bob", port=listener.getsockname()[1]),
        ):
            pass


SERVE = """
from pathlib import Path
import sys
from msminer.annotate.serve import serve
serve(Path(sys.argv[1]), {"1": ("t", "a")}, "ada", open_browser=False, tell=lambda text: print(text, flush=True))
"""


def test_the_page_ends_with_ctrl_c(tmp_path: Path) -> None:
    project(tmp_path)
    with subprocess.Popen([sys.executable, "-c", SERVE, str(tmp_path)], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        address = running.stdout.readline().split()[-1]
        running.stdout.readline()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                assert httpx.get(address, follow_redirects=True).status_code == 200
                break
            except httpx.ConnectError:
                time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        assert "Stopped" in running.stdout.read()
        assert running.wait(timeout=10) == 0


def record(pmid: str) -> dict[str, Any]:
    return {
        "pmid": pmid, "version": 1, "kind": "article", "title": f"Title {pmid}", "abstract": "Text.", "sections": [],
        "year": 2020, "date": None, "journal": None, "authors": [], "doi": None, "pmcid": None, "mesh": [],
        "publication_types": [], "keywords": [], "languages": ["eng"], "trial_ids": [], "corrections": [],
        "retracted": False, "concern": False, "date_revised": None, "queries": ["stem_cells_ms"],
        "fetched_at": "2026-11-21", "page_sha256": None,
    }  # fmt: skip


class FakeStore:
    """The tables of a store."""

    def __init__(self, origin: str, labelled: bool = True) -> None:
        self.origin = origin
        self.rows = [publication(str(n), "observational", 0.7) for n in range(900001, 900021)]
        self.labelled = labelled

    def articles(self) -> pd.DataFrame:
        return pd.DataFrame([record(str(row.pmid)) for row in self.rows])

    def labels(self) -> pd.DataFrame:
        return labels_of(self.rows) if self.labelled else labels_of([]).reindex(columns=["pmid", "axis", "label", "p"])

    def findings(self) -> pd.DataFrame:
        return pd.DataFrame(
            [{"pmid": row.pmid, "outcome": "disability", "direction": "benefit", "cell_type": "MSC", "start": 0,
              "end": 5, "quote": "Title", "p": 0.7, "model": "m"} for row in self.rows]
        )  # fmt: skip


def test_a_round_is_prepared_from_a_store(tmp_path: Path) -> None:
    store: Any = FakeStore("files")
    texts = prepare(store, tmp_path, n=10, seed=1, register=REGISTER)
    assert len(texts) == len(Project(tmp_path).queue()) == 10
    assert all(text == (f"Title {pmid}", "Text.") for pmid, text in texts.items())
    assert prepare(store, tmp_path, n=10, seed=1, register=REGISTER) == texts
    assert len(prepare(store, tmp_path, n=5, seed=1, more=True, register=REGISTER)) == 15


@pytest.mark.parametrize(
    ("store", "message"), [(FakeStore("sample"), "digests"), (FakeStore("files", False), "msminer label")]
)
def test_a_store_that_cannot_be_annotated_says_why(tmp_path: Path, store: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prepare(store, tmp_path)


def test_texts_come_from_the_articles_table() -> None:
    articles = pd.DataFrame({"pmid": ["1", "2"], "title": ["a", "b"], "abstract": ["c", ""]})
    assert texts_of(articles, ["2", "9"]) == {"2": ("b", "")}
