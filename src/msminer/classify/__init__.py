"""Abstracts into labels and findings, with probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msminer.classify.modelfile import Model, load_model

__all__ = ["Model", "load_model"]


def __getattr__(name: str) -> Any:
    # numba and scipy load with the model, not with the package
    if name in __all__:
        from msminer.classify import modelfile

        return getattr(modelfile, name)
    raise AttributeError(name)
