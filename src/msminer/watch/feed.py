"""An Atom feed of verdict changes, for readers who follow without an address."""

from __future__ import annotations

from collections.abc import Sequence

from feedgen.feed import FeedGenerator

from msminer.watch.notices import Notice

# Enough for years of changes; a feed reader fetches the whole file each time.
_MOST = 200
_BEGIN = "1970-01-01T00:00:00Z"
DISCLAIMER = "What the searched literature reports, by fixed rules. No medical advice."


def atom(notices: Sequence[Notice]) -> str:
    """Atom 1.0 of the verdict changes among the notices, newest first; the same notices give the same text."""
    changes = sorted((n for n in notices if n.kind == "verdict_flipped"), key=lambda n: (n.at, n.id), reverse=True)
    feed = FeedGenerator()
    feed.id("urn:msminer:verdicts")
    feed.title("msminer: verdicts that changed")
    feed.subtitle(DISCLAIMER)
    feed.author({"name": "msminer"})
    feed.updated(changes[0].at if changes else _BEGIN)
    for notice in changes[:_MOST]:
        _add(feed, notice)
    return str(feed.atom_str(pretty=True).decode("utf-8")) + "\n"


def _add(feed: FeedGenerator, notice: Notice) -> None:
    entry = feed.add_entry(order="append")
    entry.id(f"urn:msminer:notice:{notice.id}")
    entry.title(notice.title)
    entry.updated(notice.at)
    entry.content(f"{notice.text} {DISCLAIMER}", type="text")
