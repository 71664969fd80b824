"""What one good run left behind, small enough to keep and to compare the next run with."""

from __future__ import annotations

import json
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer.errors import StoreDamaged, StoreFull

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
# Fields that PubMed gives with nearly every new record. MeSH is not among them: it comes months later.
SHAPE_FIELDS = ("title", "abstract", "year", "journal", "authors", "publication_types", "languages")
AXES = ("cell_types", "study_design", "populations", "routes")
CONTROLLED = "trial_controlled"


@dataclass(frozen=True)
class Snapshot:
    """One good run in what notices are made from; everything JSON-ready.

    made_at: ISO 8601, UTC. origin, model, rules_version: what made it.
    verdicts: claim id → verdict, reason, searched, tiers [{tier, scope, studies, share, low, high}].
    in_use: PMID or publication id → claims whose tier tables count its study.
    retracted: PMIDs and publication ids known to be retracted.
    controlled: study id → publications, title-free facts (year, n, cell types) of each controlled trial.
    pmids: all articles. found: query → landmark PMIDs among its records. landmarks: how many there are.
    translations: query → PubMed's reading of it. terms: query → what was asked.
    classes: axis → label → articles, over `all` articles and over the `new` ones of this run.
    shape: field → filled, over `all` and `new` articles. sizes: articles in `all` and `new`.
    """

    made_at: str
    origin: str
    model: str
    rules_version: str
    verdicts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    in_use: Mapping[str, Sequence[str]] = field(default_factory=dict)
    retracted: Sequence[str] = ()
    controlled: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pmids: Sequence[str] = ()
    found: Mapping[str, Sequence[str]] = field(default_factory=dict)
    landmarks: int = 0
    translations: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    shape: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)


def take(
    *,
    made_at: str,
    origin: str,
    verdicts: Mapping[str, Any],
    articles: pd.DataFrame,
    labels: pd.DataFrame,
    studies: pd.DataFrame,
    searches: Iterable[Mapping[str, Any]] = (),
    landmarks: frozenset[str] = frozenset(),
    previous: Snapshot | None = None,
) -> Snapshot:
    """The snapshot of a run; frames as in `msminer.schema`, verdicts and searches as the judge and the store give them.

    landmarks: PMIDs that the searches must find. previous: tells which articles are new.
    """
    old = frozenset(previous.pmids) if previous else frozenset(articles["pmid"])
    fresh = articles[~articles["pmid"].isin(list(old))]
    last = {str(search["query"]): search for search in searches if search.get("finished", True)}
    return Snapshot(
        made_at=made_at,
        origin=origin,
        model=", ".join(sorted(set(labels["model"]))),
        rules_version=str(verdicts.get("rules_version", "")),
        verdicts={entry["claim_id"]: _verdict(entry) for entry in verdicts["verdicts"]},
        in_use=_in_use(verdicts["verdicts"], studies),
        retracted=sorted({*articles.loc[articles["retracted"].astype(bool), "pmid"], *_retracted_ids(studies)}),
        controlled=_controlled(studies),
        pmids=sorted(articles["pmid"]),
        found=_found(articles, landmarks),
        landmarks=len(landmarks),
        translations={name: str(search["translation"]) for name, search in last.items()},
        terms={name: str(search["term"]) for name, search in last.items()},
        classes={axis: _classes(labels, axis, {"all": articles, "new": fresh}) for axis in AXES},
        shape={name: {"all": _filled(articles, name), "new": _filled(fresh, name)} for name in SHAPE_FIELDS},
        sizes={"all": len(articles), "new": len(fresh)},
    )


def _verdict(entry: Mapping[str, Any]) -> dict[str, Any]:
    tiers = [
        {k: t.get(k) for k in ("tier", "scope", "studies", "share", "low", "high")} for t in entry.get("tiers") or []
    ]
    return {
        "verdict": entry["verdict"],
        "reason": entry.get("reason", ""),
        "searched": entry.get("searched", True),
        "tiers": tiers,
    }


def _in_use(verdicts: Iterable[Mapping[str, Any]], studies: pd.DataFrame) -> dict[str, list[str]]:
    members = {
        row["study_id"]: [row["study_id"], row["pmid"], *row["publications"]] for row in studies.to_dict("records")
    }
    used: dict[str, set[str]] = {}
    for entry in verdicts:
        for tier in entry.get("tiers") or []:
            for study in tier.get("study_ids") or []:
                for name in members.get(study, [study]):
                    if isinstance(name, str):
                        used.setdefault(name, set()).add(entry["claim_id"])
    return {name: sorted(claims) for name, claims in sorted(used.items())}


def _retracted_ids(studies: pd.DataFrame) -> list[str]:
    return [str(row["speaker"]) for row in studies.to_dict("records") if row["retracted"]]


def _controlled(studies: pd.DataFrame) -> dict[str, dict[str, Any]]:
    rows = [row for row in studies.to_dict("records") if row["tier"] == CONTROLLED and not row["retracted"]]
    keys = ("pmid", "year", "n", "cell_types", "populations")
    return {
        row["study_id"]: {"publications": list(row["publications"])} | {key: _plain(row[key]) for key in keys}
        for row in sorted(rows, key=lambda row: row["study_id"])
    }


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | str) or value is None:
        return list(value) if isinstance(value, tuple) else value
    # A missing number is NaN in a frame, and NaN is no JSON.
    return None if value != value else int(value)  # noqa: PLR0124


def _found(articles: pd.DataFrame, landmarks: frozenset[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pmid, queries in zip(articles["pmid"], articles["queries"], strict=True):
        for query in queries if pmid in landmarks else ():
            found.setdefault(query, []).append(pmid)
    return {query: sorted(pmids) for query, pmids in sorted(found.items())}


def _classes(labels: pd.DataFrame, axis: str, groups: Mapping[str, pd.DataFrame]) -> dict[str, dict[str, int]]:
    here = labels[labels["axis"] == axis]
    counted = {}
    for name, articles in groups.items():
        mine = here[here["pmid"].isin(list(articles["pmid"]))]
        undecided = len(articles) - mine["pmid"].nunique()
        counted[name] = dict(sorted(Counter(mine["label"]).items())) | {"undecided": undecided}
    return counted


def _filled(articles: pd.DataFrame, name: str) -> int:
    return sum(1 for value in articles[name] if _present(value))


def _present(value: Any) -> bool:
    return bool(len(value)) if isinstance(value, list | tuple | str) else value is not None and value == value  # noqa: PLR0124


# Format of the file and what reads it; a later format adds its line and keeps the older ones.
_READERS = {FORMAT: Snapshot}


def save(snapshot: Snapshot, path: Path) -> None:
    """Write it whole or not at all; raises StoreFull."""
    write_whole(path, json.dumps({"format": FORMAT} | asdict(snapshot), ensure_ascii=False, sort_keys=True))


def load(path: Path) -> Snapshot | None:
    """The snapshot in a file, None where there is none yet; raises StoreDamaged: a lost past would hide changes."""
    try:
        facts = json.loads(path.read_text("utf-8"))
        return _READERS[facts.pop("format")](**facts)
    except FileNotFoundError:
        return None
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        advice = "the memory of the last run cannot be read; look at it, and delete it to begin again"
        raise StoreDamaged(advice, file=path.name, why=repr(error)) from None


def write_whole(path: Path, text: str) -> None:
    """Put a text file in place by rename, so that a reader or a kill never sees half of it; raises StoreFull."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StoreFull("a file cannot be written", file=path.name, why=str(error)) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
