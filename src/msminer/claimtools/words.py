"""The vocabulary's synonyms, and the everyday words that articles use for the same, found in a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property

from msminer.vocabulary import Vocabulary

# What articles for the public say where abstracts say EDSS, NEDA or adverse event. Written by hand for drafts alone
# (2026-11); a draft is edited by a person. A star ends a stem.
EVERYDAY: Mapping[str, Mapping[str, str]] = {
    "cell_types": {
        "HSC": "bone marrow transplant*, blood stem cell*, blood-forming stem cell*, hematopoietic transplant*",
        "NSC": "neural cell*, brain stem cell*",
        "MSC-BM": "from bone marrow",
        "MSC-AD": "fat-derived, from fat, and fat, fat stem cell*, fat tissue",
        "MSC-UC": "umbilical, cord blood",
    },
    "outcomes": {
        "disability": "walk*, mobility, strength, movement, motor skill*, symptom*, function, paraly*, getting worse, "
        "progression, disabled",
        "relapse": "relaps*, attack*, flare*, remission, disease activity",
        "mri": "lesion*, scan*, brain shrink*",
        "remyelination": "myelin*, remyelin*, oligodendrocyte*, insulation",
        "immune": "immune, immunity, inflammation, inflammatory, autoimmune",
        "neuroprotection": "nerve cell*, neuron*, growth factor*, axon*, nerve fib*",
        "quality_of_life": "quality of life, fatigue, energy, mood, memory, daily life, daily function",
        "safety": "safe, safety, safely, tolerated, side effect*, risk*, infection*, tumor*, tumour*, complication*, "
        "reject*, dangerous, death*, died",
        "engraftment": "turn into, turned into, become, surviv*, replace, differentiat*, dividing, persist*",
        "cost_access": "cost*, expensive, price*, afford*, insurance, available only, travel abroad",
    },
    "populations": {
        "ms": "multiple sclerosis, people with MS, patients, MS",
        "animal_model": "mice, mouse, rat, rats, animal*, marmoset*, monkey*",
    },
    "directions": {
        "benefit": "improv*, restor*, repair*, regrow*, rebuil*, regenerat*, heal*, slow*, halt*, stop*, stabili*, "
        "reduc*, calm*, help*, better, protect*, promot*, ease*, safe, safely, well tolerated, reset*, lower*, "
        "replace, survive",
        "no_effect": "no effect, no benefit, did not improve, does not improve, no difference, no evidence that, "
        "does not work, do not work, did not work",
        "harm": "worsen*, dangerous, harm*, risk*, infection*, tumor*, tumour*, reject*, expensive, costly, cost*, "
        "death*, died, side effect*, out of reach, complication*",
    },
}
# Hedges; a hope before a suggestion.
HOPES = "hope*, aim*, one day, dream*, promis*, future, in time, wish*"
SUGGESTS = (
    "may, might, could, suggest*, appear*, seem*, potential*, possib*, perhaps, likely, early, preliminary, believe*, "
    "think, thought, some patients, in some"
)
COMPARED = (
    "than drugs, than medication*, than medicine*, than current drugs, over drugs, better than, compared with drugs, "
    "advantage* over"
)
LOW_RISK = re.compile(
    r"(?i)\b(?:low|lower\w*|reduc\w*|cut\w*|few|fewer|no|minimal|without|little)\s+(?:\w+\s+){0,2}"
    r"(?:risks?|side effects?|complications?|reject\w*|infections?|adverse)"
)
STEM_CELLS = "stem cell*, stem-cell*, cell therapy, cell therapies, cell treatment*"
# Myelin repair with no given cell named is that of the body's own cells.
OWN_REPAIR = (
    "by itself, own repair, repair itself, repairs itself, natural repair, own precursor*, body's own cells, "
    "remyelinat*, myelin repair, repair myelin, repairs myelin, myelin regeneration"
)
TRIALS = "clinical trials, trials are, being tested, in trials"
NO_CURE = "no cure, incurable, cannot be cured, not curable"
CURES = ("no cure", "incurable", "not curable", "no curative")


class Words:
    """Finds labels and cues in sentences."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def labels(self, axis: str, sentence: str) -> tuple[str, ...]:
        """Labels of an axis that the sentence names, in the vocabulary's order.

        A phrase inside a longer one of another label does not count: "secondary progressive" is not "progressive".
        """
        spans = {
            label: [match.span() for match in pattern.finditer(sentence)]
            for label, pattern in self._patterns[axis].items()
        }
        every = [span for found in spans.values() for span in found]
        return tuple(label for label, found in spans.items() if any(not _inside(span, every) for span in found))

    @cached_property
    def _patterns(self) -> dict[str, dict[str, re.Pattern[str]]]:
        return {
            axis: {
                label.id: phrases((*label.synonyms, *_listed(EVERYDAY.get(axis, {}).get(label.id, ""))))
                for label in self.vocabulary.axes[axis]
            }
            for axis in ("cell_types", "outcomes", "populations", "directions", "routes")
        }


def _inside(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end and (start, end) != span for start, end in others)


def _listed(text: str) -> list[str]:
    return [phrase.strip() for phrase in text.split(",") if phrase.strip()]


def says(words: str, sentence: str) -> bool:
    """Whether the sentence holds one of the comma-divided phrases."""
    return phrases(_listed(words)).search(sentence) is not None


def phrases(texts: Iterable[str]) -> re.Pattern[str]:
    """Any of the phrases as whole words, by the vocabulary's rules of matching.

    Blank and hyphen are the same, a plural s is allowed, two capitals in a row ask for capitals, the rest does not; a
    star ends a stem. No phrase matches nothing.
    """
    parts = [_phrase(text) for text in sorted(texts, key=len, reverse=True)]
    return re.compile(r"(?<!\w)(?:" + "|".join(parts) + r")(?!\w)" if parts else r"(?!)")


def _phrase(text: str) -> str:
    body = re.sub(r"(?:\\[ -]|\s|-)+", lambda _: r"[\s-]+", re.escape(text.rstrip("*")))
    body += r"\w*" if text.endswith("*") else "s?"
    return body if re.search(r"[A-Z]{2}", text) else f"(?i:{body})"
