"""The words the page uses: labels, verdicts and tiers as a reader would say them."""

from __future__ import annotations

import re
from dataclasses import dataclass

CELLS = {
    "HSC": "Blood-forming stem cells (HSCT)",
    "MSC": "Mesenchymal stem cells (MSC)",
    "MSC-BM": "MSC from bone marrow",
    "MSC-AD": "MSC from fat",
    "MSC-UC": "MSC from umbilical cord",
    "MSC-other": "MSC from other tissue",
    "MSC-NP": "Neural progenitors made from MSC",
    "NSC": "Neural stem cells",
    "iPSC": "Induced pluripotent stem cells",
    "ESC": "Embryonic stem cells",
    "OPC": "Grafted myelin-cell precursors (OPC)",
    "EV": "Cell-free products (vesicles, medium)",
    "endogenous": "The body's own precursor cells",
    "other": "Other or unnamed stem cells",
    "none": "No stem cell",
    "any": "Any stem cell",
}
OUTCOMES = {
    "disability": "Disability",
    "relapse": "Relapses",
    "mri": "MRI lesions",
    "remyelination": "Myelin repair",
    "immune": "Immune system",
    "neuroprotection": "Nerve protection",
    "quality_of_life": "Quality of life",
    "safety": "Safety",
    "engraftment": "Cell fate",
    "cost_access": "Cost and access",
}
DIRECTIONS = {"benefit": "benefit", "no_effect": "no effect", "harm": "harm", "mixed": "mixed"}
DESIGNS = {
    "systematic_review": "Systematic review",
    "trial_controlled": "Controlled trial",
    "trial_uncontrolled": "Uncontrolled trial",
    "observational": "Observational study",
    "case_report": "Case report",
    "animal": "Animal study",
    "in_vitro": "Laboratory study",
    "guideline": "Guideline",
    "narrative_review": "Narrative review",
    "opinion": "Opinion",
    "protocol": "Trial protocol",
}
POPULATIONS = {
    "ms": "MS",
    "rrms": "relapsing MS",
    "spms": "secondary progressive MS",
    "ppms": "primary progressive MS",
    "progressive": "progressive MS",
    "eae": "EAE",
    "toxic_demyelination": "toxic demyelination",
    "dysmyelination": "dysmyelination",
    "animal_model": "animal model",
    "healthy_human": "healthy people",
    "other_disease": "other disease",
    "none": "cells alone",
    "any": "any population",
    "other": "other",
}
SCOPES = {"human": "people", "model": "animals or dish"}
# Topics of the register as a patient's relative would say them.
TOPICS = {
    "HSCT": "blood stem cells (HSCT)",
    "MSC": "mesenchymal cells",
    "adipose MSC": "cells from fat",
    "MSC-NP": "progenitors from marrow cells",
    "NSC": "neural stem cells",
    "iPSC": "induced stem cells",
    "ESC": "embryonic stem cells",
    "remyelination": "myelin repair",
    "reference": "its reference",
}
MANY = {
    "systematic_review": "Systematic reviews",
    "trial_controlled": "Controlled trials",
    "trial_uncontrolled": "Uncontrolled trials",
    "observational": "Observational studies",
    "case_report": "Case reports",
    "animal": "Animal studies",
    "in_vitro": "Laboratory studies",
    "guideline": "Guidelines",
    "narrative_review": "Narrative reviews",
    "opinion": "Opinions",
    "protocol": "Trial protocols",
}
STANCES = {
    "supports": "supports the claim",
    "against": "speaks against it",
    "split": "split",
    "too few": "too few to say",
    "source": "counted as a source",
    "shown only": "shown, never decides",
}
# Statistical names stand where the methods are explained, not beside each count.
_POOLED = "interval: each cell type's share drawn towards the common one, more so the fewer its studies"
METHODS = {
    "partial pooling": _POOLED,
    "partial pooling of systematic reviews, where the tier has no study": (
        f"systematic reviews, as there is no study of this kind itself; {_POOLED}"
    ),
}
# What the interval of a year's share allows for.
INTERVALS = {
    "Wilson; labelled by people": "labels by people",
    "error matrix, multiple imputation": "the classifier’s errors allowed for",
}
KINDS = {
    "quote": "Quoted from the abstract",
    "digest": "Digest in msminer's words, not the published abstract",
    "fact": "Fact in msminer's words, not the published abstract",
}
STRENGTHS = {"asserts": "asserted", "suggests": "suggested", "hopes": "hoped for"}


@dataclass(frozen=True)
class Verdict:
    """How one verdict is told apart: key for CSS and glyph, word, one line of meaning, group in the headline."""

    key: str
    word: str
    means: str
    group: str


# In the order a reader should meet them.
VERDICTS = {
    "backed": Verdict("backed", "Backed", "Studies of the right kind agree with the claim.", "holds"),
    "confirmed": Verdict("confirmed", "Reference confirmed", "The cited work exists and says so.", "holds"),
    "backed in models only": Verdict(
        "models", "Backed in models only", "Shown in animals or the dish, not in people.", "open"
    ),
    "contested": Verdict("contested", "Contested", "Studies disagree with each other.", "open"),
    "challenged": Verdict("challenged", "Challenged", "The best evidence speaks against it.", "fails"),
    "misquoted": Verdict("misquoted", "Misquoted", "The cited work differs from what is said.", "fails"),
    "insufficient": Verdict(
        "insufficient", "Insufficient evidence", "Too few studies, or readings too unsure, to say either way.", "open"
    ),
    "not found": Verdict("notfound", "Reference not found", "No such work was found.", "fails"),
    "not searched": Verdict("unsearched", "Not searched", "Its search was not run, so nothing is known.", "open"),
}


def verdict_of(entry: dict[str, object]) -> Verdict:
    """The verdict of a verdict entry; "not searched" is told apart from insufficient evidence."""
    name = "not searched" if entry.get("searched") is False else str(entry["verdict"])
    return VERDICTS[name]


def sentence(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]


def sentences(text: str, most: int = 0) -> tuple[str, ...]:
    """The parts of a line that semicolons or full stops divide, each a sentence; at most `most` cuts, 0 for all."""
    parts = re.split(r"; |\. ", text, maxsplit=most)
    return tuple(sentence(part) + ("" if part.endswith((".", "?", "!")) else ".") for part in parts if part)


def plain(table: dict[str, str], label: object) -> str:
    """A label, or several joined by +, in plain words; an unknown one as it is."""
    parts = str(label).split("+")
    return " and ".join(table.get(part, part.replace("_", " ")) for part in parts)
