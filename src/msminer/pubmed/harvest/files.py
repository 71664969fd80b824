"""A user's own files as a source: PubMed XML (plain or gzip) and the text that PubMed's website saves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msminer.errors import ParseError, UsageError
from msminer.pubmed.harvest.summary import HarvestSummary, Progress, QuerySummary, Sizes, silent
from msminer.pubmed.parse import ParsedPage, iter_file
from msminer.resources import file_sha256
from msminer.store import Page, SetAside, Store, Written, utc
from msminer.store.writing import bury, join_query, save_page

_TEXT = frozenset({".nbib", ".txt"})


def harvest_files(
    store: Store, paths: Sequence[Path], *, now: datetime, queries: Sequence[str] = (), progress: Progress | None = None
) -> HarvestSummary:
    """Store the records of files; each file is one transaction, so a damaged one leaves nothing behind and is named.

    queries: the named queries whose records these are to count as. Raises UsageError when no file could be read.
    """
    tell, written, left_out, unproved = progress or silent, Written(), [], []
    with store.run_unless_held("files"):
        for number, path in enumerate(paths):
            tell("files", number, len(paths))
            try:
                written.add(_one_file(store, path, now, queries))
            except (ParseError, OSError) as error:
                left_out.append((path.name, str(error) or type(error).__name__))
            else:
                unproved += [path.name] if path.suffix.lower() in _TEXT else []
        tell("files", len(paths), len(paths))
    if len(left_out) == len(paths):
        raise UsageError("none of the files holds PubMed records", left_out=left_out)
    return _summary(written, left_out, unproved, queries, now)


def _one_file(store: Store, path: Path, now: datetime, queries: Sequence[str]) -> Written:
    written, sha256 = Written(), file_sha256(path)
    with store.writing() as connection:
        for part in _parts(path):
            bad = [SetAside(each.pmid, each.reason, each.raw) for each in part.bad]
            asked = [record["pmid"] for record in part.records]
            page = Page(path.name, asked, None, part.records, bad, sha256=sha256)
            written.add(save_page(connection, page, now))
            bury(connection, part.deleted, now.date())
            for query in queries:
                join_query(connection, query, asked, utc(now))
    return written


def _parts(path: Path) -> Iterator[ParsedPage]:
    if path.suffix.lower() not in _TEXT:
        yield from iter_file(path)
        return
    from msminer.pubmed.medline import parse_medline

    export = parse_medline(path.read_bytes(), source=path.name)
    yield ParsedPage(records=export.records, bad=export.bad)


def _summary(
    written: Written, left_out: list[tuple[str, str]], unproved: list[str], queries: Sequence[str], now: datetime
) -> HarvestSummary:
    warnings = [f"{name} was left out: {reason}" for name, reason in left_out]
    warnings += [f"{name} is a text export, which has no end mark: it cannot be proved complete" for name in unproved]
    if written.set_aside:
        warnings.append(
            f"{len(written.set_aside)} records could not be read and were set aside; see the table quarantine"
        )
    new, changed, aside = len(set(written.new)), len(set(written.changed)), len(written.set_aside)
    already = len(set(written.same) - set(written.new) - set(written.changed))
    sizes: Sizes = {"new": new, "changed": changed, "already": already, "missing": 0, "quarantined": aside}
    count = new + changed + already + aside
    parts = tuple(
        QuerySummary(name, "", utc(now), count, **sizes, dropped=0, requests=0, translation="") for name in queries
    )
    return HarvestSummary(parts, **sizes, requests=0, pages=0, warnings=tuple(warnings), left_out=tuple(left_out))
