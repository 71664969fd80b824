"""Sums and products over counts, compiled: most counts are 0 and cost nothing here."""

from __future__ import annotations

import numpy as np

from msminer.classify.compiled import compiled


@compiled
def add_rows(data, indices, indptr, first, n_columns):  # type: ignore[no-untyped-def]
    """Rows first[i]..first[i + 1] of a CSR matrix added up, as the parts of a CSR matrix with sorted indices."""
    total = np.zeros(n_columns, np.float32)
    out = np.zeros(len(first), np.int32)
    columns = np.empty(len(indices), np.int32)
    values = np.empty(len(indices), np.float32)
    made = 0
    for i in range(len(first) - 1):
        start = made
        for at in range(indptr[first[i]], indptr[first[i + 1]]):
            column = indices[at]
            if total[column] == 0:
                columns[made] = column
                made += 1
            total[column] += data[at]
        columns[start:made] = np.sort(columns[start:made])
        for at in range(start, made):
            values[at] = total[columns[at]]
            total[columns[at]] = 0
        out[i + 1] = made
    return values[:made].copy(), columns[:made].copy(), out


@compiled
def weigh_words(data, indices, indptr, idf):  # type: ignore[no-untyped-def]
    """(1 + log count) x idf, rows of length 1."""
    out = np.empty(len(data), np.float32)
    for row in range(len(indptr) - 1):
        square = np.float32(1e-18)
        for at in range(indptr[row], indptr[row + 1]):
            out[at] = (np.float32(1) + np.log(data[at])) * idf[indices[at]]
            square += out[at] * out[at]
        for at in range(indptr[row], indptr[row + 1]):
            out[at] /= np.sqrt(square)
    return out


@compiled
def add_weights(data, indices, indptr, weights):  # type: ignore[no-untyped-def]
    """Sums of the weights (columns x k) of a row's words, each times 1 + log count; columns beyond are passed over."""
    out = np.zeros((len(indptr) - 1, weights.shape[1]), np.float32)
    for row in range(len(out)):
        total = out[row]
        for at in range(indptr[row], indptr[row + 1]):
            if indices[at] < len(weights):
                times, weight = np.float32(1) + np.log(data[at]), weights[indices[at]]
                for k in range(len(total)):
                    total[k] += times * weight[k]
    return out


@compiled
def add_by_weight(values, first, weights):  # type: ignore[no-untyped-def]
    """Rows first[i]..first[i + 1] of values added up once for each column of weights: i x weights x columns."""
    n, k = len(first) - 1, weights.shape[1]
    out = np.zeros((n, k, values.shape[1]), np.float32)
    for i in range(n):
        for row in range(first[i], first[i + 1]):
            value = values[row]
            for j in range(k):
                times, total = weights[row, j], out[i, j]
                if times != 0:
                    for column in range(len(total)):
                        total[column] += times * value[column]
    return out


@compiled
def log_counts(counts):  # type: ignore[no-untyped-def]
    """log(1 + count) of a table that is mostly 0."""
    out = np.zeros(counts.shape, np.float32)
    for i in range(counts.shape[0]):
        for j in range(counts.shape[1]):
            if counts[i, j] != 0:
                out[i, j] = np.log1p(counts[i, j])
    return out


@compiled
def score_counts(counts, weights):  # type: ignore[no-untyped-def]
    """`log_counts(counts) @ weights`, of the counts that are not 0."""
    out = np.zeros((counts.shape[0], weights.shape[1]), np.float32)
    for i in range(counts.shape[0]):
        total = out[i]
        for j in range(counts.shape[1]):
            if counts[i, j] != 0:
                value, weight = np.log1p(counts[i, j]), weights[j]
                for k in range(len(total)):
                    total[k] += value * weight[k]
    return out


@compiled
def best_two(values, first):  # type: ignore[no-untyped-def]
    """Of rows first[i]..first[i + 1], by column: the row of the greatest value (the first of equals), and the second
    greatest value, 0 where there is one row.
    """
    n, k = len(first) - 1, values.shape[1]
    best = np.zeros((n, k), np.int64)
    second = np.zeros((n, k), values.dtype)
    for i in range(n):
        for j in range(k):
            best[i, j] = first[i]
        for row in range(first[i] + 1, first[i + 1]):
            for j in range(k):
                if values[row, j] > values[best[i, j], j]:
                    second[i, j] = values[best[i, j], j]
                    best[i, j] = row
                elif row == first[i] + 1 or values[row, j] > second[i, j]:
                    second[i, j] = values[row, j]
    return best, second
