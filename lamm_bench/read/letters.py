"""Option letters in text: where one is named, and whether it is chosen there, ruled out, or only mentioned.

A letter is looked at with the words right before and behind it, within its clause, never with the whole answer: so time grows
with the number of letters only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .vocabulary import fold

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
REACH = 90  # characters before and behind a letter that may say what it is there for
MOST = 2000  # letters of an answer that are looked at, the last ones
Role = Literal["chosen", "denied", "named"]

# a bracketed letter, one before a mark at the start of a line, one behind "option"; last a capital that stands alone
MENTION = re.compile(
    r"(?P<bracketed>(?:[(\[{【]\s?(?P<b>[A-Za-z])\s?[)\]}】])|(?<!\w)[\"'“‘<«](?P<q>[A-Z])[\"'”’>»](?!\w)|(?<![\w.'’])(?P<h>[A-Z])\)(?=\s|$))"
    r"|(?P<listed>^[ \t]{0,8}(?:[-•–][ \t]{0,4}|\d{1,2}[.)][ \t]{1,4})?(?:[Oo]ptions?[ \t]|OPTION[ \t])?(?P<l>[A-Z])[ \t]?[.):](?=\s|$|\w))"
    r"|\b(?P<optioned>(?:[Oo]ptions?|[Cc]hoices?|[Ss]olution|[Ll]etter|[Ss]tatement|OPTIONS?|CHOICE)\s?:?\s?(?P<o>[A-Z]|[a-z](?=\s{0,2}(?:[.,!]|$)))(?![\w'’]))"
    r"|(?<![A-Za-z0-9_'’+#°.&/\\-])(?P<w>[A-Z])(?![A-Za-z0-9_'’+#°&\\]|[.][A-Za-z]|-[A-Za-z]|/[A-Za-z])"
    r"|(?<=[ \t])(?P<s>[a-z])(?=[ \t]?(?:[.!][ \t]|[.!]?$))"
    r"|(?<=[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af])(?P<c>[A-Z])(?![A-Za-z0-9_])",
    re.M,
)
BETWEEN = re.compile(r"\s*[)\].]?\s*(?:,|/|&|\+|\bor\b|\band\b|,\s*(?:and|or)\b|和|或|、)\s*(?:option |choice )?[(\[]?\s*", re.I)

FILL = (
    r"(?:[\s,:;=*\"'“”‘’(\[>→⇒.…-]|\b(?:is|was|would|should|must|will|could|be|are|the|a|an|to|for|of|this|that|these|question|here|therefore|thus|hence|so|then"
    r"|clearly|definitely|most|more|very|likely|probably|certainly|simply|just|indeed|actually|obviously|i|we|think|believe|say|guess|conclude|find|in|my"
    r"|opinion|option|choice|letter|number|one|selection|answer|correct|right|best|final|given|only|possible|closest|as|follows|both|either|it|s|la|el|le"
    r"|die|der|das|est|ist|es|è|é|opção|opción|option|buchstabe|lettre|letra|вариант|буква|это|seems|appears|looks|like|not|but|rather|instead|labell?ed|lies|with)\b"
    r"|是|为|選|选|项|項|択|肢|は|が|을|를|은|는|번)"
)
CUE = (
    r"\b(?:answer|ans|antwort|lösung|réponse|reponse|respuesta|risposta|resposta|ответ|odpowiedź|cevap|jawaban|svar"
    r"|(?:correct|right|best|final|chosen|selected|correcte?|correcta|richtige)(?: (?:option|choice|letter|one|answer|pick|selection|statement|response))?"
    r"|(?:my|the|our) (?:pick|choice|selection|option|guess|verdict|conclusion)|final|result|response|choice|option|selection|pick|verdict|conclusion|prediction"
    r"|therefore|thus|hence|consequently|so|leaves?|leaving|left with|remains|conclude|it is|it's|it must be|that's|that is|this is|must be|has to be"
    r"|(?:choose|pick|select|say|opt for|go for|go with|going with|settle on|vote for|prefer|mark|guess|take|lean(?:ing)? (?:towards?|to))"
    r"|but|but rather|instead)\b|答案|正解|答え|答|정답|选择|選擇|选|選択肢|选项|應選|应选|所以|因此"
)
CHOSEN = re.compile(rf"(?:{CUE}){FILL}{{0,24}}$")
DENY = (
    r"(?:\bnot|n't|\bneither|\bnor|\bnever|\bexclud\w+|\brul(?:e|ed|es|ing) out|\beliminat\w+|\bexcept|\breject\w*|\bunlike|\bthan|\bdismiss\w*|\bdiscard\w*"
    r"|\binstead of|\bwithout|\bwrong|\bincorrect|\bdrop\w*|\bskip\w*|\bcannot be|\bcan not be|\bunlikely|\bas opposed to|\bwhy|\bignor\w+|\bcross\w* out"
    r"|不是|并非|nicht|no es|n'est pas|не)"
)
DENIED = re.compile(
    rf"{DENY}(?:\s+(?:the|a|an|it|is|be|option|options|choice|letter|answer|either|both|because|of|in|as|say|pick|choose|think|that|really|also)\b)*[\s,:;(\[\"'*]*$"
)
AGAINST = re.compile(
    r"^\W{0,3}(?:[^.;\n]{0,50}?)\b(?:(?:is|are|was|were|seems?|looks?|appears?|must be|would be) (?:\w+ ){0,2}?(?:wrong|incorrect|false|not|out|unlikely|eliminated|excluded"
    r"|ruled|impossible|irrelevant|no)\b|isn't|aren't|cannot|can't|can not|doesn't|does not|do not|don't|(?:can|could|may|should|must) (?:all |both )?(?:be|safely be|also be) (?:\w+ )?"
    r"(?:eliminated|ruled|excluded|discarded|left|dismissed|rejected|ignored|dropped|crossed)|drops? out|falls? (?:out|away)|fails?\b|ruled out|eliminated)"
)
JUDGED_NO = re.compile(
    r"^[^.;\n]{0,60}?[:—–-]\s*(?:no\b|wrong\b|incorrect\b|false\b|not\b|✗|❌|x\b)|^\W{0,3}(?:no|wrong|incorrect|false)\b|^[^\n]{0,80}(?:✗|❌)"
)
JUDGED_YES = re.compile(
    r"^[^.;\n]{0,60}?[:—–-]\s*(?:yes\b|correct\b|right\b|true\b|this (?:is|fits|one)|✓|✔|✅)|^\W{0,3}(?:(?:correct|right|yes)\b|✓|✔|✅)|^[^\n]{0,80}(?:✓|✔|✅)"
)
FOR = re.compile(
    r"^\W{0,4}(?:\s*(?:is|are|was|would be|must be|has to be|seems|looks|appears|appears to be|seems to be|should be)\s+(?:\w+ly )?(?:(?:the|my|our) )?(?:\w+ )?(?:\w+ly )?"
    r"(?:correct|right|answer|best|true|choice|option|one|pick|solution|likely|accurate|most|left)\b"
    r"|\s*it is\b|\s*remains\b|\s*is left\b|\s*fits\b|\s*(?:is )?what i\b|\s*matches\b|\s*is my\b|\s*works\b|\s*wins\b|\s*stands\b|が正解|が正し|是正确|是对的|정답|が答え|est la bonne|ist richtig|es la correcta)"
)
FOR_TEXT = re.compile(r"^[^.;\n,()]{0,40}?\b(?:is|are)\s+(?:\w+ly )?(?:the )?(?:correct|right|answer|best)\b")
NOUN = re.compile(r"(?:answer|choice|option|response|selection|pick|result|prediction)s?\s*[(\[\"'“‘]*")
CLAUSE = re.compile(
    r"[.;!?\n](?=\s|$)|[;\n]|,?\s(?:but|however|although|though|while|whereas|because|since)\b|,\s(?:which|so|it|it's|and so|leaving|hence|i|this|that)\b"
)
ARTICLE = re.compile(r"[ \t]+(?!is\b|was\b|are\b|because\b|since\b|as\b|rather\b|or\b|and\b|but\b|not\b|which\b|instead\b|remains\b|fits\b|would\b|must\b|seems\b|it\b|by\b|due\b|based\b|for\b|from\b|here\b|over\b|in\b|with\b|if\b|when\b)[a-z]")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mention:
    """A letter at a place of the text."""

    start: int
    end: int
    index: int  # of the option, which may lie beyond the options there are
    strong: bool  # bracketed, behind "option" or before a mark: surely a letter and no word
    listed: bool  # opens a line
    role: Role = "named"
    group: int = 0  # letters that are listed together ("A and B") share one


def index_of(letter: str, count: int) -> int | None:
    """The index of a letter among `count` options.

    >>> index_of("b", 3), index_of("D", 3)
    (1, None)
    """
    index = LETTERS.find(letter.upper())
    return index if 0 <= index < count else None


@lru_cache(maxsize=64)
def mentions(text: str) -> list[Mention]:
    """Every letter named in a text, with what is said about it.

    >>> [(LETTERS[found.index], found.role) for found in mentions("The answer is not A but B. (C) is wrong.")]
    [('A', 'denied'), ('B', 'chosen'), ('C', 'denied')]
    >>> [(found.index, found.group) for found in mentions("(A) or (B)")], mentions("A dog. I see, Mr. X-ray")
    ([(0, 0), (1, 0)], [])
    """
    found: list[Mention] = []
    for match in list(MENTION.finditer(text))[-MOST:]:
        letter = next(match[name] for name in ("b", "q", "h", "l", "o", "w", "s", "c") if match[name])
        strong = bool(match["bracketed"] or match["listed"] or match["optioned"])
        if match["s"] and not CHOSEN.search(fold(text[max(0, match.start() - REACH) : match.start()])):
            continue
        if not strong and letter in "AI" and not stands_for_option(text, match):
            continue
        if match["bracketed"] and letter.islower() and letter not in "abcdef":
            continue
        group = found[-1].group if found and joined(text, found[-1], match) else (found[-1].group + 1 if found else 0)
        start = match.start("l") if match["listed"] else match.start()
        listed = bool(match["listed"]) or (
            bool(match["bracketed"]) and not text[text.rfind("\n", max(0, start - REACH), start) + 1 : start].strip(" \t-•*–")
        )
        found.append(Mention(start, match.end(), LETTERS.find(letter.upper()), strong, listed, "named", group))
    return with_roles(text, found)


def stands_for_option(text: str, match: re.Match[str]) -> bool:
    """Whether a bare A or I is a letter rather than an article or a pronoun."""
    behind = text[match.end() : match.end() + 12]
    if match["c"]:
        return True
    before = fold(text[max(0, match.start() - REACH) : match.start()])
    cued = CHOSEN.search(before) is not None or re.search(r"(?:not|than|neither|nor|both|or|and|,)\s*$", before) is not None
    if match["w"] == "I":
        return cued and re.match(r"\s*(?:[.,;!)\]]|$)", behind) is not None
    if ARTICLE.match(text, match.end()):
        return False
    line = text.rfind("\n", max(0, match.start() - REACH), match.start())
    opens = not text[line + 1 : match.start()].strip()
    return (
        cued
        or opens
        or re.match(r"\s*(?:[.,;:!)\]]|$)", behind) is not None
        or bool(re.match(r" (?:is|was) (?:the |in)?\w+", behind))
    )


def joined(text: str, last: Mention, match: re.Match[str]) -> bool:
    """Whether only "and", "or" or a comma stands between two letters, and the list is not over."""
    between = text[last.end : match.start()]
    if len(between) > 24 or match["listed"] or not BETWEEN.fullmatch(between):
        return False
    before = text[max(0, last.start - 12) : last.start]
    over = re.search(r"(?:\bor|\band|&)\s*(?:option |choice )?[(\[]?\s*$", before, re.I)
    return over is None or "," not in between


def with_roles(text: str, found: Sequence[Mention]) -> list[Mention]:
    """The same mentions with their roles; a group's first letter is asked what was said before, its last what behind."""
    done: list[Mention] = []
    place = 0
    while place < len(found):
        stop = place
        while stop < len(found) and found[stop].group == found[place].group:
            stop += 1
        floor = found[place - 1].end if place else 0
        ceiling = found[stop].start if stop < len(found) else len(text)
        role = role_of(text, found[place], found[stop - 1], floor, ceiling)
        done.extend(Mention(m.start, m.end, m.index, m.strong, m.listed, role, m.group) for m in found[place:stop])
        place = stop
    return done


