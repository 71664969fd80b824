"""Text as the index sees it: lower case, without accents, Greek letters by name, words apart by one blank."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[a-z0-9]+")
_GREEK = {
    ord(chr(code)): " " + unicodedata.name(chr(code)).split()[-1].lower() + " "
    for code in range(0x3B1, 0x3CA)
    if "FINAL" not in unicodedata.name(chr(code))
}


def words(text: str) -> list[str]:
    """The words of a text; hyphens, apostrophes and signs part words, as in PubMed's own translations."""
    low = text.lower()
    if not low.isascii():
        low = unicodedata.normalize("NFKD", low.translate(_GREEK))
        low = "".join(c for c in low if not unicodedata.combining(c))
    return _WORD.findall(low)


def flat(text: str) -> str:
    """The words of a text joined by blanks."""
    return " ".join(words(text))
