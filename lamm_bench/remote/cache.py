"""Answers on disk, so that asking the same again is free. Only answers are kept, never troubles."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from lamm_bench.errors import BenchError

from .reply import Reply

MANY = 500  # keys in one SELECT; SQLite allows 999 and more


def default_path() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lamm-bench" / "openai-chat.sqlite"


class Cache:
    """A table from key to reply. Several processes may share the file; one thread of each uses it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._base = sqlite3.connect(path, timeout=60.0, isolation_level=None)
            self._base.execute("PRAGMA journal_mode=WAL")
            self._base.execute("PRAGMA synchronous=NORMAL")
            self._base.execute("CREATE TABLE IF NOT EXISTS replies (key TEXT PRIMARY KEY, reply TEXT NOT NULL) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise self._unusable(error) from None

    def get(self, keys: Sequence[str]) -> dict[str, Reply]:
        """The replies there are. One that cannot be read counts as absent: it is asked for again and replaced."""
        found: dict[str, Reply] = {}
        for start in range(0, len(keys), MANY):
            some = keys[start : start + MANY]
            marks = ",".join("?" * len(some))
            try:
                rows = self._base.execute(f"SELECT key, reply FROM replies WHERE key IN ({marks})", list(some)).fetchall()
            except sqlite3.Error as error:
                raise self._unusable(error) from None
            for key, text in rows:
                try:
                    reply = Reply.from_json(json.loads(text))
                except (ValueError, KeyError, TypeError, RecursionError):
                    continue
                if reply.response.error is None:  # older versions kept some errors
                    found[key] = reply
        return found

    def put(self, key: str, reply: Reply) -> None:
        """Keeps an answer; an error or a refusal may be another at the next attempt, and is not kept."""
        if reply.response.error is not None:
            return
        try:
            text = json.dumps(reply.to_json(), ensure_ascii=True)  # a lone surrogate in an answer is no UTF-8
            self._base.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (key, text))
        except sqlite3.Error as error:
            raise self._unusable(error) from None

    def close(self) -> None:
        self._base.close()

    def _unusable(self, error: Exception) -> BenchError:
        return BenchError(
            f"the answer cache {self.path} cannot be used ({error}); name another with --set cache=FILE, or --set cache=none"
        )
