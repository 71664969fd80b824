"""One job: where its records come from, which searches, whose claims."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from msminer.errors import SettingsError, UsageError
from msminer.pubmed.query import NamedQuery, load_named_queries, load_query, named_query
from msminer.settings import Settings, load_settings

if TYPE_CHECKING:
    from msminer.evidence.claims import Register

Source = Literal["sample", "entrez", "files"]
SOURCES = ("sample", "entrez", "files")
# The query whose counts by year are the denominators; its records are never fetched for themselves.
DENOMINATOR = "ms_all"


@dataclass(frozen=True)
class Job:
    """One job: where the records come from, which searches, whose claims.

    queries: what is fetched; a search of the user's own is named `custom` and stands in for the default one.
    paths: the files of source `files`. claims: a register of the user's, or None for the shipped one.
    """

    settings: Settings
    source: Source
    queries: tuple[NamedQuery, ...] = ()
    paths: tuple[Path, ...] = ()
    claims: Path | None = None

    @classmethod
    def plan(
        cls,
        *,
        source: str,
        paths: tuple[Path, ...] = (),
        query: str | None = None,
        query_file: Path | None = None,
        claims: Path | None = None,
    ) -> Job:
        """A checked job; raises UsageError for options that contradict each other, QueryError, SettingsError."""
        if source not in SOURCES:
            raise UsageError("--source is sample, entrez or files", got=source)
        if (source == "files") != bool(paths):
            raise UsageError("files are named with --source files, and only there", source=source, files=len(paths))
        if query is not None and query_file is not None:
            raise UsageError("give --query or --query-file, not both")
        if source == "files" and (query is not None or query_file is not None):
            raise UsageError("--source files searches nothing: leave out --query and --query-file")
        settings = load_settings()
        if source == "entrez" and settings.is_ncbi and settings.email is None:
            raise SettingsError("NCBI asks for a contact address: set MSMINER_EMAIL, or try --source sample first")
        queries = _queries(query, query_file, claims) if source != "files" else ()
        return cls(settings, cast("Source", source), queries, paths, claims)

    @classmethod
    def stored(cls, source: str, claims: Path | None = None) -> Job:
        """A job on what the store of a source holds already; raises UsageError, SettingsError."""
        if source not in SOURCES:
            raise UsageError("--source is sample, entrez or files", got=source)
        return cls(load_settings(), cast("Source", source), claims=claims)

    @property
    def url(self) -> str:
        """Address of the job's store."""
        return self.settings.database_url(self.source)


def _queries(query: str | None, query_file: Path | None, claims: Path | None) -> tuple[NamedQuery, ...]:
    from msminer.evidence.references import reference_queries

    if query is not None:
        return (named_query("custom", query),)
    if query_file is not None:
        return (replace(load_query(query_file), name="custom"),)
    named = [found for found in load_named_queries() if found.name != DENOMINATOR]
    return (*named, *reference_queries(register_of(claims)))


def register_of(claims: Path | None) -> Register:
    """The register of a job: the shipped one, extended or replaced by the user's file; raises ClaimError."""
    from msminer.claimtools.register import load_with

    return load_with(claims)
