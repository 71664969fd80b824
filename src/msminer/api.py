"""For notebooks: every table as a tidy frame, from a store or from an exported report.

`source` is always the same: "sample", "entrez" or "files" for the store that `msminer run` filled, or the folder of a
report. Nothing is written, no network is asked, no flow engine is loaded. Columns are in docs/tables.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer.errors import ReportError, UsageError
from msminer.schema import ORIGINS

if TYPE_CHECKING:
    import pandas as pd

    from msminer.evidence.claims import Register
    from msminer.evidence.publications import Publication
    from msminer.steps.judging import Tables

Source = str | Path
DEFAULT = "entrez"


def articles(source: Source = DEFAULT) -> pd.DataFrame:
    """Articles, one row a PMID (schema.ARTICLES); a report folder holds them without abstracts (exports.PUBLICATIONS).

    Raises StoreError where there is no store, ReportError where the folder holds no report; so do all functions here.
    """
    return _frame(source, "articles")


def labels(source: Source = DEFAULT) -> pd.DataFrame:
    """Decided labels, one row an article, axis and label, with calibrated probability (schema.LABELS)."""
    return _frame(source, "labels")


def findings(source: Source = DEFAULT) -> pd.DataFrame:
    """Findings, one row an article, outcome and cell type, with the sentence (schema.FINDINGS)."""
    return _frame(source, "findings")


def studies(source: Source = DEFAULT) -> pd.DataFrame:
    """Studies, one row a study: publications of one trial count once (schema.STUDIES)."""
    return _frame(source, "studies")


def trends(source: Source = DEFAULT) -> pd.DataFrame:
    """Studies per cell type, outcome, direction, population and year, with intervals (schema.TRENDS)."""
    return _frame(source, "trends")


def verdicts(source: Source = DEFAULT) -> pd.DataFrame:
    """Verdicts, one row a claim (exports.VERDICTS); `judgement` has them whole."""
    if (folder := _folder(source)) is not None:
        return open_report(folder).verdicts
    return _judged_frame(judgement(source))


def judgement(source: Source = DEFAULT) -> dict[str, Any]:
    """The verdicts whole: tiers, deciding papers, sentences, history (docs/verdicts.md)."""
    from msminer import steps

    if (folder := _folder(source)) is not None:
        return open_report(folder).judgement
    job = steps.Job.stored(str(source))
    return steps.judge(job, steps.tabulate(job))


def judge(
    claim: Mapping[str, Any] | str, source: Source = DEFAULT, rules: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The verdict on one claim, of the register by its id or one of your own (docs/claims.md).

    rules: rules of judgement to replace for this call, e.g. {"support_share": 0.9}; names are those of the register's
    rules block. source: a store, or an evidence table (.jsonl); a report folder holds no abstracts to judge on.
    Raises ClaimError for a claim or rule that breaks a rule.
    """
    return judge_all([claim], source, rules)["verdicts"][0]  # type: ignore[no-any-return]


