"""Option texts in answers: where one is named, signs and numbers included, and which of several an answer asserts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from .vocabulary import numbers_of

WIDE = r"\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts that part no words by blanks
THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
DENIED = re.compile(
    r"(?:\b(?:not|never|no|neither|nor|unlike|except|without|instead of|rather than|as opposed to|cannot|than|isn't|aren't|wasn't|doesn't|don't|excluding|eliminates?"
    r"|rules? out|different from|distinct from|confused with)\b|n't\b)(?:[\s\"'“”‘’*(]+(?!but\b)\w+){0,6}[\s\"'“”‘’*(]*$"
)
AGAINST = re.compile(
    r"^\s?\?\s{0,2}(?:no|not|nope|wrong)\b|^[^.,;\n]{0,20}\b(?:is|are|was|were)(?:n't| not)?\s(?:wrong|incorrect|false|not|out|ruled out|eliminated|unlikely)\b"
)
ASIDE = re.compile(
    r"\b(?:because|since|due to|as it|as the|unlike|rather than|instead of|whereas|while|although|though|which|as opposed to|not to be|compared|in contrast|but not|not)\b"
)
CONCLUDES = re.compile(
    r"\b(?:answer|therefore|thus|hence|so|consequently|conclusion|conclude|correct|final(?:ly)?|best|must be|right choice)\b|答案|所以|因此"
)
EXPLAINS = re.compile(r"\n\s{0,8}(?:explanation|reason(?:ing)?|justification|rationale|why)\b", re.I)
SENTENCE = re.compile(r"[.!?;](?=\s|$)|\n")


@dataclass(frozen=True)
class Options:
    """The texts of one question's options and one pattern that finds them all, the longest first."""

    pattern: re.Pattern[str] | None
    index: dict[str, int | None]  # the folded text -> its option; None where two options share it
    exact: dict[str, int | None]  # the same with case kept
    cased: bool  # whether case alone tells two options apart

    def spelled(self, text: str) -> str:
        """A text as these options are looked for in it."""
        return tidy(text) if self.cased else folded(text)


def folded(text: str) -> str:
    """One spelling: compatible characters, case, minus signs, apostrophes, thousands, blanks.

    >>> folded("ＣＯ₂  −5 °C"), folded("Ohm’s 10,000")
    ('co2 -5 °c', "ohm's 10000")
    """
    return tidy(text).casefold()


def tidy(text: str) -> str:
    """As `folded`, with case kept."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.replace("°", "\ue000")).replace("\ue000", "°")
        text = text.replace("−", "-").replace("’", "'").replace("‘", "'")
    return " ".join(THOUSANDS.sub("", text).split()) if "\n" not in text else "\n".join(tidy(line) for line in text.split("\n"))


def bare(text: str) -> str:
    """An option without marks at its edges that say nothing; what is nothing but marks stays."""
    return text.strip().strip("\"'“”`*").rstrip(".;,").strip() or text.strip()


@lru_cache(maxsize=4096)
def options_of(choices: tuple[str, ...]) -> Options:
    """The options of a question, ready to be looked for.

    >>> three = options_of(("-5 °C", "5 °C", "1.5 mi"))
    >>> [[found.index for found in named("It is %s." % text, three)] for text in ("5 °C", "−5 °C", "15 mi")]
    [[1], [0], []]
    """
    exact = table_of(tuple(bare(tidy(choice)) for choice in choices))
    cased = len({key.casefold() for key in exact}) < len(exact)
    index = exact if cased else table_of(tuple(bare(folded(choice)) for choice in choices))
    forms: dict[str, str] = {}
    for key in index:
        forms[key] = flexible(key)
        head, _, last = key.rpartition(" ")
        for other in sorted(numbers_of(last) - {last}) if last.isalpha() and len(last) > 2 and not cased else ():
            form = f"{head} {other}".strip()
            if form not in index and form not in forms:
                index = {**index, form: index[key]}
                forms[form] = flexible(form)
        head, _, rest = key.partition(" ")
        if head in ("a", "an", "the") and rest and rest not in index:
            index = {**index, rest: index[key]}
            forms[rest] = flexible(rest)
    # one letter is too little to be looked for in prose: the letters' own reader knows where it is one
    wanted = sorted((key for key in forms if len(key) > 1 or not key.isascii() or key.isdigit()), key=len, reverse=True)
    pattern = re.compile("|".join(bounded(key, forms[key]) for key in wanted)) if wanted else None
    return Options(pattern, index, exact, cased)


def table_of(keys: Sequence[str]) -> dict[str, int | None]:
    """Which option has a text; None where two have it."""
    return {key: keys.index(key) if keys.count(key) == 1 else None for key in keys if key}


def flexible(key: str) -> str:
    """A pattern in which blanks and hyphens are alike.

    >>> bool(re.fullmatch(flexible("x-ray tube"), "x ray  tube"))
    True
    """
    if key.startswith("-"):
        return re.escape(key)
    return "".join(r"[\s-]+" if part in " -" else re.escape(part) for part in re.split(r"([ -])", key) if part)


def bounded(key: str, form: str) -> str:
    """The pattern with what may not touch it: letters of the same word, a sign or a point of the same number."""
    if re.search(f"[{WIDE}]", key):
        return form
    before = (
        r"(?<![\w.,+-])(?<!\d/)"
        if key[:1].isdigit()
        else r"(?<!\w)"
        if key[:1].isalnum()
        else r"(?<![\w.])"
        if key[0] in "+-."
        else ""
    )
    after = r"(?!\w|[.,]\d|/\d)" if key[-1:].isdigit() else r"(?!\w)" if key[-1:].isalnum() else r""
    return before + form + (after + r"(?![+#])" if key[-1:].isalnum() else after)


@dataclass(frozen=True, slots=True)
class Named:
    """One option's text at a place of the folded text."""

    start: int
    end: int
    index: int | None
    denied: bool


