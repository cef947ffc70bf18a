"""Text to meaning: labels, choices, numbers, words, yes and no, places. No reader guesses, and none sees the truth."""

from .choices import LETTERS, read_choice
from .places import Place, read_boxes, read_points
from .texts import bare_word, read_label, read_number, read_quoted, read_words, read_yes_no, says_nothing, text_of
from .vocabulary import Lexicon, Vocabulary

__all__ = [
    "LETTERS",
    "Lexicon",
    "Place",
    "Vocabulary",
    "bare_word",
    "read_boxes",
    "read_choice",
    "read_label",
    "read_number",
    "read_points",
    "read_quoted",
    "read_words",
    "read_yes_no",
    "says_nothing",
    "text_of",
]
