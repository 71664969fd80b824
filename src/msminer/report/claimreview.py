"""The verdicts as schema.org ClaimReview."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msminer.errors import ReportError
from msminer.report.bundle import ReportBundle
from msminer.report.links import paper_url
from msminer.report.words import sentence, verdict_of

ADVICE = "No medical advice: counts of published studies, read by a program."
# What https://schema.org/ClaimReview and Google's "Fact check" page (2025) ask for, as far as it applies to us. No
# ratingValue: a verdict is no point on a scale, and "backed in models only" must not look like half a truth on people.
REQUIRED = {
    "ClaimReview": (
        "@context",
        "@type",
        "url",
        "datePublished",
        "author",
        "claimReviewed",
        "itemReviewed",
        "reviewRating",
        "reviewBody",
    ),
    "Claim": ("@type", "appearance"),
    "Rating": ("@type", "alternateName", "ratingExplanation"),
    "Organization": ("@type", "name"),
    "CreativeWork": ("@type", "name"),
    "ScholarlyArticle": ("@type", "name"),
}


def claim_reviews(bundle: ReportBundle) -> list[dict[str, Any]]:
    """One valid ClaimReview a verdict; raises ReportError naming the claim and what it lacks."""
    kinds = {str(s["id"]): str(s["kind"]) for s in bundle.register.get("sources", [])}
    reviews = []
    for entry in bundle.verdicts.get("verdicts", []):
        claim = bundle.claims[entry["claim_id"]]
        reviews.append(_review(claim, entry, kinds.get(str(claim["source"]), str(claim["source"])), bundle))
    for review in reviews:
        check_review(review)
    return reviews


def _review(claim: Mapping[str, Any], entry: dict[str, Any], kind: str, bundle: ReportBundle) -> dict[str, Any]:
    reason = sentence(str(entry["reason"]).rstrip(".")) + "."
    sample = " Made from msminer's offline sample of digests." if bundle.origin == "sample" else ""
    return {
        "@context": "https://schema.org",
        "@type": "ClaimReview",
        "url": f"index.html#{claim['id']}",
        "datePublished": bundle.generated_at.date().isoformat(),
        "author": {"@type": "Organization", "name": "msminer"},
        "claimReviewed": str(claim["says"]),
        "itemReviewed": {"@type": "Claim", "appearance": {"@type": "CreativeWork", "name": kind}},
        "reviewRating": {
            "@type": "Rating",
            "alternateName": verdict_of(entry).word,
            "ratingExplanation": reason,
        },
        "reviewBody": f"{reason} {ADVICE}{sample}",
        "citation": [_citation(paper) for paper in entry["deciding"]],
    }


def _citation(paper: Mapping[str, Any]) -> dict[str, Any]:
    url = paper_url(paper["pmid"], paper["doi"])
    cited = {"@type": "ScholarlyArticle", "name": paper["title"] or "[no title]", "url": url}
    if paper["year"]:
        cited["datePublished"] = str(paper["year"])
    return {key: value for key, value in cited.items() if value}


def check_review(review: Mapping[str, Any]) -> None:
    """Nothing, if a review has what schema.org and fact-check readers need; raises ReportError otherwise."""
    _check(review, str(review.get("url")))
    if "no medical advice" not in str(review["reviewBody"]).lower():
        raise ReportError("a ClaimReview must say that it is no medical advice", review=review["url"])


def _check(node: Mapping[str, Any], where: str) -> None:
    kind = str(node.get("@type"))
    if kind not in REQUIRED:
        raise ReportError("unknown type in a ClaimReview", review=where, type=kind)
    empty = [name for name in REQUIRED[kind] if not node.get(name)]
    if empty:
        raise ReportError("a ClaimReview lacks what it needs", review=where, type=kind, missing=empty)
    for value in node.values():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, Mapping):
                _check(part, where)
