"""What changed since an earlier report."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from msminer.errors import ReportError
from msminer.report.bundle import ReportBundle
from msminer.report.exports import PUBLICATIONS, read_table
from msminer.report.links import paper_url
from msminer.report.values import interval, percent, present
from msminer.report.words import CELLS, MANY, VERDICTS, plain, verdict_of
from msminer.schema import LABELS

# The page prints whole percent: a limit that moves by less than half of one looks unmoved.
MOVED = 0.005
_UNSEARCHED = VERDICTS["not searched"].word
# Lines of one kind shown on the page; diff.json holds all.
SHOWN = 12


def diff(bundle: ReportBundle, previous: Path) -> dict[str, Any]:
    """The change from the report in `previous` to the bundle, JSON-ready; raises ReportError for another origin.

    Keys: previous, since, rules_changed, model_changed, new_papers, gone_papers, new_retractions, new_concerns,
    changed_labels (papers in both), flipped_verdicts, moved_intervals, new_claims.
    """
    old = read_report(previous)
    if old["origin"] != bundle.origin:
        raise ReportError("reports of different origins cannot be compared", previous=old["origin"], now=bundle.origin)
    before, after = old["articles"], bundle.articles
    return {
        "previous": previous.name,
        "since": old["generated_at"],
        "rules_changed": old["judgement"].get("rules_version") != bundle.verdicts.get("rules_version"),
        "model_changed": sorted(set(old["labels"]["model"])) != sorted(set(bundle.labels["model"])),
        "new_papers": _papers(after, set(after["pmid"]) - set(before["pmid"])),
        "gone_papers": _papers(before, set(before["pmid"]) - set(after["pmid"])),
        "new_retractions": _papers(after, _newly(before, after, "retracted")),
        "new_concerns": _papers(after, _newly(before, after, "concern")),
        "changed_labels": _labels(old["labels"], bundle.labels, set(before["pmid"]) & set(after["pmid"])),
        **_verdicts(old["judgement"], dict(bundle.verdicts), bundle.claims),
    }


def read_report(folder: Path) -> dict[str, Any]:
    """What a diff needs of an exported report; raises ReportError where the folder holds none."""
    try:
        meta = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        judgement = json.loads((folder / "judgement.json").read_text(encoding="utf-8"))
        tables = {"articles": read_table(PUBLICATIONS, folder), "labels": read_table(LABELS, folder)}
    except (OSError, ValueError, KeyError) as error:
        raise ReportError("the folder holds no whole report", folder=folder.name) from error
    return {**meta, **tables, "judgement": judgement}


def _newly(before: pd.DataFrame, after: pd.DataFrame, flag: str) -> set[str]:
    was = set(before.loc[before[flag].astype(bool), "pmid"])
    return set(after.loc[after[flag].astype(bool), "pmid"]) - was


def _papers(frame: pd.DataFrame, wanted: set[str]) -> list[dict[str, Any]]:
    rows = frame[frame["pmid"].isin(wanted)].to_dict("records")
    rows.sort(key=lambda r: (-(_int(r["year"]) or 0), r["pmid"]))
    return [{"pmid": r["pmid"], "doi": present(r["doi"]), "title": r["title"], "year": _int(r["year"])} for r in rows]


def _int(value: Any) -> int | None:
    value = present(value)
    return None if value is None else int(value)


def _labels(before: pd.DataFrame, after: pd.DataFrame, both: set[str]) -> list[dict[str, Any]]:
    old, new = _label_sets(before), _label_sets(after)
    out = []
    for pmid, axis in sorted(set(old) | set(new)):
        gone, come = old[pmid, axis] - new[pmid, axis], new[pmid, axis] - old[pmid, axis]
        if pmid in both and (gone or come):
            out.append({"pmid": pmid, "axis": axis, "removed": sorted(gone), "added": sorted(come)})
    return out


def _label_sets(frame: pd.DataFrame) -> defaultdict[tuple[str, str], set[str]]:
    out: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for pmid, axis, label in zip(frame["pmid"], frame["axis"], frame["label"], strict=True):
        out[pmid, axis].add(label)
    return out


def _verdicts(
    before: dict[str, Any], after: dict[str, Any], claims: Mapping[str, Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    old = {entry["claim_id"]: entry for entry in before["verdicts"]}
    flipped, moved, new = [], [], []
    for entry in after.get("verdicts", []):
        name = entry["claim_id"]
        if name not in old:
            new.append({"claim_id": name, "verdict": verdict_of(entry).word})
            continue
        was, now = verdict_of(old[name]).word, verdict_of(entry).word
        if was != now:
            says = str(claims[name]["says"])
            flipped.append({"claim_id": name, "says": says, "before": was, "after": now, "reason": entry["reason"]})
        moved += _moved(name, old[name], entry)
    # What was searched for the first time tells less than a verdict that turned.
    flipped.sort(key=lambda flip: _UNSEARCHED in {flip["before"], flip["after"]})
    return {"flipped_verdicts": flipped, "moved_intervals": moved, "new_claims": new}


def _moved(claim: str, before: dict[str, Any], after: dict[str, Any]) -> list[dict[str, Any]]:
    old, new = _by_arm(before["tiers"]), _by_arm(after["tiers"])
    out = []
    for tier, arm in [*new, *(key for key in old if key not in new)]:
        was, now = old.get((tier, arm)), new.get((tier, arm))
        if _differ(was or {}, now or {}):
            out.append({"claim_id": claim, "tier": tier, "arm": arm, "before": was, "after": now})
    return out


def _by_arm(tiers: list[dict[str, Any]]) -> dict[tuple[str, str | None], dict[str, Any]]:
    """Figures by tier and, where a claim sets two treatments side by side, arm."""
    names = ("studies", "share", "low", "high")
    return {(tier["tier"], tier.get("arm") or None): {n: present(tier[n]) for n in names} for tier in tiers}


def _differ(was: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a share or a limit came, went or moved; a tier that is only counted has none."""
    pairs = [(was.get(name), now.get(name)) for name in ("share", "low", "high")]
    return any((a is None) != (b is None) or (a is not None and abs(a - b) >= MOVED) for a, b in pairs)


