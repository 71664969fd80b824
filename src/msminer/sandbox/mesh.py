"""The small part of MeSH that the sandbox explodes: headings of this subject, the ones below them and entry terms.

Source: MeSH 2025 tree numbers C10.114, C10.314.350, A11.872, E02.095.147.500, E04.936.700, cut to what the shipped
searches name. Headings outside it are matched exactly. Writing is flat (see normal.py).
"""

from __future__ import annotations

_BELOW: dict[str, tuple[str, ...]] = {
    "demyelinating diseases": (
        "demyelinating autoimmune diseases cns",
        "leukodystrophy metachromatic",
        "leukodystrophy globoid cell",
        "pelizaeus merzbacher disease",
        "adrenoleukodystrophy",
        "canavan disease",
        "demyelinating diseases",
    ),
    "demyelinating autoimmune diseases cns": (
        "multiple sclerosis",
        "encephalomyelitis autoimmune experimental",
        "neuromyelitis optica",
        "encephalomyelitis acute disseminated",
        "myelitis transverse",
        "leukoencephalitis acute hemorrhagic",
        "diffuse cerebral sclerosis of schilder",
    ),
    "multiple sclerosis": (
        "multiple sclerosis relapsing remitting",
        "multiple sclerosis chronic progressive",
        "neuromyelitis optica",
    ),
    "stem cells": (
        "adult stem cells",
        "embryonic stem cells",
        "hematopoietic stem cells",
        "mesenchymal stem cells",
        "multipotent stem cells",
        "neural stem cells",
        "pluripotent stem cells",
        "fetal stem cells",
        "oligodendrocyte precursor cells",
        "totipotent stem cells",
        "myoblasts",
        "neoplastic stem cells",
        "erythroid precursor cells",
        "myeloid progenitor cells",
        "lymphoid progenitor cells",
    ),
    "pluripotent stem cells": ("induced pluripotent stem cells", "embryonic stem cells"),
    "embryonic stem cells": ("human embryonic stem cells", "mouse embryonic stem cells"),
    "multipotent stem cells": ("mesenchymal stem cells",),
    "stem cell transplantation": (
        "hematopoietic stem cell transplantation",
        "mesenchymal stem cell transplantation",
        "cord blood stem cell transplantation",
        "peripheral blood stem cell transplantation",
    ),
    "hematopoietic stem cell transplantation": (
        "cord blood stem cell transplantation",
        "peripheral blood stem cell transplantation",
    ),
    "cell transplantation": ("stem cell transplantation", "bone marrow transplantation"),
    "extracellular vesicles": ("exosomes", "cell derived microparticles"),
    "neuregulins": ("neuregulin 1",),
    "brain neoplasms": ("cerebral ventricle neoplasms", "infratentorial neoplasms", "supratentorial neoplasms"),
    "graft vs host disease": ("bronchiolitis obliterans syndrome",),
    "infections": ("sepsis", "virus diseases", "bacterial infections", "opportunistic infections"),
    "cells": ("stem cells", "oligodendroglia", "neurons"),
}
_LONE = (
    "bone marrow transplantation",
    "cell and tissue based therapy",
    "remyelination",
    "myelin sheath",
    "oligodendroglia",
    "cuprizone",
    "lysophosphatidylcholines",
    "theilovirus",
    "neurogenesis",
    "nerve regeneration",
    "prevalence",
    "incidence",
    "epidemiology",
    "graft rejection",
    "teratoma",
    "cell transformation neoplastic",
    "clemastine",
    "metformin",
    "benztropine",
    "bexarotene",
    "culture media conditioned",
    "humans",
    "animals",
    "mice",
    "rats",
    "medical tourism",
    "adult",
    "central nervous system diseases",
    "spinal cord injuries",
    "stroke",
    "parkinson disease",
    "amyotrophic lateral sclerosis",
    "aging",
    "thyroid hormone receptors beta",
)
# Entry term -> heading: what an untagged phrase is mapped to.
_ENTRIES: dict[str, str] = {
    "ms multiple sclerosis": "multiple sclerosis",
    "disseminated sclerosis": "multiple sclerosis",
    "eae": "encephalomyelitis autoimmune experimental",
    "experimental autoimmune encephalomyelitis": "encephalomyelitis autoimmune experimental",
    "stem cell": "stem cells",
    "mesenchymal stem cell": "mesenchymal stem cells",
    "mesenchymal stromal cells": "mesenchymal stem cells",
    "hsct": "hematopoietic stem cell transplantation",
    "neural stem cell": "neural stem cells",
    "ipsc": "induced pluripotent stem cells",
    "demyelination": "demyelinating diseases",
    "oligodendrocyte": "oligodendroglia",
    "oligodendrocytes": "oligodendroglia",
}


def known(heading: str) -> str | None:
    """The heading that a flat name or entry term stands for, None when the table has neither."""
    if heading in _BELOW or heading in _LONE or any(heading in below for below in _BELOW.values()):
        return heading
    return _ENTRIES.get(heading)


def exploded(heading: str) -> set[str]:
    """A heading and all headings below it in the table."""
    found: set[str] = set()
    waiting = [heading]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting.extend(_BELOW.get(name, ()))
    return found
