"""Decoded media in memory, the least recently used dropped first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, TypeAlias

CACHE_BYTES = 256 * 2**20
CacheKey: TypeAlias = tuple[str, str, int, int, int]  # kind, then the file key


class Cache:
    """Decoded media, the least recently used dropped first, never more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._entries: OrderedDict[CacheKey, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: CacheKey) -> Any | None:
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def put(self, key: CacheKey, value: Any, size: int) -> None:
        """Keeps `value` of `size` bytes; one that is larger than the whole cache is not kept."""
        with self._lock:
            if size > self.limit or key in self._entries:
                return
            self._entries[key] = (value, size)
            self.bytes += size
            while self.bytes > self.limit:
                self.bytes -= self._entries.popitem(last=False)[1][1]

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self.bytes = 0


cache = Cache(CACHE_BYTES)
