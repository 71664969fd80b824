"""The costs in the operations guide are those that the measured figures give."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def costs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("costs", ROOT / "benchmarks" / "costs.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["costs"] = module
    spec.loader.exec_module(module)
    return module


def test_the_guide_holds_the_tables_as_computed(costs: ModuleType) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert costs.measured_table() in guide
    assert costs.computed_table() in guide
    assert costs.filled(guide) == guide


def test_figures_follow_from_what_was_measured(costs: ModuleType) -> None:
    m = costs.Measured(bulk_per_cpu_second=1_000, searches=10, store_kb=2.0, shard_bytes=100)
    assert costs.requests(3_000, m) == 25
    assert costs.label_seconds(38_000_000, 2, m) == 19_000
    table = costs.computed_table(m)
    assert "5.3 hours" in table
    assert "20 minutes" in table
    assert "| 6 MB | 200 MB | 3.8 GB |" in table
