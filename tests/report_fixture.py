"""Invented report bundles of any size: the texts are made up, the register is the shipped one."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pandas as pd
import yaml

from msminer import schema
from msminer.report.bundle import ReportBundle
from msminer.resources import shipped

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOSTILE = (
    "<script>window.pwned = 1</script> stem cells",
    '<img src=x onerror="window.pwned = 1"> & <i title="&quot;">CD34</i>&#43;',
    "<math><mi>x</mi><mtext><script>window.pwned = 1</script></mtext></math> grafts",
    "\u202eevil\u202c \u05ea\u05d0\u05d9 \u05d2\u05d6\u05e2 \u0627\u0644\u062e\u0644\u0627\u064a\u0627 in MS",
    "Very" + "long" * 120 + " word",
    '=HYPERLINK("http://evil.example","x")',
    "{{ 7 * 7 }} {% raw %} {$ {\\input{x}} %&_#~^ $",
    "]]></script><!-- --><style>body{display:none}</style>",
)
CELLS = ["HSC", "MSC", "EV"]
OUTCOMES = ["disability", "relapse", "mri", "remyelination", "immune", "neuroprotection", "quality_of_life", "safety"]
DIRECTIONS = ["benefit", "benefit", "benefit", "no_effect", "mixed", "harm"]
DESIGNS = [
    "animal",
    "animal",
    "in_vitro",
    "trial_uncontrolled",
    "trial_controlled",
    "observational",
    "case_report",
    "narrative_review",
]
KINDS = ["backed", "backed in models only", "contested", "challenged", "insufficient", "insufficient"]


def pick(node: Any, selector: str) -> list[Any]:
    """Elements below a node by a small part of CSS: tag, .class, [attribute], blanks, commas."""
    step = re.compile(r"([a-z0-9]*)((?:\.[\w-]+)?)((?:\[[^\]]+\])?)")
    paths = []
    for alternative in selector.split(","):
        path = "."
        for part in alternative.replace(">", " ").split():
            match = step.fullmatch(part)
            if match is None:
                raise ValueError(part)
            tag, name, attribute = match.groups()
            path += f"//{tag or '*'}"
            path += f"[contains(concat(' ', @class, ' '), ' {name[1:]} ')]" if name else ""
            path += f"[@{attribute[1:-1]}]" if attribute else ""
        paths.append(path)
    return list(node.xpath(" | ".join(paths)))


def make_articles(size: int, seed: int = 7) -> list[dict[str, Any]]:
    """Rows of schema.ARTICLES; the first ones have hostile titles, every tenth a local identifier."""
    rng = random.Random(seed)
    rows = []
    for i in range(size):
        local = i % 10 == 9
        title = (
            HOSTILE[i]
            if i < len(HOSTILE)
            else f"Invented study {i} of {rng.choice(CELLS)} cells in people and models, with a title of usual length"
        )
        rows.append(
            {
                "pmid": str(990000001 + i) if local else str(20000000 + i),
                "version": 1,
                "kind": "article",
                "title": title,
                "abstract": f"Invented abstract {i}. {title} did well.",
                "sections": [{"label": None, "text": "x"}],
                "year": None if i % 25 == 24 else 2005 + rng.randrange(22),
                "date": None,
                "journal": rng.choice(["J Invented Med", "Ann Zürich", None]),
                "authors": [f"Author{i} A", "Other B"] if i % 7 else [],
                "doi": f"10.1000/invented.{i}" if i % 3 else None,
                "pmcid": None,
                "mesh": [],
                "publication_types": [],
                "keywords": [],
                "languages": ["eng"],
                "trial_ids": [],
                "corrections": [],
                "retracted": i % 97 == 11,
                "concern": i % 97 == 12,
                "date_revised": None,
                "queries": ["stem_cells_ms"],
                "fetched_at": "2026-11-21T10:00:00Z",
                "page_sha256": None,
            }
        )
    return rows


def make_labels(
    articles: list[dict[str, Any]], seed: int = 7
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of labels, findings and studies."""
    rng = random.Random(seed + 1)
    labels, findings, studies = [], [], []
    for row in articles:
        pmid, cell, design = row["pmid"], rng.choice(CELLS), rng.choice(DESIGNS)
        population = "eae" if design in {"animal", "in_vitro"} else "ms"
        chosen = [("cell_types", cell), ("study_design", design), ("populations", population)]
        if population == "eae":
            chosen.append(("populations", "animal_model"))
        labels += [{"pmid": pmid, "axis": a, "label": v, "p": 0.9, "model": "msminer-1-test"} for a, v in chosen]
        for outcome in rng.sample(OUTCOMES, rng.choice([1, 2, 3])):
            findings.append(
                {
                    "pmid": pmid,
                    "outcome": outcome,
                    "direction": rng.choice(DIRECTIONS),
                    "cell_type": cell,
                    "start": 0,
                    "end": 10,
                    "quote": f"Invented sentence on {outcome}.",
                    "p": 0.8,
                    "model": "msminer-1-test",
                }
            )
        studies.append(
            {
                "study_id": pmid,
                "publications": [pmid],
                "speaker": pmid,
                "pmid": pmid,
                "year": row["year"],
                "design": design,
                "tier": design,
                "cell_types": [cell],
                "populations": [v for a, v in chosen if a == "populations"],
                "n": rng.randrange(5, 200),
                "follow_up_months": None,
                "retracted": row["retracted"],
                "concern": row["concern"],
                "why_one": "one publication",
            }
        )
    return labels, findings, studies


