"""Evaluation: labels of abstracts that the model never saw, against the gold and three baselines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from msminer.classify import baselines, card
from msminer.classify.curve import learning_curve
from msminer.classify.errors_table import error_tables
from msminer.classify.fit import INNER_FOLDS, Material, Rows
from msminer.classify.heads import folds, repeatable
from msminer.classify.leaks import check_no_leak
from msminer.classify.nested import Ground, Told, in_processes, out_of_fold
from msminer.classify.scores import calibration, score_all
from msminer.classify.targets import BY_MODEL, COMPOSED, read_all
from msminer.classify.train import SEED, prepare, read_records
from msminer.resources import file_sha256, shipped
from msminer.vocabulary import NONE, Vocabulary, load_vocabulary

OUTER_FOLDS = 5
_MS = frozenset({"ms", "eae", "toxic_demyelination", "dysmyelination"})


def evaluate(
    gold: Path,
    records: Sequence[Path],
    out: Path | None = None,
    *,
    seed: int = SEED,
    processes: int = 2,
    transfer: Path | None = None,
    further: Sequence[Path] = (),
    curve: bool = False,
) -> dict[str, Any]:
    """Nested cross-validation on the gold: 5 outer folds grouped by near-duplicate, all tuning within each.

    Returns the card: scores with 95% bootstrap intervals, baselines, calibration, error tables, data and checksums.
    further: as in `train`; each fold learns from those of its entries that share no text with the abstracts it is asked
    about, and none is scored. curve: also the learning curve, which takes nearly twice as long. With `out`, writes
    card.json, card.md, errors.json and out_of_fold.jsonl there. Raises DataError when splits share a text.
    """
    vocabulary = load_vocabulary()
    everything = list(read_records(records))
    entries, texts = read_all(gold, further, everything)
    with repeatable():
        encoder, material = prepare(entries, texts, everything, vocabulary, seed, transfer)
        outer = splits(material, seed)
        composed = np.flatnonzero(material.composed)
        for train, test in outer:
            taught = np.append(train, composed)
            check_no_leak([texts[r] for r in taught], [texts[r] for r in test], ("train", "test"))
        ground = Ground(entries, texts, encoder, material, vocabulary, seed)
        told = _predictions(ground, outer, processes)
        grown = learning_curve(ground, outer, told["msminer"], processes) if curve else None
    own = int(material.own.sum())
    made = _card(entries[:own], told, vocabulary, seed)
    made["data"] = {
        "gold": _named_sha256(gold),
        "abstracts": own,
        "further": {
            "files": [_named_sha256(path) for path in further],
            "read": sum(entry["how"] == BY_MODEL for entry in entries[own:]),
            "composed": sum(entry["how"] == COMPOSED for entry in entries[own:]),
        },
        "records": [_named_sha256(p) for p in records],
        "seed": seed,
    }
    if grown:
        made["learning_curve"] = grown
    variants = shipped("data", "model") / "variants.json"
    if variants.is_file():
        made["variants"] = json.loads(variants.read_text(encoding="utf-8"))
    made["out_of_fold"] = [_without_quotes(row) for row in told["msminer"]]
    made["split"] = f"{OUTER_FOLDS} outer and {INNER_FOLDS} inner folds, grouped by PMID, DOI and near-duplicate text"
    if out is not None:
        write_card(made, out)
    return made


def splits(material: Material, seed: int) -> list[tuple[Rows, Rows]]:
    """Outer folds (train, test) of the gold; abstracts that a language model read are trained on where they share no
    text with the test. Those that it composed are in no fold.
    """
    own, groups = int(material.own.sum()), np.asarray(material.groups)
    others = material.real[own:]
    outer = folds(own, list(material.groups)[:own], OUTER_FOLDS, seed)
    return [(np.append(train, others[~np.isin(groups[others], groups[test])]), test) for train, test in outer]


def write_card(made: Mapping[str, Any], out: Path) -> None:
    """Write card.json, card.md, errors.json and out_of_fold.jsonl (labels, no text) to a folder."""
    errors = made["errors"]
    rest = {key: value for key, value in made.items() if key not in {"errors", "out_of_fold"}}
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made["out_of_fold"])
    (out / "out_of_fold.jsonl").write_text(lines, encoding="utf-8")
    (out / "card.json").write_text(json.dumps(rest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "errors.json").write_text(json.dumps(errors, indent=1) + "\n", encoding="utf-8")
    (out / "card.md").write_text(card.as_markdown(made), encoding="utf-8")


def _without_quotes(row: Told) -> Told:
    """The labels without the sentences, which are not ours to ship."""
    findings = [{k: v for k, v in finding.items() if k != "quote"} for finding in row["findings"]]
    return {**row, "findings": findings}


def _predictions(ground: Ground, outer: Sequence[tuple[Rows, Rows]], processes: int) -> dict[str, list[Told]]:
    """Labels of all abstracts by name of the labeller: msminer and its baselines."""

    def work(number: int) -> dict[str, list[Told]]:
        train, test = outer[number]
        return {
            "msminer": out_of_fold(ground, train, test),
            "majority": baselines.majority(ground.entries, train, test),
            "keywords": baselines.keywords(ground.material, test, ground.vocabulary, ground.encoder.idea_names),
            "tfidf_lr": baselines.plain(ground.material, train, test, ground.vocabulary),
        }

    results = in_processes(work, len(outer), processes)
    n = int(ground.material.own.sum())
    out: dict[str, list[Told]] = {name: [{} for _ in range(n)] for name in results[0]}
    for (_, test), result in zip(outer, results, strict=True):
        for name, rows in result.items():
            for row, told in zip(test, rows, strict=True):
                out[name][int(row)] = told
    return out


def near(entry: Mapping[str, Any]) -> bool:
    """Whether a gold entry is on a cell and on MS or a model of it: what the verdicts rest on."""
    return entry["cell_types"] != [NONE] and bool(_MS & set(entry["populations"]))


def _card(
    entries: Sequence[Mapping[str, Any]], told: Mapping[str, list[Told]], vocabulary: Vocabulary, seed: int
) -> dict[str, Any]:
    cells = [n for n, g in enumerate(entries) if near(g)]
    mine = told["msminer"]
    return {
        "scores": score_all(entries, mine, vocabulary, seed),
        "scores_cells_and_ms": score_all(
            [entries[n] for n in cells], [mine[n] for n in cells], vocabulary, seed, each=False
        ),
        "baselines": {
            name: score_all(entries, rows, vocabulary, seed, each=False)
            for name, rows in told.items()
            if name != "msminer"
        },
        "calibration": calibration(entries, mine),
        "errors": error_tables(entries, mine, vocabulary),
    }


def _named_sha256(path: Path) -> str:
    return f"{path.name} {file_sha256(path)}"