def named(text: str, options: Options) -> list[Named]:
    """Every option that stands in a text, the longest where several begin at one place."""
    if options.pattern is None:
        return []
    said = options.spelled(text)
    found = []
    for match in options.pattern.finditer(said):
        key = " ".join(match.group().split())
        index = options.index.get(key, options.index.get(key.replace("-", " "), options.index.get(key.replace(" ", "-"), -1)))
        if index == -1:
            index = next((value for name, value in options.index.items() if re.fullmatch(flexible(name), match.group())), None)
        found.append(Named(match.start(), match.end(), index, is_denied(said, match.start(), match.end())))
    return found


def is_denied(said: str, start: int, end: int) -> bool:
    """Whether an option is ruled out where it is named."""
    clause = SENTENCE.split(said[max(0, start - 80) : start])[-1]
    clause = re.split(r",\s|\bbut\b|\bit is\b(?! not)|\bit's\b(?! not)|:\s", clause)[-1]
    return DENIED.search(clause) is not None or AGAINST.search(said[end : end + 60]) is not None


def only(text: str, options: Options) -> int | None:
    """The one option that a text names and does not deny; None when there is none, or several."""
    found = {each.index for each in named(text, options) if not each.denied}
    return found.pop() if len(found) == 1 else None


def asserted(text: str, options: Options) -> int | None:
    """The option that a text asserts: the only one; else the only one of its conclusion, or of its main clauses.

    >>> four = options_of(("grass", "rabbit", "fox", "hawk"))
    >>> asserted("The rabbit is the consumer because it eats grass.", four), asserted("Grass, rabbit or fox.", four)
    (1, None)
    >>> asserted("The fox eats the rabbit. So it is the rabbit, not the fox.", four)
    1
    """
    said = options.spelled(text)
    found = only(said, options)
    if found is not None:
        return found
    explained = EXPLAINS.search(said)
    if explained:
        return only(said[: explained.start()], options)
    sentences = [part for part in SENTENCE.split(said) if part.strip()]
    for part in reversed(sentences[-40:]):
        if CONCLUDES.search(part.casefold()):
            concluded = only(part, options)
            if concluded is not None:
                return concluded
            return main_clause(part, options)
    if len(sentences) == 1 or (len(sentences) < 4 and len({each.index for each in named(said, options)}) < 3):
        return main_clause(sentences[0], options) if sentences else None
    return None


def main_clause(sentence: str, options: Options) -> int | None:
    """The only option named before the first word that gives a reason or a contrast."""
    aside = ASIDE.search(sentence)
    return only(sentence[: aside.start()], options) if aside else None


def whole(text: str, choices: Sequence[str], options: Options) -> int | None:
    """The option whose text the whole answer is, the case decides where it has to."""
    said = bare(tidy(text))
    if said in options.exact and (options.exact[said] is not None or not options.cased):
        return options.exact[said]
    return options.index.get(bare(folded(text)))
