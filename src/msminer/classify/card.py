"""The model card as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

# Bars of the project, so that the card says which are met.
BARS = (
    ("cell_types", "micro_f1", 0.93),
    ("cell_types", "macro_f1", 0.85),
    ("populations", "micro_f1", 0.93),
    ("study_design", "micro_f1", 0.88),
    ("findings.outcome", "micro_f1", 0.75),
    ("findings.direction", "accuracy", 0.80),
    ("findings.direction", "macro_f1", 0.66),
    ("findings.outcome_and_direction", "micro_f1", 0.60),
)


def as_markdown(made: Mapping[str, Any]) -> str:
    """The card of `evaluate` as a page: bars, scores, baselines, calibration, coverage, data, failures."""
    parts = [
        "# Model card",
        "",
        f"Out of fold on {made['data']['abstracts']} gold abstracts; {made['split']}; seed {made['data']['seed']}.",
        *_further(made["data"].get("further")),
        "Brackets are 95% bootstrap intervals over abstracts.",
        "",
        "## Scores, baselines and bars",
        "",
        *_overview(made),
        "",
        "## Each label",
        "",
        *_each(made["scores"]),
        "",
        "## Calibration of the probabilities given",
        "",
        *_calibration(made["calibration"]),
        "",
        "## Findings kept at a stricter operating point",
        "",
        *_coverage(made["scores"]["findings"]["at_coverage"]),
        "",
        "## Findings: gold (rows) against told (columns)",
        "",
        *_directions(made["errors"]["findings"]["direction"]),
        "",
        "## Study designs: gold (rows) against told (columns)",
        "",
        *_square(made["errors"]["axes"]["study_design"]),
        "",
        *_curve(made.get("learning_curve")),
        *_variants(made.get("variants")),
        notes(),
        *_files(made["data"]),
        "",
    ]
    return "\n".join(parts)


def _further(told: Mapping[str, Any] | None) -> Iterator[str]:
    if told and told["files"]:
        yield f"Heads and trees also learn from {told['read']} abstracts that a language model read, in every fold but"
        yield "where one shares a text with those asked about, and the heads of cell types from"
        yield f"{told['composed']} that it composed; no score, threshold or calibration rests on any of them."


def _files(data: Mapping[str, Any]) -> Iterator[str]:
    yield f"Gold: {data['gold']}"
    for name in (data.get("further") or {}).get("files", ()):
        yield f"By a language model: {name}"


def notes() -> str:
    """What was compared by hand, what data would change it, sets and licences, known failures."""
    return Path(__file__).with_name("card_notes.md").read_text(encoding="utf-8")


def scores_as_markdown(made: Mapping[str, Any]) -> str:
    """Scores of a fitted model on abstracts it has not seen, as a page."""
    head = [f"# {made['model']} on {made['data']['abstracts']} abstracts it has not seen", ""]
    rows = ["| axis | measure | score | bar | met |", "|---|---|---|---|---|"]
    for axis, measure, bar in BARS:
        mine = _find(made["scores"], axis)[measure]
        rows.append(f"| {axis} | {measure} | {_text(mine)} | {bar} | {'yes' if mine['value'] >= bar else 'no'} |")
    return "\n".join([*head, *rows, "", *_each(made["scores"]), "", *_calibration(made["calibration"]), ""])


def _find(scores: Mapping[str, Any], path: str) -> Mapping[str, Any]:
    found: Any = scores
    for name in path.split("."):
        found = found[name]
    return dict(found)


def _text(value: Mapping[str, float]) -> str:
    return f"{value['value']:.3f} [{value['low']:.3f}, {value['high']:.3f}]"


def _overview(made: Mapping[str, Any]) -> Iterator[str]:
    names = list(made["baselines"])
    near = made["scores_cells_and_ms"]
    yield (
        "| axis | measure | msminer | bar | met | "
        + " | ".join(names)
        + f" | msminer, {near['abstracts']} with cells and MS or its models |"
    )
    yield "|---" * (6 + len(names)) + "|"
    for axis, measure, bar in BARS:
        mine = _find(made["scores"], axis)[measure]
        others = [f"{_find(made['baselines'][name], axis)[measure]['value']:.3f}" for name in names]
        met = "yes" if mine["value"] >= bar else "no"
        cells = [axis, measure, _text(mine), str(bar), met, *others, _text(_find(near, axis)[measure])]
        yield f"| {' | '.join(cells)} |"


def _each(scores: Mapping[str, Any]) -> Iterator[str]:
    yield "| axis | label | n | F1 |"
    yield "|---|---|---|---|"
    tables = {axis: scores[axis]["each"] for axis in ("cell_types", "populations", "routes", "study_design")}
    tables["outcome"] = scores["findings"]["outcome"]["each"]
    for axis, table in tables.items():
        for label, value in table.items():
            yield f"| {axis} | {label} | {value['n']} | {_text(value)} |"
    for label, f1 in scores["findings"]["direction"]["each"].items():
        yield f"| direction | {label} | | {f1:.3f} |"


def _calibration(tables: Mapping[str, Any]) -> Iterator[str]:
    yield "| axis | probabilities | Brier | ECE | ECE if all were right: mean, 95th percentile |"
    yield "|---|---|---|---|---|"
    for axis, table in tables.items():
        by_chance = ", ".join(map(str, table["ece_by_chance"] or ()))
        yield f"| {axis} | {table['n']} | {table['brier']} | {table['ece']} | {by_chance} |"


def _coverage(rows: list[Mapping[str, float]]) -> Iterator[str]:
    yield "| surest share | findings | precision of outcome and direction | F1 over all gold findings |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row['coverage']:.0%} | {row['findings']} | {row['precision']:.3f} | {row['f1']:.3f} |"


def _directions(table: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    yield "Row `none`: findings told that the gold lacks. Column `none`: findings missed."
    yield ""
    yield from _square(table)


def _square(table: Mapping[str, Mapping[str, int]]) -> Iterator[str]:
    names = list(next(iter(table.values())))
    yield "| | " + " | ".join(names) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for truth, row in table.items():
        yield f"| {truth} | " + " | ".join(str(row[name]) for name in names) + " |"


def _curve(rows: Sequence[Mapping[str, Any]] | None) -> Iterator[str]:
    """Scores by share of the gold; nothing where the curve was not measured."""
    if not rows:
        return
    yield "## Learning curve"
    yield ""
    yield "Out of fold; each training part (gold and others alike) cut to a share of its near-duplicate groups."
    yield ""
    yield "| measure | " + " | ".join(f"{row['share']:.0%} ({row['abstracts']} abstracts)" for row in rows) + " |"
    yield "|---" * (len(rows) + 1) + "|"
    for name in rows[0]["measures"]:
        yield f"| {name} | " + " | ".join(f"{row['measures'][name]:.3f}" for row in rows) + " |"
    yield ""


def _variants(found: Mapping[str, Any] | None) -> Iterator[str]:
    """What each ingredient is worth; nothing where it was not measured."""
    if not found:
        return
    yield "## What each ingredient is worth"
    yield ""
    yield "Variant minus shipped on the same outer folds, with 95% limits of the paired bootstrap over abstracts."
    yield "Judged without the calibration and the trees around the heads (benchmarks/variants.py): F1 of the heads,"
    yield "of the stack for outcomes, accuracy at the gold's own findings for directions. The model looks at cell"
    yield "types, populations and designs a second time; the row of the second look says what that adds to the heads."
    yield "Fitted on the gold alone, without the abstracts that a language model read."
    yield ""
    parts = list(found["shipped"])
    yield "| variant | " + " | ".join(parts) + " |"
    yield "|---" * (len(parts) + 1) + "|"
    yield "| shipped | " + " | ".join(f"{found['shipped'][part]:.3f}" for part in parts) + " |"
    for name, row in found.items():
        if name != "shipped":
            yield f"| {name} | " + " | ".join(_gap(row[part]["difference"]) for part in parts) + " |"
    yield ""


def _gap(value: Mapping[str, float]) -> str:
    return f"{value['value']:+.3f} [{value['low']:+.3f}, {value['high']:+.3f}]"
