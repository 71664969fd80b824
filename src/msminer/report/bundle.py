"""What a report is made of: every table, the verdicts and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from msminer.errors import ReportError
from msminer.report.words import VERDICTS
from msminer.schema import ORIGINS

# PubMed identifiers have eight digits in 2026; the sample numbers its records without one from here on.
LOCAL_IDS = 990_000_000


def is_local(pmid: str | None) -> bool:
    """Whether an identifier is msminer's own, which never gets a PubMed link."""
    return pmid is None or not pmid.isascii() or not pmid.isdigit() or int(pmid) >= LOCAL_IDS


@dataclass(frozen=True)
class ReportBundle:
    """Everything one report shows; frames as declared in `msminer.schema`.

    origin: sample, entrez or files.
    verdicts: the JSON of `msminer verdicts` (docs/architecture.md).
    register: data/claims.yaml as read: {"sources": [...], "claims": [...]}.
    card: the model card as a dict; empty where no model was used.
    provenance: queries, dates, counts, versions, checksums; cleaned of addresses and paths before it is shown.
    generated_at: when the report was made; decides its folder's name.
    previous: folder of the report to compare with, or None.
    trends_publishable: False where counts by year say nothing about the field; `trends_reason` then says why.
    predicted_share: share of labels predicted from real abstracts, 0 to 1; None where it is unknown.
    """

    origin: str
    articles: pd.DataFrame
    labels: pd.DataFrame
    findings: pd.DataFrame
    studies: pd.DataFrame
    trends: pd.DataFrame
    trend_tests: pd.DataFrame
    denominators: pd.DataFrame
    verdicts: Mapping[str, Any]
    register: Mapping[str, Any]
    generated_at: datetime
    card: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    previous: Path | None = None
    trends_publishable: bool = True
    trends_reason: str = ""
    predicted_share: float | None = None

    @property
    def stamp(self) -> str:
        """Name of the report's folder, e.g. 20261121T123600Z."""
        return self.generated_at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")

    @property
    def claims(self) -> dict[str, Mapping[str, Any]]:
        """Claims of the register by id."""
        return {str(claim["id"]): claim for claim in self.register.get("claims", [])}


def check_bundle(bundle: ReportBundle) -> ReportBundle:
    """The bundle, if it can be shown; raises ReportError naming what does not fit together."""
    if bundle.origin not in ORIGINS:
        raise ReportError("unknown origin of the records", origin=bundle.origin, known=ORIGINS)
    if bundle.generated_at.tzinfo is None:
        raise ReportError("generated_at must carry a time zone")
    if not bundle.trends_publishable and not bundle.trends_reason:
        raise ReportError("trends that are not shown need a reason")
    unknown = [v["claim_id"] for v in bundle.verdicts.get("verdicts", []) if v["claim_id"] not in bundle.claims]
    if unknown:
        raise ReportError("verdicts on claims that the register does not hold", claims=unknown)
    strange = sorted({v["verdict"] for v in bundle.verdicts.get("verdicts", [])} - VERDICTS.keys())
    if strange:
        raise ReportError("verdicts that the page has no word for", verdicts=strange)
    return bundle