def role_of(text: str, first: Mention, last: Mention, floor: int, ceiling: int) -> Role:
    """What the words around a letter, or a list of letters, say of it."""
    before = fold(text[max(floor, first.start - REACH) : first.start])
    behind = fold(text[last.end : min(ceiling, last.end + REACH)])
    clause = before
    for cut in CLAUSE.finditer(before):
        if (
            not before[cut.start() :]
            .lstrip(" ,.;")
            .startswith(("but", "so ", "it ", "it's", "leaving", "hence", "this", "that", "which"))
        ):
            clause = before[cut.end() :]
        else:
            clause = before[cut.start() :]
    near = behind.split("\n", 1)[0]
    if JUDGED_NO.search(near) and last.listed:
        return "denied"
    if DENIED.search(clause):
        return "denied"
    if FOR.search(near) or (last.listed and JUDGED_YES.search(near)) or (last.strong and FOR_TEXT.search(near)):
        return "chosen"
    if AGAINST.search(CLAUSE.split(near, maxsplit=1)[0] if not near.startswith((",", ".")) else ""):
        return "denied"
    cue = CHOSEN.search(clause)
    if cue is None or (last.strong and first.listed):
        return "named"
    if cue.group().startswith(("but", "instead")) and not re.search(DENY, fold(text[max(0, first.start - REACH) : first.start])):
        return "named"
    # "answer A" and "option A" name a letter; to choose it a verb, a colon or the beginning of a line is wanted
    return "named" if NOUN.fullmatch(cue.group()) and clause[: cue.start()].strip() else "chosen"
