"""Gold labels as numbers: which label holds of which abstract, which sentence states which finding."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify.features import Batch
from msminer.classify.text import full_text
from msminer.errors import DataError
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int32]
MANY = ("cell_types", "populations", "routes")


@dataclass(frozen=True)
class Finding:
    """One finding of the gold: number of its abstract, of its sentence in the batch, outcome, direction, cell type."""

    abstract: int
    sentence: int
    outcome: int
    direction: int
    cell_type: str


@dataclass(frozen=True)
class Targets:
    """Labels of the abstracts of a batch: axis → abstracts x labels, and the findings."""

    axes: Mapping[str, Bools]
    findings: tuple[Finding, ...]

    def outcomes(self, n_abstracts: int, n_outcomes: int) -> Bools:
        """Abstracts x outcomes."""
        out = np.zeros((n_abstracts, n_outcomes), bool)
        for finding in self.findings:
            out[finding.abstract, finding.outcome] = True
        return out

    def sentences(self, n_sentences: int, n_outcomes: int) -> Bools:
        """Sentences x outcomes: the rationale sentences."""
        out = np.zeros((n_sentences, n_outcomes), bool)
        for finding in self.findings:
            out[finding.sentence, finding.outcome] = True
        return out


def read_gold(path: Path) -> list[dict[str, Any]]:
    """Lines of a gold file; raises DataError naming the line that is no JSON or lacks a field."""
    needed = {"pmid", "cell_types", "study_design", "populations", "routes", "findings"}
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError("a gold line is no JSON", line=number, why=str(error)) from error
        if not isinstance(entry, dict) or needed - entry.keys():
            raise DataError("a gold line lacks fields", line=number, missing=sorted(needed - set(entry)))
        out.append(entry)
    return out


# What the field `how` of an entry says of labels that are learned from and never scored on: a language model read the
# abstract, or wrote it.
BY_MODEL = "language model, one reading"
COMPOSED = "composed by a language model, results invented"
Entries = list[Mapping[str, Any]]


def shipped_further() -> tuple[Path, ...]:
    """The labels by a language model that the shipped model learned from: abstracts that it read, and composed."""
    return tuple(shipped("data", "gold", name) for name in ("by_model.jsonl", "composed.jsonl"))


def read_all(
    gold: Path, further: Sequence[Path], records: Sequence[Mapping[str, Any]]
) -> tuple[Entries, list[Mapping[str, Any]]]:
    """Entries that have their text, and those texts: first the gold's, then those of the files `further`.

    further: files like the gold. An entry with title and abstract of its own is marked COMPOSED, any other BY_MODEL;
    those of the gold's own abstracts are left out. Raises DataError as `read_gold` and `paired`, but a file of
    `further` without any text is no error.
    """
    entries, texts = paired(read_gold(gold), records)
    taken = {str(entry["pmid"]) for entry in entries}
    for path in further:
        more, theirs = _others(path, records, taken)
        entries, texts = [*entries, *more], [*texts, *theirs]
    return entries, texts


def _others(path: Path, records: Sequence[Mapping[str, Any]], taken: Collection[str]) -> tuple[Entries, Entries]:
    rows = [row for row in read_gold(path) if str(row["pmid"]) not in taken]
    composed = [{field: row[field] for field in ("pmid", "title", "abstract")} for row in rows if "abstract" in row]
    texts = [*records, *composed]
    held = {str(text["pmid"]) for text in texts}
    kept = [{**row, "how": COMPOSED if "abstract" in row else BY_MODEL} for row in rows if str(row["pmid"]) in held]
    return paired(kept, texts) if kept else ([], [])


def paired(
    gold: Sequence[Mapping[str, Any]], records: Iterable[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Gold entries that have their text, and those texts, in the order of the gold.

    Raises DataError when a text is not the one that was read (`text_sha256`), or when none is there.
    """
    wanted = {str(entry["pmid"]): entry for entry in gold}
    texts = {str(record["pmid"]): record for record in records if str(record["pmid"]) in wanted}
    kept = [entry for pmid, entry in wanted.items() if pmid in texts]
    if not kept:
        raise DataError("no record of the gold was found among the records", wanted=len(wanted))
    for entry in kept:
        record = texts[str(entry["pmid"])]
        told = entry.get("text_sha256")
        if told and told != text_sha256(record):
            raise DataError("the text of a gold record is not the one that was read", pmid=entry["pmid"])
    return kept, [texts[str(entry["pmid"])] for entry in kept]


def text_sha256(record: Mapping[str, Any]) -> str:
    """First 16 hex digits of SHA-256 of title, newline, abstract: the gold's own checksum."""
    text = full_text(record.get("title") or "", record.get("abstract") or "")
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]


def make_targets(gold: Sequence[Mapping[str, Any]], batch: Batch, vocabulary: Vocabulary) -> Targets:
    """Targets of a batch encoded from the gold's texts, in their order; raises DataError for a strange label."""
    axes = {axis: _many(gold, axis, vocabulary.ids(axis)) for axis in MANY}
    axes["study_design"] = _many(
        [{"pmid": g["pmid"], "study_design": [g["study_design"]]} for g in gold],
        "study_design",
        vocabulary.ids("study_design"),
    )
    outcomes, directions = vocabulary.ids("outcomes"), vocabulary.ids("directions")
    findings = [
        Finding(
            number,
            _sentence(batch, number, int(entry["start"]), int(entry["end"])),
            outcomes.index(entry["outcome"]),
            directions.index(entry["direction"]),
            str(entry["cell_type"]),
        )
        for number, line in enumerate(gold)
        for entry in line["findings"]
    ]
    return Targets(axes, tuple(findings))


def _many(gold: Sequence[Mapping[str, Any]], axis: str, ids: Sequence[str]) -> Bools:
    strange = {(line["pmid"], label) for line in gold for label in line[axis] if label not in ids}
    if strange:
        pmid, label = min(strange)
        raise DataError("the gold holds a label that the vocabulary lacks", axis=axis, label=label, pmid=pmid)
    return np.array([[label in line[axis] for label in ids] for line in gold], bool)


def _sentence(batch: Batch, number: int, start: int, end: int) -> int:
    """The sentence that shares most characters with the rationale."""
    first = int(batch.first[number])
    spans = batch.spans[first : batch.first[number + 1]]
    return first + int(np.argmax(np.minimum(spans[:, 1], end) - np.maximum(spans[:, 0], start)))
