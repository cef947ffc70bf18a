"""Which option of a multiple-choice question an answer chooses; None when that cannot be told (reference, Appendix H, O13)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from .letters import LETTERS, Mention, index_of, mentions
from .options import Options, asserted, folded, named, only, options_of, tidy, whole
from .refusals import refuses
from .thoughts import visible
from .vocabulary import fold
from .wrappers import answer_of

__all__ = ["LETTERS", "index_of", "read_choice"]

KEYS = (
    "choice",
    "option",
    "letter",
    "answerletter",
    "correctoption",
    "correctanswer",
    "selectedoption",
    "selected",
    "choiceletter",
)
WIDTH = 4000  # characters of the longest option
SHORT = 40  # characters of an answer, or of a line, that is one letter
ALONE = re.compile(
    r"[\s\"'“”‘’«»<>*`_\[({【-]*(?:(?:[Oo]ption|OPTION|[Cc]hoice|CHOICE|[Ll]etter|选项|选|選|選択肢)\s?)?[(\[]?([A-Za-z])[\s\])}】\"'“”‘’«»<>*`_.:,;!。、项です-]*"
)
LEADING = re.compile(
    r"[\"'“”*(\[]*([A-Z])[)\].:,]*(?:\s*[-–—:]\s+|,?\s+(?=because|since|as\b|due|for\b)|[)\].:,]+\s*|\s*[.:]?\s*\n)", re.I
)
UNDECIDED = re.compile(
    r"^\W*(?:none|neither|all|both|any|either)(?: of)? (?:the |these |them |those )?(?:above|options|answers|choices|given|is|are|correct|right|a|could)\b"
    r"|^\W*(?:both|either|all|neither)\b.{0,40}$"
)
ORDINALS = {word: index for index, word in enumerate("first second third fourth fifth sixth".split())}
ORDINAL = re.compile(
    r"\bthe (first|second|third|fourth|fifth|sixth|last) (?:option|choice|answer|one|statement)\b(?! (?:is|are) (?:wrong|not|incorrect))"
)
LABELLED = re.compile(
    r"\b(?:labell?ed|label|marked|genotype|letter|called|named|part|point|stage|structure|organism)(?: is| as| with)?\s*[:\"'“(]*\s*$"
)

NOT_SAID = -1


def read_choice(text: str, choices: Sequence[str]) -> int | None:
    """The index of the option that is chosen. Thoughts and wrappers are left out; then the first of these decides:

    1. the whole answer is one letter, one option's text, or a letter and that letter's text;
    2. the last line is a letter;
    3. the last letter that is said to be the answer ("the answer is", "I choose", "is correct"; not where it is ruled out);
    4. the first line is a letter, or the answer begins with one and a mark or a reason;
    5. one option's text is asserted; one inside a longer one, or denied, does not count;
    6. the only letter that is named and not ruled out; letters that are only listed ("(A) or (B)") choose nothing.

    Letters go up to the number of options; a letter beyond them chooses nothing, unless it is what an option says.

    >>> three = ["cell", "cell wall", "root"]
    >>> [read_choice(text, three) for text in ("B", "(c)", "cell wall", "The answer is (A).", "It is the cell wall, surely.")]
    [1, 2, 1, 0, 1]
    >>> [read_choice(text, three) for text in ("not (A) but (B)", "(A) or (B)", "a cell or a root", "The answer is D", "")]
    [1, None, None, None, None]
    >>> read_choice("Some say the answer is (A). I disagree.\\n The answer is B. cell wall", three)
    1
    >>> [read_choice(text, three) for text in ("\\\\boxed{B}", '{"answer": "B"}', "<think>A?</think>B", "A. cell\\nB. cell wall\\nC. root\\n\\nSo: B")]
    [1, 1, 1, 1]
    >>> read_choice("(A) cell (B) cell wall (C) root", three) is None, read_choice("<think>It is A", three) is None
    (True, True)
    >>> read_choice("T", ["P", "T"]), read_choice("T", ["one", "two"]), read_choice("B", ["B", "P"])
    (1, None, 1)
    >>> read_choice("sample A", ["sample B", "sample A"]), read_choice("(B) vitamin (A)", ["vitamin (D)", "vitamin (A)"])
    (1, 1)
    >>> read_choice("The answer is A cat.", ["dog", "cat"]), read_choice("The answer is A because it is big.", ["dog", "cat"])
    (1, 0)
    """
    options = options_of(tuple(choices))
    raw = whole(text, choices, options) if len(text) < WIDTH else None
    if raw is not None:
        return raw if not lettered(text, choices) else index_of(bare(text), len(choices))
    seen = visible(text).strip()
    alone = ALONE.fullmatch(seen) if len(seen) < SHORT else None
    if alone:  # before it is unwrapped, since "<B>" is a tag as well
        return index_of(alone.group(1), len(choices))
    said = without_list(tidy(answer_of(text, KEYS)), choices).strip()
    if not said:
        return None
    for rule in (whole_answer, last_line, affirmed, leading, by_text):
        found = rule(said, choices, options)
        if found != NOT_SAID:
            return found
    return only_letter(said, choices)


def without_list(said: str, choices: Sequence[str]) -> str:
    """The answer without a list of all options that it only repeats: what an option says ("(B) right") is no word on an option.

    >>> without_list("Which?\\n(A) left\\n(B) right", ["left", "right"])
    'Which?\\n'
    >>> without_list("(A) yes (B) no\\nThe answer is (B)", ["yes", "no"]), without_list("(A) left (B) right is it", ["left", "right"])
    ('\\nThe answer is (B)', '(A) left (B) right is it')
    """
    if not 1 < len(choices) <= len(LETTERS) or len(said) > WIDTH:
        return said
    listed = listing(tuple(choices))
    return listed.sub("", said) if listed is not None else said


@lru_cache(maxsize=4096)
def listing(choices: tuple[str, ...]) -> re.Pattern[str] | None:
    """Finds all options in their order, each behind its letter, with nothing of a sentence behind the last; None for empty options."""
    texts = [tidy(choice).strip().rstrip(".") for choice in choices]
    if not all(texts):
        return None
    entries = [rf"(?<!\w)\(?{letter}(?:\)|[.:]|\s-)\s*{re.escape(text)}" for letter, text in zip(LETTERS, texts)]
    return re.compile(r"[\s.,;|/]*(?:(?:or|and)\s+)?".join(entries) + r"(?=[.;,]?\s*(?:\n|$))\.?", re.I)


def lettered(text: str, choices: Sequence[str]) -> bool:
    """Whether an answer is a letter that some option has, so that the letter comes before the option's text."""
    text = bare(text)
    return len(text) == 1 and text.isascii() and text.isalpha() and index_of(text, len(choices)) is not None


