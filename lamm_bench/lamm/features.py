"""What the frozen encoders said about media, kept in memory and bounded in bytes: each image or cloud is encoded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from torch import Tensor


class FeatureCache:
    """Least recently used tensors are dropped once all together are larger than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.bytes = 0
        self._kept: OrderedDict[Hashable, Tensor] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable) -> Tensor | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def put(self, key: Hashable, value: Tensor) -> None:
        if key in self._kept:
            self.bytes -= size(self._kept.pop(key))
        self._kept[key] = value
        self.bytes += size(value)
        while self.bytes > self.limit and len(self._kept) > 1:
            self.bytes -= size(self._kept.popitem(last=False)[1])


def size(tensor: Tensor) -> int:
    return tensor.element_size() * tensor.nelement()
