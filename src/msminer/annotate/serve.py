"""The annotation page on loopback: one process for one reader, until it is stopped."""

from __future__ import annotations

import secrets
import socket
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msminer.annotate import journal
from msminer.annotate.project import Project
from msminer.annotate.session import Adjudication, Reading, Session, Texts
from msminer.classify.text import sentence_spans
from msminer.errors import UsageError
from msminer.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    import pandas as pd
    import uvicorn

_LOOPBACK = "127.0.0.1"


def texts_of(articles: pd.DataFrame, pmids: list[str]) -> dict[str, tuple[str, str]]:
    """PMID → (title, abstract) of those PMIDs that the articles table holds."""
    found = articles[articles["pmid"].isin(pmids)]
    return {
        pmid: (title, abstract)
        for pmid, title, abstract in zip(found["pmid"], found["title"], found["abstract"], strict=True)
    }


def make_session(
    folder: Path,
    texts: Texts,
    reader: str,
    *,
    adjudicate: bool = False,
    vocabulary: Vocabulary | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Session:
    """A session over a round's folder; raises UsageError when there is nothing to read or to decide."""
    project = Project(folder)
    if not project.queue():
        raise UsageError("the queue is empty: propose records first", folder=folder.name)
    work = Adjudication(project, reader) if adjudicate else Reading(project, reader)
    if not work.pmids:
        raise UsageError("nothing to decide: no record has two finished readings that differ or are in doubt")
    return Session(work, texts, vocabulary=vocabulary or load_vocabulary(), splitter=sentence_spans, now=now)


@contextmanager
def server(session: Session, reader: str, *, port: int = 0) -> Iterator[tuple[uvicorn.Server, socket.socket, str]]:
    """A server that is bound but not running, its socket and the page's address with a fresh token.

    Bound to 127.0.0.1 alone; port 0 takes a free one. Holds the reader's journal while open. Raises UsageError when
    the port is taken or another page of this reader is open.
    """
    import uvicorn

    from msminer.annotate.app import build_app

    with journal.held(session.work.path), socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((_LOOPBACK, port))
            listener.listen()
        except OSError as error:
            raise UsageError("the port cannot be used; take another, or 0", port=port, why=error.strerror) from error
        number = listener.getsockname()[1]
        token = secrets.token_urlsafe(24)
        hosts = frozenset({f"{_LOOPBACK}:{number}", f"localhost:{number}"})
        app = build_app(session, reader=reader, token=token, hosts=hosts)
        # No access log: its lines would hold the token.
        config = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
        yield uvicorn.Server(config), listener, f"http://{_LOOPBACK}:{number}/{token}/"


def serve(
    folder: Path,
    texts: Mapping[str, tuple[str, str]],
    reader: str,
    *,
    adjudicate: bool = False,
    port: int = 0,
    open_browser: bool = True,
    tell: Callable[[str], None] = print,
) -> None:
    """Serve the page until Ctrl+C; `tell` gets the address. Texts are never written.

    texts: PMID → (title, abstract), from the store (`texts_of`).
    adjudicate: decide between the readings of two others; a record that this reader has read is not offered.
    Raises UsageError: an empty queue, nothing to decide, a bad name, the port, a second page of the same reader.
    """
    session = make_session(folder, texts, reader, adjudicate=adjudicate)
    with server(session, reader, port=port) as (running, listener, address):
        tell(f"{'Adjudicator' if adjudicate else 'Reader'} {reader}: open {address}")
        tell("Every change is saved at once. Stop with Ctrl+C.")
        if open_browser:
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):  # Ctrl+C is how the page ends
            running.run(sockets=[listener])
    tell("Stopped; everything is saved.")
