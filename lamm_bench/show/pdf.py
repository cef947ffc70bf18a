"""A drawing as a PDF of one page: vectors, and text that can be searched, in an embedded font, as journals want it.

The form is that of PDF 1.7 (ISO 32000-1:2008): the file's structure 7.5, content streams 7.8 and 8, composite fonts 9.7, `ToUnicode` 9.10.3.
The font is the one with which Pillow draws the PNG (Aileron, CC0), read by its `cmap` of format 4, `head`, `hhea` and `hmtx` (OpenType 1.9).
The same drawing gives the same bytes: there is no date in it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from typing import Any

from PIL import ImageColor, ImageFont

from .marks import Area, Dot, Words

ROUND = 0.5522847498  # of a quarter circle's control points: 4/3 (sqrt(2) - 1)
MIDDLE = 0.35  # of a text's size, from its baseline up to where its middle stands
BOLD = 0.04  # of its size, by which a bold text's outlines are drawn


class Font:
    """What a PDF needs to know of a TrueType font: glyphs by character, and their widths in thousandths of the size."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        count = struct.unpack(">H", data[4:6])[0]
        self.tables = {
            data[12 + 16 * at : 16 + 16 * at]: struct.unpack(">I", data[20 + 16 * at : 24 + 16 * at])[0] for at in range(count)
        }
        self.units = self.number(b"head", 18)
        self.ascent, self.descent = (self.signed(b"hhea", at) * 1000 // self.units for at in (4, 6))
        self.box = [self.signed(b"head", at) * 1000 // self.units for at in (36, 38, 40, 42)]
        self.glyphs = self.characters()

    def number(self, table: bytes, at: int) -> int:
        start = self.tables[table] + at
        return int(struct.unpack(">H", self.data[start : start + 2])[0])

    def signed(self, table: bytes, at: int) -> int:
        value = self.number(table, at)
        return value - 65536 if value >= 32768 else value

    def characters(self) -> dict[int, int]:
        """Glyph of each character: the segments of the first subtable of format 4."""
        subtables = [
            struct.unpack(">I", self.data[(at := self.tables[b"cmap"] + 8 + 8 * n) : at + 4])[0]
            for n in range(self.number(b"cmap", 2))
        ]
        start = next(one for one in subtables if self.number(b"cmap", one) == 4)
        size = self.number(b"cmap", start + 6)  # twice the segments
        found = {}
        for at in range(0, size, 2):
            end, first, delta, offset = (
                self.number(b"cmap", start + place + at) for place in (14, 16 + size, 16 + 2 * size, 16 + 3 * size)
            )
            for code in range(first, min(end, 0xFFFE) + 1):
                glyph = self.number(b"cmap", start + 16 + 3 * size + at + offset + 2 * (code - first)) if offset else code
                if glyph:
                    found[code] = (glyph + delta) % 65536
        return found

    def width(self, glyph: int) -> int:
        last = self.number(b"hhea", 34) - 1
        return self.number(b"hmtx", 4 * min(glyph, last)) * 1000 // self.units

    def told(self, text: str) -> tuple[list[int], float]:
        """A text's glyphs, and its width at size 1."""
        glyphs = [self.glyphs.get(ord(letter), 0) for letter in text]
        return glyphs, sum(map(self.width, glyphs)) / 1000


@cache
def font() -> Font:
    """The font of the drawings."""
    path: Any = ImageFont.load_default(12).path  # type: ignore[union-attr]
    return Font(path.getvalue() if isinstance(path, BytesIO) else open(path, "rb").read())


def num(value: float) -> str:
    """
    >>> num(1.0), num(0.12345)
    ('1', '0.123')
    """
    return f"{value:.3f}".rstrip("0").rstrip(".")


def colour(name: str, operator: str) -> str:
    return " ".join(num(part / 255) for part in ImageColor.getrgb(name)[:3]) + f" {operator}"


def pdf(width: int, height: int, title: str, shapes: Sequence[Area | Dot | Words]) -> bytes:
    """The file. A unit is three quarters of a point, as browsers print SVG's pixels."""
    opacities: dict[str, str] = {}
    used: dict[int, str] = {}
    body = [f"0.75 0 0 -0.75 0 {num(0.75 * height)} cm"]
    for shape in shapes:
        body += drawn(shape, opacities, used)
    states = " ".join(f"/{name} << /ca {value} >>" for value, name in opacities.items())
    own = font()
    widths = " ".join(f"{glyph} [{own.width(glyph)}]" for glyph in sorted(used))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {num(0.75 * width)} {num(0.75 * height)}] /Contents 4 0 R "
        f"/Resources << /Font << /F 5 0 R >> /ExtGState << {states} >> >> >>".encode(),
        stream("\n".join(body).encode()),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /LAMMBN+Aileron-Regular /Encoding /Identity-H /DescendantFonts [6 0 R] /ToUnicode 9 0 R >>",
        f"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /LAMMBN+Aileron-Regular /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) "
        f"/Supplement 0 >> /FontDescriptor 7 0 R /CIDToGIDMap /Identity /DW 500 /W [{widths}] >>".encode(),
        f"<< /Type /FontDescriptor /FontName /LAMMBN+Aileron-Regular /Flags 4 /FontBBox [{' '.join(map(str, own.box))}] /ItalicAngle 0 "
        f"/Ascent {own.ascent} /Descent {own.descent} /CapHeight 700 /StemV 80 /FontFile2 8 0 R >>".encode(),
        stream(own.data, f"/Length1 {len(own.data)}"),
        stream(to_unicode(used).encode()),
        b"<< /Title " + text_string(title) + b" /Producer (lamm-bench) >>",
    ]
    return whole(objects)


