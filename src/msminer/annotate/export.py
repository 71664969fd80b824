"""The labels of a round in the gold format: PMIDs, labels and offsets, never text."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from msminer.annotate.compare import Pair, decided, earlier_rationales, pairs
from msminer.annotate.journal import Entry
from msminer.annotate.project import Project
from msminer.annotate.rules import Labels
from msminer.errors import DataError

# How the record was drawn stands behind how it was labelled, so that nobody takes a chosen record for a random one.
_DRAWN = {"random": "", "narrowing": ", chosen to narrow intervals", "rare": ", rare findings over-sampled"}


@dataclass(frozen=True)
class Exported:
    """What was written: rows per `how`, and records left out per reason."""

    rows: dict[str, int]
    left_out: dict[str, int]


def export_gold(folder: Path, out: Path) -> Exported:
    """Write one line a record in the format of data/gold/gold.jsonl, by PMID; the file appears whole or not at all.

    how: agreed (two readers gave the same labels, none in doubt; of differing rationales the earlier stands),
    adjudicated (a third decided), one reader; then how the record was drawn, unless at random. Left out and counted:
    pairs that wait for a decision, decisions and single readings in doubt, readings of different texts. Raises
    DataError when there is nothing to write.
    """
    project = Project(folder)
    rows, left_out = [], Counter[str]()
    for pmid, how, labels, sha in _outcomes(project):
        if labels is None:
            left_out[how] += 1
        else:
            rows.append(_row(pmid, how, labels, sha))
    if not rows:
        raise DataError(
            "no reading is ready to be written", **{name.replace(" ", "_"): n for name, n in left_out.items()}
        )
    _write(out, sorted(rows, key=lambda row: (len(str(row["pmid"])), str(row["pmid"]))))
    return Exported(dict(Counter(str(row["how"]) for row in rows)), dict(left_out))


def _outcomes(project: Project) -> Iterator[tuple[str, str, Labels | None, str]]:
    drawn = {proposal.pmid: _DRAWN[proposal.draw] for proposal in project.queue()}
    readings, decisions = project.readings(), project.decisions()
    double = {pair.pmid: pair for pair in pairs(readings)}
    for pmid, pair in double.items():
        how, labels = _of_pair(pair, decided(pair, decisions))
        yield pmid, how + (drawn.get(pmid, "") if labels else ""), labels, pair.entries[0].text_sha256
    for contents in readings.values():
        for pmid, entry in contents.finished().items():
            if pmid not in double:
                yield pmid, *_of_one(entry, drawn.get(pmid, "")), entry.text_sha256


def _of_pair(pair: Pair, decision: tuple[str, Entry] | None) -> tuple[str, Labels | None]:
    if not pair.same_text:
        return "readings of different texts", None
    if not pair.needs_decision:
        return "agreed", earlier_rationales(pair)
    if decision is None:
        return "waiting for a decision", None
    in_doubt = decision[1].state == "uncertain"
    return ("decision in doubt", None) if in_doubt else ("adjudicated", decision[1].labels)


def _of_one(entry: Entry, drawn: str) -> tuple[str, Labels | None]:
    return ("one reader in doubt", None) if entry.state == "uncertain" else (f"one reader{drawn}", entry.labels)


def _row(pmid: str, how: str, labels: Labels, sha: str) -> dict[str, object]:
    return {"pmid": pmid, **labels.model_dump(mode="json"), "how": how, "text_sha256": sha}


def _write(out: Path, rows: list[dict[str, object]]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    part = out.with_name(out.name + ".part")
    with part.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out)
