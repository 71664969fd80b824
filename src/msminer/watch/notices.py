"""What moved between two runs, as notices; a pure function of two snapshots."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from msminer.errors import MsminerError
from msminer.watch.drift import drift
from msminer.watch.snapshot import Snapshot

Kind = Literal[
    "verdict_flipped",
    "interval_crossed",
    "retracted_in_use",
    "new_controlled_trial",
    "recall_lost",
    "labels_drifted",
    "answer_changed",
    "run_failed",
]


@dataclass(frozen=True)
class Notice:
    """One thing that moved: its kind, what it is about (claim, study, query, axis), a title, a sentence, the facts.

    at: when the later run was made. since: when the earlier one was; the two runs a notice compares are part of its id.
    """

    kind: Kind
    subject: str
    title: str
    text: str
    at: str
    since: str
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """16 hex digits; the same change between the same runs has the same id, so a repeated run repeats no notice."""
        about = json.dumps([self.kind, self.subject, self.since, self.facts], sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(about.encode("ascii")).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"id": self.id} | asdict(self)


def compare(before: Snapshot | None, after: Snapshot, *, thresholds: tuple[float, ...]) -> list[Notice]:
    """Notices of everything that matters and moved; none for the first run, which has nothing to be compared with.

    thresholds: shares at which a verdict turns (the rules' `support_share` and its mirror image).
    """
    if before is None:
        return []
    made = [
        *_verdicts(before, after),
        *_intervals(before, after, thresholds),
        *_retractions(before, after),
        *_trials(before, after),
        *_recall(before, after),
        *_drifts(before, after),
        *_answers(before, after),
    ]
    return [
        Notice(kind, subject, title, text, after.made_at, before.made_at, facts)
        for kind, subject, title, text, facts in made
    ]


_Parts = tuple[Kind, str, str, str, dict[str, Any]]


def failed(error: Exception, *, stage: str, at: str, since: str) -> Notice:
    """The notice that a run failed; one per kind of error until a run succeeds (since: the last good run)."""
    says = error.message if isinstance(error, MsminerError) else "an unexpected error; see the log"
    kind = type(error).__name__
    unknown = f"Nothing is known about changes since {since or 'the beginning'}."
    text = f"The run failed while it was to {stage}: {says}. {unknown}"
    return Notice("run_failed", stage, f"Run failed: {kind}", text, at, since, {"error": kind, "stage": stage})


def _why(before: Snapshot, after: Snapshot) -> str:
    reasons = [
        text
        for text, moved in (
            ("the rules changed", before.rules_version != after.rules_version),
            ("the model changed", before.model != after.model),
        )
        if moved
    ]
    return f" Mind: {' and '.join(reasons)} between the two runs." if reasons else ""


def _verdicts(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    for claim, now in sorted(after.verdicts.items()):
        was = before.verdicts.get(claim)
        if was is None or was["verdict"] == now["verdict"]:
            continue
        text = f"Claim {claim}: {was['verdict']} became {now['verdict']}. {now['reason']}{_why(before, after)}"
        facts = {
            "before": was["verdict"],
            "after": now["verdict"],
            "reason": now["reason"],
            "rules": [before.rules_version, after.rules_version],
            "model": [before.model, after.model],
        }
        yield "verdict_flipped", claim, f"{claim}: {was['verdict']} → {now['verdict']}", text, facts
    for claim in sorted(before.verdicts.keys() - after.verdicts.keys()):
        text = f"Claim {claim} was {before.verdicts[claim]['verdict']} and is no longer in the register."
        facts = {"before": before.verdicts[claim]["verdict"], "after": None}
        yield "verdict_flipped", claim, f"{claim}: no longer judged", text, facts


def _intervals(before: Snapshot, after: Snapshot, thresholds: tuple[float, ...]) -> Iterator[_Parts]:
    for claim, now in sorted(after.verdicts.items()):
        was = before.verdicts.get(claim, {"verdict": None, "tiers": []})
        # A flipped verdict says it already.
        if was["verdict"] != now["verdict"]:
            continue
        old = {tier["tier"]: tier for tier in was["tiers"]}
        for tier in now["tiers"]:
            for threshold in thresholds:
                left = _side(old.get(tier["tier"]), threshold), _side(tier, threshold)
                if None not in left and left[0] != left[1] and left[1] != "around":
                    yield _interval(claim, old[tier["tier"]], tier, threshold, str(left[1]))


def _side(tier: Mapping[str, Any] | None, threshold: float) -> str | None:
    if tier is None or tier["low"] is None or tier["high"] is None:
        return None
    if tier["low"] > threshold:
        return "above"
    return "below" if tier["high"] < threshold else "around"


def _interval(claim: str, old: Mapping[str, Any], new: Mapping[str, Any], threshold: float, side: str) -> _Parts:
    name = new["tier"]
    text = (
        f"Claim {claim}, tier {name}: the 95% interval is now {side} {threshold:g}: {_shown(new)}; "
        f"before {_shown(old)}. The verdict stays."
    )
    keys = ("studies", "share", "low", "high")
    facts = {"tier": name, "threshold": threshold, "side": side, "before": {k: old[k] for k in keys}}
    return (
        "interval_crossed",
        f"{claim}/{name}",
        f"{claim}: interval {side} {threshold:g}",
        text,
        facts | {"after": {k: new[k] for k in keys}},
    )


def _shown(tier: Mapping[str, Any]) -> str:
    share = "unknown" if tier["share"] is None else f"{tier['share']:.2f}"
    return f"share {share} ({tier['low']:.2f} to {tier['high']:.2f}, {tier['studies']} studies)"


def _retractions(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    for name in sorted(set(after.retracted) - set(before.retracted)):
        claims = list(before.in_use.get(name, ()))
        if claims:
            counted = f"It counted for {len(claims)} claims: {', '.join(claims)}."
            text = f"{_named(name)} was retracted. {counted} It no longer counts."
            yield "retracted_in_use", name, f"Retracted: {_named(name)}", text, {"claims": claims}


def _named(name: str) -> str:
    return f"PMID {name}" if name.isdigit() else name


def _trials(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    known = {publication for trial in before.controlled.values() for publication in trial["publications"]}
    for study, trial in sorted(after.controlled.items()):
        if study in before.controlled or known & set(trial["publications"]):
            continue
        held = bool(set(trial["publications"]) & set(before.pmids))
        text = _trial(study, trial) + (" The record was known; it is newly read as one." if held else "")
        yield "new_controlled_trial", study, f"New controlled trial: {study}", text, dict(trial)


def _trial(study: str, trial: Mapping[str, Any]) -> str:
    facts = [
        ", ".join(trial["cell_types"]) or "no cell type",
        ", ".join(trial["populations"]) or "population not stated",
        "size not stated" if trial["n"] is None else f"n = {trial['n']}",
        str(trial["year"] or "year unknown"),
        f"PMID {trial['pmid'] or 'none'}",
    ]
    return f"Controlled trial {study} ({'; '.join(facts)})."


def _recall(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    for query, pmids in sorted(before.found.items()):
        lost = sorted(set(pmids) - set(after.found.get(query, ())))
        # A query that was not asked this time has lost nothing.
        if lost and query in after.terms:
            kept = len(set(pmids)) - len(lost)
            text = (
                f"Query {query} found {len(set(pmids))} of {before.landmarks} landmark papers and now {kept}: "
                f"lost PMIDs {', '.join(lost)}."
            )
            facts = {"lost": lost, "before": len(set(pmids)), "after": kept, "landmarks": before.landmarks}
            yield "recall_lost", query, f"Query {query} lost {len(lost)} landmark papers", text, facts


def _drifts(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    for axis, groups in sorted(after.classes.items()):
        found = drift(before.classes.get(axis, {}).get("all", {}), groups.get("new", {}))
        if found.shifted:
            text = (
                f"Labels of axis {axis} among {after.sizes['new']} new articles differ from those of "
                f"{before.sizes['all']} earlier ones: stability index {found.psi:.2f} "
                f"(chance alone up to {found.chance:.2f}); "
                f"{found.label} went from {found.before:.0%} to {found.after:.0%} of labels.{_why(before, after)}"
            )
            facts = {
                "psi": round(found.psi, 4),
                "label": found.label,
                "new": after.sizes["new"],
                "earlier": before.sizes["all"],
            }
            yield "labels_drifted", axis, f"Labels drifted: {axis}", text, facts


def _answers(before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    for query, now in sorted(after.translations.items()):
        was = before.translations.get(query)
        if was is not None and was != now and before.terms.get(query) == after.terms.get(query):
            text = f"PubMed reads query {query} in another way than on {before.made_at[:10]}, though we ask the same."
            yield "answer_changed", query, f"PubMed reads {query} differently", text, {"before": was, "after": now}
    for name in sorted(before.shape.keys() & after.shape.keys()):
        yield from _field(name, before, after)


def _field(name: str, before: Snapshot, after: Snapshot) -> Iterator[_Parts]:
    n, m = before.sizes.get("all", 0), after.sizes.get("new", 0)
    old, new = before.shape.get(name, {}).get("all", 0), after.shape.get(name, {}).get("new", 0)
    found = drift({"filled": old, "empty": n - old}, {"filled": new, "empty": m - new})
    if found.shifted:
        text = (
            f"Field {name} is filled in {new} of {m} new records and was in {old} of {n} earlier ones: "
            f"NCBI's answer or its reading may have changed."
        )
        yield (
            "answer_changed",
            f"field {name}",
            f"Field {name} comes differently",
            text,
            {"new": [new, m], "earlier": [old, n]},
        )
