"""Small phrases that reasons and rules share: shares with their counts, lists."""

from __future__ import annotations

from collections.abc import Sequence

# A share of fewer studies is told in counts alone (our choice, 2026-11: its interval spans more than 60 points).
FEWEST_FOR_SHARE = 5


def share(agreeing: int, studies: int, estimate: float) -> str:
    """A share in counts, from five studies on with its estimate where that differs: "5 of 8 (an estimated 58%)".

    The estimate (0 to 1) allows for labels that a model may have read wrongly, and for mixed results.
    """
    counts = f"{agreeing} of {studies}"
    told = studies >= FEWEST_FOR_SHARE and abs(estimate - agreeing / studies) >= 0.005
    return f"{counts} (an estimated {estimate:.0%})" if told else counts


def joined(words: Sequence[str]) -> str:
    """Words as a list in a sentence: "a, b and c"."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)
