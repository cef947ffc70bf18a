"""English words for corruptions of questions. All lists are ours; `contractions` follows what every grammar has."""

from __future__ import annotations


def table(text: str) -> dict[str, str]:
    """Pairs of a text of `word > word; word > word`."""
    return dict(pair.strip().split(" > ") for pair in " ".join(text.split()).split(";"))


CONTRACTIONS = {
    "is not": "isn't", "are not": "aren't", "was not": "wasn't", "were not": "weren't", "do not": "don't", "does not": "doesn't",
    "did not": "didn't", "cannot": "can't", "could not": "couldn't", "should not": "shouldn't", "would not": "wouldn't",
    "will not": "won't", "have not": "haven't", "has not": "hasn't", "had not": "hadn't", "must not": "mustn't",
    "what is": "what's", "where is": "where's", "who is": "who's", "how is": "how's", "that is": "that's", "there is": "there's",
    "it is": "it's", "he is": "he's", "she is": "she's", "they are": "they're", "we are": "we're", "you are": "you're",
    "i am": "i'm", "i will": "i'll", "you will": "you'll", "they will": "they'll", "it will": "it'll", "let us": "let's",
    "i have": "i've", "we have": "we've", "you have": "you've", "they have": "they've",
}  # fmt: skip

SYNONYMS = table("""
    picture > image; image > picture; photo > photograph; photograph > photo; show > display; shows > displays; shown >
    displayed; kind > type; type > kind; sort > kind; big > large; large > big; small > little; little > small; correct >
    right; best > most suitable; describe > depict; describes > depicts; person > human being; people > persons; man > male
    person; woman > female person; car > automobile; object > thing; objects > things; thing > object; things > objects;
    colour > hue; color > hue; near > close to; above > over; below > beneath; under > beneath; beside > next to; room >
    chamber; house > home; made > produced; make > produce; main > principal; identify > recognise; find > discover; choose >
    select; select > choose; following > subsequent; number > count; begin > start; start > begin; end > finish; whole >
    entire; entire > whole; part > portion; place > location; location > place; street > road; road > street; happy > glad;
    fast > quick; quick > fast; probably > likely; likely > probable; happen > occur; happens > occurs; happening > occurring;
    wear > have on; wearing > having on; hold > grasp; holding > grasping; answer > reply; question > query; belong > pertain;
    belongs > pertains; nearest > closest
""")

ADVERBS = ("actually", "really", "currently", "clearly", "basically", "simply", "generally", "evidently")
AUXILIARIES = frozenset("is are was were do does did can could will would should has have had may might must".split())

IRRELEVANT = (
    "The library opens at nine in the morning.",
    "My neighbour bought a new umbrella last week.",
    "Tea is usually served with milk there.",
    "The train to the coast leaves every hour.",
    "It rained in the mountains yesterday.",
    "Somebody left a blue scarf in the office.",
)

MISSPELT = table("""
    accommodate > acommodate; achieve > acheive; address > adress; answer > anwser; argument > arguement; because > becuase;
    beginning > begining; believe > beleive; between > betwen; calendar > calender; category > catagory; colour > coulor;
    correct > corect; definitely > definately; description > discription; different > diffrent; does > dose; environment >
    enviroment; explain > explane; following > folowing; foreign > foriegn; friend > freind; height > hieght; identify >
    idenfity; image > imgae; interesting > intresting; length > lenght; likely > likley; many > manny; material > meterial;
    much > mutch; necessary > neccessary; object > obejct; occur > ocur; people > poeple; person > preson; piece > peice;
    picture > pitcure; possible > possable; probably > probaly; property > propery; question > qestion; receive > recieve;
    separate > seperate; shown > shwon; similar > similiar; temperature > temprature; their > thier; there > ther; thing >
    thign; tomorrow > tommorow; until > untill; weird > wierd; what > waht; where > whre; which > wich; with > wiht; woman >
    womna
""")

LOOKALIKES = {
    "o": "0", "O": "0", "l": "1", "I": "l", "i": "1", "S": "5", "s": "5", "B": "8", "g": "9", "q": "9", "Z": "2", "z": "2", "e": "c",
    "c": "e", "h": "b", "b": "h", "n": "ri", "m": "rn", "u": "v", "v": "u", "w": "vv", "d": "cl", "t": "f", "f": "t", "0": "O", "1": "l",
}  # fmt: skip

ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def neighbours() -> dict[str, str]:
    """Of each letter those beside it on an American keyboard."""
    found: dict[str, set[str]] = {}
    for at, row in enumerate(ROWS):
        for place, letter in enumerate(row):
            beside = {row[other] for other in (place - 1, place + 1) if 0 <= other < len(row)}
            for other, shift in ((at - 1, (0, 1)), (at + 1, (-1, 0))):
                if 0 <= other < len(ROWS):
                    beside |= {ROWS[other][place + by] for by in shift if 0 <= place + by < len(ROWS[other])}
            found[letter] = beside
    return {letter: "".join(sorted(beside)) for letter, beside in found.items()}


KEYS = neighbours()
