"""Text, JSON and YAML that others wrote: whatever is wrong with a file is one sentence that names it, never a traceback.

Half a surrogate pair (legal in JSON, cut off by a token limit or a careless tool) is no UTF-8 and breaks whatever meets it later;
it is kept as the six characters of its escape."""

from __future__ import annotations

import codecs
import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from .errors import BenchError

LARGEST = 2**31  # bytes; the largest meta file of the field has a tenth of it
MARKS = (
    *((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32")),
    *((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")),  # as PowerShell's `>` writes
)
HALF = re.compile("[\ud800-\udfff]")
PIECE, LARGEST_ENTRY = (
    2**18,
    2**26,
)  # bytes of a list that are read at a time; characters of one entry, beyond which nobody waits for its end
BEGIN, NEXT = (
    re.compile(r"[ \t\n\r]*\[[ \t\n\r]*"),
    re.compile(r"[ \t\n\r]*,[ \t\n\r]*"),
)  # what stands before the first entry, and before others


def read_bytes(path: Path, largest: int = LARGEST) -> bytes:
    """The content of a regular file; a pipe, which nobody may ever write into, is refused."""
    try:
        found = os.stat(path)
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a pipe or a device"
            raise BenchError(f"{path} cannot be read: it is {kind}, expected a file")
        if found.st_size > largest:
            raise BenchError(f"{path} cannot be read: it has {found.st_size:,} bytes, more than {largest:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise BenchError(f"{path} is missing") from None
    except (OSError, ValueError) as error:  # a NUL in a name is a ValueError
        raise BenchError(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def decode(data: bytes, where: str) -> str:
    """UTF-8, with or without its mark, or what another mark says."""
    encoding = next((name for mark, name in MARKS if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise BenchError(f"{where} cannot be read: it is not UTF-8 (byte {error.start})") from None


def read_text(path: Path) -> str:
    """A text file, whole. Raises `BenchError`."""
    return decode(read_bytes(path), str(path))


def parse_json(text: str, where: str, halves: bool = False) -> Any:
    """A JSON value. Raises `BenchError` that says where it is none, however deep it nests and however long its numbers are.

    With `halves` those of surrogate pairs stay what they are: for files of our own."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise BenchError(f"{where} is not JSON that can be read: it nests too deep") from None
    except json.JSONDecodeError as error:
        raise BenchError(f"{where} is not JSON: {error if text.strip() else 'it is empty'}") from None
    except ValueError:
        raise BenchError(f"{where} is not JSON that can be read: it holds a number of thousands of digits") from None
    return whole(value) if "\\u" in text and not halves else value


def load_json(path: Path) -> Any:
    """The JSON value in a file. Raises `BenchError`."""
    return parse_json(read_text(path), str(path))


def json_entries(path: Path) -> Iterator[Any]:
    """The objects of a JSON list one by one, as `load_json` gives them, of a file that need not be read to its end.

    Ends without a word where that is not how the file can be read: what is wrong with it, `load_json` says."""
    scan, blanks, text, at, size = json.JSONDecoder().raw_decode, BEGIN, "", 0, PIECE
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with path.open("rb") as file:
            while len(text) - at <= LARGEST_ENTRY and (more := file.read(size)):
                text, at = text[at:] + decoder.decode(more), 0
                size = 2 * size  # for the next piece; an entry that is longer than many is not begun again and again
                while (found := blanks.match(text, at)) is not None and text.startswith("{", found.end()):
                    try:
                        value, end = scan(text, found.end())
                    except json.JSONDecodeError:  # not whole yet
                        break
                    yield whole(value) if "\\u" in text[at:end] else value
                    blanks, at, size = NEXT, end, PIECE
    except (OSError, ValueError, RecursionError):
        return


class Once(yaml.SafeLoader):
    """YAML in which no key stands twice in one mapping: of two values one would be passed over in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"`{key.value}` stands there twice", key.start_mark)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)


def parse_yaml(text: str, where: str) -> Any:
    """A YAML value. Raises `BenchError` with line and column of what is wrong."""
    try:
        loader = Once(text)
        try:
            value = loader.get_single_data()
        finally:
            loader.dispose()
        return whole(value) if "\\u" in text or "\\U" in text else value
    except RecursionError:
        raise BenchError(f"{where} is not YAML that can be read: it nests too deep, or holds itself") from None
    except yaml.YAMLError as error:
        said = " ".join(str(error).split()).replace('in "<unicode string>", ', "")
        raise BenchError(f"{where} is not YAML: {said}") from None
    except ValueError as error:
        raise BenchError(f"{where} is not YAML that can be read: {error}") from None


def load_yaml(path: Path) -> Any:
    """The YAML value in a file. Raises `BenchError`."""
    return parse_yaml(read_text(path), str(path))


def escaped(text: str) -> str:
    r"""The text with halves of surrogate pairs as their escapes, so that it is UTF-8.

    >>> escaped("HO\ud83dTEL")
    'HO\\ud83dTEL'
    """
    return HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def whole(value: Any) -> Any:
    """A JSON value with every text `escaped`."""
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list):
        return [whole(each) for each in value]
    if isinstance(value, dict):
        return {whole(key): whole(each) for key, each in value.items()}
    return value


def shorten(value: Any, width: int = 60) -> str:
    """A value as JSON, cut to fit into a sentence."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):  # a number of thousands of digits, or nesting without end
        text = type(value).__name__
    return text if len(text) <= width else text[: width - 1] + "…"


def id_text(value: Any) -> str | None:
    """An id as a text; None for what is none. A whole number stays one where a table made `1.0` of it.

    >>> id_text("a"), id_text(7), id_text(7.0), id_text(True), id_text(2.0**60)
    ('a', '7', '7', None, '1.152921504606847e+18')
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:  # beyond, several whole numbers are one float
        return str(int(value))
    return str(value)
