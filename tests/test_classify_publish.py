"""Publishing: a new model takes the place of the old one unless it is worse beyond doubt."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from msminer.classify.publish import publish
from msminer.classify.scores import differences
from msminer.errors import ModelRefused
from msminer.vocabulary import load_vocabulary
from tinygold import gold_row, tiny_gold, told_row

ROOT = Path(__file__).resolve().parent.parent
N = 40


def lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def model(folder: Path, share_right: float, name: str, first: int = 0) -> Path:
    rows = [told_row(first + n, right=n < share_right * N) for n in range(N)]
    lines(folder / "out_of_fold.jsonl", rows)
    (folder / "model.skops").write_text(name, encoding="utf-8")
    return folder


def test_a_worse_model_is_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    gold = lines(tmp_path / "gold.jsonl", [gold_row(n) for n in range(N)])
    old, new = model(tmp_path / "old", 0.9, "old"), model(tmp_path / "new", 0.5, "new")
    with pytest.raises(ModelRefused, match="worse") as refused:
        publish(new, old, gold, seed=1)
    assert "cell_types micro_f1" in str(refused.value)
    assert (old / "model.skops").read_text(encoding="utf-8") == "old"


@pytest.mark.parametrize("share", [0.9, 0.85, 1.0])
def test_a_model_that_is_as_good_or_better_is_published(tmp_path: Path, share: float) -> None:
    gold = lines(tmp_path / "gold.jsonl", [gold_row(n) for n in range(N)])
    old, new = model(tmp_path / "old", 0.9, "old"), model(tmp_path / "new", share, "new")
    publish(new, old, gold, seed=1)
    assert (old / "model.skops").read_text(encoding="utf-8") == "new"


def test_models_judged_by_other_abstracts_cannot_be_compared(tmp_path: Path) -> None:
    gold = lines(tmp_path / "gold.jsonl", [gold_row(n) for n in range(N)])
    old, new = model(tmp_path / "old", 0.9, "old"), model(tmp_path / "new", 1.0, "new", first=500)
    with pytest.raises(ModelRefused, match="cannot be compared"):
        publish(new, old, gold, seed=1)


def test_an_empty_place_takes_any_model(tmp_path: Path) -> None:
    gold = lines(tmp_path / "gold.jsonl", [gold_row(n) for n in range(N)])
    publish(model(tmp_path / "new", 0.1, "new"), tmp_path / "place", gold, seed=1)
    assert (tmp_path / "place" / "model.skops").is_file()


def test_differences_by_hand() -> None:
    gold = [gold_row(n) for n in range(N)]
    one = [told_row(n, right=n < N / 2) for n in range(N)]
    other = [told_row(n, right=True) for n in range(N)]
    found = differences(gold, one, other, load_vocabulary(), 1)
    assert found["cell_types micro_f1"]["value"] == pytest.approx(0.5)
    assert 0.3 < found["cell_types micro_f1"]["low"] < 0.5 < found["cell_types micro_f1"]["high"] < 0.7
    assert found["populations micro_f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}
    same = differences(gold, one, one, load_vocabulary(), 1)
    assert all(value == {"value": 0.0, "low": 0.0, "high": 0.0} for value in same.values())


@pytest.mark.slow
@pytest.mark.prefect
@pytest.mark.timeout(900)
def test_the_flow_trains_evaluates_and_publishes(tmp_path: Path) -> None:
    gold, records = tiny_gold(tmp_path)
    script = (
        "import sys; sys.path.insert(0, 'flows')\n"
        "from pathlib import Path\n"
        "if __name__ == '__main__':\n"
        "    from train import train_flow\n"
        "    gold, records, place = map(Path, sys.argv[1:])\n"
        "    train_flow(gold=gold, records=[records], place=place, seed=3)\n"
    )
    (tmp_path / "go.py").write_text(script, encoding="utf-8")
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "MSMINER_"))}
    env = mine | {"PREFECT_HOME": str(tmp_path / "prefect"), "DO_NOT_TRACK": "1"}
    env |= {"PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120"}
    command = [sys.executable, str(tmp_path / "go.py"), str(gold), str(records), str(tmp_path / "place")]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {"model.skops", "manifest.json", "card.json", "card.md", "errors.json", "out_of_fold.jsonl"} <= {
        path.name for path in (tmp_path / "place").iterdir()
    }
