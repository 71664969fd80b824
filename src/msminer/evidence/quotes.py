"""Checks that every sentence shown is verbatim and was labelled as what it is shown for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msminer.evidence.publications import Publication


def wrong_quotes(verdicts: Mapping[str, Any], publications: Iterable[Publication]) -> list[str]:
    """What is wrong with the sentences of the verdicts, one line each; empty where all is well.

    A quote or digest must stand at its offsets in title + newline + abstract, a fact be one of its publication's. The
    publication must hold a finding of that sentence with the outcome, direction and cell type it is shown for.
    """
    known = {one.id: one for one in publications}
    out = []
    for entry in verdicts["verdicts"]:
        for row in [*entry["sentences"], *((entry["also_report"] or {}).get("sentences", []))]:
            why = _wrong(row, known.get(row["publication_id"]))
            if why:
                out.append(f"{entry['claim_id']}, {row['publication_id']}: {why}: {row['text'][:60]!r}")
    return out


def _wrong(row: Mapping[str, Any], publication: Publication | None) -> str | None:
    if publication is None:
        return "no such publication"
    if row["outcome"] is None:
        return None if row["text"] in publication.abstract else "not in the abstract"
    text = f"{publication.title or ''}\n{publication.abstract}"
    if row["kind"] != "fact" and text[row["start"] : row["end"]] != row["text"]:
        return "not at its offsets"
    keys = ("outcome", "direction", "cell_type", "text")
    shown = tuple(row[key] for key in keys)
    labelled = any((one.outcome, one.direction, one.cell_type, one.text) == shown for one in publication.findings)
    return None if labelled else "not labelled as what it is shown for"
