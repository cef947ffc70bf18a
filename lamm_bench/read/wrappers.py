"""What an answer is wrapped in: tags, boxes of LaTeX, JSON, code fences, Markdown. Unwrapping guesses nothing: it only drops marks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from .thoughts import visible

TAGGED = re.compile(
    r"<\|?(?:begin_of_box|answer|final_answer|final|response|output|option|choice|result)\|?>"
    r"(?P<inside>[^<]{0,20000}(?:<(?!/|\|end_of_box)[^<]{0,2000}){0,20})(?:</?\|?(?:end_of_box|/?\w+)\|?>|$)",
    re.I,
)
FENCE = re.compile(r"```[ \t]*(?:[A-Za-z0-9+_-]*[ \t]*\n)?")
STYLED = re.compile(r"\\(?:text|mathbf|mathrm|textbf|textit|mathit|mathsf|mathtt|texttt|operatorname|displaystyle)\s?\{")
LATEX = re.compile(r"\\left\b|\\right\b|\\[()\[\]!,;]|\\(?:quad|displaystyle)\b|\$")
MATHS = re.compile(r"\$\$?(?=\S)([^$\n]{1,400})(?<=\S)\$\$?(?!\d)")
HTML = re.compile(r"</?(?:b|i|u|em|strong|p|span|div|code|pre|br|h[1-6]|li|ul|ol|mark|sup|sub)\s?/?>", re.I)
MARKDOWN = re.compile(r"\*+|__+|`+|(?m:^[ \t]{0,3}#{1,6}[ \t]+)|(?m:^[ \t]{0,3}>[ \t]+)|(?<![^\W_])_(?=\w)|(?<=\w)_(?![^\W_])")
KEY = re.compile(r"[^a-z0-9]")
ANSWER_KEYS = ("answer", "finalanswer", "correctanswer", "final", "result", "prediction", "predicted", "output", "response")
BEGINNINGS = 24  # places at which a JSON value is looked for in a text


def answer_of(text: str, keys: Sequence[str] = ()) -> str:
    """The plain answer in an answer: thoughts dropped, what is tagged, boxed or stands in JSON under a key of an answer taken out.

    >>> [answer_of(text) for text in ("<answer>B</answer>", "so $\\\\boxed{\\\\text{B}}$.", '```json\\n{"answer": "B", "why": "A is"}\\n```')]
    ['B', 'B', 'B']
    >>> answer_of("<think>A?</think>**B**"), answer_of('{"n": 3, "count": 4}', ("count",)), answer_of("a <b>cat</b>")
    ('B', '4', 'a cat')
    """
    text = visible(text)
    for unwrap in (tagged, boxed):
        inside = unwrap(text)
        if inside is not None and inside.strip():
            text = inside
    found = value_in(text, keys)
    return plain(found if found is not None else text)


def tagged(text: str) -> str | None:
    """What stands in the last tag that marks an answer.

    >>> tagged("<answer>A</answer> or <answer>B</answer>"), tagged("none") is None
    ('B', True)
    """
    if "<" not in text:
        return None
    found = TAGGED.findall(text)
    return found[-1] if found else None


def boxed(text: str) -> str | None:
    """The contents of the last `\\\\boxed{...}`, whatever braces stand in it.

    >>> boxed("\\\\boxed{\\\\text{B}} and $x$"), boxed("B") is None
    ('\\\\text{B}', True)
    """
    if "\\" not in text:
        return None
    start = max(text.rfind("\\boxed"), text.rfind("\\fbox"))
    opening = text.find("{", start) if start >= 0 else -1
    if opening < 0 or opening > start + 8:
        return None
    depth = 0
    for place in range(opening, min(len(text), opening + 20000)):
        depth += (text[place] == "{") - (text[place] == "}")
        if depth == 0:
            return text[opening + 1 : place]
    return text[opening + 1 :]


def plain(text: str) -> str:
    """A text without the marks of LaTeX, HTML, Markdown and code.

    >>> plain("**B**"), plain("### Answer\\n\\n`B`"), plain("\\\\mathbf{B}"), plain("$B$"), plain("HOTEL<br>BAR"), plain("class_dog")
    ('B', 'Answer\\n\\nB', 'B', 'B', 'HOTEL\\nBAR', 'class_dog')
    >>> plain("costs $5 or $50")
    'costs $5 or $50'
    """
    if "```" in text:
        text = FENCE.sub("\n", text).strip("\n")
    if "\\" in text:
        text = text.replace("\\n", "\n") if "\\n" in text and "\\neq" not in text and "\\nu" not in text else text
        if STYLED.search(text):
            text = STYLED.sub("", text).replace("}", "")
    if "$" in text:
        text = MATHS.sub(r"\1", text)
    if "\\" in text:
        text = LATEX.sub(lambda match: "$" if match.group() == "$" else "", text)
    if "<" in text:
        text = HTML.sub(lambda tag: "\n" if tag.group()[1:].lower().startswith(("br", "/p", "/li", "/div")) else "", text)
    return MARKDOWN.sub("", text) if any(mark in text for mark in "*_`#>") else text


# ------------------------------------------------------------------------------------------------ JSON


def parsed(text: str) -> Any:
    """The JSON value that a text is, fenced or not; None where it is none.

    >>> parsed('```json\\n{"a": [1]}\\n```'), parsed("[1, 2") is None, parsed("{'a': 1,}")
    ({'a': [1]}, True, {'a': 1})
    """
    text = FENCE.sub("", text).strip() if "```" in text else text.strip()
    if not text.startswith(("{", "[")):
        return None
    for candidate in (text, loosened(text)):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    return None


def loosened(text: str) -> str:
    """JSON as Python or a hurry writes it, made strict: single quotes, constants, commas before a closing bracket."""
    if '"' not in text:
        text = text.replace("'", '"')
    text = re.sub(r"\bTrue\b", "true", re.sub(r"\bFalse\b", "false", re.sub(r"\bNone\b", "null", text)))
    return re.sub(r",(\s{0,200}[\]}])", r"\1", text)


def values(text: str) -> Iterator[Any]:
    """The JSON objects and lists in a text, one after the other; words between them are passed over.

    >>> list(values('Here: {"a": 1} and [2] but not {x}. [{"b": 3}, {"c"'))
    [{'a': 1}, [2], {'b': 3}]
    """
    whole = parsed(text)
    if whole is not None:
        yield whole
        return
    loose = loosened(text)
    decoder, place, tries = json.JSONDecoder(), 0, 0
    while tries < BEGINNINGS:
        starts = [at for at in (loose.find("{", place), loose.find("[", place)) if at >= 0]
        if not starts:
            return
        place = min(starts)
        try:
            value, place = decoder.raw_decode(loose, place)
            yield value
        except (ValueError, RecursionError):
            place, tries = place + 1, tries + 1


def value_in(text: str, keys: Sequence[str] = ()) -> str | None:
    """What a text's JSON says under one of these keys or under a usual name of an answer; None where there is no such JSON.

    >>> value_in('{"reasoning": "(A) is not", "answer": "B"}'), value_in('["B"]'), value_in('{"smiling": true}', ("smiling",))
    ('B', 'B', 'yes')
    >>> value_in('{"rows": 4, "count": 24}', ("count",)), value_in('{"x": 1, "y": 2}') is None, value_in("B") is None
    ('24', True, True)
    """
    if "{" not in text and not text.lstrip().startswith(("[", "`")):
        return None
    for value in values(text):
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, dict):
            value = under(value, keys)
        if value is None and text.strip():
            continue
        said = as_text(value)
        if said is not None:
            return said
    return None


def under(data: dict[str, Any], keys: Sequence[str]) -> Any:
    """The value under the first of the keys that is there, or the only value."""
    names = {KEY.sub("", key.casefold()): value for key, value in data.items()}
    for key in (*keys, *ANSWER_KEYS):
        if key in names:
            return names[key]
    if len(data) == 1:
        (only,) = data.values()
        return under(only, keys) if isinstance(only, dict) else only
    return None


def as_text(value: Any) -> str | None:
    """A text, number or truth value as a text; of a list with one entry that entry."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float | str):
        return str(value)
    return as_text(value[0]) if isinstance(value, list) and len(value) == 1 else None
