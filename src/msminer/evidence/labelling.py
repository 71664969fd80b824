"""The classifier's errors as chances: what may stand behind a predicted direction, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from msminer.evidence.publications import Publication

Rows = tuple[tuple[float, ...], ...]

# Added to every cell of the confusion table: a mistake never seen there is rare, not impossible (Jeffreys' half).
_HALF = 0.5
# The gold's name for a predicted finding whose outcome it does not have.
SPURIOUS = "none"
# The mix moves by less than 0.001 after 60 steps on the sample and on the gold (2026-11).
_STEPS = 100
# Findings of a corpus that the gold's mix is worth: rows that look alike to the classifier (mixed and benefit) would
# else let a few findings decide between them.
_GOLD_WORTH = 100.0
# Studies that the corpus's mix of directions is worth for one claim, and for those who do not belong to it: no more
# than Jeffreys' half for each of the four.
_CLAIM_WORTH = 2.0
# The share of findings that are real differs between the ten outcomes of the gold like draws of a Beta of this strength
# (0.65 to 0.82, before 0.60 to 0.77, 2026-11).
_REAL_WORTH = 60.0
# Draws for one claim. Their weights leave 100 to 700 as good as independent ones (3 to 100 studies, 2026-11).
_DRAWS = 1000
_SEED = 20261121
# Parts of what a claim's own studies would add to the prior, in the four proposals of the draws.
_NEARER = (0.0, 0.1, 0.3, 0.8)
# Steps to the middle of the proposals, which need not be the very mode.
_NEARBY = 20


@dataclass(frozen=True)
class Reading:
    """What may stand behind the predictions of one group of studies: draws of the posterior, each with a weight.

    known: draws x predicted directions: chance that the study belongs to the group and its finding is one; support:
    the same times the expected support behind such a finding; of: predicted direction → chance that a study counts,
    its expected support, and the variance of that from study to study.
    """

    names: tuple[str, ...]
    weight: np.ndarray
    known: np.ndarray
    support: np.ndarray
    of: Mapping[str, tuple[float, float, float]]

    def doubt(self, worth: Mapping[str, float]) -> float:
        """Variance between draws of the share of support of studies; worth: predicted direction → studies."""
        counts = np.array([worth.get(name, 0.0) for name in self.names])
        share = (self.support @ counts) / (self.known @ counts)
        mean = float(self.weight @ share)
        return float(self.weight @ (share - mean) ** 2)


@dataclass(frozen=True)
class Labelling:
    """How predicted directions relate to true ones.

    names: directions, in the order of the gold's columns; gold: counts of true direction (last: no finding) x
    predicted; mix: how often each is behind a predicted finding of the corpus.
    """

    names: tuple[str, ...]
    gold: Rows
    mix: tuple[float, ...]

    def reading(self, predicted: Sequence[str], strange: float, support: Mapping[str, float]) -> Reading:
        """What may stand behind the predictions of a group of studies.

        strange: share of them that do not belong to the group; support: true direction → support of the claim.
        """
        counts = tuple(float(sum(one == name for one in predicted)) for name in self.names)
        values = tuple(support[name] for name in self.names)
        return _reading(self, counts, round(strange, 2), values)


def labelling_from(errors: Mapping[str, Any] | None, publications: Iterable[Publication]) -> Labelling | None:
    """The labelling of these publications; None without errors (labelled by people).

    errors: data/model/errors.json; findings.direction holds counts, gold direction → predicted direction, out of fold,
    the gold direction `none` where the finding is not one. The chance of a prediction given the truth is the gold's;
    how often each direction is true is that of the corpus at hand, found by the steps of Saerens, Latinne and
    Decaestecker (2002, Neural Computation 14:21), so that a corpus of another mix than the gold's is not pulled to it.
    """
    if not errors:
        return None
    table: Mapping[str, Mapping[str, float]] = errors["findings"]["direction"]
    names = tuple(name for name in table if name != SPURIOUS)
    seen = [finding.direction for row in publications for finding in row.findings if finding.kind != "fact"]
    rows = [*names, SPURIOUS]
    gold = np.array([[float(table.get(true, {}).get(told, 0)) + _HALF for told in names] for true in rows])
    counts = np.array([float(seen.count(name)) for name in names])
    chance = gold / gold.sum(axis=1, keepdims=True)
    mix = _adapted(chance, counts, _GOLD_WORTH * gold.sum(axis=1) / gold.sum())
    return Labelling(names, tuple(map(tuple, gold.tolist())), tuple(mix.tolist()))


def _adapted(chance: np.ndarray, seen: np.ndarray, before: np.ndarray, steps: int = _STEPS) -> np.ndarray:
    mix: np.ndarray = before / before.sum()
    for _ in range(steps if seen.any() else 0):
        joint = chance * mix[:, None]
        expected = (joint / joint.sum(axis=0) * seen).sum(axis=1) + before
        mix = expected / expected.sum()
    return mix


@lru_cache(maxsize=256)
def _reading(labelling: Labelling, counts: tuple[float, ...], strange: float, values: tuple[float, ...]) -> Reading:
    """Importance sampling (Gelman et al., Bayesian Data Analysis, 3rd ed., section 10.4).

    Predictions are draws from: real findings of studies that belong (their mix is what is asked), real findings of
    those that do not (a mix of their own), and findings that are none; each seen through the gold's rows.
    """
    seen = np.array(counts)
    rows, real, outside, spurious = _usual(labelling)
    asked, log = _proposed(labelling, seen)
    inside = (asked * (real * (1 - strange))[:, None])[:, :, None] * rows
    behind = inside.sum(axis=1)
    every = behind + strange * outside + spurious
    log = log + np.log(every) @ seen
    weight = np.exp(log - log.max())
    return _summed(labelling.names, weight / weight.sum(), inside / every[:, None, :], np.array(values))


def _summed(names: tuple[str, ...], weight: np.ndarray, parts: np.ndarray, values: np.ndarray) -> Reading:
    """The reading of draws; parts: draws x true x predicted direction: chance that a study counts and that is true."""
    known, support = parts.sum(axis=1), values @ parts
    mean = np.tensordot(weight, parts, axes=1)
    total, first, second = mean.sum(axis=0), values @ mean / mean.sum(axis=0), values**2 @ mean / mean.sum(axis=0)
    told = zip(total.tolist(), first.tolist(), np.maximum(second - first**2, 0.0).tolist(), strict=True)
    return Reading(names, weight, known, support, dict(zip(names, told, strict=True)))


@lru_cache(maxsize=8)
def _usual(labelling: Labelling) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Draws that no claim's studies enter.

    Chances of predictions given the truth; share of findings that are real; predictions of studies that do not belong
    and of findings that are none.
    """
    rng = np.random.default_rng(_SEED)
    mix, gold = np.array(labelling.mix), np.array(labelling.gold)
    rows = rng.standard_gamma(gold, (_DRAWS, *gold.shape))
    rows /= rows.sum(axis=2, keepdims=True)
    real = rng.beta(_REAL_WORTH * (1 - mix[-1]), _REAL_WORTH * mix[-1], _DRAWS)
    outside = np.einsum("kt,ktd->kd", _dirichlet(rng, _before(mix)), rows[:, :-1]) * real[:, None]
    return rows[:, :-1], real, outside, rows[:, -1] * (1 - real)[:, None]


