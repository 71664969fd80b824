"""What each ingredient of the classifier is worth: variants against the shipped one on the same outer folds.

    python benchmarks/variants.py --records FOLDER --transfer FOLDER --out data/model/variants.json

A variant is judged by the part that it touches, without the calibration and the trees around it (but for the second
look at labels, itself trees): heads on abstracts for the axes, heads on sentences and their stack for outcomes, heads
and trees on the gold's own findings for directions. So the figures are for comparison alone; the card's scores are
those of the whole. All are fitted on the gold alone, without the abstracts that a language model read.
Differences come with 95% limits of the paired bootstrap over abstracts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from msminer.classify import directions, fit, models, rivals, spec, tuning
from msminer.classify.cues import load_cues
from msminer.classify.decide import decided_matrix
from msminer.classify.features import Encoder
from msminer.classify.fit import Floats, Material, Rows
from msminer.classify.heads import Bools, Doubles, Recipe, fit_heads, folds, sigmoid
from msminer.classify.hints import no_hints
from msminer.classify.models import GATE, OUTCOMES, Learned, Raw
from msminer.classify.roles import no_roles
from msminer.classify.scores import interval
from msminer.classify.targets import paired, read_gold
from msminer.classify.train import SEED, prepare, read_records
from msminer.classify.transfer import no_change_heads
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

AXES = ("cell_types", "populations", "study_design", "routes")
THRESHOLD = 0.4
Hits = dict[str, tuple[Doubles, Doubles]]


@dataclass(frozen=True)
class Bench:
    """All that variants share."""

    encoder: Encoder
    material: Material
    vocabulary: Vocabulary
    outer: list[tuple[Any, Any]]


def judged(bench: Bench) -> Hits:
    """Part → (hits, hits + half of what is false or missed) of each abstract, whose ratio of sums is F1 or accuracy."""
    raw = out_of_fold(bench)
    axes = {axis: _axis(bench, raw, axis) for axis in AXES}
    return {**axes, "outcome": _outcome(bench, raw), "direction": _direction(bench, raw)}


def judged_twice(bench: Bench, once: Hits) -> Hits:
    """`judged`, with the axes of `rivals` looked at a second time: trees fitted on what inner folds say of training."""
    material, dense = bench.material, bench.material.documents.dense
    topics = material.learned.topics.shape[1]
    own = {a: rivals.own_columns(bench.encoder, a, bench.vocabulary.ids(a), topics) for a in rivals.AXES}
    found = {axis: np.zeros(material.axes[axis].shape, np.float32) for axis in rivals.AXES}
    for train, test in bench.outer:
        inner = folds(len(train), [material.groups[row] for row in train], fit.INNER_FOLDS, SEED)
        told = {axis: np.zeros((len(train), y.shape[1]), np.float32) for axis, y in found.items()}
        for axis, scores in told.items():
            for one, other in inner:
                scores[other] = _axis_scores(bench, axis, train[one], train[other])
        labels = {axis: material.axes[axis][train] for axis in rivals.AXES}
        forests, _ = rivals.fit_rivals(told, labels, dense[train], own, (), SEED)
        asked = {axis: _axis_scores(bench, axis, train, test) for axis in rivals.AXES}
        for axis, scores in rivals.looked_again(asked, forests, dense[test], own).items():
            found[axis][test] = scores
    raw = Raw(found, np.zeros((0, 0), np.float32))
    return {**once, **{axis: _axis(bench, raw, axis) for axis in rivals.AXES}}


def out_of_fold(bench: Bench) -> Raw:
    """Scores of all heads by fits that did not see the abstract."""
    material, n_topics = bench.material, bench.material.learned.topics.shape[1]
    axes = {axis: np.zeros(y.shape, np.float32) for axis, y in material.axes.items()}
    sentences = np.zeros(material.rationales.shape, np.float32)
    for train, test in bench.outer:
        for axis, scores in axes.items():
            scores[test] = _axis_scores(bench, axis, train, test)
        ids = bench.vocabulary.ids(OUTCOMES)
        mask = np.isin(material.batch.owner, train)
        view = material.sentences.rows(mask)
        scales = spec.sentence_scales(bench.encoder.idea_names, ids, n_topics)
        recipe = Recipe(ids, scales, spec.SENTENCE_WORDS, spec.SENTENCE_STRENGTH)
        heads = fit_heads(view, material.rationales[mask], recipe, fit.spread(view.dense))
        sentences[~mask] = heads.scores(material.sentences.rows(~mask))
    return Raw(axes, sentences)


def _axis_scores(bench: Bench, axis: str, train: Rows, test: Rows) -> Floats:
    material, ids = bench.material, (GATE,) if axis == GATE else bench.vocabulary.ids(axis)
    topics, hints = material.learned.topics.shape[1], len(material.learned.hints.names)
    scales = spec.document_scales(bench.encoder.idea_names, axis, ids, topics, hints)
    view = material.documents.rows(train)
    recipe = Recipe(tuple(ids), scales, spec.WORDS, spec.STRENGTH)
    heads = fit_heads(view, material.axes[axis][train], recipe, fit.spread(view.dense))
    return heads.scores(material.documents.rows(test))


def _f1(told: Bools, truth: Bools) -> tuple[Doubles, Doubles]:
    hit = (told & truth).sum(axis=1).astype(float)
    return hit, (told.sum(axis=1) + truth.sum(axis=1)) / 2


def _axis(bench: Bench, raw: Raw, axis: str) -> tuple[Doubles, Doubles]:
    scores, truth = raw.axes[axis], bench.material.axes[axis]
    if axis == "study_design":
        told = np.eye(scores.shape[1], dtype=bool)[scores.argmax(axis=1)]
    else:
        told = decided_matrix(axis, sigmoid(scores), THRESHOLD, bench.vocabulary)
    return _f1(told, truth)


def _outcome(bench: Bench, raw: Raw) -> tuple[Doubles, Doubles]:
    truth = bench.material.axes[OUTCOMES]
    features = models.stack_features(raw, bench.material.batch.first)
    p = np.zeros(truth.shape)
    for train, test in bench.outer:
        p[test] = sigmoid(models.stacked(features[test], tuning.fit_stack(features[train], truth[train])))
    return _f1(p >= THRESHOLD, truth)


def _direction(bench: Bench, raw: Raw) -> tuple[Doubles, Doubles]:
    material, right = bench.material, np.zeros(bench.material.size)
    change = directions.change_scores(material.batch, bench.encoder, material.sentences.words, material.learned.change)
    about = directions.document_context(raw.axes)
    context = directions.Context(material.sentences.words, raw.sentences, change, about, material.told)
    for train, test in bench.outer:
        parts = fit.fit_direction(material, train, context, bench.encoder, vocabulary=bench.vocabulary, seed=SEED)
        _, asked, truth = fit.direction_pairs(material, test)
        told = models.direction_scores(parts, material.batch, bench.encoder, context, asked).argmax(axis=1)
        np.add.at(right, asked[:, 0], told == truth)
    n = np.bincount([f.abstract for f in material.targets.findings], minlength=material.size)
    return right, n.astype(float)


def difference(one: Hits, other: Hits) -> dict[str, Any]:
    """Part → value of the variant, and variant minus shipped with 95% limits of the paired bootstrap."""
    out = {}
    for part, (hit, size) in one.items():
        new_hit, new_size = other[part]

        def gap(weight: Doubles, a: Any = (hit, size), b: Any = (new_hit, new_size)) -> float:
            return float(weight @ b[0] / (weight @ b[1]) - weight @ a[0] / (weight @ a[1]))

        out[part] = {
            "value": round(float(new_hit.sum() / new_size.sum()), 4),
            "difference": interval(gap, len(hit), SEED),
        }
    return out


def without(**nothing: Callable[[Encoder], Any]) -> Callable[[Learned, Encoder], Learned]:
    """What was learned with some of it silenced."""
    return lambda learned, encoder: replace(learned, **{name: make(encoder) for name, make in nothing.items()})


_LATER = frozenset({"direction:mixed_or_negative", "answer:no", "answer:maybe"})


def _only_change(*, later: bool) -> Callable[[Learned, Encoder], Learned]:
    def silenced(learned: Learned, _: Encoder) -> Learned:
        heads = learned.change
        kept = np.array([(name in _LATER) == later for name in heads.names])
        dense, words = heads.dense * kept, heads.words * kept
        return replace(learned, change=replace(heads, dense=dense, words=words, intercept=heads.intercept * kept))

    return silenced


VARIANTS: Mapping[str, Callable[[Learned, Encoder], Learned]] = {
    "without topics": lambda learned, _: replace(learned, topics=np.zeros_like(learned.topics)),
    "without roles of sentences (Evidence Inference)": without(roles=no_roles),
    "without hints (headings of other records)": without(hints=no_hints),
    "without rise, fall and events (all four public sets)": without(change=no_change_heads),
    "without Evidence Inference's directions and PHEE": _only_change(later=True),
    "without NegativeResultDetector and PubMedQA": _only_change(later=False),
}


def remade(bench: Bench, learned: Learned, batch: Any = None) -> Bench:
    """The bench with other things learned, or another reading of the texts."""
    material = bench.material
    made = fit.make_material(
        bench.encoder,
        batch or material.batch,
        material.targets,
        groups=material.groups,
        own=material.own,
        composed=material.composed,
        learned=learned,
        beside=material.beside,
        vocabulary=bench.vocabulary,
    )
    return replace(bench, material=made)


class _Plain(Encoder):
    def _explained(self, texts: Sequence[str]) -> dict[tuple[int, str], frozenset[int]]:  # noqa: ARG002
        return {}


def _plain(bench: Bench, texts: Sequence[Mapping[str, Any]]) -> Any:
    """The batch as if no abstract explained its short forms."""
    encoder = _Plain(bench.encoder.book, bench.encoder.words, bench.encoder.pairs)
    return encoder.encode(texts)


def _cueless(bench: Bench) -> Any:
    """The batch as if no cue but what is given stood in it: the vocabulary's own words alone."""
    batch, groups = bench.material.batch, load_cues().keys() - bench.vocabulary.axes.keys()
    names = bench.encoder.idea_names
    silent = [n for n, name in enumerate(names) if groups & {part.split(":")[0] for part in name.split(">")}]
    ideas = batch.ideas.copy()
    ideas[:, silent] = 0
    return replace(batch, ideas=ideas)


