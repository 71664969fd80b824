"""The report's folder as a Research Object Crate: what each file is, and the run that made it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msminer.report.bundle import ReportBundle
from msminer.report.claimreview import ADVICE
from msminer.report.exports import FILES
from msminer.report.provenance import clean

if TYPE_CHECKING:
    from rocrate.rocrate import ROCrate

# The profile that tells a run as an action with inputs, tool and results rests on RO-Crate 1.1.
VERSION = "1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_TYPES = {
    ".html": "text/html",
    ".csv": "text/csv",
    ".json": "application/json",
    ".jsonld": "application/ld+json",
    ".parquet": "application/vnd.apache.parquet",
    ".ris": "application/x-research-info-systems",
    ".bib": "application/x-bibtex",
}
_TERMS = "https://www.nlm.nih.gov/web_policies.html#copyright"
_ORIGINS = {
    "entrez": ("https://pubmed.ncbi.nlm.nih.gov/", "PubMed, asked through NCBI's E-utilities"),
    "files": ("#records", "PubMed XML files of the user's"),
    "sample": ("#records", "msminer's offline sample of digests; none is a published abstract"),
}


def write_crate(bundle: ReportBundle, folder: Path) -> None:
    """Write ro-crate-metadata.json about the files already in the folder. Same files, same bytes.

    As RO-Crate 1.1 and Process Run Crate 0.5 ask; https://www.researchobject.org/ro-crate/.
    It names every file with size and SHA-256, and the run as a CreateAction: records, searches with date and count,
    claims and vocabulary with their checksums, model, msminer with its rules, libraries and versions.
    """
    from rocrate.rocrate import ROCrate

    crate = ROCrate(version=VERSION)
    # Later than the vocabulary of RO-Crate 1.1.
    crate.metadata.extra_terms["sha256"] = "http://schema.org/sha256"
    made = clean(bundle.provenance)
    files = [_add_file(crate, path) for path in sorted(folder.iterdir())]
    _describe(crate, bundle)
    records = _records(crate, bundle.origin)
    inputs = [records, *_checked(crate, made), *_models(crate, made)]
    run = _entity(
        crate,
        "#run",
        "CreateAction",
        name="The run that made this report",
        description=f"Fetched, labelled, judged and reported. Records: {records['name']}.",
        endTime=bundle.generated_at.astimezone(UTC).isoformat(timespec="seconds"),
        instrument=_tool(crate, bundle, made),
        object=inputs,
        result=files,
        agent=crate.get("#msminer-project"),
    )
    crate.root_dataset["mentions"] = [run, *_searches(crate, made, records)]
    crate.metadata.write(folder)


def _entity(crate: ROCrate, at: str, kind: str, /, **properties: Any) -> Any:
    from rocrate.model import ContextEntity

    told = {key: value for key, value in properties.items() if value not in (None, "", [])}
    return crate.add(ContextEntity(crate, at, properties={"@type": kind, **told}))


def _add_file(crate: ROCrate, path: Path) -> Any:
    what = dict(FILES) | {"index.html": "the report, for people", "report.json": "source and time of the report"}
    held = path.read_bytes()
    return crate.add_file(
        path,
        path.name,
        properties={
            "name": path.name,
            "description": what[path.name],
            "encodingFormat": _TYPES[path.suffix],
            "contentSize": str(len(held)),
            "sha256": hashlib.sha256(held).hexdigest(),
        },
    )


def _describe(crate: ROCrate, bundle: ReportBundle) -> None:
    root = crate.root_dataset
    author = _entity(crate, "#msminer-project", "Organization", name="msminer")
    terms = _entity(
        crate,
        _TERMS,
        "CreativeWork",
        name="Terms of the records",
        description="Records are PubMed's; abstracts may be protected by copyright and are left out. Counts, labels "
        "and verdicts are msminer's reading of them.",
    )
    profile = _entity(crate, PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    root["name"] = "Which claims about stem cells for multiple sclerosis hold up?"
    root["description"] = f"Verdicts on {len(bundle.claims)} claims, and the evidence behind them. {ADVICE}"
    root["datePublished"] = bundle.generated_at.astimezone(UTC).isoformat(timespec="seconds")
    root["license"], root["author"], root["publisher"], root["conformsTo"] = terms, author, author, profile
    root["mainEntity"] = crate.get("index.html")


def _records(crate: ROCrate, origin: str) -> Any:
    where, name = _ORIGINS[origin]
    return _entity(crate, where, "CreativeWork", name=name)


def _searches(crate: ROCrate, made: Mapping[str, Any], records: Any) -> list[Any]:
    return [
        _entity(
            crate,
            f"#search-{search['query']}",
            "SearchAction",
            name=str(search["query"]),
            query=search.get("term"),
            description=_found(search),
            endTime=search.get("asked_at"),
            object=records,
            instrument=crate.get("#msminer"),
            result=crate.get("articles.parquet"),
        )
        for search in made.get("searches") or []
    ]


def _found(search: Mapping[str, Any]) -> str:
    told = [f"{search['count']} records" if search.get("count") is not None else "number of records not known"]
    if search.get("translation"):
        told.append(f"read by the service as: {search['translation']}")
    return "; ".join(told)


def _checked(crate: ROCrate, made: Mapping[str, Any]) -> list[Any]:
    return [
        _entity(crate, f"#{name}", "CreativeWork", name=name, sha256=digest, description=f"{name} of msminer's data")
        for name, digest in (made.get("checksums") or {}).items()
    ]


def _models(crate: ROCrate, made: Mapping[str, Any]) -> list[Any]:
    card = crate.get("model_card.json")
    return [
        _entity(crate, f"#model-{name}", "CreativeWork", name=name, description="classifier", subjectOf=card)
        for name in made.get("model") or []
    ]


def _tool(crate: ROCrate, bundle: ReportBundle, made: Mapping[str, Any]) -> Any:
    versions = dict(made.get("versions") or {})
    own = versions.pop("msminer", None)
    rules = bundle.verdicts.get("rules_version", "not known")
    return _entity(
        crate,
        "#msminer",
        "SoftwareApplication",
        name="msminer",
        softwareVersion=own,
        description=f"Judges claims by rules fixed beforehand, version {rules}.",
        softwareRequirements=[f"{name} {version}" for name, version in versions.items()],
    )
