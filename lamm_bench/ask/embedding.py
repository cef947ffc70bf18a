"""Texts and pictures as vectors, for examples that are like the question.

An embedder is any adapter, or any entry of an adapter module's `EMBEDDERS`, with `embed(things) -> array [things, width]`; `things` are
texts, or `Media` references of one modality. What it cannot embed raises `BenchError`; a file that cannot be opened, `MediaError`.
`embeds`, a set of "text" and names of modalities, says what it can. Without one, texts are compared by tf-idf and pictures by a
small descriptor: fallbacks, which results name."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lamm_bench import media
from lamm_bench.data.mini import cache_folder
from lamm_bench.errors import BenchError, MediaError
from lamm_bench.types import Media

TEXT = "text"
TOGETHER = 64  # things that an embedder is given at once, so that memory does not grow with the file
KEPT = 2**30  # bytes of vectors on disk; the oldest go first
TF_IDF = "tf-idf"
DESCRIPTOR = "picture-descriptor"
FALLBACK = {
    TF_IDF: "texts were compared by tf-idf of their words, a built-in fallback: texts of one meaning in other words are not found",
    DESCRIPTOR: "pictures were compared by their colours and edges, a built-in fallback: it knows nothing of what they show",
}


class Embedder(Protocol):
    """Gives vectors for texts or media; nearness is the cosine."""

    def fingerprint(self) -> str: ...

    def embed(self, things: Sequence[Any]) -> np.ndarray: ...


class Descriptor:
    """Pictures by their colours and edges (media/descriptor.py); nothing is learnt, nothing downloaded."""

    name = DESCRIPTOR

    @property
    def embeds(self) -> frozenset[str]:
        return media.flats()

    def fingerprint(self) -> str:
        return f"{DESCRIPTOR} {media.DESCRIPTOR_VERSION}"

    def embed(self, things: Sequence[Media]) -> np.ndarray:
        return np.stack([media.descriptor(one) for one in things])


def tf_idf(texts: Sequence[str]) -> Any:
    """Rows of unit length, sparse [texts, words and pairs of words], weighed by how few of these very texts have them.

    Scikit-learn's `TfidfVectorizer` (Salton and Buckley 1988) with logarithmic counts; single letters and figures count as words, since
    questions differ in them. A text without any word has no direction."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(token_pattern=r"(?u)\w+", ngram_range=(1, 2), sublinear_tf=True)
    try:
        return vectorizer.fit_transform(texts)
    except ValueError:  # not one word in all of them
        return np.zeros((len(texts), 1))


def tf_idf_fingerprint() -> str:
    """Another scikit-learn may cut or weigh words in another way."""
    import sklearn

    return f"{TF_IDF} scikit-learn {sklearn.__version__}"


def normalized(vectors: np.ndarray, name: str) -> np.ndarray:
    """float32 rows of length 1, a row of zeros staying so. Raises `BenchError` for what are no vectors."""
    try:
        table = np.asarray(vectors, dtype=np.float64)
    except (TypeError, ValueError):
        raise BenchError(
            f"the embedder {name} gave {type(vectors).__name__}, expected an array [things, width] of numbers"
        ) from None
    if table.ndim != 2 or not np.isfinite(table).all():
        what = f"an array of shape {list(table.shape)}" if table.ndim != 2 else "values that are not finite"
        raise BenchError(f"the embedder {name} gave {what}, expected an array [things, width] of numbers")
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    return (table / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def vectors_of(embedder: Embedder, things: Sequence[str | Media], raw: bool = False) -> dict[str, np.ndarray]:
    """Vectors by content (`content_of`), each computed once and kept on disk; things that cannot be opened have none.

    `raw` leaves their lengths as the embedder gives them, for inner products (ChEF's rules)."""
    name, store = str(getattr(embedder, "name", type(embedder).__name__)), Store.open()
    wanted: dict[str, str | Media] = {}
    for one in things:
        with suppress(MediaError):
            wanted.setdefault(content_of(one), one)
    mark = embedder.fingerprint()
    keys = {content: hashlib.sha256(f"{mark}\0{content}".encode("utf-8", "backslashreplace")).hexdigest() for content in wanted}
    found = store.get(keys)
    missing = [content for content in wanted if content not in found]
    for begin in range(0, len(missing), TOGETHER):
        some = missing[begin : begin + TOGETHER]
        made = embedded(embedder, name, {content: wanted[content] for content in some})
        store.put({keys[content]: vector for content, vector in made.items()})
        found |= made
    store.close()
    if len({len(vector) for vector in found.values()}) > 1:
        raise BenchError(f"the embedder {name} gave vectors of different widths")
    if raw or not found:
        return found
    return dict(zip(found, normalized(np.stack(list(found.values())), name)))


def embedded(embedder: Embedder, name: str, things: dict[str, str | Media]) -> dict[str, np.ndarray]:
    """The vectors of some things; where one of them cannot be opened, one by one."""
    try:
        table = embedder.embed(list(things.values()))
    except MediaError:
        if len(things) == 1:
            return {}
        parts = [embedded(embedder, name, {content: one}) for content, one in things.items()]
        return {content: vector for part in parts for content, vector in part.items()}
    except (BenchError, MemoryError):
        raise
    except Exception as error:  # of a stranger's embedder
        said = " ".join(str(error).split())[:200]
        raise BenchError(f"the embedder {name} raised {type(error).__name__}: {said}") from error
    normalized(table, name)  # says what is wrong with them
    rows = np.asarray(table, dtype=np.float32)
    if len(rows) != len(things):
        raise BenchError(f"the embedder {name} was given {len(things)} things and gave {len(rows)} vectors")
    return dict(zip(things, rows))


def content_of(thing: str | Media) -> str:
    """What a thing shows: a text itself, of media the hash of the content. Raises `MediaError`."""
    return f"text {thing}" if isinstance(thing, str) else f"{thing.kind} {media.content(thing)}"


class Store:
    """Vectors on disk, shared by processes; without a disk that can be written to, everything is computed again and nothing fails."""

    def __init__(self, base: sqlite3.Connection | None) -> None:
        self._base = base

    @classmethod
    def open(cls, path: Path | None = None) -> Store:
        try:
            path = path or cache_folder() / "embeddings.sqlite"
            path.parent.mkdir(parents=True, exist_ok=True)
            base = sqlite3.connect(path, timeout=60.0, isolation_level=None)
            base.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT UNIQUE, vector BLOB NOT NULL)")
            return cls(base)
        except (BenchError, OSError, sqlite3.Error):
            return cls(None)

    def get(self, keys: dict[str, str]) -> dict[str, np.ndarray]:
        """What is kept, by the names that `keys` has for it."""
        found: dict[str, np.ndarray] = {}
        if self._base is None:
            return found
        for name, key in keys.items():
            try:
                row = self._base.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
            except sqlite3.Error:
                break
            if row is not None and row[0] and len(row[0]) % 4 == 0:
                vector = np.frombuffer(row[0], dtype="<f4")
                if np.isfinite(vector).all():
                    found[name] = vector
        return found

    def put(self, vectors: dict[str, np.ndarray]) -> None:
        if self._base is None or not vectors:
            return
        width = 4 * max(len(vector) for vector in vectors.values())
        rows = [(key, vector.astype("<f4").tobytes()) for key, vector in vectors.items()]
        with suppress(sqlite3.Error):
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            self._base.execute(
                "DELETE FROM vectors WHERE rowid <= (SELECT MAX(rowid) FROM vectors) - ?", (max(1, KEPT // width),)
            )
            self._base.execute("COMMIT")

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
