"""Turns an evidence table into the offline sample, a small corpus of PubMed XML.

python data/sample/build.py data/sample/evidence.jsonl [-o data/sample/sample.xml.gz]

Each row becomes one record: its identifiers, year, journal, first author and title, and an abstract composed here from
its facts. The abstract says in its first words that it is a digest. A title that is our own description stands in
square brackets and says so. A row without a PMID gets 990000000 plus the number in its id: PubMed's are far below.
Entry dates are made up (January 1 of the year of publication, 2026 where it is unknown): searches need one, and
nothing else reads it. The same table gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any

from lxml import etree

FIRST_WORDS = "Digest by msminer, not the published abstract."
LOCAL_BASE = 990_000_000
_UNKNOWN_YEAR_ENTRY = 2026
_HEAD = (
    b'<?xml version="1.0" ?>\n<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD PubMedArticle, 1st January 2025//EN" '
    b'"https://dtd.nlm.nih.gov/ncbi/pubmed/out/pubmed_250101.dtd">\n<PubmedArticleSet>\n'
)

CELLS = {
    "HSC": "hematopoietic stem cell transplantation (HSCT)",
    "MSC": "mesenchymal stem cells",
    "MSC-BM": "bone marrow-derived mesenchymal stem cells",
    "MSC-AD": "adipose-derived mesenchymal stem cells",
    "MSC-UC": "umbilical cord-derived mesenchymal stem cells",
    "MSC-other": "mesenchymal stem cells from placenta, amnion, teeth or other tissues",
    "MSC-NP": "mesenchymal stem cell-derived neural progenitors (MSC-NP)",
    "NSC": "neural stem cells",
    "iPSC": "induced pluripotent stem cells (iPSC)",
    "ESC": "embryonic stem cells",
    "OPC": "transplanted oligodendrocyte precursor cells (OPC)",
    "EV": "extracellular vesicles of stem cells",
    "endogenous": "the body's own oligodendrocyte precursor cells",
    "other": "stem cells of unspecified type",
    "none": "no stem cells",
}
POPULATIONS = {
    "rrms": "relapsing multiple sclerosis (RRMS)",
    "spms": "multiple sclerosis (SPMS)",
    "ppms": "multiple sclerosis (PPMS)",
    "progressive": "progressive multiple sclerosis",
    "ms": "multiple sclerosis (MS)",
    "eae": "experimental autoimmune encephalomyelitis (EAE)",
    "toxic_demyelination": "toxin-induced demyelination in animals",
    "dysmyelination": "a genetic animal model of dysmyelination",
    "animal_model": "an animal model",
    "healthy_human": "healthy donors",
    "other_disease": "other diseases",
    "none": "cells in culture or data alone",
}
# The broader name is left out where a narrower one of the same kind stands.
_NARROWER = {
    "ms": {"rrms", "spms", "ppms", "progressive"},
    "animal_model": {"eae", "toxic_demyelination", "dysmyelination"},
}
DESIGNS = {
    "protocol": "This study protocol describes a planned trial of",
    "opinion": "This editorial comment discusses",
    "narrative_review": "This narrative review of the literature is about",
    "guideline": "This guideline gives expert recommendations on",
    "in_vitro": "In this in vitro study, cells were cultured to examine",
    "animal": "In this animal experiment, animals were treated to examine",
    "case_report": "This case report describes",
    "observational": "In this observational cohort study, patients were followed to examine",
    "trial_uncontrolled": "This open-label uncontrolled trial studied",
    "trial_controlled": "This controlled trial compared groups of patients to study",
    "systematic_review": "This systematic review searched databases for studies of",
}
ROUTES = {
    "intravenous": "intravenous infusion",
    "intrathecal": "intrathecal injection",
    "intracerebral": "intracerebral transplantation",
    "intranasal": "intranasal delivery",
    "intraperitoneal": "intraperitoneal injection",
    "other": "another route",
}
TYPE_IDS = {
    "Journal Article": "D016428",
    "Randomized Controlled Trial": "D016449",
    "Clinical Trial Protocol": "D000078325",
    "Systematic Review": "D000078182",
    "Meta-Analysis": "D017418",
    "Review": "D016454",
    "Case Reports": "D002363",
    "Retracted Publication": "D016441",
}
# Keywords of the register are looked up in these sentences, so none of them may stand here; a test checks it.
SAYS = {
    "disability": {
        "benefit": "disability improved",
        "no_effect": "disability did not differ significantly",
        "harm": "disability worsened",
        "mixed": "results on disability were mixed",
    },
    "relapse": {
        "benefit": "relapses and disease activity were reduced",
        "no_effect": "relapses and disease activity did not differ significantly",
        "harm": "relapses and disease activity increased",
        "mixed": "results on relapses and disease activity were mixed",
    },
    "mri": {
        "benefit": "magnetic resonance imaging (MRI) improved",
        "no_effect": "magnetic resonance imaging (MRI) did not differ significantly",
        "harm": "magnetic resonance imaging (MRI) worsened",
        "mixed": "results on magnetic resonance imaging (MRI) were mixed",
    },
    "remyelination": {
        "benefit": "remyelination increased",
        "no_effect": "remyelination did not differ significantly",
        "harm": "remyelination was reduced",
        "mixed": "results on remyelination were mixed",
    },
    "immune": {
        "benefit": "inflammation was reduced and the immune response was better regulated",
        "no_effect": "inflammation and immune cells did not differ significantly",
        "harm": "inflammation increased",
        "mixed": "results on inflammation and the immune response were mixed",
    },
    "neuroprotection": {
        "benefit": "neurons and axons were protected",
        "no_effect": "neurons and axons were not protected",
        "harm": "neurons and axons were lost",
        "mixed": "results on the protection of neurons and axons were mixed",
    },
    "quality_of_life": {
        "benefit": "quality of life improved",
        "no_effect": "quality of life did not differ significantly",
        "harm": "quality of life worsened",
        "mixed": "results on quality of life were mixed",
    },
    "safety": {
        "benefit": "treatment was safe and well tolerated",
        "no_effect": "adverse events did not differ significantly",
        "harm": "serious adverse events or risks were seen",
        "mixed": "results on safety and adverse events were mixed",
    },
    "engraftment": {
        "benefit": "the cells survived, migrated or differentiated as intended",
        "no_effect": "cells had no measurable fate in the host",
        "harm": "the cells did not survive, migrate or differentiate as intended",
        "mixed": "results on survival and differentiation of the cells were mixed",
    },
    "cost_access": {
        "benefit": "the treatment was cost-effective or accessible",
        "no_effect": "cost did not differ significantly",
        "harm": "high cost or limited access was an obstacle",
        "mixed": "results on cost-effectiveness and access were mixed",
    },
}


def pmid_of(row: dict[str, Any]) -> str:
    """The row's PMID, or its local identifier."""
    return row["pmid"] or str(LOCAL_BASE + int(re.sub(r"\D", "", row["id"])))


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def title_of(row: dict[str, Any]) -> str:
    """The title; our own description in brackets, marked as one; PubMed's own words where there is none."""
    if row["title"] is None:
        return "[Not Available]."
    if not row["title_descriptive"]:
        return str(row["title"])
    inner = row["title"].strip()
    inner = inner[1:-1] if inner.startswith("[") and inner.endswith("]") else inner.replace("[", "(").replace("]", ")")
    return f"[Description by msminer: {inner}]"


