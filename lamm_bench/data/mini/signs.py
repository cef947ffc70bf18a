"""Signs with one or two words in capitals, for the SVT file.

Every letter is of our own alphabet (font.py), in changing weight, slant, size, turn and colour, and large enough to be
read when the picture is squashed to a square of 96 pixels. Most of the training words are random letters, training also
points at each letter, and there are more of these pictures than of any other: reading takes practice."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from .dialogue import dialogue_2d, numbers, wording
from .drawn import Drawn, Split, Subject
from .font import lean, leaned, mask
from .paint import OVER, Colour, backdrop, between, brightness, finish, jpeg, shade
from .vocabulary import HELD_OUT, SEEN

READ = ("Which words are on the sign?", "What does the sign say?")
DESCRIBE = ("Describe the sign.", "What is in the picture?")
SPELL = "Name every letter on the sign and point at it as [x, y]."
CONSONANTS, VOWELS = "BCDFGHJKLMNPQRSTVWXZ", "AEIOUY"


def draw_sign(rng: Random, index: int, split: Split) -> Drawn:
    """One sign with its words."""
    words = [word_for(rng, split)]
    while len(words) < 1 + index % 2:
        if (word := word_for(rng, split)) not in words:
            words.append(word)
    path = f"svt_images/{split}_{index:05d}.jpg"
    picture, places = paint_sign(rng, words)
    media = {path: picture}
    if split != "train":
        return Drawn(media, items={"OCR_SVT": [{"image": path, "query": READ[0], "word_list": words}]})
    text = " ".join(words)
    spelt = "; ".join(f"{letter} {numbers(place)}" for letter, place in zip("".join(words), places))
    dialogues = [
        dialogue_2d(path, "ocr", [(wording(rng, READ), text)]),
        dialogue_2d(path, "locating", [(SPELL, spelt)]),
        dialogue_2d(path, "description", [(wording(rng, DESCRIBE), f"A sign that says {text}.")]),
    ]
    return Drawn(media, dialogues=dialogues)


def word_for(rng: Random, split: Split) -> str:
    """A word of the split: test and validation take every other one from the held-out words, training none of them."""
    if split != "train":
        return rng.choice(HELD_OUT if rng.random() < 0.5 else SEEN)
    if rng.random() < 0.3:
        return rng.choice(SEEN)
    while (word := letters(rng)) in HELD_OUT:
        pass
    return word


def letters(rng: Random) -> str:
    """Three to six letters, every second one often a vowel."""
    length, start = rng.randint(3, 6), rng.randint(0, 1)
    return "".join(rng.choice(VOWELS if (i + start) % 2 and rng.random() < 0.6 else CONSONANTS) for i in range(length))


def colours(rng: Random) -> tuple[Colour, Colour]:
    """Board and ink, at least 90 grey levels apart."""
    while True:
        board, ink = between(rng, (0, 0, 0), (255, 255, 255)), between(rng, (0, 0, 0), (255, 255, 255))
        if abs(brightness(board) - brightness(ink)) > 90:
            return board, ink


def paint_sign(rng: Random, words: list[str]) -> tuple[bytes, list[tuple[float, float]]]:
    """The picture (something behind, a board, its words one to a line, all turned and leant alike) and each letter's middle."""
    lines = len(words)
    width, height = rng.randint(100, 136) * OVER, rng.randint(*((56, 84), (80, 108))[lines - 1]) * OVER
    canvas = backdrop(rng, width, height)
    board, ink = colours(rng)
    wide, high = round(width * rng.uniform(0.9, 0.98)), round(height * rng.uniform(0.84, 0.96))
    left, top = (width - wide) // 2, (height - high) // 2
    canvas.paste(board, (left, top, left + wide, top + high))
    angle, slant = rng.uniform(-0.08, 0.08) / lines, rng.choice((0.0, 0.0, rng.uniform(-0.15, 0.2)))
    written, middles = write(rng, words, wide, high, abs(angle) * wide, (abs(slant) + abs(angle)) * high)
    canvas.paste(ink, (left, top), leaned(written, angle, slant))
    if rng.random() < 0.5:
        box = (left, top, left + wide - 1, top + high - 1)
        ImageDraw.Draw(canvas).rectangle(box, outline=shade(ink, rng.uniform(0.7, 1.2)), width=rng.randint(2, 4))
    turned = [lean(written.size, angle, slant, middle) for middle in middles]
    places = [((left + x) / width, (top + y) / height) for x, y in turned]
    return jpeg(finish(rng, canvas, noise=rng.choice((4, 8, 14)))), places


def write(
    rng: Random, words: list[str], wide: int, high: int, rise: float, spare: float
) -> tuple[Image.Image, list[tuple[float, float]]]:
    """The words as a mask of the board's size, upright, with `rise` and `spare` pixels kept for turning and leaning, and the
    middle of each letter in it."""
    written = Image.new("L", (wide, high))
    smooth, bold = rng.random() < 0.5, rng.random() < 0.35
    room, line = wide * 0.94 - spare, (high * 0.92 - rise) / len(words)
    middles: list[tuple[float, float]] = []
    for row, word in enumerate(words):
        tall = round(line * rng.uniform(0.76, 0.88))
        long = round(min(room, max(len(word) * tall * rng.uniform(0.75, 1.0), room * len(word) / 6.5)))
        x = round((wide - room) / 2 + rng.random() * (room - long))
        y = round((high - line * len(words)) / 2 + line * row + (line - tall) / 2)
        written.paste(mask(word, long, tall, smooth, bold), (x, y))
        middles += [(x + long * (6 * at + 2.5) / (6 * len(word) - 1), y + tall / 2) for at in range(len(word))]
    return written, middles


SUBJECTS = (Subject("signs", "2D", draw_sign, {"test": 120, "val": 120, "train": 16000}),)
