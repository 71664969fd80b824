"""Evaluation: labels of abstracts that the model never saw, against the gold and three baselines."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from msminer.classify import baselines, card, decide, models
from msminer.classify.errors_table import error_tables
from msminer.classify.features import Encoder
from msminer.classify.fit import Material, Rows, fit
from msminer.classify.heads import folds
from msminer.classify.leaks import check_no_leak
from msminer.classify.roles import told_roles
from msminer.classify.scores import calibration, score_all
from msminer.classify.targets import paired, read_gold
from msminer.classify.train import SEED, prepare, read_records
from msminer.vocabulary import NONE, Vocabulary, load_vocabulary

OUTER_FOLDS = 5
_MS = frozenset({"ms", "eae", "toxic_demyelination", "dysmyelination"})
Told = dict[str, Any]
# What forked workers find in their memory: the material is too large to send.
_SHARED: dict[str, Any] = {}


def evaluate(
    gold: Path,
    records: Sequence[Path],
    out: Path | None = None,
    *,
    seed: int = SEED,
    processes: int = 2,
    transfer: Path | None = None,
) -> dict[str, Any]:
    """Nested cross-validation on the gold: 5 outer folds grouped by near-duplicate, all tuning within each.

    Returns the card: scores with 95% bootstrap intervals, baselines, calibration, error tables, data and checksums.
    With `out`, writes card.json, card.md, errors.json and out_of_fold.jsonl there. Raises DataError when splits share
    a text.
    """
    vocabulary = load_vocabulary()
    everything = list(read_records(records))
    entries, texts = paired(read_gold(gold), everything)
    encoder, material = prepare(entries, texts, everything, vocabulary, seed, transfer)
    outer = folds(material.size, list(material.groups), OUTER_FOLDS, seed)
    for train, test in outer:
        check_no_leak([texts[r] for r in train], [texts[r] for r in test], ("train", "test"))
    told = _predictions(
        entries=entries,
        texts=texts,
        encoder=encoder,
        material=material,
        vocabulary=vocabulary,
        outer=outer,
        seed=seed,
        processes=processes,
    )
    made = _card(entries, told, vocabulary, seed)
    made["data"] = {
        "gold": _sha256(gold),
        "abstracts": len(entries),
        "records": [_sha256(p) for p in records],
        "seed": seed,
    }
    made["out_of_fold"] = [_without_quotes(row) for row in told["msminer"]]
    made["split"] = f"{OUTER_FOLDS} outer and 4 inner folds, grouped by PMID, DOI and near-duplicate text"
    if out is not None:
        write_card(made, out)
    return made


def write_card(made: Mapping[str, Any], out: Path) -> None:
    """Write card.json, card.md, errors.json and out_of_fold.jsonl (labels, no text) to a folder."""
    errors = made["errors"]
    rest = {key: value for key, value in made.items() if key not in {"errors", "out_of_fold"}}
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in made["out_of_fold"])
    (out / "out_of_fold.jsonl").write_text(lines, encoding="utf-8")
    (out / "card.json").write_text(json.dumps(rest, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (out / "errors.json").write_text(json.dumps(errors, indent=1) + "\n", encoding="utf-8")
    (out / "card.md").write_text(card.as_markdown(rest), encoding="utf-8")


def _without_quotes(row: Told) -> Told:
    """The labels without the sentences, which are not ours to ship."""
    findings = [{k: v for k, v in finding.items() if k != "quote"} for finding in row["findings"]]
    return {**row, "findings": findings}


def _predictions(
    *,
    entries: Sequence[Mapping[str, Any]],
    texts: Sequence[Mapping[str, Any]],
    encoder: Encoder,
    material: Material,
    vocabulary: Vocabulary,
    outer: Sequence[tuple[Rows, Rows]],
    seed: int,
    processes: int,
) -> dict[str, list[Told]]:
    _SHARED.update(
        entries=entries, texts=texts, encoder=encoder, material=material, vocabulary=vocabulary, outer=outer, seed=seed
    )
    names = ("msminer", "majority", "keywords", "tfidf_lr")
    out: dict[str, list[Told]] = {name: [{} for _ in entries] for name in names}
    if processes > 1 and "fork" in multiprocessing.get_all_start_methods():
        with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("fork")) as pool:
            results = list(pool.map(_one_fold, range(len(outer))))
    else:
        results = [_one_fold(number) for number in range(len(outer))]
    for (_, test), result in zip(outer, results, strict=True):
        for name in names:
            for row, told in zip(test, result[name], strict=True):
                out[name][int(row)] = told
    _SHARED.clear()
    return out


def _one_fold(number: int) -> dict[str, list[Any]]:
    material, encoder, vocabulary = _SHARED["material"], _SHARED["encoder"], _SHARED["vocabulary"]
    train, test = _SHARED["outer"][number]
    parts = fit(material, train, encoder, vocabulary, _SHARED["seed"])
    texts = [_SHARED["texts"][r] for r in test]
    batch = encoder.encode(texts)
    rules = decide.make_rules(vocabulary, parts, encoder)
    beside = models.Beside(material.beside.said.rows(test), told_roles(texts, batch))
    predicted = models.predict(parts, encoder, batch, beside)
    told = list(decide.labelled(texts, batch, predicted, rules, "out of fold"))
    return {
        "msminer": told,
        "majority": baselines.majority(_SHARED["entries"], train, test),
        "keywords": baselines.keywords(material, test, vocabulary, encoder.idea_names),
        "tfidf_lr": baselines.plain(material, train, test, vocabulary),
    }


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


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return f"{path.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}"
