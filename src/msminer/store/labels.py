"""Labels and findings into their tables, each with the record and the model it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.engine import Connection

from msminer.schema import LabelledRecord
from msminer.store.common import remove
from msminer.store.tables import FINDINGS, LABELS, RECORD_MODELS


def save_labels(connection: Connection, records: Sequence[LabelledRecord], hashes: Mapping[str, str]) -> None:
    """Labels and findings of these records in place of any former ones; hashes maps PMID to the state that was read."""
    pmids = [record["pmid"] for record in records]
    for table in (LABELS, FINDINGS, RECORD_MODELS):
        remove(connection, table, pmids)
    for table, rows in (
        (LABELS, [row for record in records for row in _labels(record)]),
        (FINDINGS, [row for record in records for row in _findings(record)]),
        (RECORD_MODELS, [_labelled(record, hashes) for record in records]),
    ):
        if rows:
            connection.execute(insert(table), rows)


def _labelled(record: LabelledRecord, hashes: Mapping[str, str]) -> dict[str, Any]:
    pmid, model = record["pmid"], record["model"]
    return {"pmid": pmid, "record_sha256": hashes[pmid], "model": model, "abstained": list(record["abstained"])}


def _labels(record: LabelledRecord) -> list[dict[str, Any]]:
    axes = {axis: record[axis] for axis in ("cell_types", "populations", "routes")}
    axes["study_design"] = [record["study_design"]] if record["study_design"] else []
    both = {"pmid": record["pmid"], "model": record["model"]}
    return [both | {"axis": axis, "label": one["label"], "p": one["p"]} for axis, many in axes.items() for one in many]


def _findings(record: LabelledRecord) -> list[dict[str, Any]]:
    return [{**finding, "pmid": record["pmid"], "model": record["model"]} for finding in record["findings"]]
