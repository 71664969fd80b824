"""The model's folder: saved with skops beside a manifest of checksums and golden predictions, all checked at load."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from msminer.classify import decide, models
from msminer.classify.features import Encoder
from msminer.classify.forest import Forest
from msminer.classify.headings import Headings
from msminer.classify.heads import Heads, Scaling
from msminer.classify.phrases import PhraseBook
from msminer.classify.roles import told_roles
from msminer.classify.statefile import read_state
from msminer.errors import ModelMissing, ModelRefused
from msminer.resources import file_sha256, shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

if TYPE_CHECKING:
    from msminer.schema import LabelledRecord

FORMAT = 3
MODEL_FILE, MANIFEST_FILE = "model.skops", "manifest.json"
# The design's limit for the shipped file; and four times what today's model unpacks to (2026-11).
MOST_BYTES, MOST_UNPACKED, MOST_MEMBERS = 15_000_000, 200_000_000, 2_000
# A prediction may differ from its golden one by this much: float32 sums in another order.
TOLERANCE = 2e-3
BATCH = 256
_FOREST = ("roots", "feature", "threshold", "left", "right", "leaf")
State = dict[str, Any]


class Model:
    """A loaded classifier; `id` names its weights, so that labels can be traced to it."""

    def __init__(self, model_id: str, encoder: Encoder, parts: models.Parts, vocabulary: Vocabulary) -> None:
        self.id = model_id
        self.encoder = encoder
        self.parts = parts
        self.rules = decide.make_rules(vocabulary, parts, encoder)
        self._headings = Headings(vocabulary)

    def label(self, records: Iterable[Mapping[str, Any]]) -> Iterator[LabelledRecord]:
        """One labelled record per record, in order; equal input gives equal output.

        Needs pmid, title, abstract; reads `mesh`, `publication_types` and labels of `sections` where a record has them.
        """
        source = iter(records)
        while batch := list(islice(source, BATCH)):
            encoded = self.encoder.encode(batch)
            beside = models.Beside(self._headings.read(batch), told_roles(batch, encoded))
            predicted = models.predict(self.parts, self.encoder, encoded, beside)
            yield from decide.labelled(batch, encoded, predicted, self.rules, self.id)


def state_of(encoder: Encoder, parts: models.Parts) -> State:
    """The model as plain arrays, numbers and text: all that the file holds."""
    state: State = {
        "ideas": "\n".join(idea for idea, _ in encoder.book.phrases),
        "phrases": "\n".join(phrase for _, phrase in encoder.book.phrases),
        "words": "\n".join(encoder.words),
        "pairs": "\n".join(f"{a} {b}" for a, b in encoder.pairs),
        "idf": parts.learned.idf,
        "topics": parts.learned.topics.astype(np.float16),
        "roles": _heads_state(parts.learned.roles),
        "hints": _heads_state(parts.learned.hints),
        "forest": _forest_state(parts.forest),
        "blends": dict(parts.blends),
        "rivals": {axis: _forest_state(forest) for axis, forest in parts.rivals.items()},
        "stack": parts.stack,
        "temperature": float(parts.temperature),
        "thresholds": {axis: float(value) for axis, value in parts.thresholds.items()},
        "documents": {axis: _heads_state(heads) for axis, heads in parts.documents.items()},
        "sentences": _heads_state(parts.sentences),
        "gather": _forest_state(parts.gather),
        "change": _heads_state(parts.learned.change),
        "direction": {
            "sentence": _heads_state(parts.direction.sentence),
            "sentence_forest": _forest_state(parts.direction.sentence_forest),
            "abstract": _heads_state(parts.direction.abstract),
            "abstract_forest": _forest_state(parts.direction.abstract_forest),
        },
        "direction_share": parts.direction_share,
        "scaling": {
            axis: {"slope": s.slope, "offset": s.offset, "ceiling": s.ceiling} for axis, s in parts.scaling.items()
        },
        "trust": dict(parts.trust),
    }
    return state


def _heads_state(heads: Heads) -> State:
    # half floats halve the file; the golden predictions are made from them too
    return {
        "names": "\n".join(heads.names),
        "dense": heads.dense.astype(np.float16),
        "words": heads.words.astype(np.float16),
        "intercept": heads.intercept,
    }


def model_from(state: State, vocabulary: Vocabulary) -> Model:
    """The model of a state; raises ModelRefused when the state is of another shape or vocabulary."""
    try:
        ideas, phrases = state["ideas"].split("\n"), state["phrases"].split("\n")
        pairs = [(a, b) for a, _, b in (p.partition(" ") for p in state["pairs"].split("\n") if p)]
        encoder = Encoder(PhraseBook(zip(ideas, phrases, strict=True)), state["words"].split("\n"), pairs)
        parts = models.Parts(
            models.Learned(
                state["idf"],
                state["topics"].astype(np.float32),
                _heads(state["change"]),
                _heads(state["roles"]),
                _heads(state["hints"]),
            ),
            {axis: _heads(value) for axis, value in state["documents"].items()},
            _forest(state["forest"]),
            state["blends"],
            {axis: _forest(value) for axis, value in state["rivals"].items()},
            _heads(state["sentences"]),
            state["stack"],
            _forest(state["gather"]),
            _direction(state["direction"]),
            state["direction_share"],
            {
                axis: Scaling(value["slope"], value["offset"], value["ceiling"])
                for axis, value in state["scaling"].items()
            },
            state["temperature"],
            state["thresholds"],
            state["trust"],
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ModelRefused("the model file does not hold a model of msminer", why=repr(error)) from error
    _check_axes(parts, vocabulary)
    return Model(f"msminer-{FORMAT}-{content_sha256(state)[:8]}", encoder, parts, vocabulary)


def _forest_state(forest: Forest) -> State:
    arrays = {name: getattr(forest, name) for name in _FOREST}
    return {"names": "\n".join(forest.names), **arrays, "values": forest.values.astype(np.float16)}


def _forest(state: State) -> Forest:
    arrays = {name: state[name] for name in _FOREST}
    return Forest(names=tuple(state["names"].split("\n")), values=state["values"].astype(np.float32), **arrays)


def _direction(state: State) -> models.Direction:
    return models.Direction(
        _heads(state["sentence"]),
        _forest(state["sentence_forest"]),
        _heads(state["abstract"]),
        _forest(state["abstract_forest"]),
    )


def _heads(state: State) -> Heads:
    dense, words = state["dense"].astype(np.float32), state["words"].astype(np.float32)
    return Heads(tuple(state["names"].split("\n")), dense, words, state["intercept"])


def _check_axes(parts: models.Parts, vocabulary: Vocabulary) -> None:
    for axis, heads in parts.documents.items():
        if axis != models.GATE and heads.names != vocabulary.ids(axis):
            raise ModelRefused("the model's labels are not those of the vocabulary; train it again", axis=axis)


def content_sha256(state: State) -> str:
    """SHA-256 of the state's values, whatever the file around them looks like."""
    digest = hashlib.sha256()

    def add(value: Any, path: str) -> None:
        digest.update(path.encode())
        if isinstance(value, dict):
            for key in sorted(value):
                add(value[key], f"{path}/{key}")
        elif isinstance(value, np.ndarray):
            digest.update(f"{value.dtype}{value.shape}".encode() + np.ascontiguousarray(value).tobytes())
        else:
            digest.update(repr(value).encode())

    add(state, "")
    return digest.hexdigest()