def changed_view(changes: dict[str, Any] | None) -> dict[str, Any] | None:
    """The diff as the page lists it: (title, [(text, link)], number left out) for each kind that has any."""
    if changes is None:
        return None
    parts = [(title, lines) for title, lines in _lines(changes) if lines]
    shown = [(f"{title}: {len(lines)}", lines[:SHOWN], max(0, len(lines) - SHOWN)) for title, lines in parts]
    since = str(changes["since"])[:16].replace("T", ", ")
    return {"since": f"{since} UTC", "parts": shown}


def _lines(changes: dict[str, Any]) -> list[tuple[str, list[tuple[str, str | None]]]]:
    other: list[tuple[str, str | None]] = [
        (text, None)
        for key, text in (("rules_changed", "The rules of judgement"), ("model_changed", "The classifier"))
        if changes[key]
    ]
    return [
        ("New retractions", [_paper(p) for p in changes["new_retractions"]]),
        ("New expressions of concern", [_paper(p) for p in changes["new_concerns"]]),
        ("Changed verdicts", [_flip(f) for f in changes["flipped_verdicts"]]),
        ("New claims", [(f"{c['claim_id']}: {c['verdict']}", f"#{c['claim_id']}") for c in changes["new_claims"]]),
        ("Moved intervals", [_move(m) for m in changes["moved_intervals"]]),
        ("New papers", [_paper(p) for p in changes["new_papers"]]),
        ("Papers gone", [_paper(p) for p in changes["gone_papers"]]),
        ("Changed labels", [_label(c) for c in changes["changed_labels"]]),
        ("Changed tools", other),
    ]


def _paper(paper: dict[str, Any]) -> tuple[str, str | None]:
    year = f" ({paper['year']})" if paper["year"] else ""
    return f"{paper['title']}{year}", paper_url(paper["pmid"], paper["doi"])


def _flip(flip: dict[str, Any]) -> tuple[str, str]:
    return (
        f"{flip['before']}, now {flip['after'].lower()}: {flip['says']} ({flip['claim_id']})",
        f"#{flip['claim_id']}",
    )


def _move(move: dict[str, Any]) -> tuple[str, str]:
    was, now = (_spoken(move[side]) for side in ("before", "after"))
    beside = f" of {plain(CELLS, move['arm'])}" if move["arm"] else ""
    return f"{move['claim_id']}, {plain(MANY, move['tier']).lower()}{beside}: {was}; now {now}", f"#{move['claim_id']}"


def _spoken(figures: dict[str, Any] | None) -> str:
    if figures is None:
        return "none"
    if figures["share"] is None:
        return f"no share from {figures['studies']}"
    return f"{percent(figures['share'])} ({interval(figures['low'], figures['high'])}) of {figures['studies']}"


def _label(change: dict[str, Any]) -> tuple[str, str | None]:
    signs = [f"−{label}" for label in change["removed"]] + [f"+{label}" for label in change["added"]]
    return f"{change['pmid']}, {change['axis'].replace('_', ' ')}: {', '.join(signs)}", paper_url(change["pmid"], None)
