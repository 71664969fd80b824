"""The page: one HTML file that asks no host for anything."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from msminer.report import charts, figures, page, tiers
from msminer.report.bundle import ReportBundle
from msminer.report.card import card_view
from msminer.report.claims import MOST_STUDIES, ClaimView, Tier, claim_views
from msminer.report.diff import changed_view
from msminer.report.exports import FILES
from msminer.report.provenance import clean
from msminer.report.rows import Row, choices, evidence_rows
from msminer.report.values import count, interval, percent
from msminer.report.words import sentences

# Rows of the evidence table that stand in the page at once; the script's STEP says the same.
AT_FIRST = 100
# Longer lists of the model card are curves and matrices.
LONGEST_LIST = 16
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def render(bundle: ReportBundle, changes: dict[str, Any] | None = None) -> str:
    """The page of a bundle in ASCII; `changes` is the diff against an earlier report. Same bundle, same text."""
    entries = list(bundle.verdicts.get("verdicts", []))
    rows = evidence_rows(bundle, _named(entries))
    claims = claim_views(bundle.claims, entries, _places(bundle, rows))
    # These three are our own files; everything else is escaped.
    style, plain, script = _part("style.css"), _part("plain.css"), _part("page.js")
    page_text: str = (
        _environment()
        .get_template("page.html.j2")
        .render(
            _answer(bundle, claims)
            | _trends(bundle)
            | {
                "csp": _policy([style, plain], [script]),
                "style": Markup(style),  # noqa: S704
                "plain_style": Markup(plain),  # noqa: S704
                "script": Markup(script),  # noqa: S704
                "rows": rows,
                "at_first": AT_FIRST,
                "undated": sum(row.year is None for row in rows),
                "choices": choices(rows),
                "most_studies": MOST_STUDIES,
                "claim_rows": _claim_rows(claims),
                "changed": changed_view(changes),
                "card": brief(clean(bundle.card)),
                "provenance": clean(bundle.provenance),
                "files": FILES,
            }
        )
    )
    # Browsers read ASCII without decoding it: a fifth of what opening 5,000 publications costs (2026-11).
    return page_text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _answer(bundle: ReportBundle, claims: list[ClaimView]) -> dict[str, Any]:
    people = [claim for claim in claims if claim.about == "treating people"]
    return {
        "origin": bundle.origin,
        "made": f"{bundle.generated_at.day} {bundle.generated_at:%B %Y}",
        "articles": len(bundle.articles),
        "total": len(claims),
        "sources": page.sources(bundle.register, claims),
        "answer": page.answer(claims),
        "ledger": page.ledger(claims),
        "highlights": page.highlights(claims),
        "people_claims": len(people),
        "models_only": sum(1 for claim in people if claim.verdict.key == "models"),
        "predicted": bundle.predicted_share,
        "rules_version": str(bundle.verdicts.get("rules_version", "not known")),
    }


def _trends(bundle: ReportBundle) -> dict[str, Any]:
    with charts.unchecked():
        shown, few = figures.cell_trends(bundle) if bundle.trends_publishable else ([], "")
        kinds = tiers.tier_figure(bundle.studies, bundle.findings)
        card = card_view(bundle.card)
    return {
        "tier_figure": kinds,
        "card_view": card,
        "trends": shown,
        "too_few": few,
        "trends_reason": "" if bundle.trends_publishable else bundle.trends_reason,
    }


def _named(entries: list[dict[str, Any]]) -> set[str]:
    """Identifiers of everything a verdict names."""
    names: set[str] = set()
    for entry in entries:
        names.update(str(paper["publication_id"]) for paper in entry["deciding"])
        names.update(str(i) for tier in entry["tiers"] for i in tier["study_ids"])
    return names


def _places(bundle: ReportBundle, rows: list[Row]) -> dict[str, int]:
    """Line of the evidence table by publication and by study (its speaker's line)."""
    shown = list(bundle.articles["pmid"])
    ordered = {row.key: row.number for row in rows}
    places = {pmid: ordered[pmid] for pmid in shown if pmid in ordered}
    for study, speaker in zip(bundle.studies["study_id"], bundle.studies["speaker"], strict=True):
        if speaker in places:
            places.setdefault(study, places[speaker])
    return places


def _claim_rows(claims: list[ClaimView]) -> dict[str, dict[str, list[int]]]:
    many = {c.id: {t.key: list(t.rows) for t in c.tiers if len(t.rows) > MOST_STUDIES} for c in claims}
    return {name: tiers for name, tiers in many.items() if tiers}


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("msminer.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "x": lambda share: f"{4 + 192 * share:.1f}".rstrip("0").rstrip("."),
        "percent": percent,
        "limits": _limits,
        "counted": count,
        "sentence": lambda text: " ".join(sentences(text)),
        "spelt": lambda n: _NUMBERS[n] if n < len(_NUMBERS) else str(n),
    }
    return environment


def brief(value: Any, name: str = "model_card.json") -> Any:
    """The value with long lists replaced by their length: curves and matrices belong into the file, not the page."""
    if isinstance(value, dict):
        return {key: brief(inner, name) for key, inner in value.items()}
    if isinstance(value, list) and len(value) > LONGEST_LIST:
        return f"{len(value)} entries, in {name}"
    return [brief(inner, name) for inner in value] if isinstance(value, list) else value


def _limits(tier: Tier) -> str:
    return interval(tier.low, tier.high)


def _part(name: str) -> str:
    text = files("msminer.report").joinpath("templates", name).read_text(encoding="utf-8")
    return re.sub(r"^\s+", "", text, flags=re.MULTILINE) if name.endswith(".css") else text


def _policy(styles: list[str], scripts: list[str]) -> str:
    """Content security policy that allows these very texts and nothing else."""
    return (
        f"default-src 'none'; script-src {_hashes(scripts)}; style-src {_hashes(styles)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashes(texts: list[str]) -> str:
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{digest}'" for digest in digests)
