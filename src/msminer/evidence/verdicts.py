"""Verdicts on all claims of a register, in the JSON shape of docs/verdicts.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msminer.evidence import wording
from msminer.evidence.claims import DEFAULT_QUERY, Claim, Register
from msminer.evidence.direction import INSUFFICIENT
from msminer.evidence.extras import as_of, flipped, safety, subtypes, with_retracted, without_one, would_change
from msminer.evidence.judging import Case, Context, Lookup, Outcome
from msminer.evidence.labelling import labelling_from
from msminer.evidence.publications import Publication
from msminer.evidence.shapes import candidate_row, deciding_rows, figure_row, sentence_rows, tier_rows
from msminer.evidence.studies import find_studies

# A run on the user's own search term stands in for the default query.
CUSTOM_QUERY = "custom"


def judge(
    register: Register,
    publications: Iterable[Publication],
    *,
    queries_searched: frozenset[str] | None = None,
    errors: Mapping[str, Any] | None = None,
    citation_lookup: Lookup | None = None,
) -> dict[str, Any]:
    """{"rules_version", "verdicts": one entry a claim, in the register's order}; shape and keys in docs/verdicts.md.

    queries_searched: names of the searches made; None for an evidence table, whose rows serve every claim. With names,
    a claim is judged on the records its query found; one whose query was not searched says so, which is no absence.
    errors: the classifier's error table (data/model/errors.json); None where people labelled.
    citation_lookup: given a citation claim, records that a search for its reference brought.
    """
    rows = list(publications)
    context = Context(register, find_studies(rows, register.vocabulary), labelling_from(errors, rows))
    verdicts = []
    for claim in register.claims:
        searched, own = _records(claim, rows, queries_searched)
        looked_up = citation_lookup(claim) if citation_lookup and claim.check == "citation" else ()
        case = Case.of(claim, context, own, looked_up)
        verdicts.append(_entry(case, searched or bool(looked_up)))
    return {"rules_version": register.rules.version, "verdicts": verdicts}


def _records(
    claim: Claim, rows: Sequence[Publication], searched: frozenset[str] | None
) -> tuple[bool, Sequence[Publication]]:
    if searched is None:
        return True, rows
    names = {claim.query} | ({CUSTOM_QUERY} if claim.query == DEFAULT_QUERY else set())
    return bool(names & searched), [row for row in rows if row.queries and names & row.queries]


def _entry(case: Case, searched: bool) -> dict[str, Any]:
    claim, outcome, years = case.claim, case.judge(), as_of(case)
    parts = subtypes(case, outcome)
    core = _core(case, outcome, searched)
    entry = {
        **core,
        "reason": core["reason"] + (wording.subtypes(parts) if searched else ""),
        "as_of": years,
        "flipped": flipped(years),
        "without_most_influential": without_one(case, outcome),
        "with_retracted": with_retracted(case),
        "would_change": would_change(case, outcome),
        "subtypes": parts,
        "safety": safety(case),
        "also_report": None,
        "candidates": [candidate_row(one) for one in outcome.found],
        "figures": [figure_row(one) for one in outcome.numbers],
        "searched": searched,
        "query": claim.query,
        "counts": {"matching": outcome.studies, "left_out": dict(sorted(case.matches.left_out.items()))},
    }
    also = claim.with_also()
    if also is not None:
        entry["also_report"] = _also(Case.of(also, case.context, case.publications), searched)
    return entry


def _core(case: Case, outcome: Outcome, searched: bool) -> dict[str, Any]:
    verdict = outcome.verdict if searched else INSUFFICIENT
    return {
        "claim_id": case.claim.id,
        "verdict": verdict,
        "reason": wording.reason(case, outcome) if searched else wording.not_searched(case.claim),
        "tiers": tier_rows(case, outcome),
        "deciding": deciding_rows(outcome),
        "sentences": sentence_rows(outcome),
    }


def _also(case: Case, searched: bool) -> dict[str, Any]:
    core = _core(case, case.judge(), searched)
    keys = ("cell_types", "outcome", "population", "min_design", "designs")
    changed = {name: value for name, value in case.claim.model_dump(mode="json").items() if name in keys and value}
    return {"claim": changed, **{name: core[name] for name in ("verdict", "reason", "tiers", "deciding", "sentences")}}
