"""A tokenizer in the manner of the Penn Treebank, as the caption metrics need it: lower-cased, marks removed.

It follows what Stanford's PTBTokenizer 3.4.1 gives with `-preserveLines -lowerCase`, behind which pycocoevalcap removes a
list of marks (reference 1.12). At every place of the text the longest of the forms below is the next token. The rules were
found by asking that program about texts. It looks across lines at what follows a text in its file; so can this (`following`)."""

from __future__ import annotations

import re

# pycocoevalcap, ptbtokenizer.py: removed after lower-casing, so that brackets, which it names in capitals, never are
REMOVED = frozenset(["''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"])

APOSTROPHE = "['\u2019\u0092]"
BACKQUOTE = "['\u2019\u0092`\u2018\u0091\u201b]"
# letters and digits, without the signs that Python takes for numerals (fractions, superscripts, circled numbers)
LETTER = r"[^\W\d_\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u209f\u2150-\u218f\u2460-\u24ff]"
ALNUM = rf"(?:{LETTER}|\d)"
NUMBER = r"(?:\d*(?:[.:,]\d+)+|\d+)"

# Abbreviations that keep their full stop wherever they stand, in any case but those of the second line.
ABBREVIATIONS = (
    "Jan Feb Mar Apr Jun Jul Aug Sep Sept Oct Nov Dec Mon Tue Tues Wed Thu Thurs Fri "
    "Ala Ariz Calif Colo Conn Ct Dak Fla Ga Ind Kan Kans Ky Md Mich Minn Mo Mont Neb Nev Okla Penn Tenn Va Vt Wis Wisc Wyo "
    "Inc Co Cos Corp Ltd Plc Pte Pty Bancorp Bhd Assn Univ Intl Sys Bros Mfg Dept Bldg Est Invt Tel Ext Ph Sq Natl Elec Assoc "
    "Mr Mrs Ms Messrs Mme Mlle Dr Drs Prof Profs Sen Sens Rep Reps Atty Attys Lt Col Gen Gov Govs Adm Rev Maj Sgt Cpl Pvt Capt "
    "St Ste Ave Pres Lieut Hon Brig Comdr Cmdr Pfc Spc Supt Supts Det Insp Treas Asst Adv Jr Sr Esq Mt Ft Rt Rd Blvd "
    "etc al seq vs Alex Wm Jos Cie cf"
)
CAPITALIZED = "Ark Az Del Ill La Mass Miss Ore Pa Tex Wash"
BEFORE_NUMBER = "ca fig figs prop no nos art bldg pp op"
# Words before which a single letter with a full stop ends a sentence ("plan B. The man") instead of being an initial.
STARTERS = (
    "A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More Mr. Ms. Now Once "
    "One Other Our She Since So Some Such That The Their Then There These They This We What When While Yet You"
)
# Words that stay whole around an apostrophe.
WHOLE = (
    rf"{APOSTROPHE}[nN](?:{APOSTROPHE}|(?=\s|$))|[lLdDjJ]{APOSTROPHE}|[dD]unkin{APOSTROPHE}|somethin{APOSTROPHE}|ol{APOSTROPHE}|"
    rf"{APOSTROPHE}em|{APOSTROPHE}[2-9]0s|{APOSTROPHE}till?|{APOSTROPHE}cause|"
    rf"(?i:[cs]{APOSTROPHE}mon|c{APOSTROPHE}est|s{APOSTROPHE}mores|li{APOSTROPHE}l|nat{APOSTROPHE}l|ev{APOSTROPHE}ry|nor{APOSTROPHE}easter)|"
    rf"{LETTER}+[aeiouyAEIOUY]{BACKQUOTE}[aeiouA-Z]{LETTER}*"
)


def either(words: str) -> str:
    return "|".join(re.escape(word) for word in words.split())


