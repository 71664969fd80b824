"""A register with a user's own claims: added to the shipped one, or alone where the file brings its own rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msminer.claimtools.document import data_of, read
from msminer.errors import ClaimError
from msminer.evidence.claims import Register, parse_register
from msminer.resources import shipped
from msminer.vocabulary import Vocabulary, load_vocabulary

EXTENSION = frozenset({"sources", "claims"})


def load_with(path: Path | None = None, vocabulary: Vocabulary | None = None) -> Register:
    """The register of a file, through the one loader of all registers.

    A file with rules, sources and claims stands alone. One without rules extends the shipped register: its claims come
    behind the shipped ones and are judged by the shipped rules; `sources` may be left out where it needs no new one.
    No path: the shipped register. Raises ClaimError naming the claim, the field and the rule.
    """
    words = vocabulary or load_vocabulary()
    own = data_of(shipped("data", "claims.yaml"))
    return parse_register(own if path is None else merged(own, _checked(path)), words)


def merged(own: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """The data of a whole register: `data` itself, or the shipped one extended by it; raises ClaimError."""
    if "rules" in data:
        return data
    known = {str(source["id"]) for source in own["sources"]}
    added = data.get("sources") or []
    again = sorted(str(source["id"]) for source in added if str(source["id"]) in known)
    if again:
        raise ClaimError("the shipped register has a source of that id; take another", source=again)
    return {**own, "sources": [*own["sources"], *added], "claims": [*own["claims"], *data["claims"]]}


def _checked(path: Path) -> dict[str, Any]:
    found = read(path)
    data = found.data
    if not isinstance(data, dict) or not isinstance(data.get("claims"), list):
        raise ClaimError("a claims file needs a list named claims", path=path.name)
    if found.twice:
        raise ClaimError(
            "a key is given twice", path=path.name, key=str(found.twice[0][-1]), line=found.line(*found.twice[0])
        )
    if "rules" not in data and data.keys() - EXTENSION:
        raise ClaimError(
            "a claims file holds claims, sources and rules, and nothing else", found=sorted(map(str, data))
        )
    if not isinstance(data.get("rules", {}), dict):
        raise ClaimError("rules must name each rule and its value", path=path.name)
    sources = data.get("sources") or []
    if not isinstance(sources, list) or not all(
        isinstance(one, dict) and {"id", "kind"} <= one.keys() for one in sources
    ):
        raise ClaimError("sources must be a list, each with id and kind", path=path.name)
    return {**data, "sources": sources}
