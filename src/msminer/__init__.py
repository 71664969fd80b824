"""msminer checks what articles claim about stem cells for multiple sclerosis against PubMed.

For notebooks, `import msminer` gives the functions of `msminer.api`; they load when they are first used, so that the
command line stays quick.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_API = frozenset(
    {
        "articles",
        "findings",
        "judge",
        "judge_all",
        "judgement",
        "labels",
        "open_report",
        "show",
        "studies",
        "trends",
        "verdicts",
    }
)


def __getattr__(name: str) -> Any:
    """A function of `msminer.api`; raises AttributeError for any other name."""
    if name in _API:
        return getattr(import_module("msminer.api"), name)
    raise AttributeError(f"module 'msminer' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What `import msminer` offers."""
    return sorted({"__version__", *_API})
