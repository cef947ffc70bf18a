"""Drawings as PDF: a file whose parts stand where it says, with the words of the drawing, in the widths of the PNG's own font."""

from __future__ import annotations

import re
import zlib

import pytest
from PIL import ImageFont

from lamm_bench.show.drawing import Drawing
from lamm_bench.show.pdf import font


def drawing() -> Drawing:
    made = Drawing(300, 120, "Scores (95 %)")
    made.area([(10, 10), (100, 10), (50, 80)], fill="#0b6fa4", opacity=0.5, line="#000000")
    made.line([(10, 100), (290, 100)], "#ff0000", 2)
    made.dot((200, 50), 20, "#00aa00")
    made.words((150, 90), "Accuracy, 95 % [1.2, 3.4]", anchor="middle", bold=True)
    made.words((290, 20), "a (b) \\ c", anchor="end")
    return made


def streams(data: bytes) -> list[bytes]:
    return [zlib.decompress(found) for found in re.findall(rb"stream\n(.*?)\nendstream", data, re.DOTALL)]


def test_every_object_stands_where_the_table_says() -> None:
    data = drawing().pdf()
    start = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])  # type: ignore[index]
    rows = data[start:].splitlines()
    count = int(rows[1].split()[1])
    for number, row in enumerate(rows[3 : 2 + count], 1):
        assert len(row) == 19 and data[int(row[:10]) :].startswith(f"{number} 0 obj\n".encode())
    for length, held in re.findall(rb"/Length (\d+) .*?stream\n(.*?)\nendstream", data, re.DOTALL):
        assert int(length) == len(held)
    assert data == drawing().pdf(), "the same drawing gives the same bytes"


def test_the_words_can_be_read_again() -> None:
    content, embedded, table = streams(drawing().pdf())
    letters = {
        int(code, 16): bytes.fromhex(to).decode("utf-16-be") for code, to in re.findall(r"<(\w{4})> <(\w+)>", table.decode())
    }
    words = [
        "".join(letters[int(w[i : i + 4], 16)] for i in range(0, len(w), 4)) for w in re.findall(r"<(\w+)> Tj", content.decode())
    ]
    assert words == ["Accuracy, 95 % [1.2, 3.4]", "a (b) \\ c"]
    assert embedded == font().data


def test_widths_are_those_that_pillow_draws() -> None:
    for text in ("Accuracy", "WAVE 0.5", "cifar10, lsp"):
        each = sum(ImageFont.load_default(1000).getlength(letter) for letter in text)  # letter by letter: without kerning
        assert font().told(text)[1] * 1000 == pytest.approx(each, rel=0.01)


def test_a_letter_that_the_font_lacks_costs_no_other() -> None:
    glyphs, width = font().told("a\u4e2d b")
    assert glyphs[0] == font().glyphs[ord("a")] and glyphs[1] == 0 and len(glyphs) == 4 and width > 0


def test_another_reader_agrees() -> None:
    pypdf = pytest.importorskip("pypdf", reason="pypdf is not here")
    from io import BytesIO

    (page,) = pypdf.PdfReader(BytesIO(drawing().pdf()), strict=True).pages
    assert "Accuracy, 95 % [1.2, 3.4]" in page.extract_text() and page.mediabox.width == 225
