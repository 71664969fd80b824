"""The cell of a finding: what its own sentence names, then its neighbours, then what the abstract is about."""

from __future__ import annotations

import pytest

from msminer.classify.cells import finding_cell
from msminer.classify.train import make_encoder
from msminer.vocabulary import load_vocabulary

RECORD = {
    "pmid": "1",
    "title": "Cells in a model of multiple sclerosis",
    "abstract": (
        "Mice were given neural stem cells or embryonic stem cells. The neural stem cells survived. Scores improved. "
        "All of this was seen twice. Embryonic stem cells formed teratomas. Exosomes of mesenchymal stem cells did not."
    ),
}


@pytest.mark.parametrize(
    ("chance", "sentence", "cell"),
    [
        ({}, 2, "none"),
        ({"none": 0.9}, 2, "none"),
        ({"MSC": 0.9, "MSC-BM": 0.8}, 3, "MSC-BM"),
        ({"NSC": 0.6, "ESC": 0.9}, 2, "NSC"),
        ({"NSC": 0.6, "ESC": 0.9}, 3, "NSC"),
        ({"NSC": 0.9, "ESC": 0.6}, 5, "ESC"),
        ({"EV": 0.6, "MSC": 0.9}, 6, "EV"),
        ({"MSC": 0.9, "MSC-BM": 0.8, "MSC-AD": 0.7}, 3, "MSC"),
        ({"HSC": 0.6, "endogenous": 0.9}, 4, "HSC"),
    ],
)
def test_the_cell_of_a_finding(chance: dict[str, float], sentence: int, cell: str) -> None:
    vocabulary = load_vocabulary()
    encoder, _ = make_encoder([RECORD], vocabulary)
    batch = encoder.encode([{"pmid": "0", "title": "Other", "abstract": ""}, RECORD])
    columns = {i: encoder.book.number[f"cell_types:{i}"] for i in vocabulary.ids("cell_types") if i != "none"}
    at = (1, int(batch.first[1]) + sentence)
    assert finding_cell(chance, vocabulary.parents, batch, columns, at) == cell
