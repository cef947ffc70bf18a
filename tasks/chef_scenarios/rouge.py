"""ROUGE-L as the package `rouge` 1.0.1 counts it, which ChEF uses for captions (Lin 2004, section 3; reference 9.8).

Texts are cut at full stops; what counts are sets of words: of each sentence of the reference the words of its longest common
subsequences with the candidate's sentences, without those that an earlier sentence brought already."""

from __future__ import annotations

from collections.abc import Sequence

EPSILON = 1e-8  # in the denominator of the package's F


def sentences(text: str) -> list[list[str]]:
    """The words of each sentence; one of blanks alone has one empty word, as the package has it.

    >>> sentences("A  cat. It sits ."), sentences("..")
    ([['A', 'cat'], ['It', 'sits']], [])
    """
    return [" ".join(part.split()).split(" ") for part in text.split(".") if part]


def rouge_l(candidate: str, reference: str) -> float | None:
    """F of a candidate and a reference, 0 to just below 1; None where either holds no sentence, at which the package stops.

    >>> round(rouge_l("a cat sits", "a cat. It sits"), 6), rouge_l("...", "a cat")
    (0.857143, None)
    """
    said, true = sentences(candidate), sentences(reference)
    if not said or not true:
        return None
    common: set[str] = set()
    for sentence in true:
        for other in said:
            common.update(common_words(sentence, other))
    words, known = {word for one in said for word in one}, {word for one in true for word in one}
    recall, precision = len(common) / len(known), len(common) / len(words)
    return 2 * precision * recall / (precision + recall + EPSILON)


def common_words(first: Sequence[str], second: Sequence[str]) -> set[str]:
    """The words of one longest common subsequence; of several the one that the package's way back finds."""
    if first == second:
        return set(first)
    shared = set(first) & set(second)
    if len(shared) < 2:
        return shared
    table = [[0] * (len(second) + 1)]
    for word in first:
        before, row = table[-1], [0]
        for column, other in enumerate(second):
            row.append(before[column] + 1 if word == other else max(before[column + 1], row[column]))
        table.append(row)
    found, row_number, column = set(), len(first), len(second)
    while row_number and column:
        if first[row_number - 1] == second[column - 1]:
            found.add(first[row_number - 1])
            row_number, column = row_number - 1, column - 1
        elif table[row_number - 1][column] > table[row_number][column - 1]:
            row_number -= 1
        else:
            column -= 1
    return found