def _before(mix: np.ndarray) -> np.ndarray:
    out: np.ndarray = _CLAIM_WORTH * mix[:-1] / mix[:-1].sum()
    return out


def _dirichlet(rng: np.random.Generator, strength: np.ndarray, draws: int = _DRAWS) -> np.ndarray:
    found = np.maximum(rng.standard_gamma(strength, (draws, len(strength))), 1e-12)
    out: np.ndarray = found / found.sum(axis=1, keepdims=True)
    return out


def _proposed(labelling: Labelling, seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mixes drawn from the prior and ever nearer the likeliest one, and the log of prior over proposal.

    The four proposals are one mixture (balance heuristic, Veach and Guibas 1995), so that no weight runs away where the
    classifier hardly tells two directions apart.
    """
    mix, gold = np.array(labelling.mix), np.array(labelling.gold)
    chance, before = gold / gold.sum(axis=1, keepdims=True), _before(mix)
    near = _adapted(chance, seen, mix * (_CLAIM_WORTH / mix[:-1].sum()), _NEARBY)[:-1] * seen.sum()
    rng = np.random.default_rng(_SEED + 1)
    draws = np.concatenate([_dirichlet(rng, before + part * near, _DRAWS // len(_NEARER)) for part in _NEARER])
    ratio = np.array([_log_ratio(draws, before, part * near) for part in _NEARER])
    out: np.ndarray = np.log(len(_NEARER)) - special.logsumexp(ratio, axis=0)
    return draws, out


def _log_ratio(draws: np.ndarray, before: np.ndarray, added: np.ndarray) -> np.ndarray:
    """Log density of Dirichlet(before + added) over that of Dirichlet(before)."""
    both = before + added
    constant = special.gammaln(both.sum()) - special.gammaln(before.sum())
    constant -= special.gammaln(both).sum() - special.gammaln(before).sum()
    out: np.ndarray = np.log(draws) @ added + constant
    return out
