"""A gold of invented abstracts, large enough to train on within seconds."""

from __future__ import annotations

import json
from pathlib import Path

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