def starters() -> str:
    """Each starter with a capital, the rest in any case, and a blank or the end behind it."""
    return "(?:" + "|".join(rf"{word[0]}(?i:{re.escape(word[1:])})" for word in STARTERS.split()) + r")(?=\s|$)"


# Lengths are bounded where a form could run over the whole text in vain, so that no answer takes quadratic time.
# A second group is what must follow: it counts for the length by which forms are compared, but is not part of the token.
FORMS = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        (
            "first half",
            rf"(?i:(can(?=not)|gon(?=na)|got(?=ta)|lem(?=me)|gim(?=me)|wan(?=na)|'t(?=is|was)))(?=({LETTER}+(?!{ALNUM})))",
        ),
        ("negated", rf"({LETTER}{ALNUM}*)(?=([nN]{BACKQUOTE}[tT]))"),
        ("not", rf"[nN]{BACKQUOTE}[tT]{LETTER}*"),
        ("clitic", rf"({APOSTROPHE}(?:[msdMSD]|re|ve|ll|RE|VE|LL))(?=([^A-Za-z]|$))"),
        ("curled", r"[\u2019](?:[msdMSD]|re|ve|ll|RE|VE|LL)"),
        ("word", rf"{LETTER}{ALNUM}*(?:[.!?]{LETTER}{ALNUM}*)*"),
        ("whole", WHOLE),
        ("y'", rf"([yY]{APOSTROPHE})(?=({LETTER}))"),
        ("number", rf"[-+]?{NUMBER}"),
        ("date", r"\d{1,2}[-/]\d{1,2}[-/]\d{2,4}"),
        ("fraction", r"\d{1,4}[- \u00a0]\d{1,4}\\?/\d{1,4}|\d{1,4}\\?/\d{1,4}"),
        ("vulgar", r"[\u00bc\u00bd\u00be\u2153-\u215e]"),
        ("script", r"[\u207a\u207b\u208a\u208b]?(?:[\u2070\u00b9\u00b2\u00b3\u2074-\u2079]+|[\u2080-\u2089]+)"),
        (
            "phone",
            r"\(\d{2,3}\)[ \u00a0]?\d{3,4}[- \u00a0]?\d{3,5}|(?:\+\+?)?(?:\d{2,4}[- \u00a0])?\d{2,4}[- \u00a0]\d{3,4}[- \u00a0]?\d{3,5}",
        ),
        ("thing", rf"(?:[dDoOlL]{BACKQUOTE}{LETTER})?{ALNUM}+(?:[-_](?:[dDoOlL]{BACKQUOTE}{LETTER})?{ALNUM}+)*"),
        ("joined", r"[A-Z]+(?:[+&][A-Z]+)+"),
        ("slashed", r"[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}(?:\\?/[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}){1,2}"),
        ("hyphened", r"[A-Za-z0-9][A-Za-z0-9.,]{0,80}(?:-[A-Za-z0-9]+)+"),
        ("underscores", "_+"),
        ("acronym", r"[A-Za-z](?:\.[A-Za-z])+\.|[Pp][Hh]\.[Dd]\."),
        ("initial", rf"[A-Za-z]\.(?![ \n](?:{starters()}))"),
        ("abbreviation", rf"(?:(?i:{either(ABBREVIATIONS)})|{either(CAPITALIZED)})\."),
        ("before number", rf"((?i:{either(BEFORE_NUMBER)})\.)(?=([ \n\u00a0]?\d))"),
        ("unfinished", rf"({LETTER}{ALNUM}*(?:[.!?]{LETTER}{ALNUM}*)*\.)(?=([,;:]))"),
        ("url", r"https?://[^\s\"<>|(){}]+[^\s\"<>|.!?(){},-]"),
        (
            "site",
            r"(?:www\.(?:[^\s\"<>|.!?(){},]{1,80}\.){1,9}[a-zA-Z]{2,4}|(?:[^\s\"`'<>|.!?(){},\-_$]{1,80}\.){1,9}(?:com|net|org|edu))(?:/[^\s\"<>|()]+[^\s\"<>|.!?(){},-])?",
        ),
        ("mail", r"[a-zA-Z0-9][^\s\"<>|(){}]{0,80}@(?:[^\s\"<>|(){}.]{1,80}\.){0,9}[^\s\"<>|(){}\[\].,;:]+"),
        ("user", r"@[a-zA-Z_]\w*"),
        ("tag", rf"#{LETTER}\w*"),
        ("markup", r"</?[A-Za-z!?][^>\n]{0,400}>"),
        ("smiley", r"([<>]?[:;=][-o*']?[()DPdpO\\{@|\[\]])(?=([^A-Za-z0-9]|$))"),
        ("face", r"[\^x=~<>]\.[\^x=~<>]|[-^x=~<>']_[-^x=~<>']|\([-^x=~<>'][_.]?[-^x=~<>']\)|\([\^x=~<>']-[\^x=~<>'`]\)"),
        ("money", r"[A-Z]*\$|#+"),
        ("dots", r"\.{3,}|…|(?:\. ){2,}\."),
        ("shouts", r"[?!]+"),
        ("language", r"[cC](?:\+\+|#)"),
        ("dashes", r"-+|[\u2013\u2014\u2015\u0096\u0097]"),
        ("stars", r"\*+"),
        ("quotes", "''|``|[`\u2018-\u201f\u00ab\u00bb\u0091-\u0094]+|['`\"\u2039\u203a]"),
        ("entity", r"&(?:amp|lt|gt|quot|apos|nbsp);"),
        ("any", r"\S"),
    )
)

