"""Which columns of a ParsedRecord are wanted: what nobody asked for need not be read."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple, cast

from msminer.errors import UsageError

if TYPE_CHECKING:
    from msminer.schema import ParsedRecord

# Those of ParsedRecord, in its order; the schema brings pandas, which a parser need not wait for.
NAMES = (
    "pmid", "version", "kind", "title", "abstract", "sections", "year", "date", "journal", "authors",
    "doi", "pmcid", "mesh", "publication_types", "keywords", "languages", "trial_ids", "corrections", "retracted",
    "date_revised",
)  # fmt: skip
# The long parts of a record that some columns are read from; all else costs next to nothing.
_PARTS = {
    "authors": "authors",
    "doi": "ids",
    "pmcid": "ids",
    "mesh": "mesh",
    "keywords": "keywords",
    "trial_ids": "banks",
    "corrections": "corrections",
    "retracted": "corrections",
}


class Columns(NamedTuple):
    """names: wanted columns, in the order of ParsedRecord. parts: the long parts of a record they are read from."""

    names: tuple[str, ...]
    parts: frozenset[str]

    def of(self, record: ParsedRecord) -> ParsedRecord:
        """The record with these columns alone."""
        return record if self is EVERY else cast("ParsedRecord", {name: record[name] for name in self.names})  # type: ignore[literal-required]


EVERY = Columns(NAMES, frozenset(_PARTS.values()))


def choose(names: Collection[str]) -> Columns:
    """The columns of these names; raises UsageError on a name that is none."""
    unknown = sorted(set(names).difference(NAMES))
    if unknown:
        raise UsageError("no such column of a parsed record", unknown=unknown, known=NAMES)
    if len(set(names)) == len(NAMES):
        return EVERY
    return Columns(
        tuple(name for name in NAMES if name in names),
        frozenset(_PARTS[name] for name in names if name in _PARTS),
    )
