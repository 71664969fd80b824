"""Training: gold labels and their texts into a model folder; the same data and seed give the same predictions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from msminer.classify.cues import load_cues
from msminer.classify.features import Encoder, word_key
from msminer.classify.fit import Material, fit, make_material
from msminer.classify.headings import Headings
from msminer.classify.heads import repeatable
from msminer.classify.hints import fit_hints
from msminer.classify.leaks import groups_of
from msminer.classify.modelfile import Model, save_model, state_of
from msminer.classify.models import Beside, Learned
from msminer.classify.phrases import PhraseBook, cue_phrases, vocabulary_phrases
from msminer.classify.roles import fit_roles, no_roles, told_roles
from msminer.classify.targets import BY_MODEL, COMPOSED, make_targets, read_all
from msminer.classify.text import full_text, sentence_spans, tokens
from msminer.classify.topics import fit_topics, topic_texts
from msminer.classify.transfer import fit_change_heads, no_change_heads
from msminer.errors import DataError
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

# A word or pair of words must stand in this many of the abstracts learned from to be counted; 3 gave 50,918 words and
# pairs, a third of the model file (2026-11).
FEWEST_ABSTRACTS = 6
SEED = 20261101


def train(
    gold: Path,
    records: Sequence[Path],
    out: Path,
    seed: int = SEED,
    transfer: Path | None = None,
    further: Sequence[Path] = (),
) -> Model:
    """Fit the classifier on a gold file and the records that hold its texts; write it to the folder `out`.

    records: PubMed XML or JSON lines (pmid, title, abstract). transfer: folder of the public sets of `transfer`,
    which tell rise from fall and results from background; training works without it, findings are somewhat worse.
    further: files of labels by a language model, in the gold's format; heads and trees learn from them too.
    Raises DataError when the gold or its texts do not fit.
    """
    vocabulary = load_vocabulary()
    everything = list(read_records(records))
    entries, texts = read_all(gold, further, everything)
    with repeatable():
        encoder, material = prepare(entries, texts, everything, vocabulary, seed, transfer)
        parts = fit(material, material.real, encoder, vocabulary, seed)
    return save_model(state_of(encoder, parts), golden_records(), out, vocabulary)


def prepare(
    gold: Sequence[Mapping[str, Any]],
    texts: Sequence[Mapping[str, Any]],
    everything: Sequence[Mapping[str, Any]],
    vocabulary: Vocabulary,
    seed: int,
    transfer: Path | None = None,
) -> tuple[Encoder, Material]:
    """Encoder and material of gold entries and their texts; topics and hints come from all other records.

    Words and topics are learned without looking at a label.
    """
    encoder, idf = make_encoder(texts, vocabulary)
    held = frozenset(str(record["pmid"]) for record in texts)
    topics = fit_topics(topic_texts(everything, held) or list(texts), encoder, seed)
    batch = encoder.encode(texts)
    targets = make_targets(gold, batch, vocabulary)
    own = np.array([entry.get("how") not in {BY_MODEL, COMPOSED} for entry in gold])
    if not any(own[finding.abstract] for finding in targets.findings):
        raise DataError("the gold holds no finding: outcomes and directions cannot be learned", abstracts=len(texts))
    learned = Learned(
        idf,
        topics,
        fit_change_heads(transfer, encoder, idf, texts) if transfer else no_change_heads(encoder),
        fit_roles(transfer, encoder, idf, texts) if transfer else no_roles(encoder),
        fit_hints(everything, encoder, idf, texts, seed),
    )
    return encoder, make_material(
        encoder,
        batch,
        targets,
        groups=groups_of(texts),
        own=own,
        composed=np.array([entry.get("how") == COMPOSED for entry in gold]),
        learned=learned,
        beside=Beside(Headings(vocabulary).read(texts), told_roles(texts, batch)),
        vocabulary=vocabulary,
    )


def make_encoder(texts: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> tuple[Encoder, npt.NDArray[np.float32]]:
    """Encoder with the words and word pairs of the texts, and their inverse document frequency."""
    seen: Counter[tuple[str, ...]] = Counter()
    for record in texts:
        seen.update(set(_grams(record)))
    kept = sorted(gram for gram, n in seen.items() if n >= FEWEST_ABSTRACTS)
    words = [gram[0] for gram in kept if len(gram) == 1]
    pairs = [(gram[0], gram[1]) for gram in kept if len(gram) == 2]
    book = PhraseBook([*vocabulary_phrases(vocabulary), *cue_phrases(load_cues())])
    counts = np.array([seen[(w,)] for w in words] + [seen[p] for p in pairs], float)
    return Encoder(book, words, pairs), (np.log(len(texts) / counts) + 1).astype(np.float32)


def _grams(record: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    text = full_text(record.get("title") or "", record.get("abstract") or "")
    for start, end in sentence_spans(text):
        words = [word_key(word) for word in tokens(text[start:end])]
        yield from ((word,) for word in words)
        yield from pairwise(words)


def read_records(paths: Sequence[Path]) -> Iterator[Mapping[str, Any]]:
    """Records of PubMed XML and JSON-lines files, in order; raises ParseError or DataError."""
    from msminer.pubmed.parse import iter_file

    for path in paths:
        if path.name.endswith((".jsonl", ".json", ".ndjson")):
            yield from _json_lines(path)
        else:
            for page in iter_file(path):
                yield from page.records


def _json_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open(encoding="utf-8") as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except json.JSONDecodeError as error:
                raise DataError("a line is no JSON", file=path.name, line=number) from error
            if not isinstance(record, dict) or "pmid" not in record:
                raise DataError("a line is no record: it needs pmid, title, abstract", file=path.name, line=number)
            yield record


def golden_records() -> list[dict[str, Any]]:
    """The records of our own writing whose labels every load checks."""
    lines = shipped("data", "model", "golden.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
