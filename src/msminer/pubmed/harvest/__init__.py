"""Fetch what named queries find, whole or not at all: searches that add up, pages that are checked, a durable queue."""

from __future__ import annotations

from msminer.pubmed.harvest.counts import denominators
from msminer.pubmed.harvest.files import harvest_files
from msminer.pubmed.harvest.job import harvest
from msminer.pubmed.harvest.summary import HarvestSummary, QuerySummary

__all__ = ["HarvestSummary", "QuerySummary", "denominators", "harvest", "harvest_files"]