def methods(row: dict[str, Any]) -> str:
    """Design, cells, populations and, where known, number, route and follow-up, in one sentence."""
    named = [POPULATIONS[p] for p in row["populations"] if not _NARROWER.get(p, set()) & set(row["populations"])]
    kinds = row["cell_types"]
    cells = [CELLS[c] for c in kinds if not (c == "MSC" and any(k.startswith("MSC-") for k in kinds))]
    about = "questions other than stem cells" if kinds == ["none"] else _listed(cells)
    parts = [f"{DESIGNS[row['study_design']]} {about} in {_listed(named)}"]
    if row["n"] is not None:
        who = "animals" if row["study_design"] == "animal" else "patients"
        parts.append(f"with {row['n']:g} {who} (n = {row['n']:g})")
    if row["routes"]:
        parts.append(f"given by {_listed([ROUTES[r] for r in row['routes']])}")
    if row["follow_up_months"] is not None:
        parts.append(f"with a follow-up of {row['follow_up_months']:g} months")
    return ", ".join(parts) + "."


def results(row: dict[str, Any]) -> str:
    """One sentence a finding, with its fact as it stands in the table, and one a figure."""
    sentences = []
    for finding in row["findings"]:
        cell = finding["cell_type"]
        about = "" if cell == "none" else f"With {CELLS[cell]}, "
        says = SAYS[finding["outcome"]][finding["direction"]]
        sentence = f"{about}{says}: {finding['fact'].rstrip('.')}."
        sentences.append(sentence[0].upper() + sentence[1:])
    for figure in row.get("figures") or []:
        where = figure["region"] if figure["region"] == "worldwide" else f"in the {figure['region']}"
        sentences.append(
            f"The estimated number of {figure['quantity']} {where} in {figure['year']} was {figure['value']:,}."
        )
    return " ".join(sentences) or "No result is recorded in the evidence table."


