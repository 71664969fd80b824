"""Every mistake of a claims file, explained: claim, field and line, rule, value, nearest right word."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from msminer.claimtools.document import Document, data_of, read
from msminer.claimtools.register import load_with
from msminer.errors import ClaimError, DataError
from msminer.evidence.claims import ANY, DRUG_ARM, Claim
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

_AXES = {
    "cell_types": "cell_types", "outcome": "outcomes", "population": "populations", "designs": "study_design",
    "min_design": "study_design", "directions": "directions", "routes": "routes", "against": "cell_types",
}  # fmt: skip


@dataclass(frozen=True)
class Mistake:
    """One mistake; claim, field and line are None where it is about the whole file."""

    rule: str
    claim: str | None = None
    field: str | None = None
    line: int | None = None
    value: object = None
    nearest: str | None = None

    def __str__(self) -> str:
        where = [
            f"line {self.line}" if self.line else "",
            f"claim {self.claim}" if self.claim else "",
            self.field or "",
        ]
        value = "" if self.value is None else f": {self.value!r}"
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{', '.join(part for part in where if part) or 'the file'}: {self.rule}{value}{hint}"


def check(path: Path, vocabulary: Vocabulary | None = None) -> list[Mistake]:
    """All mistakes of a claims file, in the order of its lines; none means that the register's own loader takes it."""
    words = vocabulary or load_vocabulary()
    try:
        document = read(path)
    except ClaimError as error:
        line = error.context.get("line")
        why = error.context.get("why")
        return [Mistake(error.message, line=line if isinstance(line, int) else None, value=why)]
    found = list(_mistakes(document, words))
    if not found:
        try:
            load_with(path, words)
        except DataError as error:  # a rule that is not explained above
            found = [Mistake(str(error))]
    return sorted(found, key=lambda mistake: mistake.line or 0)


def _mistakes(document: Document, words: Vocabulary) -> Iterator[Mistake]:
    for where in document.twice:
        yield Mistake("is given twice; only one would count", field=str(where[-1]), line=document.line(*where))
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("claims"), list):
        yield Mistake("needs a list named claims")
        return
    for key in data.keys() - {"rules", "sources", "claims"}:
        near = nearest(str(key), {"rules", "sources", "claims"})
        yield Mistake("is no part of a claims file", field=str(key), line=document.line(str(key)), nearest=near)
    own = {} if "rules" in data else data_of(shipped("data", "claims.yaml"))
    sources = yield from _source_mistakes(document, own)
    shipped_ids = {str(claim["id"]) for claim in own.get("claims", ())}
    ids = Counter(str(entry.get("id")) for entry in data["claims"] if isinstance(entry, dict))
    for number, entry in enumerate(data["claims"]):
        at = _At(document, number, entry, words)
        if not isinstance(entry, dict):
            yield at.mistake(None, "must be a claim, with fields", entry)
            continue
        yield from at.all(sources)
        if at.name is not None and (ids[at.name] > 1 or at.name in shipped_ids):
            whose = "of the shipped register" if at.name in shipped_ids else "of this file"
            yield at.mistake("id", f"is that of another claim {whose}; take another", at.name)


def _source_mistakes(document: Document, own: Mapping[str, Any]) -> Generator[Mistake, None, set[str]]:
    """Yield the mistakes of the sources; returns the ids that claims may name."""
    known = {str(source["id"]) for source in own.get("sources", ())}
    sources = document.data.get("sources") or []
    if not isinstance(sources, list):
        yield Mistake("must be a list, each with id and kind", field="sources", line=document.line("sources"))
        return known
    for number, entry in enumerate(sources):
        line = document.line("sources", number)
        if not isinstance(entry, dict) or not {"id", "kind"} <= entry.keys():
            yield Mistake("a source needs id and kind", field="sources", line=line, value=entry)
        elif str(entry["id"]) in known:
            yield Mistake("is the id of another source; take another", field="sources", line=line, value=entry["id"])
        else:
            known.add(str(entry["id"]))
    return known


