"""What a task file may hold: the one description from which files are checked, and editors' JSON Schema is made (`json_schema`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lamm_bench.loading import read_text
from lamm_bench.media import modalities

from .document import Document, parse
from .forms import Either, Filled, Form, Key, Keys, Listed, Number, OneOf, Scalar, Side, Table, Text
from .metrics import MEASURES
from .pictures import ENCODINGS
from .readers import READERS
from .rules import rules
from .sources import FORMATS, OTHERWISE
from .templates import patterns

NAME = Text(r"[a-z0-9][a-z0-9._-]{0,63}", "small letters, digits, - and _ (and at most 64 of them)")
PATTERN = Text(said="a file below the data root, or a pattern with * such as data/*.parquet")
COLUMN = Text(said="a column's name")
PROMPTS = Path(__file__).parents[1] / "recipes/prompts/standard.yaml"
FORMS_OF_BOXES = ("xyxy", "xywh", "cxcywh", "centre", "corners")
SCALES = ("fractions", "pixels", "percent", "thousandths")

DRAW = Keys(
    "`draw`",
    {
        "box": Key(Filled(), "its four numbers, a column with a list", True),
        "form": Key(OneOf(FORMS_OF_BOXES[:3], "form of boxes"), "two corners, corner and size, centre and size"),
        "scale": Key(OneOf(SCALES, "scale"), "of its numbers"),
    },
)
PUBLISHED = Keys(
    "`published`",
    {
        "model": Key(Text(), "whose figure", True),
        "value": Key(Number(-1e9, 1e9), "the headline as published", True),
        "source": Key(Text(), "where it stands", True),
    },
)
ABOUT = Keys(
    "`about`",
    {
        "title": Key(Text(), "its full name"),
        "paper": Key(Text(), "authors, year, arXiv number"),
        "source": Key(Text(), "where the data come from, and what confirms their columns"),
        "licence": Key(Text(), "of the data"),
        "terms": Key(Text(), "what must be signed, and where"),
        "size": Key(Text(), "how many questions, how many bytes"),
        "note": Key(Text(), "what a reader of the figures should know"),
        "published": Key(Listed(PUBLISHED, alone=False), "published figures"),
    },
)
SIDE = Side()
PAIR = Keys("`on`", {"left": Key(SIDE, "the key in the rows", True), "right": Key(SIDE, "and in the joined files", True)})
ON = Listed(Either((SIDE, PAIR)))


@dataclass(frozen=True)
class Known(Keys):
    """A mapping whose files need not be named where the format knows them."""

    def schema(self) -> dict[str, Any]:
        known = {"required": ["format"], "properties": {"format": {"const": "scannet"}}}
        return {**super().schema(), "anyOf": [{"required": ["files"]}, known]}


WHERE = {
    "files": Key(Listed(PATTERN), "the files of rows, below the data root", True),
    "format": Key(OneOf(FORMATS, "format"), "their form, where the ending does not tell"),
    "levels": Key(Listed(COLUMN), "names for the keys of mappings within mappings in a JSON file, outermost first"),
    "at": Key(Text(said="a place inside the JSON, such as data.questions"), "where in a JSON file the rows are"),
    "keep": Key(Table(Listed(Scalar())), "rows with these values in these columns"),
}
JOIN = Known(
    "`join`",
    {
        **WHERE,
        "files": Key(Listed(PATTERN), "the files of rows, below the data root; those of ScanNet are known (format scannet)"),
        "on": Key(
            ON, "what joins them: a column, a pair of columns or templates, or several; one in the rows may hold a list", True
        ),
        "as": Key(COLUMN, "the name under which the joined columns then stand, as in {target.values}"),
        "otherwise": Key(
            OneOf(OTHERWISE, "fate"), "of rows without a partner: dropped, or without these columns; else they are a fault"
        ),
    },
)
COUNT = Keys(
    "`count`",
    {"of": Key(Filled(), "what is counted", True), "among": Key(Listed(Filled()), "what rows agree in", True)},
)
DATA = Keys(
    "`data`",
    {
        **WHERE,
        "join": Key(Listed(JOIN), "columns of other files"),
        "each": Key(COLUMN, "a column with a list: each element is a sample"),
        "count": Key(Table(COUNT), "new columns: how many different values there are among rows that agree in others"),
        "gather": Key(Listed(COLUMN), "columns: rows that agree in them become one, its other columns lists"),
    },
)
BELOW = Text(
    r"(?![/\\]|[\s\S]:)(?![\s\S]*[\\\0])(?!(?:[\s\S]*/)?\.\.(?:/|$))[\s\S]+",
    "a folder or archive below the data root, such as images or images.zip/val",
)
FOLDER = Text(r"(?!\.)[\w.-]+(/(?!\.)[\w.-]+)*", "a folder below the data root, such as MMStar")
GET = Keys(
    "`get`",
    {
        "hub": Key(
            Text(r"[\w.-]+/[\w.-]+", "owner and name of a data set of the hub, such as Lin-Chen/MMStar"), "the data set", True
        ),
        "folder": Key(FOLDER, "the folder that stands for it", True),
        "revision": Key(
            Text(said="a commit of 40 digits, or a branch"), "its commit; without it the first one found, which a lock file keeps"
        ),
        "files": Key(
            Listed(Text(said="a pattern of files within the data set")),
            "further files, such as images.zip; those of `data` are known",
        ),
        "sha256": Key(Table(Text(r"[0-9a-f]{64}", "a SHA-256, 64 small digits")), "what files must have, by their names"),
    },
)
READER = OneOf(tuple(READERS), "reader")
READ = Either(
    (
        READER,
        Keys(
            "`read`",
            {
                "column": Key(Filled(), "what tells the reader", True),
                "values": Key(Table(READER), "the reader for each value", True),
            },
        ),
    )
)
GROUPS = Keys(
    "a figure of `together`",
    {
        "of": Key(COLUMN, "the name of `meta` that tells the groups", True),
        "where": Key(Table(Listed(Scalar())), "values of names of `meta` that its samples must have", True),
    },
)
TOGETHER = Either((COLUMN, Table(Either((COLUMN, GROUPS)))))
METRIC = Either(
    (
        OneOf(tuple(MEASURES), "metric"),
        Keys(
            "`metric`",
            {
                "name": Key(OneOf(tuple(MEASURES), "metric"), "which metric", True),
                "by": Key(Listed(COLUMN), "names of `meta`: the headline for each of their values"),
                "together": Key(TOGETHER, "a name of `meta`: the share of its groups of which every answer is right"),
                "at_least": Key(
                    Table(COLUMN),
                    "a name of `meta`: the shares of its groups with one right answer at least, with two and so on, and their mean",
                ),
                "words": Key(OneOf(("yes", "no"), "choice"), "whether `contains` wants whole words"),
                "macro": Key(Listed(COLUMN), "names of `meta`, outer first: a mean in which each value weighs the same leads"),
                "also": Key(
                    Listed(OneOf(("captions", "f_value"), "further metric")),
                    "captions: BLEU, ROUGE-L and CIDEr of the same answers, for `exact`; f_value: ScanQA's",
                ),
                "at": Key(Listed(Number(0.01, 1.0)), "thresholds of IoU, the headline's first"),
                "blanks": Key(
                    Table(Listed(Scalar())), "values of names of `meta` for which `contains` takes no notice of blanks"
                ),
            },
        ),
    )
)


def sample_keys() -> Mapping[str, Key]:
    """The keys of `sample`; each modality that there is has one, by its word."""
    media = {
        one.short: Key(Listed(Filled()), f"{one.many}: columns, a column with a list, or a pattern such as {{{one.short}_*}}")
        for one in modalities().values()
    }
    return {
        "id": Key(Filled(), "the sample's name; its row's number without it"),
        "question": Key(Filled(), "what is asked; {@options} lists the options", True),
        **media,
        "encoding": Key(
            OneOf(ENCODINGS, "encoding"), "what texts in media columns are: paths, base64, or names of ScanNet's rooms"
        ),
        "folder": Key(
            BELOW,
            "where paths of media begin; archives (images.zip) are not unpacked",
        ),
        "interleave": Key(
            Text(r"[\s\S]*\{n\}[\s\S]*", "a mark with {n}, such as <image {n}>"),
            "the mark in the question behind which the n-th of its media stands",
        ),
        "draw": Key(DRAW, "a box that is drawn on the pictures in red"),
        "choices": Key(
            Either((Listed(Filled(), alone=False), Filled())), "the options: a list of columns, or a column with a list"
        ),
        "target": Key(Filled(), "what is right", True),
        "form": Key(
            OneOf(FORMS_OF_BOXES, "form of boxes"),
            "of target boxes: two corners, corner and size, centre and size; in 3D centre or corners",
        ),
        "scale": Key(OneOf(SCALES, "scale"), "of target boxes of pictures"),
        "thing": Key(Filled(), "what a box or point is asked for, so that models may be asked in their own words"),
        "box": Key(Filled(), "the box of what a caption is about, for the reader `located`"),
        "group": Key(Filled(), "what errors are clustered by; without it the media"),
        "meta": Key(Table(Filled()), "columns for the metric: categories, groups"),
    }


@lru_cache(maxsize=1)
def kinds() -> tuple[str, ...]:
    """The names of our system messages; recipes with prompts of their own bring others for the same."""
    told = parse(read_text(PROMPTS), str(PROMPTS)).value
    return tuple(told["system"])


def file_keys() -> Mapping[str, Key]:
    return {
        "name": Key(NAME, "by which --tasks finds it", True),
        "about": Key(ABOUT, "where it comes from"),
        "get": Key(GET, "from where `data get` brings them"),
        "data": Key(DATA, "where the rows are", True),
        "sample": Key(Keys("`sample`", sample_keys), "what a row is as a sample", True),
        "read": Key(READ, "how answers are read", True),
        "metric": Key(METRIC, "how they are counted", True),
        "kind": Key(OneOf(kinds(), "system message"), "which system message of the recipe's prompts it gets"),
        "groups": Key(Listed(NAME), "other names under which --tasks finds it"),
        "max_new_tokens": Key(Number(1, 32768, whole=True), "of an answer"),
    }


FILE: Form = Keys("a task file", file_keys)


def checked(doc: Document) -> dict[str, Any]:
    """The file's values, each checked. Raises `BenchError` with the line."""
    value: dict[str, Any] = FILE.take(doc, (), doc.value)
    return value


@lru_cache(maxsize=1)
def json_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of task files, for editors."""
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "lamm-bench task file",
        "description": "A benchmark in a file: docs/benchmarks.md. Made by `lamm-bench check --schema`.",
    }
    text = {"type": ["string", "number", "boolean"], "pattern": patterns()[0]}
    return {**head, **FILE.schema(), "allOf": rules(), "$defs": {"text": text}}