def judge_all(
    claims: list[Mapping[str, Any] | str] | None = None,
    source: Source = DEFAULT,
    rules: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The verdicts on several claims at once, on all of the register by default; arguments as for `judge`."""
    from msminer.evidence.references import found_by
    from msminer.evidence.verdicts import judge as judged

    register, evidence = _register(claims, rules), _evidence(source)

    return judged(
        register,
        evidence.publications,
        queries_searched=evidence.searched,
        errors=evidence.errors,
        citation_lookup=found_by(evidence.publications),
    )


@dataclass(frozen=True)
class Report:
    """An exported report: its tables as frames, its verdicts whole, where it came from."""

    folder: Path
    origin: str
    articles: pd.DataFrame
    labels: pd.DataFrame
    findings: pd.DataFrame
    studies: pd.DataFrame
    trends: pd.DataFrame
    trend_tests: pd.DataFrame
    denominators: pd.DataFrame
    verdicts: pd.DataFrame
    judgement: dict[str, Any]
    provenance: dict[str, Any]


def open_report(folder: Source) -> Report:
    """Read an exported report, e.g. data/local/reports/latest; raises ReportError for a folder without one."""
    import json

    from msminer.report.exports import TABLES, read_table

    path = Path(folder)
    try:
        frames = {table.name: read_table(table, path) for table in TABLES}
        whole, origin, made = (
            json.loads((path / name).read_text("utf-8"))
            for name in ("judgement.json", "report.json", "provenance.json")
        )
    except (OSError, ValueError, KeyError) as error:
        raise ReportError("the folder holds no whole report", folder=path.name) from error
    return Report(folder=path, origin=origin["origin"], judgement=whole, provenance=made, **frames)


def show(frame: pd.DataFrame, rows: int = 20) -> Any:
    """The first rows of a frame for a notebook, every text escaped: pandas' Styler does not do it by itself."""
    return frame.head(rows).style.format(escape="html", na_rep="").hide(axis="index")


@dataclass(frozen=True)
class _Evidence:
    """What claims are judged on: publications, names of the searches made (None: they serve all), the error table."""

    publications: list[Publication]
    searched: frozenset[str] | None
    errors: dict[str, Any] | None


def _frame(source: Source, name: str) -> pd.DataFrame:
    folder = _folder(source)
    if folder is None:
        return getattr(_tables(source), name)  # type: ignore[no-any-return]
    return getattr(open_report(folder), name)  # type: ignore[no-any-return]


def _folder(source: Source) -> Path | None:
    """The folder a source names; None for the name of a store. Raises UsageError for neither."""
    if isinstance(source, str) and source in ORIGINS:
        return None
    path = Path(source)
    if not path.is_dir():
        raise UsageError("a source is sample, entrez, files or the folder of a report", got=str(source))
    return path


def _tables(source: Source) -> Tables:
    from msminer import steps

    return steps.tabulate(steps.Job.stored(str(source)))


def _evidence(source: Source) -> _Evidence:
    if str(source).endswith(".jsonl"):
        from msminer.evidence.reader import read_evidence

        return _Evidence(read_evidence(Path(source)), None, None)
    if _folder(source) is not None:
        raise UsageError("a report holds no abstracts to judge on; name its store, e.g. 'sample'", got=str(source))
    return _stored(str(source))


def _stored(source: str) -> _Evidence:
    """The publications of a store, without the trend tables that a claim has no use for."""
    from msminer import steps
    from msminer.steps.judging import classifier_errors
    from msminer.steps.session import store_of

    job = steps.Job.stored(source)
    with store_of(job) as store:
        searched = frozenset(str(row["query"]) for row in store.searches())
    return _Evidence(steps.publications(job), None if source == "files" else searched, classifier_errors())


# What an analyst's own claim need not say; the register's claims say all of it.
_OWN = {"source": "S99", "about": "people", "topic": "own", "strength": "asserts"}


def _register(claims: list[Mapping[str, Any] | str] | None, rules: Mapping[str, Any] | None) -> Register:
    from msminer.evidence.claims import parse_register
    from msminer.vocabulary import load_vocabulary

    data = _register_data()
    known = {claim["id"]: claim for claim in data["claims"]}
    sources = [*data["sources"], {"id": "S99", "kind": "a claim of your own"}]
    chosen = data["claims"] if claims is None else [_claim(c, n, known) for n, c in enumerate(claims, 1)]
    whole = {"rules": {**data["rules"], **(rules or {})}, "sources": sources, "claims": chosen}
    return parse_register(whole, load_vocabulary())


def _claim(claim: Mapping[str, Any] | str, number: int, known: Mapping[str, Any]) -> dict[str, Any]:
    from msminer.errors import ClaimError

    if not isinstance(claim, str):
        return {"id": f"S99-{number:02}", **_OWN, **claim}
    if claim not in known:
        raise ClaimError("the register has no such claim", claim=claim)
    return dict(known[claim])


def _register_data() -> dict[str, Any]:
    import yaml

    from msminer.resources import shipped

    return dict(yaml.safe_load(shipped("data", "claims.yaml").read_text("utf-8")))


def _judged_frame(whole: Mapping[str, Any]) -> pd.DataFrame:
    import pandas as pd

    from msminer.report.exports import VERDICTS, verdict_row

    known = {claim["id"]: claim for claim in _register_data()["claims"]}
    rows = [verdict_row(known[entry["claim_id"]], entry) for entry in whole["verdicts"]]
    return pd.DataFrame(rows, columns=VERDICTS.names)
