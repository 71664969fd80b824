"""How much of what is known to be relevant a search finds: recall over the gold abstracts, with its denominator."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MS = frozenset({"ms", "rrms", "spms", "ppms", "progressive"})
_MODELS = frozenset({"eae", "toxic_demyelination", "dysmyelination"})


@dataclass(frozen=True)
class Recall:
    """PMIDs that a search should find, split into found and missed; both in numerical order."""

    found: tuple[str, ...]
    missed: tuple[str, ...]

    @property
    def total(self) -> int:
        """The denominator."""
        return len(self.found) + len(self.missed)

    @property
    def share(self) -> float | None:
        """Found / total, None where there is nothing to find."""
        return len(self.found) / self.total if self.total else None


def read_gold(path: Path) -> list[dict[str, Any]]:
    """The gold labels, one dict a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def is_relevant(labels: Mapping[str, Sequence[str]]) -> bool:
    """Whether labelled work is on a stem cell and on MS or a model of it.

    Models are those with a name: EAE, toxic demyelination, dysmyelination. animal_model alone is left out: the label
    also stands on healthy animals (cartilage, marrow of old mice), and labels cannot tell those from an unnamed model.
    """
    populations = frozenset(labels["populations"])
    return bool(set(labels["cell_types"]) - {"none"}) and bool(populations & (_MS | _MODELS))


def recall(gold: Iterable[Mapping[str, Any]], found: Iterable[str], available: Iterable[str] | None = None) -> Recall:
    """Recall of the PMIDs found over the relevant gold; available: PMIDs the source holds at all, all by default."""
    have, held = set(found), None if available is None else set(available)
    wanted = sorted({str(row["pmid"]) for row in gold if is_relevant(row)}, key=int)
    asked = [pmid for pmid in wanted if held is None or pmid in held]
    return Recall(tuple(p for p in asked if p in have), tuple(p for p in asked if p not in have))
