"""An answer as one text, and the label that it names."""

from __future__ import annotations

from lamm_bench.types import Answer

from .labels import read_labels
from .vocabulary import Vocabulary


def text_of(answer: Answer) -> str:
    """An answer as one text; the parts of a mapping on lines of their own."""
    return answer if isinstance(answer, str) else "\n".join(str(text) for text in answer.values())


def read_label(text: str, vocabulary: Vocabulary) -> str | None:
    """The one label that is named; None when none is, or several are.

    >>> from lamm_bench.read import Lexicon
    >>> pets = Lexicon({"cat": ("kitten",), "dog": ()}).vocabulary(())
    >>> read_label("Two kittens.", pets), read_label("cat or dog", pets), read_label("not a dog but a cat", pets)
    ('cat', None, 'cat')
    """
    named = read_labels(text, vocabulary)
    return named[0] if len(named) == 1 else None