def publication_types(row: dict[str, Any]) -> list[str]:
    """Types that follow from the design; those that make a claim about method only where the title makes it too."""
    title = "" if row["title_descriptive"] or row["title"] is None else row["title"].lower()
    design = row["study_design"]
    types = ["Journal Article"]
    if design == "trial_controlled" and re.search(r"randomi[sz]ed", title):
        types.append("Randomized Controlled Trial")
    if design == "protocol" and "protocol" in title:
        types.append("Clinical Trial Protocol")
    if design == "systematic_review" and "systematic review" in title:
        types.append("Systematic Review")
    if design == "systematic_review" and re.search(r"meta.?analysis", title):
        types.append("Meta-Analysis")
    types += {"narrative_review": ["Review"], "case_report": ["Case Reports"]}.get(design, [])
    if row["retracted"]:
        types.append("Retracted Publication")
    return types


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    node = etree.SubElement(parent, name, **attributes)
    node.text = text
    return node


def record(row: dict[str, Any]) -> Any:
    """The PubmedArticle element of a row."""
    root = etree.Element("PubmedArticle")
    citation = _add(root, "MedlineCitation", Status="PubMed-not-MEDLINE", Owner="NOTNLM")
    _add(citation, "PMID", pmid_of(row), Version="1")
    article = _add(citation, "Article", PubModel="Print")
    journal = _add(article, "Journal")
    issue = _add(journal, "JournalIssue", CitedMedium="Internet")
    published = _add(issue, "PubDate")
    _add(published, "Year", str(row["year"])) if row["year"] else _add(published, "MedlineDate", "Date unknown")
    if row["journal"]:
        _add(journal, "Title", row["journal"])
        _add(journal, "ISOAbbreviation", row["journal"])
    _add(article, "ArticleTitle", title_of(row))
    # The DTD wants pages or a location; an empty page is how PubMed writes neither.
    if not row["doi"]:
        _add(_add(article, "Pagination"), "MedlinePgn", "")
    else:
        _add(article, "ELocationID", row["doi"], EIdType="doi", ValidYN="Y")
    abstract = _add(article, "Abstract")
    for label, text in (("NOTE", FIRST_WORDS), ("METHODS", methods(row)), ("RESULTS", results(row))):
        _add(abstract, "AbstractText", text, Label=label)
    if row["first_author"]:
        authors = _add(article, "AuthorList", CompleteYN="N")
        _add(_add(authors, "Author", ValidYN="Y"), "LastName", row["first_author"])
    _add(article, "Language", "eng")
    if row["trial_ids"]:
        bank = _add(_add(article, "DataBankList", CompleteYN="Y"), "DataBank")
        _add(bank, "DataBankName", "ClinicalTrials.gov")
        numbers = _add(bank, "AccessionNumberList")
        for number in row["trial_ids"]:
            _add(numbers, "AccessionNumber", number)
    types = _add(article, "PublicationTypeList")
    for name in publication_types(row):
        _add(types, "PublicationType", name, UI=TYPE_IDS[name])
    _add(_add(citation, "MedlineJournalInfo"), "MedlineTA", row["journal"] or "")
    _add_pubmed_data(root, row)
    return root


def _add_pubmed_data(root: Any, row: dict[str, Any]) -> None:
    data = _add(root, "PubmedData")
    stamp = _add(_add(data, "History"), "PubMedPubDate", PubStatus="entrez")
    for name, value in (("Year", row["year"] or _UNKNOWN_YEAR_ENTRY), ("Month", 1), ("Day", 1)):
        _add(stamp, name, str(value))
    _add(data, "PublicationStatus", "ppublish")
    ids = _add(data, "ArticleIdList")
    for kind, value in (("pubmed", row["pmid"]), ("doi", row["doi"]), ("pmc", row["pmcid"])):
        if value:
            _add(ids, "ArticleId", value, IdType=kind)
    if not len(ids):
        _add(ids, "ArticleId", f"msminer:{row['id']}", IdType="pii")


def corpus(rows: list[dict[str, Any]]) -> bytes:
    """The whole set as XML, in the table's order, one record a line."""
    body = b"\n".join(etree.tostring(record(row), encoding="ascii") for row in rows)
    return _HEAD + body + b"\n</PubmedArticleSet>\n"


def main() -> int:
    """Read the table, write the sample."""
    parser = argparse.ArgumentParser(description="Turns an evidence table into the offline sample.")
    parser.add_argument("evidence", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path(__file__).parent / "sample.xml.gz")
    options = parser.parse_args()
    lines = options.evidence.read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines if line.strip()]
    options.out.write_bytes(gzip.compress(corpus(rows), 9, mtime=0))
    print(f"{len(rows)} records: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
