"""Tables are checked when they are saved and loaded, and the documents say what is declared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from msminer.errors import TableError
from msminer.schema import DENOMINATORS, FINDINGS, LABELS, TABLES, check, describe, empty, from_rows

LABEL: dict[str, Any] = {"pmid": "1", "axis": "cell_types", "label": "MSC", "p": 0.9, "model": "m"}


def test_a_good_frame_comes_back_in_declared_order() -> None:
    frame = pd.DataFrame([LABEL])[["p", "model", "pmid", "label", "axis"]].assign(extra=1)
    assert list(check(frame, LABELS).columns) == LABELS.names


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pmid": None}, "labels.pmid must not be missing"),
        ({"p": "high"}, "labels.p must be float"),
        ({"p": True}, "labels.p must be float"),
        ({"label": 3}, "labels.label must be text"),
    ],
)
def test_a_bad_value_is_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        from_rows([{**LABEL, **change}], LABELS)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TableError, match="lacks columns") as caught:
        check(pd.DataFrame([{"pmid": "1"}]), LABELS)
    assert caught.value.context["missing"] == ["axis", "label", "p", "model"]


def test_a_repeated_key_is_named() -> None:
    with pytest.raises(TableError, match="repeats a key") as caught:
        from_rows([LABEL, {**LABEL, "p": 0.1}], LABELS)
    assert caught.value.context["key"] == {"pmid": "1", "axis": "cell_types", "label": "MSC"}


def test_integers_with_gaps_pass_as_floats_but_halves_do_not() -> None:
    row = {"year": 2020, "ms_papers": 1.0, "asked_at": "2026-01-01T00:00:00Z", "query": "q"}
    from_rows([row], DENOMINATORS)
    with pytest.raises(TableError, match="ms_papers must be int"):
        from_rows([{**row, "ms_papers": 1.5}], DENOMINATORS)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES.keys())
def test_an_empty_table_is_a_good_table(table: Any) -> None:
    assert check(empty(table), table).empty


def test_every_key_is_a_declared_column() -> None:
    assert all(set(table.key) <= set(table.names) for table in TABLES.values())
    assert FINDINGS.key == ("pmid", "outcome", "cell_type")


def test_the_document_says_what_is_declared() -> None:
    path = Path(__file__).resolve().parent.parent / "docs" / "tables.md"
    assert path.read_text("utf-8") == describe(), (
        "run: python -c 'from msminer.schema import describe; print(describe(), end=\"\")' > docs/tables.md"
    )