def make_trends(findings: list[dict[str, Any]], studies: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of schema.TRENDS with crude limits."""
    by = {s["study_id"]: s for s in studies}
    frame = pd.DataFrame(
        [
            {
                **f,
                "year": by[f["pmid"]]["year"],
                "population": "ms" if "ms" in by[f["pmid"]]["populations"] else "animal_model",
            }
            for f in findings
            if by[f["pmid"]]["year"]
        ]
    )
    rows = []
    for (cell, outcome, population), group in frame.groupby(["cell_type", "outcome", "population"]):
        for year in range(2005, 2027):
            part = group[group["year"] == year]
            total, hits = len(part), int((part["direction"] == "benefit").sum())
            share = hits / total if total else None
            rows.append(
                {
                    "cell_type": cell,
                    "outcome": outcome,
                    "direction": "benefit",
                    "population": population,
                    "year": year,
                    "studies": hits,
                    "total": total,
                    "share": share,
                    "share_low": max(0.0, share - 0.3) if share is not None else None,
                    "share_high": min(1.0, share + 0.3) if share is not None else None,
                    "method": "Wilson",
                    "ms_papers": 4000,
                    "rate_per_1000": 1000 * hits / 4000,
                    "incomplete": year == 2026,
                }
            )
    return rows


def make_verdict(claim: dict[str, Any], i: int, articles: list[dict[str, Any]]) -> dict[str, Any]:
    """One verdict entry with every key of docs/architecture.md."""
    kind = ["confirmed", "misquoted", "not found"][i % 3] if claim["check"] == "citation" else KINDS[i % len(KINDS)]
    papers = [articles[(i * 5 + k) % len(articles)] for k in range(4)]
    pmids = [None if int(p["pmid"]) >= 990000000 else p["pmid"] for p in papers]
    tiers = [
        {
            "tier": "trial_controlled",
            "scope": "human",
            "studies": 2,
            "benefit": 1,
            "no_effect": 1,
            "harm": 0,
            "mixed": 0,
            "share": 0.5,
            "low": 0.1,
            "high": 0.9,
            "method": "beta-binomial",
            "stance": "split",
            "study_ids": [p["pmid"] for p in papers[:2]],
        },
        {
            "tier": "animal",
            "scope": "model",
            "studies": 2,
            "benefit": 2,
            "no_effect": 0,
            "harm": 0,
            "mixed": 0,
            "share": 1.0,
            "low": 0.4,
            "high": 1.0,
            "method": "beta-binomial",
            "stance": "supports",
            "study_ids": [p["pmid"] for p in papers[2:]],
        },
    ]
    return {
        "claim_id": claim["id"],
        "verdict": kind,
        "reason": f"1 of 2 controlled trials and 2 of 2 animal studies report {kind}.",
        "tiers": tiers,
        "deciding": [
            {
                "study_id": p["pmid"],
                "publication_id": p["pmid"],
                "pmid": m,
                "doi": p["doi"],
                "title": p["title"],
                "first_author": None,
                "year": p["year"],
                "journal": p["journal"],
                "design": "trial_controlled",
                "tier": "trial_controlled",
                "cell_type": "HSC",
                "outcome": "relapse",
                "direction": "benefit",
                "n": 48,
                "concern": k == 1,
            }
            for k, (p, m) in enumerate(zip(papers, pmids, strict=True))
        ],
        "sentences": [
            {
                "publication_id": p["pmid"],
                "pmid": m,
                "text": f"Invented sentence: {p['title']} <b>did</b> well.",
                "kind": ["quote", "digest", "fact"][k % 3],
                "outcome": "relapse",
                "direction": "benefit",
                "cell_type": "HSC",
                "start": 0,
                "end": 10,
                "p": 0.9,
            }
            for k, (p, m) in enumerate(zip([*papers, papers[0]], [*pmids, pmids[0]], strict=True))
        ],
        "as_of": [
            {"year": 2010, "verdict": "insufficient", "studies": 1},
            {"year": 2015, "verdict": "insufficient", "studies": 2},
            {"year": 2019, "verdict": kind, "studies": 4},
        ],
        "flipped": 2019,
        "without_most_influential": {
            "study_id": papers[0]["pmid"],
            "verdict": "insufficient",
            "title": papers[0]["title"],
        },
        "with_retracted": {"verdict": kind, "studies": 1},
        "would_change": "Two more controlled trials that find no effect.",
        "subtypes": [{"population": "rrms", "studies": 3, "agree": 2, "share": 0.5, "low": 0.1, "high": 0.9}]
        if i % 4 == 0
        else [],
        "safety": {"harm": 2, "mixed": 3, "benefit": 7, "no_effect": 0, "case_reports_of_harm": [papers[0]["pmid"]]}
        if i % 5 == 0
        else None,
        "also_report": {
            "claim": {"population": ["ms"]},
            "verdict": "insufficient",
            "reason": "No study in people.",
            "tiers": [],
        }
        if "also_report" in claim
        else None,
        "candidates": [
            {
                "pmid": papers[0]["pmid"],
                "title": papers[0]["title"],
                "fields": {"year": "confirmed", "journal": "differs"},
                "score": 0.9,
            }
        ]
        if claim["check"] == "citation"
        else [],
        "figures": [
            {
                "value": 2800000,
                "quantity": "people with MS",
                "region": "worldwide",
                "year": 2020,
                "publication_id": papers[0]["pmid"],
                "text": "Some 2.8 million people.",
            }
        ]
        if claim["check"] == "figure"
        else [],
        "searched": i % 11 != 10,
        "query": claim.get("query", "stem_cells_ms"),
        "counts": {"matching": 4, "left_out": {"unknown_follow_up": 2}},
    }


def make_bundle(size: int = 60, *, seed: int = 7, **changes: Any) -> ReportBundle:
    """A whole bundle of `size` articles."""
    register = yaml.safe_load(shipped("data", "claims.yaml").read_text(encoding="utf-8"))
    articles = make_articles(size, seed)
    labels, findings, studies = make_labels(articles, seed)
    fields: dict[str, Any] = {
        "origin": "entrez",
        "articles": schema.from_rows(articles, schema.ARTICLES),
        "labels": schema.from_rows(labels, schema.LABELS),
        "findings": schema.from_rows(findings, schema.FINDINGS),
        "studies": schema.from_rows(studies, schema.STUDIES),
        "trends": schema.from_rows(make_trends(findings, studies), schema.TRENDS),
        "trend_tests": schema.empty(schema.TREND_TESTS),
        "denominators": schema.from_rows(
            [
                {"year": y, "ms_papers": 4000, "asked_at": "2026-11-21T10:00:00Z", "query": "ms"}
                for y in range(2005, 2027)
            ],
            schema.DENOMINATORS,
        ),
        "verdicts": {
            "rules_version": "test-1",
            "verdicts": [make_verdict(c, i, articles) for i, c in enumerate(register["claims"])],
        },
        "register": register,
        "generated_at": NOW,
        "predicted_share": 1.0,
        "card": {
            "model": "msminer-1-test",
            "scores": {"cell_types": {"micro_f1": {"value": 0.93, "low": 0.9, "high": 0.95}, "each": {}}},
            "baselines": {"keywords": {}},
            "calibration": {
                "cell_types": {"n": 90, "ece": 0.02, "brier": 0.1, "curve": [{"p": 0.8, "right": 0.7, "n": 10}]}
            },
        },
        "provenance": {
            "searches": [
                {
                    "query": "stem_cells_ms",
                    "term": "stem cells[tiab]",
                    "asked_at": "2026-11-21T10:00:00Z",
                    "count": size,
                    "translation": '"stem cells"[Title/Abstract]',
                    "db_build": None,
                }
            ],
            "versions": {"msminer": "0.1.0", "python": "3.11.9", "lxml": "6.1.0"},
            "model": ["msminer-1-test"],
            "rules": "test-1",
            "checksums": {"claims.yaml": "a" * 64, "vocabulary.yaml": "b" * 64},
            "email": "somebody@example.org",
            "api_key": "k" * 36,
            "store": "/home/somebody/msminer.sqlite",
        },
    }
    return ReportBundle(**{**fields, **changes})


def undrawn_bundle(size: int = 60, **changes: Any) -> ReportBundle:
    """The same without trend charts, which take most of a report's time."""
    return make_bundle(size, trends_publishable=False, trends_reason="Not drawn in this test.", **changes)
