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
| Evidence Inference 2 (ei_direction) | heads of rise, fall, no difference, where a transfer folder is given | MIT |
| PHEE (phee) | heads of harmful and wanted events, where a transfer folder is given | MIT |

The public sets are not shipped; their records that share a text with the gold are left out. NICTA-PIBOSO,
NegativeResultDetector and PubMedQA are not used.
"""
_COMPARISON = """## What was compared

Out of fold on the gold, five folds, micro-F1 (macro-F1 in brackets); single runs of 2026-11 on one set of folds, so
differences under 0.015 are noise. Selection among these on the same gold makes the scores above slightly hopeful.

| step | cell types | populations | design | outcome |
|---|---|---|---|---|
| TF-IDF, logistic regression (C 10) | 0.801 (0.41) | 0.817 (0.51) | 0.781 (0.51) | 0.646 |
| ideas of the vocabulary and cues by place, own ideas weakly penalised | 0.893 (0.80) | 0.867 (0.78) | 0.819 (0.70) | |
| the same and words | 0.891 (0.81) | 0.869 (0.78) | 0.825 (0.70) | 0.672 |
| randomised trees on the ideas alone | 0.889 (0.71) | 0.861 (0.75) | 0.784 (0.52) | 0.649 |
| whole pipeline without topics and trees | 0.893 (0.78) | 0.871 (0.81) | 0.823 (0.63) | 0.698 |
| whole pipeline with topics, trees, cues of design | 0.897 (0.78) | 0.880 (0.82) | 0.842 (0.66) | 0.713 |

- Outcome: sentences alone 0.63 to 0.64, abstract alone 0.67, both stacked 0.69. With a perfect answer to "any finding
  at all?" the same stack gave 0.75: that question is what is missing most.
- Topics (LSA of 6,700 unlabelled abstracts): any finding 0.80 to 0.82, outcome from the abstract 0.65 to 0.67; trees
  beside it 0.69.
- Direction on the rationale sentence: cues 0.753 (macro 0.41); decided against the share of each direction 0.744
  (0.49); with words 0.760 (0.49); trees alone 0.772 (0.46). Words of the title or the last sentences: no gain.
- MeSH and publication types: 7,142 of 34,126 records have MeSH, and types beyond "Journal Article" are rare (180
  reviews, 23 randomised trials). As weak labels they are too thin; the model reads neither.
- Direction at the sentence the model chooses (863 findings; accuracy, macro-F1): one sentence 0.732, 0.430; cues that
  part harmful events from worsening and contrast from parts of a result, and five sentences asked instead of one 0.757,
  0.494; with the whole abstract asked too 0.758, 0.499; with heads from Evidence Inference and PHEE 0.781, 0.542. Heads
  for "states any finding of this direction" beside these: no gain.
- Outcome: trees on what the stack reads, on design, cells and populations: 0.704 to 0.723 alone, on one set of folds;
  0.696 to 0.705 in the whole pipeline, 0.710 with the later vocabulary.
- Cues were written after reading about 250 gold findings and errors, so their gain is somewhat hopeful.
- Not tried: NICTA-PIBOSO and NegativeResultDetector for roles, self-training, section labels.
"""
_FAILURES = """## Known failures

- `harm` and `mixed` are recognised least: few examples, and a mixed result is often told over several sentences.
- Reviews: whether a sentence is a conclusion or background decides the finding.
- In vitro work on cells of animals is taken for an animal study, and the other way round.
- MSC-NP and OPC have no example in the gold: the vocabulary's own words decide them, and no score here speaks of them.
- `other`, EV and ESC have few examples, and whether a passing mention counts is read differently from case to case.
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
        _COMPARISON,
        _LICENCES,
        _FAILURES,
        f"Gold: {made['data']['gold']}",
        "",
    ]
    return "\n".join(parts)


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
    yield "| axis | probabilities | Brier | ECE |"
    yield "|---|---|---|---|"
    for axis, table in tables.items():
        yield f"| {axis} | {table['n']} | {table['brier']} | {table['ece']} |"


def _coverage(rows: list[Mapping[str, float]]) -> Iterator[str]:
    yield "| surest share | findings | precision of outcome and direction | F1 over all gold findings |"
    yield "|---|---|---|---|"
    for row in rows:
        yield f"| {row['coverage']:.0%} | {row['findings']} | {row['precision']:.3f} | {row['f1']:.3f} |"
