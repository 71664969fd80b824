"""What may be asked of PubMed: named queries, and the check that a term is read as it was meant.

PubMed ignores an unknown field tag, a typographic character or a tag on brackets without a word, and answers something
else. So a term is checked before it is sent. Sources of the rules: NBK25499, NLM's PubMed user guide, and the measured
behaviour of the live service (what its parser hides), summed up in docs/fetching.md.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from msminer.errors import QueryError
from msminer.resources import shipped

# NLM's closed list of field tags, with the long names that einfo gives.
FIELD_TAGS = frozenset(
    """
    ad; all; aid; au; auid; book; dcom; cois; cn; crdt; rn; ed; edat; sb; 1au; fau; fir; gr; ir; isbn; ip; ta; jour; la;
    lastau; lid; mhda; majr; sh; mh; lr; jid; ot; pg; ps; pa; pl; pmid; dp; pdat; pt; pubn; si; nm; tw; ti; tiab; tt;
    vi; uid; mdat; mesh; filter; subset; doi; title; affiliation; all fields; article identifier; author;
    author - corporate; author - first; author - full; author - identifier; author - last; completion date;
    conflict of interest statements; corporate author; create date; date - completion; date - create; date - entry;
    date - mesh; date - modification; date - publication; ec/rn number; editor; entry date; first author name;
    full author name; grant number; grants and funding; investigator; issue; journal; language; last author name;
    location id; mesh date; mesh major topic; mesh subheading; mesh subheadings; mesh terms; modification date;
    nlm unique id; other term; pagination; pharmacological action; place of publication; publication date;
    publication type; publisher; secondary source id; subject - personal name; substance name; supplementary concept;
    text word; text words; title/abstract; transliterated title; volume
    """.strip()
    .replace("\n    ", " ")
    .split("; ")
)
# Only these take a suffix: explosion off for headings, distance for text fields.
_NO_EXPLOSION = frozenset(
    {"mh", "majr", "sh", "mesh", "mesh terms", "mesh major topic", "mesh subheading", "mesh subheadings"}
)
_NEAR = frozenset({"ti", "tiab", "ad", "title", "title/abstract", "affiliation"})
_LOOKALIKES = {
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"', "\u00bb": '"', "\u2018": "'", "\u2019": "'",
    "\u2217": "*", "\uff0a": "*", "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-",
    "\u2212": "-",
    "\u00a0": " ", "\u2009": " ", "\u202f": " ", "\u200b": "", "\ufeff": "", "\uff08": "(", "\uff09": ")",
    "\uff3b": "[", "\uff3d": "]", "\uff1a": ":",
}  # fmt: skip
_TOKEN = re.compile(r'"[^"]*"|\[[^\]]*\]|[()]|[^\s"()\[\]]+')
_ENTITY = re.compile(r"&(?:#x?[0-9a-fA-F]+|[A-Za-z]+);")
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_OPERATORS = frozenset({"AND", "OR", "NOT"})
# PubMed needs four characters before a truncation mark (PubMed user guide, "Truncating search terms").
_SHORTEST_STEM = 4


@dataclass(frozen=True)
class NamedQuery:
    """One search: its name, its term, and the phrases whose absence from PubMed's index is known and accepted."""

    name: str
    term: str
    allow_lost: frozenset[str] = frozenset()


def named_query(name: str, term: str, allow_lost: frozenset[str] = frozenset()) -> NamedQuery:
    """A checked query; raises QueryError for a name that is not lower_case or a term PubMed would misread."""
    if not _NAME.fullmatch(name):
        raise QueryError("a query's name is made of a-z, 0-9 and _", name=name)
    return NamedQuery(name, check_term(term, where=name), frozenset(map(plain_phrase, allow_lost)))


def load_query(path: Path) -> NamedQuery:
    """A query from a text file, named after it; raises QueryError.

    Lines that begin with # are notes; `# allow-lost: PHRASE` accepts a phrase that PubMed may not know.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(
            "the query file cannot be read as UTF-8 text", file=path.name, reason=type(error).__name__
        ) from None
    notes = [line.strip()[1:].strip() for line in lines if line.strip().startswith("#")]
    allowed = frozenset(note.split(":", 1)[1].strip() for note in notes if note.lower().startswith("allow-lost:"))
    term = " ".join(line.strip() for line in lines if line.strip() and not line.strip().startswith("#"))
    return named_query(_safe_name(path.stem), term, allowed)


def _safe_name(stem: str) -> str:
    cleaned = re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_")
    return cleaned if _NAME.fullmatch(cleaned) else f"q_{cleaned}"


def load_named_queries(folder: Path | None = None) -> list[NamedQuery]:
    """All queries of a folder (default: the shipped ones) in the order of their names; raises QueryError, DataError."""
    return [load_query(path) for path in sorted((folder or shipped("data", "queries")).glob("*.txt"))]


def plain_phrase(phrase: str) -> str:
    """A phrase without quotes, tag and case, as PubMed's warnings name it: '"X y"[tiab]' becomes 'x y'."""
    return re.sub(r"\[[^\]]*\]", "", phrase).replace('"', "").strip().lower()


