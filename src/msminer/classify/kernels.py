"""The loops over tokens, compiled: phrases, neighbours and word counts of a batch in one pass each."""

from __future__ import annotations

import numpy as np

from msminer.classify.compiled import compiled
from msminer.classify.phrases import MAX_KEYS

_DEEPEST = 64


@compiled
def find_phrases(rows, sentence, table, first, key, target, idea_first, ideas, group, n_groups):  # type: ignore[no-untyped-def]  # noqa: PLR0912, PLR0915
    """Hits (idea, sentence, start, end) of all tokens; per group the longest at a place, none inside another.

    rows: table row per token; table: keys per row, -1 padded; the other arrays are those of `phrases.Trie`.
    """
    n = len(rows)
    room = 4 * n + 64
    out = np.empty((room, 4), np.int32)
    made = 0
    last_end = np.zeros(n_groups, np.int32)
    best_end = np.zeros(n_groups, np.int32)
    best_node = np.zeros((n_groups, 8), np.int32)
    best_count = np.zeros(n_groups, np.int32)
    touched = np.zeros(n_groups, np.int32)
    stack_node = np.zeros(_DEEPEST, np.int32)
    stack_at = np.zeros(_DEEPEST, np.int32)
    for start in range(n):
        if table[rows[start], 0] < 0:
            continue
        n_touched = 0
        depth = 1
        stack_node[0] = 0
        stack_at[0] = start
        while depth > 0:
            depth -= 1
            node = stack_node[depth]
            at = stack_at[depth]
            for position in range(idea_first[node], idea_first[node + 1]):
                idea = ideas[position]
                g = group[idea]
                if best_end[g] == 0:
                    touched[n_touched] = g
                    n_touched += 1
                if at > best_end[g]:
                    best_end[g] = at
                    best_count[g] = 0
                if at == best_end[g] and best_count[g] < 8:
                    best_node[g, best_count[g]] = idea
                    best_count[g] += 1
            if at >= n or (at > start and sentence[at] != sentence[start]):
                continue
            for k in range(MAX_KEYS):
                wanted = table[rows[at], k]
                if wanted < 0:
                    break
                low = first[node]
                high = first[node + 1]
                while low < high:
                    middle = (low + high) // 2
                    if key[middle] < wanted:
                        low = middle + 1
                    else:
                        high = middle
                if low < first[node + 1] and key[low] == wanted and depth < _DEEPEST:
                    stack_node[depth] = target[low]
                    stack_at[depth] = at + 1
                    depth += 1
        for t in range(n_touched):
            g = touched[t]
            if best_end[g] > last_end[g]:
                last_end[g] = best_end[g]
                for i in range(best_count[g]):
                    if made < room:
                        out[made, 0] = best_node[g, i]
                        out[made, 1] = sentence[start]
                        out[made, 2] = start
                        out[made, 3] = best_end[g]
                        made += 1
            best_end[g] = 0
            best_count[g] = 0
    return out[:made]


@compiled
def count_ideas(hits, n_sentences, n_ideas, left, right, n_right, reach):  # type: ignore[no-untyped-def]
    """Counts per sentence of each idea, then of (left, right) pairs within `reach` tokens, a left one's nearest only.

    left, right: class of each idea, -1 for none; the pair a, b is column n_ideas + a * n_right + b.
    """
    n_left = 0
    for value in left:
        n_left = max(n_left, value + 1)
    out = np.zeros((n_sentences, n_ideas + n_left * n_right), np.float32)
    n = len(hits)
    begin = 0
    while begin < n:
        sentence = hits[begin, 1]
        stop = begin
        while stop < n and hits[stop, 1] == sentence:
            out[sentence, hits[stop, 0]] += 1
            stop += 1
        for i in range(begin, stop):
            a = left[hits[i, 0]]
            if a < 0:
                continue
            nearest = reach + 1
            for j in range(begin, stop):
                if right[hits[j, 0]] >= 0:
                    gap = max(hits[j, 2] - hits[i, 3], hits[i, 2] - hits[j, 3])
                    nearest = min(nearest, gap)
            for j in range(begin, stop):
                b = right[hits[j, 0]]
                if b >= 0 and nearest <= reach:
                    gap = max(hits[j, 2] - hits[i, 3], hits[i, 2] - hits[j, 3])
                    if gap <= max(nearest, 0) + 1:
                        out[sentence, n_ideas + a * n_right + b] += 1
        begin = stop
    return out


@compiled
def count_words(words, sentence, n_sentences, pair_first, pair_second, pair_column):  # type: ignore[no-untyped-def]
    """Counts of known words and pairs of neighbouring words, as the parts (data, indices, indptr) of a CSR matrix.

    words: column per token, -1 for unknown. The pairs that begin with word w are pair_first[w]..pair_first[w + 1] of
    pair_second (sorted) and pair_column.
    """
    n = len(words)
    found = np.empty(2 * n, np.int32)
    indptr = np.zeros(n_sentences + 1, np.int32)
    data = np.empty(2 * n, np.float32)
    indices = np.empty(2 * n, np.int32)
    made, at = 0, 0
    for number in range(n_sentences):
        many = 0
        while at < n and sentence[at] == number:
            word = words[at]
            at += 1
            if word < 0:
                continue
            found[many] = word
            many += 1
            if at < n and words[at] >= 0 and sentence[at] == number:
                low, high = pair_first[word], pair_first[word + 1]
                while low < high:
                    middle = (low + high) // 2
                    if pair_second[middle] < words[at]:
                        low = middle + 1
                    else:
                        high = middle
                if low < pair_first[word + 1] and pair_second[low] == words[at]:
                    found[many] = pair_column[low]
                    many += 1
        for column in np.sort(found[:many]):
            if made > indptr[number] and indices[made - 1] == column:
                data[made - 1] += 1
            else:
                indices[made], data[made] = column, 1
                made += 1
        indptr[number + 1] = made
    return data[:made].copy(), indices[:made].copy(), indptr
