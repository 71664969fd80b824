"""From shards to what PubMed says now: revisions and deletions applied, then tables for the evidence step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from msminer import schema
from msminer.bulk.manifest import Manifest
from msminer.bulk.shards import ShardFolder
from msminer.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

# How updates apply (README.txt of NLM's update files): files count in their order; a later copy of a PMID and version
# replaces an earlier one; a deletion takes every copy up to and including its own file; the highest version stands.
_STANDING = """
create temp table gone as
  select pmid, max(position) as position from rows join manifest using (shard) where deleted group by pmid;
create temp table standing as
  select r.pmid, r.shard, r.line from rows r join manifest m using (shard) left join gone g on g.pmid = r.pmid
  where not r.deleted and (g.position is null or m.position > g.position)
  qualify row_number() over (partition by r.pmid order by r.version desc, m.position desc, r.line desc) = 1;
create temp view current as select r.* from rows r semi join standing s on (s.shard = r.shard and s.line = r.line);
"""
# A cell type other than none was found, and people with MS or a model of it: what claims and trends are about.
_ON_SUBJECT = """
  record is not null and list_has_any(list_transform(populations, lambda s: s.label), ['ms', 'animal_model'])
"""
_COUNTS = """
select year, count(*) as records,
  count(*) filter (list_contains(list_transform(populations, lambda s: s.label), 'ms')) as ms_papers,
  count(*) filter (record is not null) as cell_papers,
  count(*) filter (retracted) as retracted
from current group by year order by year nulls last
"""


@dataclass(frozen=True)
class BulkTables:
    """What stands in the shards, in the tables of `msminer.schema`: articles, labels and findings of the records on
    the subject (a cell type, and MS or a model of it), and the MS papers of each year as denominators.
    """

    articles: pd.DataFrame
    labels: pd.DataFrame
    findings: pd.DataFrame
    denominators: pd.DataFrame


@contextmanager
def opened(folder: ShardFolder, manifest: Manifest) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session with the view `current`: one row a PMID that stands, columns as in `shards.SCHEMA`.

    Raises DataError when the manifest names no shard.
    """
    if not manifest.shards:
        raise DataError("there are no shards to read; run the bulk flow", folder=folder.address)
    names = [shard.name for shard in manifest.shards]
    with duckdb.connect() as session:
        filesystem = folder.filesystem()
        if not folder.is_local:
            session.register_filesystem(filesystem)
        # A shard may stand for two files of the same bytes; its last place counts.
        places = pa.table({"shard": list(dict.fromkeys(names)), "position": _last_places(names)})
        session.register("manifest", places)
        paths = [folder.url(name) for name in dict.fromkeys(names)]
        session.read_parquet(paths, filename=True, file_row_number=True).create_view("read")
        session.execute(
            "create temp view rows as select *, parse_filename(filename) as shard, file_row_number as line from read"
        )
        session.execute(_STANDING)
        yield session


def _last_places(names: list[str]) -> list[int]:
    last = {name: place for place, name in enumerate(names)}
    return [last[name] for name in dict.fromkeys(names)]


def counts(folder: ShardFolder, manifest: Manifest) -> pd.DataFrame:
    """Records that stand, per year: all, MS papers, papers with a cell type, retracted; year missing where unknown."""
    with opened(folder, manifest) as session:
        frame: pd.DataFrame = session.execute(_COUNTS).df()
    return frame


def tables(folder: ShardFolder, manifest: Manifest, *, made_at: str) -> BulkTables:
    """The tables of what stands; made_at: ISO 8601, UTC, the time of the denominators."""
    with opened(folder, manifest) as session:
        rows = _dicts(session, f"select * from current where {_ON_SUBJECT} order by pmid")
        years = _dicts(session, f"select year, ms_papers from ({_COUNTS}) where year is not null")
    asked = {"asked_at": made_at, "query": f"records labelled ms by {manifest.model}"}
    return BulkTables(
        articles=schema.from_rows([_article(row, made_at) for row in rows], schema.ARTICLES),
        labels=schema.from_rows([label for row in rows for label in _labels(row, manifest.model)], schema.LABELS),
        findings=schema.from_rows([f for row in rows for f in _findings(row, manifest.model)], schema.FINDINGS),
        denominators=schema.from_rows([year | asked for year in years], schema.DENOMINATORS),
    )


def _dicts(session: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = session.sql(query).to_arrow_table().to_pylist()
    return rows


def _article(row: dict[str, Any], made_at: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(row["record"])
    concern = any(entry["type"] == "ExpressionOfConcernIn" for entry in record["corrections"])
    extra = {"concern": concern, "queries": [], "fetched_at": made_at, "page_sha256": row["shard"].partition("-")[0]}
    return record | extra


def _labels(row: dict[str, Any], model: str) -> Iterator[dict[str, Any]]:
    axes = {axis: row[axis] for axis in ("cell_types", "populations", "routes")}
    axes["study_design"] = [row["study_design"]] if row["study_design"] else []
    for axis, scores in axes.items():
        for score in scores:
            yield {"pmid": str(row["pmid"]), "axis": axis, "label": score["label"], "p": score["p"], "model": model}


def _findings(row: dict[str, Any], model: str) -> Iterator[dict[str, Any]]:
    for finding in row["findings"]:
        yield finding | {"pmid": str(row["pmid"]), "model": model}
