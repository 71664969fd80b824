"""An index over records: words and phrases of texts, values of fields, dates, identifiers."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator

from msminer.sandbox.fields import SearchField
from msminer.sandbox.mesh import exploded, known
from msminer.sandbox.normal import words
from msminer.sandbox.records import Record

# Fields whose words PubMed's All Fields and Text Word searches read beside title and abstract.
_WORD_FIELDS = ("MESH", "SUBH", "PTYP", "SUBS", "OTRM", "SI", "TT", "AID", "LID")
_ALL_FIELDS = (
    *_WORD_FIELDS,
    "JOUR",
    "AUTH",
    "COLN",
    "FULL",
    "AFFL",
    "GRNT",
    "LANG",
    "BOOK",
    "PUBN",
    "CNTY",
    "COIS",
    "INVR",
)
_HIGH = "\U0010ffff"


class Index:
    """Searches records; numbers are places in `records`; a replaced or deleted record leaves a dead one."""

    def __init__(self, records: Iterable[Record] = ()) -> None:
        self.records: list[Record] = []
        self.place: dict[int, int] = {}
        self._words: dict[str, list[int]] = defaultdict(list)
        self._other: dict[str, list[int]] = defaultdict(list)
        self._values: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._sorted: dict[str, list[str]] = {}
        for record in records:
            self.put(record)

    def put(self, record: Record) -> None:
        """Add a record, in place of the one of the same PMID."""
        place = len(self.records)
        self.records.append(record)
        self.place[record.pmid] = place
        self._sorted.clear()
        for word in set(record.body.split()):
            self._words[word].append(place)
        other: set[str] = set()
        for name, values in record.values.items():
            postings = self._values[name]
            for value in set(values):
                postings[value].append(place)
            if name in _ALL_FIELDS:
                other.update(word for value in values for word in words(value))
        for word in other:
            self._other[word].append(place)

    def drop(self, pmid: int) -> None:
        """Forget a record; unknown ones are ignored."""
        self.place.pop(pmid, None)

    def alive(self, places: Iterable[int]) -> set[int]:
        """The places that hold the current record of their PMID."""
        if len(self.place) == len(self.records):
            return set(places)
        return {p for p in places if self.place.get(self.records[p].pmid) == p}

    def everything(self) -> set[int]:
        """All living places."""
        return set(self.place.values())

    def text(self, field: SearchField, phrase: str, truncated: bool) -> set[int]:
        """Places whose text of a field holds the flat phrase; truncated: its last word is a beginning."""
        parts = phrase.split()
        if not parts:
            return set()
        found = self._candidates(self._words, parts, truncated, "words")
        if field.name == "TITL":
            return self.alive(p for p in found if self._in(self.records[p].title, phrase, truncated))
        if len(parts) > 1:
            found = {p for p in found if self._in(self.records[p].body, phrase, truncated)}
        if field.name == "TIAB":
            found |= self._phrase_in_values(("OTRM",), parts, phrase, truncated)
        elif field.name in {"ALL", "WORD"}:
            found |= self._phrase_in_values(
                _ALL_FIELDS if field.name == "ALL" else _WORD_FIELDS, parts, phrase, truncated
            )
        else:
            found = self._phrase_in_values((field.name,), parts, phrase, truncated)
        return self.alive(found)

    def near(self, field: SearchField, parts: list[str], most: int) -> set[int]:
        """Places whose text of a field holds all words with at most so many others between them, in any order."""
        each = [self.text(field, part, truncated=False) for part in parts]
        return {p for p in set.intersection(*each) if _close(self._words_of(p, field), parts, most)} if each else set()

    def _words_of(self, place: int, field: SearchField) -> list[str]:
        record = self.records[place]
        if field.name == "AFFL":
            return " \n ".join(record.values.get("AFFL", [])).split(" ")
        return (record.title if field.name == "TITL" else record.body).split(" ")

    def _phrase_in_values(self, names: tuple[str, ...], parts: list[str], phrase: str, truncated: bool) -> set[int]:
        near = self._candidates(self._other, parts, truncated, "other")
        return {
            p
            for p in near
            if any(
                self._in(f" {value.replace('/', ' ')} ", phrase, truncated)
                for name in names
                for value in self.records[p].values.get(name, ())
            )
        }

    @staticmethod
    def _in(text: str, phrase: str, truncated: bool) -> bool:
        return (f" {phrase}" if truncated else f" {phrase} ") in text

    def _candidates(self, postings: dict[str, list[int]], parts: list[str], truncated: bool, name: str) -> set[int]:
        whole = parts[:-1] if truncated else parts
        sets = [set(postings.get(word, ())) for word in whole]
        if truncated:
            sets.append({p for word in self._starting(postings, parts[-1], name) for p in postings[word]})
        return set.intersection(*sorted(sets, key=len))

    def _starting(self, postings: dict[str, list[int]], start: str, name: str) -> Iterator[str]:
        if name not in self._sorted:
            self._sorted[name] = sorted(postings)
        listed = self._sorted[name]
        yield from listed[bisect_left(listed, start) : bisect_left(listed, start + _HIGH)]

    def value(self, field: SearchField, value: str, *, quoted: bool, truncated: bool) -> set[int]:
        """Places with a value of a field: whole, its beginning, or for names without initials any initials."""
        name, _, mode = field.name.partition(":")
        postings = self._values.get(name, {})
        if truncated:
            keys = set(self._starting(postings, value, name))
        elif name in {"MESH", "MAJR"}:
            keys = self._headings(value, mode != "NOEXP")
        elif name in {"AUTH", "FAUT", "LAUT"} and not quoted:
            keys = {value, *self._starting(postings, value if " " in value else value + " ", name)}
        elif name in {"FULL", "GRNT", "OTRM", "SUBS", "BOOK", "PUBN", "COLN", "INVR"}:
            return self._words_of_values(name, value)
        else:
            keys = {value}
        return self.alive(p for key in keys for p in postings.get(key, ()))

    def _words_of_values(self, name: str, value: str) -> set[int]:
        return self.alive(self._phrase_in_values((name,), value.split(), value, truncated=False))

    @staticmethod
    def _headings(value: str, explode: bool) -> set[str]:
        heading, _, qualifier = value.partition("/")
        heading = known(heading) or heading
        names = exploded(heading) if explode else {heading}
        return {f"{name}/{qualifier}" if qualifier else name for name in names}

    def knows_heading(self, value: str) -> bool:
        """Whether a heading is in the MeSH table or on any record."""
        return known(value.partition("/")[0]) is not None or value in self._values.get("MESH", {})

    def dated(self, field: SearchField, low: int, high: int) -> set[int]:
        """Places with a date of a field between two numbers yyyymmdd, both included."""
        name = field.name
        return {p for p in self.place.values() if any(low <= d <= high for d in self.records[p].dates.get(name, ()))}

    def numbered(self, low: int, high: int) -> set[int]:
        """Places with a PMID between two numbers, both included."""
        if low == high:
            return {self.place[low]} if low in self.place else set()
        return {p for pmid, p in self.place.items() if low <= pmid <= high}


def _close(text: list[str], parts: list[str], most: int) -> bool:
    wanted, width = set(parts), len(parts) + most
    for at, word in enumerate(text):
        window = text[at : at + width]
        end = window.index("\n") if "\n" in window else width
        if word in wanted and wanted <= set(window[:end]):
            return True
    return False
