"""Whether an answer refuses, or says that nothing is there, instead of answering."""

from __future__ import annotations

import re

from .vocabulary import fold
from .wrappers import parsed, plain

SOFT = r"(?:i(?: a|')m (?:very |so |really )?sorry|sorry|i apologi[sz]e|my apologies|apologies|unfortunately|regrettably)"
UNABLE = (
    r"(?:i|we)(?: am|'m| are|'re) (?:currently |just |really )?(?:not able|unable|afraid|not (?:capable|allowed|permitted))\b"
    r"|(?:i|we) (?:can|could|do|did|will|would)(?:not| not)\b|(?:i|we) (?:have|'ve) no\b|as an? (?:ai|language|text|large)\b"
    r"|i lack\b|i refuse\b|i must decline\b|i (?:only|just) (?:process|see|have)\b"
)
ABOUT = (
    r"\b(?:images?|pictures?|photos?|photographs?|visuals?|attachments?|texts?|view|see|look|read|describe|caption|assist|help|provide|access"
    r"|process|identify|tell|determine|recogni[sz]e|comment|discuss|make out|answer|respond|comply|request|generate|analy[sz]e|interpret)\b"
)
REFUSING = re.compile(rf"^\W*(?:{SOFT}\b.{{0,80}}?(?:{UNABLE}|{ABOUT})|(?:{UNABLE}).{{0,120}}?{ABOUT})", re.S)
NO_IMAGE = re.compile(
    r"^\W*(?:it (?:seems|looks|appears)(?: like| as if| that)? )?(?:(?:there (?:is|was) |you have |i see |i have )?(?:no|not any) (?:image|picture|photo|attachment)s?\b"
    r"|(?:the |your )?(?:image|picture|photo|attachment) (?:is|was|has) not (?:been )?(?:provided|attached|visible|loaded|included|uploaded))"
)
UNCLEAR = re.compile(
    r"^\W*(?:the|this) (?:image|picture|photo|text|sign|scene|resolution)s?(?: \w+){0,4} (?:is|are|seems|appears) (?:\w+ ){0,2}"
    r"(?:blurry|blurred|unclear|dark|small|illegible|unreadable|pixelated|low|corrupt\w*|blank|not)\b"
)


def refuses(text: str, unclear: bool = True) -> bool:
    """Whether a text begins with a refusal, or with a sentence that says that the picture cannot be made out.

    >>> [refuses(text) for text in ("I'm sorry, but I can't read it.", "As an AI, I cannot view images.", "The image is too blurry to read.")]
    [True, True, True]
    >>> [refuses(text) for text in ("SORRY WE ARE CLOSED", "A man says sorry to a woman who cannot see him.", "I see no cat.")]
    [False, False, False]

    Without `unclear` only refusals count: "The picture is dark" may be a caption.

    >>> refuses("The picture is dark and shows a bridge."), refuses("The picture is dark and shows a bridge.", unclear=False)
    (True, False)
    """
    said = " ".join(fold(text[:600]).split())
    shouted = text.isupper()
    return not shouted and any(form.search(said) is not None for form in (REFUSING, NO_IMAGE, *((UNCLEAR,) if unclear else ())))


EMPTY = {"", "[]", "{}", "()", "[ ]"}
NOTHING = re.compile(
    r"\b(?:none|nothing)\b|\bno (?:\w+ ){0,2}(?:objects?|things?|items?|instances?|furniture|boxes|detections?|class(?:es)?)\b"
)


def says_nothing(text: str) -> bool:
    """Whether a short answer says in words, or by an empty list, that nothing is there. Silence does not say it.

    >>> [says_nothing(text) for text in ("None.", "There are no visible objects in the image.", "[]", "", "I see none of it, but a cat")]
    [True, True, True, False, False]
    >>> [says_nothing(text) for text in ("```json\\n[]\\n```", '{"objects": []}', "I'm sorry, I can't detect objects.")]
    [True, True, False]
    """
    stripped = text.strip()
    if not stripped or len(stripped) > 120:
        return False
    data = parsed(stripped)
    if data == [] or (isinstance(data, dict) and all(value == [] for value in data.values())):
        return True
    stripped = plain(stripped).strip()
    said = fold(stripped)
    if refuses(stripped):
        return False
    return stripped in EMPTY or (NOTHING.search(said) is not None and " but " not in said and not any(c.isdigit() for c in said))