# most words of a caption: nothing but letters before a blank; no form but a first half could cut them otherwise
UNSEEN = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u200e\u200f\ufeff"), " ") | {
    0xAD: None
}  # soft hyphens are dropped, blanks of no width part words
PLAIN = re.compile(r"[A-Za-z]+(?=[ \n]|$)")
HALVES = frozenset(["cannot", "gonna", "gotta", "lemme", "gimme", "wanna"])
BRACKETS = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
ESCAPED = re.compile(r"[(){}\[\]]")
QUOTES = str.maketrans({"“": "``", "”": "''", "„": "„", "‘": "`", "’": "'", "«": "``", "»": "''", "‹": "`", "›": "'", '"': "''"})
WRITTEN = {"½": "1/2", "¼": "1/4", "¾": "3/4", "£": "#", "€": "$", "¢": "cents", "&amp;": "&", "&lt;": "<", "&gt;": ">"}


def tokenize(text: str, following: str = "") -> list[str]:
    """The tokens of a caption. The Java program looks across lines: `following` is the next caption of its file, which decides
    whether a single letter keeps its full stop at the end of this one, and `no.` its own before a number.

    >>> tokenize("It's a dog-like cat, isn't it? (U.S., 1/2)")
    ['it', "'s", 'a', 'dog-like', 'cat', 'is', "n't", 'it', '-lrb-', 'u.s.', '1/2', '-rrb-']
    >>> tokenize("This is plan B."), tokenize("This is plan B.", "The dog runs.")
    (['this', 'is', 'plan', 'b.'], ['this', 'is', 'plan', 'b'])
    """
    line = " ".join(text.translate(UNSEEN).split())
    stop = len(line)
    if following:
        line += "\n" + " ".join(following[:80].translate(UNSEEN).split())
    found: list[str] = []
    place = 0
    while place < stop:
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
    token = token.lower()
    if form in ("curled", "clitic", "not"):
        return token.replace("’", "'")
    if form == "smiley":  # only its round brackets are spelled out
        return token.replace("(", "-lrb-").replace(")", "-rrb-")
    if form in ("face", "phone") or token in BRACKETS:
        return ESCAPED.sub(lambda match: BRACKETS[match.group()], token)
    return token