def save_model(state: State, golden: Sequence[Mapping[str, Any]], folder: Path, vocabulary: Vocabulary) -> Model:
    """Write model.skops and manifest.json to a folder; returns the model as it will be loaded.

    golden: records (pmid, title, abstract) of our own writing; their labels are kept and checked at every load.
    """
    import sklearn
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / MODEL_FILE
    skops.io.dump(state, path, compression=zipfile.ZIP_DEFLATED, compresslevel=9)
    model = model_from(state, vocabulary)
    manifest = {
        "format": FORMAT,
        "model": model.id,
        "sklearn": sklearn.__version__,
        "files": {MODEL_FILE: {"sha256": file_sha256(path), "bytes": path.stat().st_size}},
        "golden": [{"record": dict(r), "labels": out} for r, out in zip(golden, model.label(golden), strict=True)],
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True)
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")
    return model


def load_model(folder: Path | None = None) -> Model:
    """The model of a folder, the shipped one by default.

    Raises ModelMissing when there is none; ModelRefused, with the reason, when a checksum, size, version, type or
    golden prediction does not hold.
    """
    place = shipped("data", "model") if folder is None else folder
    manifest = _manifest(place)
    path = place / MODEL_FILE
    _check_file(path, manifest)
    vocabulary = load_vocabulary()
    model = model_from(_load_state(path), vocabulary)
    if model.id != manifest["model"]:
        raise ModelRefused("the manifest names another model", manifest=manifest["model"], found=model.id)
    _check_golden(model, manifest["golden"])
    return model


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST_FILE
    if not path.is_file() or not (folder / MODEL_FILE).is_file():
        raise ModelMissing("no model here; train one with `msminer train`", folder=folder.name)
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        complete = {"format", "model", "sklearn", "files", "golden"} <= manifest.keys() and manifest["files"][
            MODEL_FILE
        ]["sha256"]
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError, KeyError, TypeError) as error:
        raise ModelRefused("the model's manifest is damaged", why=repr(error)) from error
    if not complete:
        raise ModelRefused("the model's manifest lacks entries")
    if manifest["format"] != FORMAT:
        raise ModelRefused("the model is of another format; train it again", found=manifest["format"], needed=FORMAT)
    _check_version(str(manifest["sklearn"]))
    return dict(manifest)


