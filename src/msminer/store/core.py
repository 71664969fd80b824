"""The store as others use it: frames, rows and records out of it, labels into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, Table, select

from msminer import schema
from msminer.schema import LabelledRecord
from msminer.store import labels, reading
from msminer.store.runs import Runs
from msminer.store.tables import (
    ARTICLE_VERSIONS,
    DENOMINATORS,
    EVENTS,
    FINDINGS,
    LABELS,
    PAGES,
    QUARANTINE,
    RUNS,
    SEARCHES,
    TOMBSTONES,
)

if TYPE_CHECKING:
    import pandas as pd

# Records handed out at once to a labeller.
_BATCH = 500


class Store(Runs):
    """A store; made by `open_store`, closed by `close` or at the end of a with block."""

    def articles(self) -> pd.DataFrame:
        """Current articles, as schema.ARTICLES, in the order of their PMIDs."""
        with self.reading() as connection:
            return reading.articles(connection)

    def labels(self) -> pd.DataFrame:
        """Decided labels, as schema.LABELS."""
        with self.reading() as connection:
            return reading.plain(connection, LABELS, schema.LABELS)

    def findings(self) -> pd.DataFrame:
        """Findings, as schema.FINDINGS."""
        with self.reading() as connection:
            return reading.plain(connection, FINDINGS, schema.FINDINGS)

    def denominators(self) -> pd.DataFrame:
        """Counts of all MS papers a year, as schema.DENOMINATORS."""
        with self.reading() as connection:
            return reading.plain(connection, DENOMINATORS, schema.DENOMINATORS)

    def runs(self) -> list[dict[str, Any]]:
        """All runs, oldest first."""
        return self._all(RUNS, RUNS.c.id)

    def searches(self) -> list[dict[str, Any]]:
        """All searches, oldest first."""
        return self._all(SEARCHES, SEARCHES.c.id)

    def events(self) -> list[dict[str, Any]]:
        """Retractions, expressions of concern and errata, by PMID, kind and notice."""
        return self._all(EVENTS, EVENTS.c.pmid, EVENTS.c.kind, EVENTS.c.notice)

    def versions(self, pmid: str) -> list[dict[str, Any]]:
        """Former versions of an article, oldest first, each with the record as it was."""
        return self._rows(
            select(ARTICLE_VERSIONS).where(ARTICLE_VERSIONS.c.pmid == pmid).order_by(ARTICLE_VERSIONS.c.number)
        )

    def tombstones(self) -> list[dict[str, Any]]:
        """PMIDs that PubMed did not deliver; gone_at is set from the second miss on another day."""
        return self._all(TOMBSTONES, TOMBSTONES.c.pmid)

    def quarantine(self) -> list[dict[str, Any]]:
        """Bytes set aside, with the reason."""
        return self._all(QUARANTINE, QUARANTINE.c.sha256)

    def counted_years(self) -> list[dict[str, Any]]:
        """The rows of `denominators`, without a frame."""
        return self._all(DENOMINATORS, DENOMINATORS.c.year)

    def pages(self) -> list[dict[str, Any]]:
        """All pages without their bytes, oldest first."""
        columns = [column for column in PAGES.columns if column.name != "raw"]
        return self._rows(select(*columns).order_by(PAGES.c.id))

    def _all(self, table: Table, *order: Any) -> list[dict[str, Any]]:
        return self._rows(select(table).order_by(*order))

    def _rows(self, statement: Select[Any]) -> list[dict[str, Any]]:
        with self.reading() as connection:
            return reading.rows(connection, statement)

    def years(self) -> list[int]:
        """The years that articles are of, in order."""
        with self.reading() as connection:
            return reading.years(connection)

    def found_by(self, *queries: str) -> set[str]:
        """PMIDs of the articles that any of these queries finds."""
        with self.reading() as connection:
            return reading.found_by(connection, queries)

    def contents(self) -> list[list[Any]]:
        """Rows for a checksum: they differ whenever anything does that is evaluated."""
        with self.reading() as connection:
            return list(reading.contents(connection))

    def counts(self) -> dict[str, int]:
        """How many articles, retracted, labelled, events, gone, quarantined and pending the store holds."""
        with self.reading() as connection:
            return reading.counts(connection)

    def unlabelled(self, model: str) -> Iterator[dict[str, Any]]:
        """Records whose present state this model has not labelled: the columns of a ParsedRecord and record_sha256.

        Labels may be saved while it runs.
        """
        with self.reading() as connection:
            pmids = reading.unlabelled(connection, model)
        for start in range(0, len(pmids), _BATCH):
            with self.reading() as connection:
                found = list(reading.records(connection, pmids[start : start + _BATCH]))
            yield from found

    def save_labels(self, records: Sequence[LabelledRecord], hashes: Mapping[str, str]) -> None:
        """Save labels and findings in place of former ones; hashes maps PMID to the record_sha256 that was labelled."""
        with self.writing() as connection:
            labels.save_labels(connection, records, hashes)
