"""A tokenizer in the manner of the Penn Treebank, as the caption metrics need it: lower-cased, marks removed.

It follows what Stanford's PTBTokenizer 3.4.1 gives with `-preserveLines -lowerCase`, behind which pycocoevalcap removes a
list of marks (reference 1.12). At every place of the text the longest of the forms below is the next token. The rules were
found by asking that program about texts; one text is cut alone, without a look at what follows it in a file."""

from __future__ import annotations

import re

# pycocoevalcap, ptbtokenizer.py: removed after lower-casing, so that brackets, which it names in capitals, never are
REMOVED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

APOSTROPHE = "['\u2019\u0092]"
BACKQUOTE = "['\u2019\u0092`\u2018\u0091\u201b]"
LETTER = r"[^\W\d_]"
ALNUM = r"[^\W_]"
NUMBER = r"(?:\d*(?:[.:,]\d+)+|\d+)"
# abbreviations that keep their full stop wherever they stand
MONTHS = "Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec"
DAYS = "Mon|Tues?|Wed|Thurs?|Fri"
STATES = (
    "Ala|Ariz|Ark|Calif|Colo|Conn|Dak|Del|Fla|Ga|Ill|Ind|Kans?|Ky|La|Mass|Md|Mich|Minn|Miss|Mo|Mont|Neb|Nev|Okla|Ore|Penn|"
    "Tenn|Tex|Va|Vt|Wash|Wisc?|Wyo"
)
FIRMS = "Inc|Cos?|Corp|Ltd|Plc|Bancorp|Bhd|Assn|Univ|Intl|Sys|Bros"
TITLES = (
    "Mr|Mrs|Ms|Drs?|Profs?|Sens?|Reps?|Attys?|Lt|Col|Gen|Messrs|Govs?|Adm|Rev|Maj|Sgt|Cpl|Pvt|Capt|Ste?|Ave|Pres|Lieut|Hon|"
    "Brig|Co?mdr|Pfc|Spc|Supts?|Det|Jr|Sr"
)
OTHERS = "etc|al|seq|ft|vs|Alex|Wm|Jos|Cie|cf|Bldg|Blvd|Rd|Esq"
ABBREVIATION = f"(?:{MONTHS}|{DAYS}|{STATES}|{FIRMS}|{TITLES}|{OTHERS})"
BEFORE_NUMBER = "(?:ca|figs?|prop|nos?|art|bldg|pp|op)"
# words with an apostrophe inside that stay whole
WHOLE = (
    rf"{APOSTROPHE}n{APOSTROPHE}?|[lLdDjJ]{APOSTROPHE}|Dunkin{APOSTROPHE}|somethin{APOSTROPHE}|ol{APOSTROPHE}|"
    rf"{APOSTROPHE}em|{APOSTROPHE}[2-9]0s|{APOSTROPHE}till?|{APOSTROPHE}cause|"
    rf"{LETTER}+[aeiouyAEIOUY]{BACKQUOTE}[aeiouA-Z]{LETTER}*|[oO]{BACKQUOTE}[a-zA-Z]{LETTER}*"
)

