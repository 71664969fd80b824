"""What stands under a claim's evidence: sensitivity, subgroups, safety, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msminer.report.values import count, interval, percent, present
from msminer.report.words import CELLS, DESIGNS, OUTCOMES, POPULATIONS, VERDICTS, plain, sentences


def notes(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """Notes of a verdict entry as (name, text); what does not apply is left out."""
    found = []
    if entry.get("would_change"):
        found.append(("What would change it", _told(entry["would_change"])))
    if lone := entry.get("without_most_influential"):
        word = VERDICTS[lone["verdict"]].word.lower()
        found.append(("Without its most influential study", f"{word} (left out: {lone['title'] or lone['study_id']})"))
    if (retracted := entry.get("with_retracted")) and retracted["studies"] and retracted["verdict"]:
        word = VERDICTS[retracted["verdict"]].word.lower()
        found.append(("If retracted work counted", f"{word}; {retracted['studies']} retracted"))
    for part in entry.get("subtypes") or []:
        if present(part["share"]) is None:
            continue
        limits = interval(present(part["low"]), present(part["high"]))
        share = f"{part['agree']} of {part['studies']} {'supports' if part['studies'] == 1 else 'support'} it"
        share += f", estimated share {percent(present(part['share']))}, 95% interval {limits}"
        found.append((f"In {plain(POPULATIONS, part['population'])}", share))
    found += _safety(entry.get("safety")) + _other(entry)
    return found


def _safety(safety: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    if not safety or not any(safety[name] for name in ("harm", "mixed", "benefit", "no_effect")):
        return []
    text = f"{safety['harm']} found harm, {safety['mixed']} mixed results, {safety['benefit']} good tolerance"
    reports = len(safety.get("case_reports_of_harm") or [])
    return [("Studies on safety", f"{text}; {count(reports, 'case report')} of harm")]


def _other(entry: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    if also := entry.get("also_report"):
        changed = ", ".join(_replaced(also.get("claim") or {}))
        told = f"{VERDICTS[also['verdict']].word}. {_told(also['reason'])} [{changed}]"
        found.append(("The same question, narrowed", told))
    left = (entry.get("counts") or {}).get("left_out") or {}
    if any(left.values()):
        found.append(("Papers left out", ", ".join(f"{v} ({k.replace('_', ' ')})" for k, v in left.items() if v)))
    return found


def _told(line: object) -> str:
    return " ".join(sentences(str(line)))


def _replaced(claim: Mapping[str, Any]) -> list[str]:
    known = CELLS | POPULATIONS | OUTCOMES | DESIGNS
    keys = ("cell_types", "outcome", "population", "min_design")
    out = []
    for key in keys:
        if key in claim:
            values = claim[key] if isinstance(claim[key], list) else [claim[key]]
            name = "at least" if key == "min_design" else key.replace("_", " ")
            out.append(f"{name}: {', '.join(plain(known, v) for v in values)}")
    return out
