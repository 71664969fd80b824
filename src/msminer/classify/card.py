"""The model card as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
_LICENCES = """## Data

| set | use | licence |
|---|---|---|
| gold labels (data/gold) | heads, forest, calibration | labels: Apache-2.0; texts are not shipped |
| PubMed records of --records | topics, no labels | NCBI terms; not shipped, no n-gram above two words |

The transfer sets (Evidence Inference, NICTA-PIBOSO, NegativeResultDetector, PHEE, PubMedQA) are not used by this model.
"""
_FAILURES = """## Known failures

- `harm` and `mixed` are recognised least: few examples, and a mixed result is often told over several sentences.
- Reviews: whether a sentence is a conclusion or background decides the finding; half of the false findings are there.
- In vitro work on cells of animals is taken for an animal study, and the other way round.
- Rare cell types (ESC, OPC, MSC-NP, EV, other) rest on the vocabulary's synonyms alone.
- The gold is a sample of three pools, with rare findings over-sampled: scores on other texts may be lower.
"""


def as_markdown(made: Mapping[str, Any]) -> str:
    """The card of `evaluate` as a page: bars, scores, baselines, calibration, coverage, data, failures."""
    parts = [
        "# Model card",
        "",
        f"Out of fold on {made['data']['abstracts']} gold abstracts; {made['split']}; seed {made['data']['seed']}.",
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
        _LICENCES,
        _FAILURES,
        f"Gold: {made['data']['gold']}",
        "",
    ]
    return "\n".join(parts)


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
    yield "| axis | probabilities | Brier | ECE |"
    yield "|---|---|---|---|"
    for axis, table in tables.items():
        yield f"| {axis} | {table['n']} | {table['brier']} | {table['ece']} |"


def _coverage(rows: list[Mapping[str, float]]) -> Iterator[str]:
    yield "| surest share | findings | precision of outcome and direction | F1 over all gold findings |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row['coverage']:.0%} | {row['findings']} | {row['precision']:.3f} | {row['f1']:.3f} |"
