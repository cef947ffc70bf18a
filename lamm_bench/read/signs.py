"""The words that an answer says stand in a picture: quoted, listed, behind "the sign says", or the whole answer.

Prose around them is no word of the sign, and "no text is visible" says that there is none."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from .refusals import refuses
from .thoughts import visible
from .vocabulary import fold, words
from .wrappers import KEY, boxed, plain, tagged, values

TEXT_KEYS = ("text", "texts", "words", "word", "textcontent", "transcription", "content", "string", "ocr", "answer", "value", "label", "result", "wordlist", "visibletext", "signs", "sign", "lines", "detectedtext")  # fmt: skip
PLACES = re.compile(r"<\|?/?(?:loc|quad|box|ref|det|object|point|x|y|poly)[^<>\s]{0,24}>|<\d{1,4}>", re.I)
STRAIGHT = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "„": '"', "‟": '"', "‚": "'"})
# pairs that quote, the opening one never inside; a single quote only at the edges of words
QUOTED = re.compile(
    r"\"(?P<a>[^\"\n]{1,300})\"|“(?P<b>[^“”\n]{1,300})”|«\s?(?P<c>[^«»\n]{1,300}?)\s?»|„(?P<d>[^„“”\n]{1,300})[“”]|「(?P<e>[^「」\n]{1,300})」|『(?P<f>[^『』\n]{1,300})』"
    r"|(?<![\w'])['‘](?P<g>[^'‘’\n]{0,200}(?:(?<=\w)['’](?=\w)[^'‘’\n]{0,200}){0,4})['’](?!\w)|`(?P<h>[^`\n]{1,300})`|《(?P<i>[^《》\n]{1,300})》"
)
OPEN_QUOTE = re.compile(r"(?:says?|reads?|is|are|:)\s*[\"“„«](?P<rest>[^\"“”„«»\n]{1,300})$", re.M)
INCH = re.compile(r"(?<=\d)\"(?=\s|$)")
NOTHING = re.compile(
    r"^\W*(?:there (?:is|are|'s|does not (?:appear|seem) to be|seems to be|appears to be)(?: \w+){0,2}? (?:no|not any|no visible|nothing)\b|(?:i|we) (?:do not|cannot|can not|can't|could not|did not) (?:see|find|detect|identify|read|make out)\b"
    r"|no (?:\w+ ){0,3}(?:text|words?|letters?|writing|signs?|characters?|signage)\b(?: (?:is|are|was|were|can|could|in|on|visible|found|detected|present|here|at|that|to|i|appears?)\b|[.!]?$)"
    r"|(?:the|this) (?:image|picture|photo|sign|scene)(?: \w+){0,3} (?:does not|do not|contains? no|has no|shows? no|without|is blank|lacks)\b|none\W*$|nothing\W*$|n/a\W*$|\[?no text\]?\W*$|not (?:visible|legible|readable|applicable)\b"
    r"|(?:the )?(?:text|words?|writing|letters?) (?:is|are|in the \w+ (?:is|are)) (?:too |not |un|il|very )?(?:blurry|legible|readable|clear|visible|small|illegible|unclear|unreadable|blurred|faint)"
    r"|(?:it is|it's) (?:hard|difficult|impossible|not possible)\b|unable\b|illegible\W*$|unreadable\W*$)"
)
CUE = re.compile(
    r"^[^\n\"“]{0,120}?\b(?:(?:text|words?|sign|signs|writing|letters|lettering|image|picture|photo|it|label|banner|signage|board|storefront|answer|transcription|ocr|result|output|words are|content)"
    r"\b[^\n:\"“]{0,60}?\b(?:says?|reads?|is|are|states?|shows?|spells?|displays?|contains?|includes?|written|visible|following|as follows|say|read)\b(?:(?: the| as| out| following)? (?:words?|text|phrase|name)\b)?"
    r"|i (?:can )?(?:see|read)(?: the)?(?: words?| text)|(?:text|words?|transcription|ocr|answer|result|output|sign|visible text|final answer|extracted text|detected text|visible words|words in the image|text in the image)(?=\s*[:：\n]))"
    r"\s*(?:[:：]|(?=\s|$))\s*",
    re.I,
)
PREAMBLE = re.compile(
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely|here(?:'s| is| are)|based on|looking at|the following|below)\b[^\n]{0,160}?(?::\s*|\n+)",
    re.I,
)
REMARK = re.compile(
    r"\b(?:the|this|these|those|it|they|which|i|both|all|note|please|there)\b.*\b(?:word|words|text|letters?|sign|signs|image|picture|photo|appears?|written|visible|displayed|painted|printed|obscured|background|color|colour|font|building|storefront|awning)\b",
    re.I,
)
ASIDE = re.compile(r"\((?=[^()]*[a-z])(?:[^()\n]*\s){2,}[^()\n]*\)")
MARKER = re.compile(r"^[ \t]*(?:\d{1,2}[.)](?=[ \t])|[-•*–](?=[ \t]))[ \t]*", re.M)
FIELD = re.compile(r"^[ \t]*(?:line|word|sign|text|text on \w+|sign) ?\d{0,2}[ \t]*:[ \t]*", re.M | re.I)
APART = re.compile(r"(?<=[^\W\d_])[/|,;](?=[^\W\d_])|[|]")
TAIL = re.compile(
    r"(?<=[A-Z0-9][A-Z0-9])[\"'”’]?,?\s(?:on|in|at|above|below|written|printed|painted|displayed|across|along|which|near|over|as)\b[^A-Z\n]*$"
)
SPACED = re.compile(r"(?:\w ){2,}\w(?:  +(?:\w ){1,}\w)*\Z")
KEPT = frozenset("&+@#$€£%")  # signs that are words of their own


def read_sign(text: str) -> list[str] | None:
    """The words of a sign, folded and bare; None where the answer names none, refuses, or is an unfinished thought.

    >>> [read_sign(text) for text in ('The sign says "Hotel Bar."', "The words are HOTEL and BAR.", "1. HOTEL\\n2. BAR", "Hotel Bar")]
    [['hotel', 'bar'], ['hotel', 'bar'], ['hotel', 'bar'], ['hotel', 'bar']]
    >>> [read_sign(text) for text in ('{"words": ["HOTEL", "BAR"]}', "<think>M... </think>HOTEL", "«HOTEL»", "```\\nHOTEL\\n```")]
    [['hotel', 'bar'], ['hotel'], ['hotel'], ['hotel']]
    >>> [read_sign(text) for text in ("No text is visible in the image.", "I'm sorry, I can't read it.", "...", "<think>H, O")]
    [None, None, None, None]
    >>> read_sign("NO PARKING"), read_sign("SORRY WE ARE CLOSED"), read_sign("H O T E L  B A R")
    (['no', 'parking'], ['sorry', 'we', 'are', 'closed'], ['hotel', 'bar'])
    """
    said = PLACES.sub(" ", visible(text)).replace('\\"', '"')
    for unwrap in (tagged, boxed):
        inside = unwrap(said)
        said = inside if inside is not None and inside.strip() else said
    listed = json_words(said)
    if listed is not None:
        return read_words(" ".join(listed)) or None
    said = plain(said.replace("`", "'") if "```" not in said else said).strip()
    shouted = not any(c.islower() for c in said)
    if (
        not shouted
        and (refuses(said) or NOTHING.search(" ".join(fold(said[:400]).split())))
        and not QUOTED.search(INCH.sub("", said))
    ):
        return None
    quoted = read_quoted(said)
    if quoted:
        return read_words(" ".join(quoted)) or None
    said = said if shouted else without_prose(said)
    return read_words(joined_letters(FIELD.sub("", MARKER.sub("", said)))) or None


def json_words(said: str) -> list[str] | None:
    """The texts of an answer in JSON; None where it is none."""
    if not said.lstrip("`json \n").startswith(("{", "[")):
        return None
    found: list[str] = []
    for value in values(said):
        found += list(texts(value))
    return found or None


def texts(value: Any, wanted: bool = True) -> Iterator[str]:
    """The texts in a JSON value: of objects those under a key of `TEXT_KEYS`, or else any.

    >>> list(texts([{"bbox": [1, 2], "text": "HOTEL"}, "BAR"])), list(texts({"a": "x", "confidence": "high"}))
    (['HOTEL', 'BAR'], ['x', 'high'])
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for entry in value:
            yield from texts(entry)
    elif isinstance(value, dict):
        named = [entry for key, entry in value.items() if KEY.sub("", key.casefold()) in TEXT_KEYS]
        for entry in named or value.values():
            yield from texts(entry)