def _check_version(made_with: str) -> None:
    import importlib.metadata

    here = importlib.metadata.version("scikit-learn")
    if made_with.split(".")[:2] != here.split(".")[:2]:
        raise ModelRefused(
            "the model was made with another scikit-learn; train it again", made_with=made_with, here=here
        )


def _check_file(path: Path, manifest: Mapping[str, Any]) -> None:
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ModelRefused("the model file is too large", bytes=size, most=MOST_BYTES)
    if file_sha256(path) != manifest["files"][MODEL_FILE]["sha256"]:
        raise ModelRefused("the model file is not the one of its manifest: its SHA-256 differs", file=path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except zipfile.BadZipFile as error:
        raise ModelRefused("the model file is no skops file", why=str(error)) from error
    unpacked = sum(member.file_size for member in members)
    if unpacked > MOST_UNPACKED or len(members) > MOST_MEMBERS:
        raise ModelRefused("the model file unpacks to too much", bytes=unpacked, members=len(members))


def _load_state(path: Path) -> State:
    state = read_state(path)
    if not isinstance(state, dict):
        raise ModelRefused("the model file does not hold a model of msminer", found=type(state).__name__)
    return state


def _check_golden(model: Model, golden: Sequence[Mapping[str, Any]]) -> None:
    for entry, found in zip(golden, model.label([g["record"] for g in golden]), strict=True):
        if not _alike(entry["labels"], found):
            raise ModelRefused("a golden prediction does not come out again", record=entry["record"]["pmid"])


def _alike(told: Any, found: Any) -> bool:
    if isinstance(told, dict) and isinstance(found, dict):
        return told.keys() == found.keys() and all(_alike(told[key], found[key]) for key in told)
    if isinstance(told, list) and isinstance(found, list):
        return len(told) == len(found) and all(map(_alike, told, found))
    if isinstance(told, float) and isinstance(found, float):
        return abs(told - found) <= TOLERANCE
    return bool(told == found)