def bare(text: str) -> str:
    """A short answer without the marks around it.

    >>> bare(" (A). "), bare("cell wall")
    ('A', 'cell wall')
    """
    return text.strip().strip(".,:;!()[]{}*\"'").strip()


def whole_answer(said: str, choices: Sequence[str], options: Options) -> int | None:
    """Rule 1."""
    found = whole(said, choices, options)
    if found is not None and not lettered(said, choices):
        return found
    alone = ALONE.fullmatch(said) if len(said) < SHORT else None
    if alone:
        # where no option has that letter, a letter may still be what an option says: "Which letter labels the fish?"
        return index_of(alone.group(1), len(choices))
    head = LEADING.match(said)
    index = index_of(head.group(1), len(choices)) if head and head.group(1).isupper() else None
    if (
        head
        and index is not None
        and "\n" not in said
        and folded(said[head.end() :]).rstrip(". ") == folded(choices[index]).rstrip(". ")
    ):
        return index
    return NOT_SAID


def last_line(said: str, choices: Sequence[str], options: Options) -> int | None:
    """Rule 2: the last line is one letter, or a letter and its text while the lines before are no list of the options."""
    lines = [line for line in said.split("\n") if line.strip()]
    if len(lines) < 2 or len(lines[-1]) >= SHORT:
        return NOT_SAID
    alone = ALONE.fullmatch(lines[-1])
    if alone and (alone.group(1).isupper() or "(" in lines[-1]):
        if alone.group(1) in "AI" and not re.search(r"[A-Za-z]\W*$", lines[-1]):
            return NOT_SAID
        return index_of(alone.group(1), len(choices))
    return NOT_SAID


def affirmed(said: str, choices: Sequence[str], options: Options) -> int | None:
    """Rule 3: the last group of letters that is chosen; several letters in it choose nothing."""
    found = mentions(said)
    for number in range(len(found) - 1, -1, -1):
        letter = found[number]
        if letter.role != "chosen":
            continue
        if index_of(LETTERS[letter.index], len(choices)) is None or labelled(said, letter, options):
            return by_its_text(said, letter, choices)
        group = {each.index for each in found if each.group == letter.group}
        if len(group) > 1:
            return None
        if any(each.index == letter.index and each.role == "denied" for each in found[number + 1 :]):
            continue
        return letter.index
    low = fold(said)
    answers = list(ANSWERED.finditer(low))
    if answers:
        behind = low[answers[-1].end() : answers[-1].end() + 400].partition("\n")[0]
        text = asserted(behind, options)
        if text is not None:
            return text
    return NOT_SAID