@dataclass(frozen=True)
class _At:
    """One claim of the file, with what is needed to say where a mistake stands."""

    document: Document
    number: int
    entry: Any
    words: Vocabulary

    @property
    def name(self) -> str | None:
        return str(self.entry["id"]) if isinstance(self.entry, dict) and "id" in self.entry else None

    def mistake(self, field: str | None, rule: str, value: object = None, near: str | None = None) -> Mistake:
        line = self.document.line("claims", self.number, *(field.split(".") if field else ()))
        return Mistake(rule, self.name or f"number {self.number + 1}", field, line, value, near)

    def all(self, sources: Collection[str]) -> Iterator[Mistake]:
        yield from self.fields(self.entry, "")
        source = self.entry.get("source")
        if source is not None and str(source) not in sources:
            yield self.mistake("source", f"is not listed under sources ({', '.join(sorted(sources))})", source)
        query = self.entry.get("query")
        known = {path.stem for path in shipped("data", "queries").glob("*.txt")}
        if isinstance(query, str) and query not in known:
            yield self.mistake("query", "is no search of data/queries", query, nearest(query, known))
        also = self.entry.get("also_report")
        if isinstance(also, dict):
            yield from self.fields({**self.entry, "also_report": {}, **also}, "also_report.", only=set(also))

    def fields(self, entry: Mapping[str, Any], prefix: str, only: Collection[str] | None = None) -> Iterator[Mistake]:
        broken = set()
        try:
            Claim.model_validate(entry)
        except ValidationError as error:
            for one in error.errors(include_url=False):
                field = str(one["loc"][0])
                broken.add(field)
                if only is None or field in only:
                    yield self._shape(prefix, one)
        for field, axis in _AXES.items():
            if field not in broken and (only is None or field in only):
                yield from self._words(prefix + field, entry.get(field), axis)
        study = entry.get("study")
        if isinstance(study, dict) and only is None and "study" not in broken:
            for field in ("cell_types", "population", "routes"):
                yield from self._words(f"study.{field}", study.get(field), _AXES[field])
        if not broken:
            yield from self._needs(entry, prefix)

    def _shape(self, prefix: str, error: Mapping[str, Any]) -> Mistake:
        field = ".".join(str(part) for part in error["loc"] if isinstance(part, str))
        kind, value = error["type"], error.get("input")
        if kind == "extra_forbidden":
            known = set(Claim.model_fields)
            return self.mistake(prefix + field, "is no field of a claim", near=nearest(field, known))
        if kind == "missing":
            return self.mistake(prefix + field, "is missing")
        if kind == "literal_error":
            allowed = str(error["ctx"]["expected"]).replace("'", "")
            known = {word.strip() for part in allowed.split(" or ") for word in part.split(",")}
            return self.mistake(prefix + field, f"must be {allowed}", value, nearest(str(value), known))
        if kind == "string_pattern_mismatch":
            return self.mistake(prefix + field, "must look like S5-01: its source, a hyphen, a number", value)
        return self.mistake(prefix + field, str(error["msg"]), value)

    def _words(self, field: str, value: object, axis: str) -> Iterator[Mistake]:
        known = _known(field.rpartition(".")[2], axis, self.words)
        for word in [value] if isinstance(value, str) else value if isinstance(value, list) else []:
            if word not in known:
                yield self.mistake(
                    field, f"is no word of {axis}", word, nearest_label(str(word), axis, known, self.words)
                )

    def _needs(self, entry: Mapping[str, Any], prefix: str) -> Iterator[Mistake]:
        kind = entry["check"]
        needed = {"figure": ("figure",), "citation": ("study",), "comparison": ("cell_types", "outcome", "against")}
        for field in needed.get(kind, ("cell_types", "outcome") if kind == "direction" else ("cell_types",)):
            if not entry.get(field):
                yield self.mistake(prefix + field, f"is needed where check is {kind}")
        if kind in {"direction", "comparison"} and entry["expect"] not in {"benefit", "no_effect", "harm"}:
            yield self.mistake(
                prefix + "expect", f"must be benefit, no_effect or harm where check is {kind}", entry["expect"]
            )
        figure = entry.get("figure")
        if kind == "figure" and isinstance(figure, dict):
            if ("at_least" in figure) == ("about" in figure):
                yield self.mistake(prefix + "figure", "needs either at_least or about")
            elif "about" in figure and "tolerance" not in figure:
                yield self.mistake(prefix + "figure", "needs a tolerance beside about, such as 0.2")


def _known(field: str, axis: str, words: Vocabulary) -> frozenset[str]:
    known = frozenset(words.ids(axis))
    extra = {"cell_types": {ANY}, "against": {ANY, DRUG_ARM}, "population": set(words.claim_populations)}
    return known | extra.get(field, set())


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word most like it, or None where none is like it."""
    folded = {one.lower(): one for one in sorted(known)}
    found = difflib.get_close_matches(word.lower(), folded, n=1)
    return folded[found[0]] if found else None


def nearest_label(word: str, axis: str, known: Collection[str], words: Vocabulary) -> str | None:
    """The label most like a word, or the one that the word is a synonym of, or like one."""
    direct = nearest(word, known)
    if direct is not None:
        return direct
    synonyms = {synonym.lower(): label.id for label in words.axes[axis] for synonym in label.synonyms}
    found = difflib.get_close_matches(word.lower().replace("_", " "), synonyms, n=1, cutoff=0.75)
    return synonyms[found[0]] if found else None
