"""Other words for options, to see whether a model follows an instruction or its habit (Li et al. 2023, verbalizer manipulation; reference 2.6).

The words are ChEF's constants (appendix F); the sentence that introduces them is ours."""

from __future__ import annotations

from collections.abc import Sequence

from lamm_bench.errors import BenchError, unknown

WORDS: dict[str, tuple[str, ...]] = {
    "natural-0": ("1", "2", "3", "4", "5", "6", "7", "8"),
    "natural-1": ("I", "II", "III", "IV", "V", "VI", "VII"),
    "natural-2": ("first", "second", "third", "fourth", "fifth", "sixth"),
    "natural-3": ("(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)", "(8)"),
    "natural-4": ("α", "β", "γ", "δ", "ε", "ζ", "η", "θ"),  # noqa: RUF001
    "neutral-0": ("Smith", "Johnson", "Williams", "Jones", "Brown", "Davis", "Miller", "Wilson"),
    "neutral-1": ("foo", "dog", "hip", "oh", "cat", "lake", "river", "joy"),
    "neutral-2": ("~", "@", "#", "$", "%", "^", "&", "*"),
}
TURNED = {"unnatural-0": 1, "unnatural-1": -1}
"""Each option is called by the letter of its neighbour: the next one, or the one before."""
SENTENCE = 'Say "{word}" for {option}. '


def verbalizers() -> tuple[str, ...]:
    return (*WORDS, *TURNED)


def words_for(name: str, options: Sequence[str]) -> tuple[str, ...]:
    """The word of each option. Raises `BenchError` where there are fewer.

    >>> words_for("natural-2", ["(A)", "(B)"]), words_for("unnatural-0", ["(A)", "(B)", "(C)"])
    (('first', 'second'), ('(B)', '(C)', '(A)'))
    """
    if name in TURNED:
        by = TURNED[name] % max(len(options), 1)
        return (*options[by:], *options[:by])
    if name not in WORDS:
        raise unknown("verbalizer", name, verbalizers())
    if len(options) > len(WORDS[name]):
        raise BenchError(f"the verbalizer {name} has {len(WORDS[name])} words, and a sample has {len(options)} options")
    return WORDS[name][: len(options)]


def introduced(options: Sequence[str], words: Sequence[str], sentence: str = SENTENCE) -> str:
    """One sentence for each option.

    >>> introduced(["(A)", "(B)"], ["foo", "dog"])
    'Say "foo" for (A). Say "dog" for (B). '
    """
    return "".join(sentence.replace("{option}", option).replace("{word}", word) for option, word in zip(options, words))