# A second group is what must follow: it counts for the length by which forms are compared, but is not part of the token.
FORMS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("first half", rf"(?i:(can(?=not)|gon(?=na)|got(?=ta)|lem(?=me)|gim(?=me)|wan(?=na)|{APOSTROPHE}t(?=is|was)))(?=({LETTER}+(?!{ALNUM})))"),
        ("negated", rf"({LETTER}{ALNUM}*)(?=([nN]{BACKQUOTE}[tT](?:[^A-Za-z]|$)))"),
        ("not", rf"([nN]{BACKQUOTE}[tT])(?=([^A-Za-z]|$))"),
        ("clitic", rf"({APOSTROPHE}(?:[msdMSD]|re|ve|ll|RE|VE|LL))(?=([^A-Za-z]|$))"),
        ("word", rf"{LETTER}{ALNUM}*(?:[.!?]{LETTER}{ALNUM}*)*"),
        ("whole", WHOLE),
        ("y'", rf"([yY]{APOSTROPHE})(?=({LETTER}))"),
        ("number", rf"[-+]?{NUMBER}"),
        ("date", r"\d{1,2}[-/]\d{1,2}[-/]\d{2,4}"),
        ("fraction", r"\d{1,4}[- \u00a0]\d{1,4}/\d{1,4}|\d{1,4}/\d{1,4}"),
        ("vulgar", r"[\u00bc\u00bd\u00be\u2153-\u215e]"),
        ("script", r"[\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+)"),
        ("phone", r"\(\d{2,3}\)[ \u00a0]?\d{3,4}[- \u00a0]?\d{3,5}|(?:\+\+?)?(?:\d{2,4}[- \u00a0])?\d{2,4}[- \u00a0]\d{3,4}[- \u00a0]?\d{3,5}"),
        ("thing", rf"(?:[dDoOlL]{BACKQUOTE}{LETTER})?{ALNUM}+(?:-(?:[dDoOlL]{BACKQUOTE}{LETTER})?{ALNUM}+)*"),
        ("joined", r"[A-Z]+(?:[+&][A-Z]+)+"),
        ("slashed", r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}"),
        ("hyphened", r"[A-Za-z0-9][A-Za-z0-9.,]*(?:-[A-Za-z0-9]+)+"),
        ("underscored", rf"{ALNUM}+(?:_{ALNUM}+)+"),
        ("acronym", r"[A-Za-z](?:\.[A-Za-z])+\."),
        ("initial", r"[A-Za-z]\."),
        ("abbreviation", rf"(?i:{ABBREVIATION})\."),
        ("before number", rf"((?i:{BEFORE_NUMBER})\.)(?=([ \u00a0]?\d))"),
        ("url", r"https?://[^\s\"<>|(){}]+[^\s\"<>|.!?(){},-]"),
        ("site", r"(?:www\.(?:[^\s\"<>|.!?(){},]+\.)+[a-zA-Z]{2,4}|(?:[^\s\"`'<>|.!?(){},\-_$]+\.)+(?:com|net|org|edu))(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},-])?"),
        ("mail", r"[a-zA-Z0-9][^\s\"<>|(){}]*@(?:[^\s\"<>|(){}.]+\.)*[^\s\"<>|(){}\[\].,;:]+"),
        ("user", r"@[a-zA-Z_]\w*"),
        ("tag", rf"#{LETTER}\w*"),
        ("markup", r"</?[A-Za-z!?][^>\r\n]*>"),
        ("smiley", r"[<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]]"),
        ("money", r"[A-Z]*\$|#+"),
        ("dots", r"\.{2,}|…|(?:\. ){2,}\."),
        ("shouts", r"[?!]+"),
        ("language", r"[cC](?:\+\+|#)"),
        ("dashes", r"-+|[\u2013\u2014\u2015\u0096\u0097]"),
        ("stars", r"\*+"),
        ("quotes", "''|``|[\u2018-\u201f\u00ab\u00bb\u0091-\u0094]+|['`\"\u2039\u203a]"),
        ("entity", r"&(?:amp|lt|gt|quot|apos|nbsp);"),
        ("any", r"\S"),
    )
)

# most words of a caption: nothing but letters before a blank; no form but a first half could cut them otherwise
PLAIN = re.compile(r"[A-Za-z]+(?= |$)")
HALVES = frozenset(["cannot", "gonna", "gotta", "lemme", "gimme", "wanna"])
BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
ESCAPED = re.compile(r"[(){}\[\]]")
QUOTES = str.maketrans({"“": "``", "”": "''", "„": "„", "‘": "`", "’": "'", "«": "``", "»": "''", "‹": "`", "›": "'", '"': "''"})
WRITTEN = {"½": "1/2", "¼": "1/4", "¾": "3/4", "£": "#", "€": "$", "¢": "cents", "&amp;": "&", "&lt;": "<", "&gt;": ">"}


def tokenize(text: str) -> list[str]:
    """The tokens of a caption.

    >>> tokenize("It's a dog-like cat, isn't it? (U.S., 1/2)")
    ['it', "'s", 'a', 'dog-like', 'cat', 'is', "n't", 'it', '-lrb-', 'u.s.', '1/2', '-rrb-']
    """
    line = " ".join(text.split())
    found: list[str] = []
    place = 0
    while place < len(line):
        plain = PLAIN.match(line, place)
        if plain:
            token, place = plain.group().lower(), plain.end()
            if token not in HALVES:
                found.append(token)
            else:
                found.extend((token[:3], token[3:]))
        elif line[place] == " ":
            place += 1
        else:
            token, place = longest(line, place)
            found.extend(part for part in token.split() if part not in REMOVED)
    return found


def longest(line: str, place: int) -> tuple[str, int]:
    """The token at a place of the text, as written, and where it ends."""
    name, end, reach = "any", place + 1, place + 1
    for form, pattern in FORMS:
        match = pattern.match(line, place)
        if match:
            groups = match.re.groups
            if match.end(groups) > reach or (match.end(groups) == reach and name == "any"):
                name, end, reach = form, match.end(min(groups, 1)), match.end(groups)
    return written(name, line[place:end]), end


def written(form: str, token: str) -> str:
    """How the token is spelled: lower case, brackets by name, quotes and dashes in ASCII."""
    if form == "quotes":
        return token.translate(QUOTES)
    if form == "dashes":
        return token if token.startswith("-----") else "--"
    if form == "dots":
        return "..."
    if token in WRITTEN:
        return WRITTEN[token]
    if ord(token[0]) > 0xFFFF:  # outside the program's alphabet: dropped
        return ""
    token = token.replace("’", "'").lower()
    if form == "smiley" or form == "phone" or token in BRACKETS:
        return ESCAPED.sub(lambda match: BRACKETS[match.group()], token)
    return token
