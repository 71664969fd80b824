"""Invented gold: abstracts enough to train on within seconds, and single entries with what a model says of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from msminer.resources import shipped


def tiny_gold(tmp_path: Path) -> tuple[Path, Path]:
    """Invented abstracts: the golden records four times over, each with a number of its own."""
    lines = (shipped("data", "model", "golden.jsonl")).read_text(encoding="utf-8").splitlines()
    base = [json.loads(line) for line in lines if json.loads(line)["abstract"]]
    records, gold = [], []
    for copy in range(3):
        for n, one in enumerate(base):
            pmid = str(1000 * (copy + 1) + n)
            abstract = f"{one['abstract']} Site {copy} took part."
            records.append({"pmid": pmid, "title": one["title"], "abstract": abstract})
            start = len(one["title"]) + 1
            found = [
                {"outcome": "disability", "direction": "benefit", "cell_type": "none", "start": start, "end": start + 9}
            ]
            mice = "mice" in abstract.lower()
            gold.append(
                {
                    "pmid": pmid,
                    "cell_types": ["MSC"] if "mesenchymal" in abstract.lower() else ["none"],
                    "study_design": "animal" if mice else "observational",
                    "populations": ["animal_model"] if mice else ["ms"],
                    "routes": [],
                    "findings": found if n % 2 else [],
                }
            )
    one, two = tmp_path / "gold.jsonl", tmp_path / "records.jsonl"
    one.write_text("".join(json.dumps(g) + "\n" for g in gold), encoding="utf-8")
    two.write_text("".join(json.dumps(r) + "\n" for r in records), encoding="utf-8")
    return one, two


def gold_row(number: int) -> dict[str, Any]:
    """An invented gold entry: mesenchymal cells in animals, a benefit in disability."""
    found = {"outcome": "disability", "direction": "benefit", "cell_type": "none", "start": 0, "end": 1}
    return {
        "pmid": str(number),
        "cell_types": ["MSC"],
        "study_design": "animal",
        "populations": ["ms"],
        "routes": [],
        "findings": [found],
    }


def told_row(number: int, *, right: bool) -> dict[str, Any]:
    """What a model says of it, wrong in cell and direction where it is not right."""
    gold = gold_row(number)
    cell, direction = ("MSC", "benefit") if right else ("HSC", "harm")
    return {
        **gold,
        "cell_types": [{"label": cell, "p": 0.8}],
        "study_design": {"label": "animal", "p": 0.9},
        "populations": [{"label": "ms", "p": 0.9}],
        "findings": [{**gold["findings"][0], "direction": direction, "p": 0.7}],
    }
