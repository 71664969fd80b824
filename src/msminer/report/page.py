"""The facts the page opens with: counts by verdict, what holds up, what does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msminer.report.claims import ClaimView
from msminer.report.words import TOPICS, VERDICTS, Verdict, plain, sentence

# Claims named on the first screen; more would push the answer below it on a laptop of 1366 x 768.
NAMED = 4


@dataclass(frozen=True)
class LedgerLine:
    """One verdict of the first screen: its claims, its bar's width (0 to 100) and its topics."""

    verdict: Verdict
    claims: tuple[ClaimView, ...]
    width: float
    topics: str


@dataclass(frozen=True)
class Source:
    """One source article with its claims."""

    id: str
    kind: str
    claims: tuple[ClaimView, ...]
    tally: tuple[tuple[Verdict, int], ...]


def ledger(claims: list[ClaimView]) -> list[LedgerLine]:
    """Verdicts that occur, in the reader's order."""
    lines = []
    for verdict in VERDICTS.values():
        mine = tuple(claim for claim in claims if claim.verdict is verdict)
        if mine:
            lines.append(LedgerLine(verdict, mine, round(100 * len(mine) / len(claims), 1), _topics(mine)))
    return lines


def _topics(claims: tuple[ClaimView, ...]) -> str:
    counts = Counter(claim.topic for claim in claims)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(plain(TOPICS, name) if n == 1 else f"{plain(TOPICS, name)} {n}" for name, n in ranked)


# Parts of the answer: (verdicts counted together, words for several, words for one). What was not searched stands by
# itself: it must never look like a lack of studies.
_ANSWERS = (
    (("backed", "confirmed"), "hold up", "holds up"),
    (("models",), "hold only in animals or the dish", "holds only in animals or the dish"),
    (("contested",), "are contested", "is contested"),
    (("challenged", "misquoted", "notfound"), "", ""),
    (("insufficient",), "lack enough evidence", "lacks enough evidence"),
    (("unsearched",), "were not searched", "was not searched"),
)
_FAILS = {
    "challenged": ("are contradicted", "is contradicted"),
    "misquoted": ("misquote a paper", "misquotes a paper"),
    "notfound": ("cite a paper that was not found", "cites a paper that was not found"),
}


def answer(claims: list[ClaimView]) -> list[tuple[str, int, str]]:
    """The answer in a sentence's parts: (verdict key for colour and link, number of claims, words)."""
    counts = Counter(claim.verdict.key for claim in claims)
    parts = []
    for keys, many, one in _ANSWERS:
        found = [key for key in keys if counts[key]]
        number = sum(counts[key] for key in found)
        words = (one if number == 1 else many) or " or ".join(_FAILS[key][number == 1] for key in found)
        if found:
            parts.append((keys[0], number, words))
    return parts


def highlights(claims: list[ClaimView]) -> list[tuple[str, str, list[ClaimView]]]:
    """Claims named on the first screen: those on treating people first, then by the studies behind them."""
    up = [c for c in claims if c.verdict.group == "holds"]
    down = [c for c in claims if c.verdict.group == "fails" or c.verdict.key == "models"]
    # Claims about evidence stand before references, contradicted ones before those that only models back.
    order = ("backed", "confirmed", "challenged", "models", "misquoted", "notfound")
    up, down = (sorted(part, key=lambda c: (order.index(c.verdict.key), *_weight(c))) for part in (up, down))
    return [("Hold up", "backed", up[:NAMED]), ("Do not, or in models only", "challenged", down[:NAMED])]


def _weight(claim: ClaimView) -> tuple[bool, bool, int, str]:
    return (claim.about != "treating people", claim.lead is None, -(claim.lead.studies if claim.lead else 0), claim.id)


def sources(register: Mapping[str, Any], claims: list[ClaimView]) -> list[Source]:
    """Source articles in the register's order, each with its claims and its tally."""
    out = []
    for source in register.get("sources", []):
        mine = tuple(claim for claim in claims if claim.source == source["id"])
        counts = Counter(claim.verdict.key for claim in mine)
        tally = tuple((v, counts[v.key]) for v in VERDICTS.values() if counts[v.key])
        if mine:
            out.append(Source(str(source["id"]), sentence(str(source["kind"])), mine, tally))
    return out