def read_quoted(text: str) -> list[str]:
    """What stands between quotes of any kind; one that is not closed quotes to the end of its line behind "says".

    >>> read_quoted('It says "HOTEL BAR" and “OPEN”, I\\'m sure'), read_quoted("It's 'JOE'S DINER'."), read_quoted('says "HOTEL')
    (['HOTEL BAR', 'OPEN'], ["JOE'S DINER"], ['HOTEL'])
    >>> read_quoted('12" BAR'), read_quoted("ROCK 'N' ROLL"), read_quoted("O'Neil's")
    ([], [], [])
    """
    text = INCH.sub("", text) if text.count('"') % 2 else text
    found = [next(filter(None, match.groups()), "") for match in QUOTED.finditer(text)]
    if found == ["N"] or found == ["n"]:
        return []
    rest = OPEN_QUOTE.search(text) if not found else None
    return [rest["rest"]] if rest else [each for each in found if each.strip()]


def without_prose(said: str) -> str:
    """An answer without what introduces the words and what is remarked about them."""
    said = ASIDE.sub(" ", said) if words(ASIDE.sub(" ", said)) else said
    said = PREAMBLE.sub("", said, count=1) or said
    cue = CUE.match(said)
    introduced = cue is not None and said[cue.end() :].strip() != ""
    if cue is not None and introduced:
        said = said[cue.end() :]
        if said[:1].isupper() or said[:1].isdigit():
            said = re.sub(r"(?<=[^\s,])(?:,)?\s+and\s+(?=[A-Z0-9])", " ", said)
        said = TAIL.sub("", said)
    paragraphs = [part for part in said.split("\n") if part.strip()]
    kept = [paragraphs[0]] if paragraphs else []
    kept += [
        part for part in paragraphs[1:] if not (REMARK.search(part) and len(part.split()) > 4 and any(c.islower() for c in part))
    ]
    return "\n".join(kept)


def joined_letters(said: str) -> str:
    """Letters that stand one by one as the words they spell, parted at double blanks."""
    line = said.strip()
    if len(line) > 200 or not SPACED.match(line):
        return said
    return " ".join(word.replace(" ", "") for word in re.split(r"  +", line))


def read_words(text: str) -> list[str]:
    """Words as signs are scored by: parted at blanks, bars and slashes between letters, folded, marks at the edges stripped.

    >>> read_words("['HOTEL', \\"O'Neil's\\"] Tea & CO., 03-2726 ... A/B 24/7")
    ['hotel', "o'neil's", 'tea', '&', 'co', '03-2726', 'a', 'b', '24/7']
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).translate(STRAIGHT)
    found = (bare_word(word) for word in APART.sub(" ", text.replace('"', " ")).casefold().split())
    return [word for word in found if word]


def bare_word(word: str) -> str:
    """A word without marks at its edges; empty when it is nothing but marks, save those of `KEPT`.

    >>> bare_word("(hotel,"), bare_word("&"), bare_word("...")
    ('hotel', '&', '')
    """
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while start < end and not word[end - 1].isalnum():
        end -= 1
    return word[start:end] or (word if word in KEPT else "")
