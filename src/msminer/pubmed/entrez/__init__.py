"""The client of NCBI's E-utilities: the only place that opens a connection and the only one that sees the API key."""

from __future__ import annotations

from msminer.pubmed.entrez.client import PAGE, RATE, RATE_WITH_KEY, TOOL, Entrez, open_client
from msminer.pubmed.entrez.timing import Timing

__all__ = ["PAGE", "RATE", "RATE_WITH_KEY", "TOOL", "Entrez", "Timing", "open_client"]