ANSWERED = re.compile(r"\b(?:answer|ans)\b\s?(?:choice|option|letter)?\s?(?:is|was|would be|should be|must be|=|:)\s?:?\s?", re.I)


def labelled(said: str, letter: Mention, options: Options) -> bool:
    """Whether a letter is what an option says ("the part labelled E") rather than an option's own."""
    key = LETTERS[letter.index].casefold()
    return key in options.index and LABELLED.search(fold(said[max(0, letter.start - 40) : letter.start])) is not None


def by_its_text(said: str, letter: Mention, choices: Sequence[str]) -> int | None:
    """A letter as the text of an option; None where no option says it."""
    matching = [index for index, choice in enumerate(choices) if choice.strip() == LETTERS[letter.index]]
    return matching[0] if len(matching) == 1 else None


def leading(said: str, choices: Sequence[str], options: Options) -> int | None:
    """Rule 4: the answer begins with a letter and a reason, and is no list of the options."""
    head = LEADING.match(said)
    if not head or not (head.group(1).isupper() or "\n" in head.group()):
        return NOT_SAID
    index = index_of(head.group(1), len(choices))
    opening = {each.index for each in mentions(said) if each.listed and each.index < len(choices)} - {index}
    found = mentions(said)
    others = {each.index for each in found if each.role == "named" and each.index < len(choices)} - {index}
    if (
        index is None
        or opening
        or (found and found[0].role == "denied")
        or len(found) > 1
        and found[0].group == found[1].group
        or len(others) >= max(2, len(choices) - 1)
    ):
        return NOT_SAID
    rest = said[head.end() :]
    if head.group(1) in "AI" and re.fullmatch(r"\s*[A-Za-z]\s+", head.group()) and not rest.startswith(("because", "since")):
        return NOT_SAID
    return index


def by_text(said: str, choices: Sequence[str], options: Options) -> int | None:
    """Rule 5; nothing where the options are only repeated, or the answer refuses."""
    start = fold(said[:200])
    if UNDECIDED.search(start):
        return only(said, options)  # an option may say so itself: "none of these"
    ordinals = ORDINAL.findall(fold(said))
    if ordinals:
        return len(choices) - 1 if ordinals[-1] == "last" else index_of(LETTERS[ORDINALS[ordinals[-1]]], len(choices))
    letters = {each.index for each in mentions(said) if each.strong and each.role != "denied" and each.index < len(choices)}
    if len(letters) > 1 and not any(each.role == "denied" for each in mentions(said)):
        return asserted_last(said, options) if len(letters) < len(choices) else None
    if refuses(said) and len({each.index for each in named(said, options)}) != 1:
        return None
    found = labelled_text(said, options)
    if found is None:
        found = asserted(said, options)
    return found if found is not None else NOT_SAID


def labelled_text(said: str, options: Options) -> int | None:
    """The one-letter option that the only labelled letter says: "the part labelled E"."""
    found = {each.index for each in mentions(said) if labelled(said, each, options)}
    return options.index[LETTERS[found.pop()].casefold()] if len(found) == 1 else None


def asserted_last(said: str, options: Options) -> int | None:
    """The letter or text of the last sentence, where several letters were named before it."""
    last = [part for part in re.split(r"(?<=[.!?])\s|\n", said) if part.strip()][-1]
    letters = {each.index for each in mentions(last) if each.role != "denied" and each.strong}
    return letters.pop() if len(letters) == 1 and ENDS.search(fold(last)) else None


ENDS = re.compile(r"\b(?:in the end|finally|after all|on balance|overall|actually|fits|so|then|must|better|best|clear)\b")


def only_letter(said: str, choices: Sequence[str]) -> int | None:
    """Rule 6."""
    found = [each for each in mentions(said) if each.index < len(choices)]
    kept = {each.index for each in found if each.role != "denied" and (each.strong or closes(said, each))}
    denied = {each.index for each in found if each.role == "denied"}
    kept -= denied if len(kept - denied) == 1 else set()
    if {each.index for each in found if each.role != "denied"} - denied - kept and not any(
        each.strong for each in found if each.index in kept
    ):
        return None
    return kept.pop() if len(kept) == 1 and not UNDECIDED.search(fold(said[:200])) else None


def closes(said: str, letter: Mention) -> bool:
    """Whether a bare letter ends a sentence or the text, as an answer would."""
    return re.match(r"\s*(?:[.!。]?\s*$|[.!]\s)", said[letter.end :][:8]) is not None and letter.index != 8
