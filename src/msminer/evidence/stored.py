"""Publications from the store's tables: articles, decided labels and findings, as the classifier read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from msminer.evidence.publications import Finding, Kind, Publication
from msminer.evidence.registry import follow_up_months, patients, registry_numbers
from msminer.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    import pandas as pd

# PubMed identifiers stay far below; the sample gives records without one a number from here on.
LOCAL_IDS = 990_000_000
_HUMAN = frozenset({"protocol", "case_report", "observational", "trial_uncontrolled", "trial_controlled"})


def publications_from_labels(
    articles: pd.DataFrame,
    labels: pd.DataFrame,
    findings: pd.DataFrame,
    *,
    kind: Kind = "quote",
    vocabulary: Vocabulary | None = None,
) -> list[Publication]:
    """Publications of the tables articles, labels and findings, in the order of the articles.

    kind: what a sentence is: `quote` of a published abstract, `digest` of the sample's own. Size and follow-up are read
    from the abstracts of studies in people, registry numbers from record and text. An article without a decided study
    design has the design `unknown`, which counts nowhere; one without labels is left out: nothing is known of it.
    """
    words = vocabulary or load_vocabulary()
    by_axis, chances = _labels(labels)
    by_pmid = _findings(findings, kind)
    return [
        replace(
            _publication(row, by_axis[row["pmid"]], by_pmid.get(row["pmid"], ()), words),
            abstract_kind=kind,
            label_p=chances[row["pmid"]],
        )
        for row in articles.to_dict("records")
        if row["pmid"] in by_axis
    ]


_Chances = dict[str, dict[tuple[str, str], float]]


def _labels(labels: pd.DataFrame) -> tuple[dict[str, dict[str, list[str]]], _Chances]:
    out: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    chances: _Chances = defaultdict(dict)
    for pmid, axis, label, p in labels[["pmid", "axis", "label", "p"]].itertuples(index=False):
        out[pmid][axis].append(label)
        chances[pmid][axis, label] = float(p)
    return dict(out), chances


def _findings(findings: pd.DataFrame, kind: Kind) -> dict[str, tuple[Finding, ...]]:
    columns = ["pmid", "outcome", "direction", "cell_type", "quote", "start", "end", "p"]
    out: dict[str, list[Finding]] = defaultdict(list)
    for pmid, outcome, direction, cell, quote, start, end, p in findings[columns].itertuples(index=False):
        out[pmid].append(Finding(outcome, direction, cell, quote, kind, int(start), int(end), float(p)))
    return {pmid: tuple(found) for pmid, found in out.items()}


def _publication(
    row: Mapping[Any, Any], labels: Mapping[str, list[str]], findings: Iterable[Finding], words: Vocabulary
) -> Publication:
    title, abstract = _text(row["title"]) or "", _text(row["abstract"]) or ""
    design = next(iter(labels.get("study_design", ())), "unknown")
    people = design in _HUMAN
    authors = tuple(row["authors"])
    return Publication(
        id=row["pmid"],
        study_design=design,
        cell_types=_ordered(labels.get("cell_types", ()), words.ids("cell_types")),
        populations=_ordered(labels.get("populations", ()), words.ids("populations")),
        findings=tuple(findings),
        routes=_ordered(labels.get("routes", ()), words.ids("routes")),
        pmid=row["pmid"] if int(row["pmid"]) < LOCAL_IDS else None,
        pmcid=_text(row["pmcid"]),
        doi=_text(row["doi"]),
        year=_whole(row["year"]),
        first_author=authors[0] if authors else None,
        authors=authors,
        journal=_text(row["journal"]),
        title=title or None,
        abstract=abstract,
        n=_float(patients(abstract)) if people else None,
        follow_up_months=follow_up_months(abstract) if people else None,
        trial_ids=registry_numbers(*row["trial_ids"], abstract) or tuple(row["trial_ids"]),
        retracted=bool(row["retracted"]),
        concern=bool(row["concern"]),
        queries=frozenset(row["queries"]),
    )


def _ordered(labels: Iterable[str], order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(labels, key=order.index))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    return None if value is None or value != value else int(value)  # noqa: PLR0124 - NaN differs from itself


def _float(value: int | None) -> float | None:
    return None if value is None else float(value)