def check_term(term: str, *, where: str = "query") -> str:
    """The term with single blanks; raises QueryError that names what PubMed would misread and what to write instead."""
    flat = re.sub(r"[ \t\r\n]+", " ", term).strip(" ")
    if not flat:
        raise QueryError("the query is empty; PubMed answers an empty term with an error", query=where)
    _check_characters(flat, where)
    tokens = _tokens(flat, where)
    _check_brackets(tokens, where)
    _check_tags(tokens, where)
    _check_operators(tokens, where)
    _check_truncation(tokens, where)
    return flat


def _check_characters(term: str, where: str) -> None:
    for at, character in enumerate(term):
        if character in _LOOKALIKES:
            raise QueryError(
                f"a typographic character makes PubMed search for something else; write {_LOOKALIKES[character]!r}",
                query=where, character=f"U+{ord(character):04X}", near=term[max(0, at - 20) : at + 20],
            )  # fmt: skip
        if ord(character) < 32 or ord(character) == 127:
            raise QueryError(
                "a control character stands in the query", query=where, character=f"U+{ord(character):04X}"
            )
    entity = _ENTITY.search(term)
    if entity:
        raise QueryError(
            "PubMed finds nothing for an HTML entity; write the character itself", query=where, entity=entity[0]
        )


def _tokens(term: str, where: str) -> list[str]:
    if term.count('"') % 2:
        raise QueryError('a quotation mark " is not closed', query=where)
    bare = re.sub(r'"[^"]*"', '""', term)
    if re.search(r"\[[^\]]*(\[|$)", bare) or re.search(r"(^|\])[^\[]*\]", bare):
        raise QueryError("a square bracket is not closed or not opened", query=where)
    return _TOKEN.findall(term)


def _check_brackets(tokens: list[str], where: str) -> None:
    depth = 0
    for before, part in zip(["", *tokens], tokens, strict=False):
        depth += (part == "(") - (part == ")")
        if depth < 0:
            raise QueryError("a bracket ) is closed that was never opened", query=where)
        if part == ")" and before == "(":
            raise QueryError("a pair of brackets is empty", query=where)
        if part.startswith("[") and before == ")":
            raise QueryError(
                f"PubMed ignores a tag on brackets; give {part} to each term inside", query=where, tag=part
            )
        if part.startswith("[") and before in {"", "("} | _OPERATORS:
            raise QueryError(f"the tag {part} follows no term", query=where, tag=part)
    if depth:
        raise QueryError("a bracket ( is not closed", query=where, open=depth)


def _check_tags(tokens: list[str], where: str) -> None:
    for part in tokens:
        if part.startswith("[") and not known_tag(part[1:-1]):
            near = difflib.get_close_matches(part[1:-1].strip().lower(), sorted(FIELD_TAGS), n=1, cutoff=0.5)
            hint = f"; did you mean [{near[0]}]?" if near else "; see the list in docs/fetching.md"
            raise QueryError(
                f"PubMed has no field tag {part} and would ignore it in silence{hint}", query=where, tag=part
            )


def known_tag(tag: str) -> bool:
    """Whether PubMed knows the tag (without brackets, any case); :noexp and :~N are known only where they count."""
    name, _, suffix = tag.strip().lower().partition(":")
    name = " ".join(name.split())
    if suffix == "noexp":
        return name in _NO_EXPLOSION
    if suffix:
        return name in _NEAR and re.fullmatch(r"~\d{1,4}", suffix) is not None
    return name in FIELD_TAGS and ":" not in tag


def _check_operators(tokens: list[str], where: str) -> None:
    for token in tokens:
        if token.upper() in _OPERATORS and token not in _OPERATORS:
            raise QueryError(
                f"PubMed reads {token!r} as a word; write {token.upper()}, or quote the phrase", query=where
            )
        if re.fullmatch(r"#\d+", token):
            raise QueryError(
                "a search history number means nothing here; write the search out", query=where, token=token
            )
    for before, word in zip(["(", *tokens], [*tokens, ")"], strict=True):
        # PubMed reads AND NOT as NOT, and no term may begin with NOT: only the plain forms are let through.
        if word in _OPERATORS | {")"} and before in _OPERATORS | {"("}:
            raise QueryError(
                "an operator stands without a term beside it", query=where, at=f"{before} {word}".strip("() ")
            )


def _check_truncation(tokens: list[str], where: str) -> None:
    for token in tokens:
        words = token.strip('"')
        if "*" in words and not token.startswith("["):
            stem = words.split("*", 1)[0]
            if len(stem) < _SHORTEST_STEM or "*" in words[:-1].replace("* ", " "):
                raise QueryError(
                    "PubMed truncates only at the end of a term of four letters or more", query=where, term=token
                )
