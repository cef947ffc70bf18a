"""Folders held against other processes."""

from __future__ import annotations

import os
from pathlib import Path


def hold(folder: Path, wait: bool = True) -> int | None:
    """A handle that locks `folder` until it is closed or the process ends; None where folders cannot be locked or it is gone.

    Raises BlockingIOError when somebody else holds it and `wait` is false."""
    try:
        import fcntl

        handle = os.open(folder, os.O_RDONLY)
    except (ImportError, OSError):  # Windows; gone or closed to us
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            raise
        return None  # some network file systems cannot lock
    return handle
