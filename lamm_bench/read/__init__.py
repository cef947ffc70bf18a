"""Text to meaning: labels, choices, numbers, words, yes and no, places. No reader guesses, and none sees the truth.

An answer is read in two steps: `answer_of` drops thoughts and wrappers, then the reader of its kind looks at what is left. The
doctests are the specification. Every reader takes time linear in the text's length; of an answer of more than 200,000
characters the beginning and the end are read."""

from .captions import read_caption
from .choices import LETTERS, read_choice
from .conventions import Convention, Frame, convention
from .counts import read_number
from .labels import read_labels
from .places import Place, read_boxes, read_points
from .refusals import refuses, says_nothing
from .signs import bare_word, read_quoted, read_sign, read_words
from .texts import read_label, text_of
from .vocabulary import Lexicon, Vocabulary
from .wrappers import answer_of
from .yesno import read_yes_no

READERS = "4"
"""The version of the readers of `standard`, which stands in every result: raise it with every change of what they read."""

__all__ = [
    "LETTERS",
    "READERS",
    "Convention",
    "Frame",
    "Lexicon",
    "Place",
    "Vocabulary",
    "answer_of",
    "bare_word",
    "convention",
    "read_boxes",
    "read_caption",
    "read_choice",
    "read_label",
    "read_labels",
    "read_number",
    "read_points",
    "read_quoted",
    "read_sign",
    "read_words",
    "read_yes_no",
    "refuses",
    "says_nothing",
    "text_of",
]
