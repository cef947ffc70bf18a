"""Media as files that another process can open. Hidden, shuffled and corrupted ones are written for it, or it would see the real ones."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lamm_bench.errors import MediaError
from lamm_bench.media import check, content, is_changed, many, modality, open_media
from lamm_bench.types import Media, Request


@dataclass
class Files:
    """Looks at each medium once, and keeps what it has written as long as it lives."""

    _folder: Any = field(default=None, init=False, repr=False)
    _seen: dict[Media, Media] = field(default_factory=dict, init=False, repr=False)

    def shown(self, request: Request) -> Request:
        """The request with media that can be opened elsewhere. Raises `MediaError` where one cannot be used."""
        messages = tuple(
            replace(message, parts=tuple(part if isinstance(part, str) else self.file(part) for part in message.parts))
            for message in request.messages
        )
        return replace(request, messages=messages)

    def file(self, media: Media) -> Media:
        if media not in self._seen:
            if is_changed(media):
                self._seen[media] = Media(media.kind, str(self.written(media)))
            else:
                check(media)
                self._seen[media] = media
        return self._seen[media]

    def written(self, media: Media) -> Path:
        """A file with what is shown in place of the medium. Raises `MediaError` where there is no form for it."""
        value = open_media(media)
        self._folder = self._folder or tempfile.TemporaryDirectory(prefix="lamm-bench-shown-")
        name = hashlib.sha256(f"{media.kind} {content(media)}".encode()).hexdigest()[:24]
        if modality(media.kind).flat:
            path = Path(self._folder.name) / f"{name}.png"
            picture = value if isinstance(value, Image.Image) else Image.fromarray(np.asarray(value))
            picture.save(f"{path}.part", "PNG")
        elif isinstance(value, np.ndarray):
            path = Path(self._folder.name) / f"{name}.npy"
            with open(f"{path}.part", "wb") as file:
                np.save(file, value, allow_pickle=False)
        else:
            raise MediaError(
                f"{media.path}: {many(media.kind)} that are hidden, shuffled or corrupted cannot be shown to another process"
            )
        os.replace(f"{path}.part", path)
        return path