def drawn(shape: Area | Dot | Words, opacities: dict[str, str], used: dict[int, str]) -> list[str]:
    """One shape's operators; notes the opacities and glyphs that it needs."""
    if isinstance(shape, Dot):
        (x, y), r = shape.at, shape.radius
        k = ROUND * r
        corners = [(x + r, y + k, x + k, y + r, x, y + r), (x - k, y + r, x - r, y + k, x - r, y)]
        corners += [(x - r, y - k, x - k, y - r, x, y - r), (x + k, y - r, x + r, y - k, x + r, y)]
        curves = [" ".join(map(num, corner)) + " c" for corner in corners]
        return [colour(shape.fill, "rg"), f"{num(x + r)} {num(y)} m", *curves, "f"]
    if isinstance(shape, Words):
        return written(shape, used)
    fills, strokes = shape.closed and shape.fill != "none", shape.line != "none"
    if not (fills or strokes) or not shape.points:
        return []
    path = [f"{num(x)} {num(y)} {'l' if at else 'm'}" for at, (x, y) in enumerate(shape.points)]
    state = [f"/{opacities.setdefault(num(shape.opacity), f'G{len(opacities)}')} gs", colour(shape.fill, "rg")] if fills else []
    pen = [colour(shape.line, "RG"), f"{num(shape.width)} w 1 j"] if strokes else []
    ends = {(True, True): "b", (True, False): "f", (False, True): "s" if shape.closed else "S"}[fills, strokes]
    return ["q", *state, *pen, *path, ends, "Q"]


def written(shape: Words, used: dict[int, str]) -> list[str]:
    """A text; y grows downward, so the letters are turned over once more."""
    glyphs, width = font().told(shape.text)
    used.update({glyph: letter for glyph, letter in zip(glyphs, shape.text) if glyph})
    x = shape.at[0] - {"start": 0.0, "middle": 0.5, "end": 1.0}[shape.anchor] * width * shape.size
    y = shape.at[1] + MIDDLE * shape.size
    bold = f"2 Tr {num(BOLD * shape.size)} w {colour(shape.fill, 'RG')}" if shape.bold else "0 Tr"
    codes = "".join(f"{glyph:04x}" for glyph in glyphs)
    return ["BT", colour(shape.fill, "rg"), bold, f"/F {num(shape.size)} Tf 1 0 0 -1 {num(x)} {num(y)} Tm <{codes}> Tj", "ET"]


def to_unicode(used: dict[int, str]) -> str:
    """Which characters the glyphs stand for, so that the text can be searched and copied."""
    rows = [f"<{glyph:04x}> <{letter.encode('utf-16-be').hex()}>" for glyph, letter in sorted(used.items())]
    parts = [rows[at : at + 100] for at in range(0, len(rows), 100)]
    blocks = "\n".join(f"{len(part)} beginbfchar\n" + "\n".join(part) + "\nendbfchar" for part in parts)
    return (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
        f"1 begincodespacerange <0000> <ffff> endcodespacerange\n{blocks}\nendcmap CMapName currentdict /CMap defineresource pop end end"
    )


def stream(data: bytes, more: str = "") -> bytes:
    packed = zlib.compress(data, 9)
    return f"<< /Length {len(packed)} /Filter /FlateDecode {more} >>\nstream\n".encode() + packed + b"\nendstream"


def text_string(text: str) -> bytes:
    return b"<" + (b"\xfe\xff" + text.encode("utf-16-be", "replace")).hex().encode() + b">"


def whole(objects: Iterable[bytes]) -> bytes:
    """Header, objects, the table of where they stand, trailer; the last object is the document's information."""
    out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n".encode() + content + b"\nendobj\n"
    table = len(out)
    out += f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n".encode()
    out += b"".join(f"{place:010} 00000 n \n".encode() for place in places)
    out += f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R /Info {len(places)} 0 R >>\nstartxref\n{table}\n%%EOF\n".encode()
    return bytes(out)