def main() -> None:
    """Judge all variants and write them."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--records", type=Path, required=True)
    asked.add_argument("--transfer", type=Path, required=True)
    asked.add_argument("--out", type=Path, required=True)
    told = asked.parse_args()
    vocabulary = load_vocabulary()
    everything = list(read_records(sorted(told.records.glob("*.xml*"))))
    entries, texts = paired(read_gold(shipped("data", "gold", "gold.jsonl")), everything)
    encoder, material = prepare(entries, texts, everything, vocabulary, SEED, told.transfer)
    bench = Bench(encoder, material, vocabulary, folds(material.size, list(material.groups), 5, SEED))
    base = judged(bench)
    out = {"shipped": {part: round(float(hit.sum() / size.sum()), 4) for part, (hit, size) in base.items()}}
    print(out, flush=True)
    name = "with the second look at labels (the model itself)"
    out[name] = difference(base, judged_twice(bench, base))
    print(name, out[name], flush=True)
    batches = {"without explained short forms": _plain(bench, texts), "without cues": _cueless(bench)}
    for name, change in VARIANTS.items():
        out[name] = difference(base, judged(remade(bench, change(material.learned, encoder))))
        print(name, out[name], flush=True)
    for name, batch in batches.items():
        out[name] = difference(base, judged(remade(bench, material.learned, batch)))
        print(name, out[name], flush=True)
    told.out.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
