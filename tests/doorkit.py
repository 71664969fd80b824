"""What the tests of the door share: invented records, a sandbox with a store and a client, and what must be held."""

# ruff: noqa: E501  (records and tables of answers are easier to compare one a line)

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msminer.pubmed.entrez import Entrez, Timing, open_client
from msminer.pubmed.gate import Gate
from msminer.pubmed.harvest import HarvestSummary, harvest
from msminer.pubmed.query import NamedQuery, named_query
from msminer.sandbox import Sandbox
from msminer.settings import Settings
from msminer.store import Store, open_store

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
QUERY = named_query("ms", "sclerosis[tiab]")
# What a fork server imports once, so that each process it forks starts in no time (it does not look into tests/).
PRELOAD = [
    "pytest", "httpx", "pandas", "sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql.psycopg",
    "msminer.sandbox", "msminer.pubmed.harvest", "msminer.pubmed.medline",
]  # fmt: skip
PROLOG = (
    '<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    '"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)


def article(
    pmid: int, *, day: str = "2020/03/04", text: str | None = None, revised: str | None = None, more: str = ""
) -> str:
    """An invented record; `more` goes after its MedlineJournalInfo."""
    year, month, date = day.split("/")
    r_year, r_month, r_date = (revised or day).split("/")
    said = (
        text
        if text is not None
        else f"Invented cells number {pmid} were given to mice. They walked {pmid % 97} % better."
    )
    return (
        f'<PubmedArticle><MedlineCitation Status="MEDLINE" Owner="NLM"><PMID Version="1">{pmid}</PMID>'
        f"<DateRevised><Year>{r_year}</Year><Month>{r_month}</Month><Day>{r_date}</Day></DateRevised>"
        f'<Article PubModel="Print"><Journal><JournalIssue CitedMedium="Print"><PubDate><Year>{year}</Year></PubDate></JournalIssue>'
        f"<Title>Invented journal</Title></Journal><ArticleTitle>Sclerosis &amp; cells, part {pmid}.</ArticleTitle>"
        f"<Abstract><AbstractText>{said}</AbstractText></Abstract><Language>eng</Language>"
        '<PublicationTypeList><PublicationType UI="D016428">Journal Article</PublicationType></PublicationTypeList></Article>'
        f"<MedlineJournalInfo><MedlineTA>Invent J</MedlineTA></MedlineJournalInfo>{more}</MedlineCitation><PubmedData><History>"
        f'<PubMedPubDate PubStatus="entrez"><Year>{year}</Year><Month>{int(month)}</Month><Day>{int(date)}</Day></PubMedPubDate>'
        f'</History><PublicationStatus>ppublish</PublicationStatus><ArticleIdList><ArticleId IdType="pubmed">{pmid}</ArticleId>'
        "</ArticleIdList></PubmedData></PubmedArticle>"
    )


def articles(count: int, first: int = 90_000_001) -> dict[int, str]:
    """Invented records under consecutive PMIDs, one entry day apart each."""
    return {
        pmid: article(pmid, day=f"20{pmid % 20 + 1:02d}/0{pmid % 9 + 1}/{pmid % 28 + 1:02d}")
        for pmid in range(first, first + count)
    }


def write_records(path: Path, records: Iterable[str]) -> Path:
    """A PubMed XML file."""
    path.write_text(PROLOG + "\n".join(records) + "</PubmedArticleSet>", "utf-8")
    return path


def truth(pmids: Iterable[int]) -> dict[str, tuple[str, str]]:
    """Title and abstract that the store must hold for unchanged invented records."""
    return {
        str(p): (f"Sclerosis & cells, part {p}.", f"Invented cells number {p} were given to mice. They walked {p % 97} % better.")
        for p in pmids
    }  # fmt: skip


# Seconds in which all that does not hang is done, on a busy machine too; what hangs in these tests takes longer.
PATIENCE = 15.0
QUICK = Timing(connect=2.0, read=0.4, deadline=2.0, shortest=0.01, longest=0.04, uniform=random.Random(7).uniform)


@dataclass
class Room:
    """A running sandbox, a store and a client that talks to it."""

    server: Sandbox
    store: Store
    client: Entrez
    records: Mapping[int, str]
    settings: Settings
    folder: Path
    summaries: list[HarvestSummary] = field(default_factory=list)

    def harvest(self, *queries: NamedQuery, now: datetime = NOW) -> HarvestSummary:
        """One harvest."""
        self.summaries.append(harvest(self.store, self.client, queries or (QUERY,), now=now))
        return self.summaries[-1]

    def calls(self, name: str) -> list[Any]:
        """Log entries of one program."""
        return [entry for entry in self.server.log if entry.call == name]

    def held(self) -> dict[str, tuple[str, str]]:
        """What the store holds, as `truth` gives it."""
        return {row["pmid"]: (row["title"], row["abstract"]) for _, row in self.store.articles().iterrows()}

    def is_whole(self) -> bool:
        """Whether nothing is lost, doubled or altered."""
        return self.held() == truth(self.records) and self.store.counts()["pending"] == 0


@contextmanager
def a_room(
    folder: Path,
    *,
    records: Mapping[int, str] | int = 5,
    faults: Sequence[Mapping[str, Any]] = (),
    window: int = 9_999,
    timing: Timing = QUICK,
    key: str | None = None,
    rate: bool = False,
    limit: int = 1_000,
    url: str | None = None,
    store_url: str | None = None,
    encoding: str = "gzip",
) -> Iterator[Room]:
    """A room over invented records; without a rate limit, so that only what is tested takes time."""
    chosen = articles(records) if isinstance(records, int) else dict(records)
    folder.mkdir(exist_ok=True)
    path = write_records(folder / "records.xml", chosen.values())
    with Sandbox([path], faults=faults, window=window, rate=rate) as server:
        settings = Settings(entrez_url=url or server.url, home=folder / "home", search_window=window, api_key=key)
        gate = Gate(settings.home, limit)
        with (
            open_client(settings, timing=timing, gate=gate) as client,
            open_store(store_url or settings.database_url("entrez"), origin="entrez") as store,
        ):
            client._wire.http.headers["Accept-Encoding"] = encoding
            yield Room(server, store, client, chosen, settings, folder)


def fault(name: str, call: str = "efetch", *, nth: int = 1, times: int | None = 1, **options: Any) -> dict[str, Any]:
    """One entry of a fault plan."""
    return {"fault": name, "call": call, "nth": nth, "times": times, **options}
