"""Trends over all of PubMed: what stands in the shards, through the same functions as a refresh."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from msminer.bulk.manifest import Manifest
from msminer.bulk.resolve import tables
from msminer.bulk.shards import ShardFolder

if TYPE_CHECKING:
    import pandas as pd


def trends(
    folder: ShardFolder, manifest: Manifest, *, now: datetime, errors: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The tables schema.TRENDS and schema.TREND_TESTS over the records on the subject.

    Denominators are the records that the model labels MS, a year. errors: the model's error table, for the intervals.
    A manifest with gaps gives trends with gaps: look at `manifest.gaps` first. Raises DataError without shards.
    """
    from msminer.evidence.claims import load_register
    from msminer.evidence.stored import publications_from_labels
    from msminer.evidence.trends import trend_table

    found = tables(folder, manifest, made_at=now.strftime("%Y-%m-%dT%H:%M:%SZ"))
    publications = publications_from_labels(found.articles, found.labels, found.findings)
    return trend_table(publications, found.denominators, load_register(), now=now, errors=errors)
