"""The folder in which a miniature is drawn before it gets its name, and what killed processes have left of such folders.

A workshop is held by a lock that the system lets go when its process ends, however it ends. So the next process can tell the
workshop of one that was killed, which it removes, from that of one that is drawing, which it leaves alone."""

from __future__ import annotations

import glob
import math
import os
import secrets
import shutil
import time
from pathlib import Path

from lamm_bench.keep.locks import hold

LONG = 24 * 3600.0  # seconds after which a folder counts as left where locks cannot tell; drawing takes minutes


class Workshop:
    """A folder beside `out` to work in, gone when the work ends unless it was renamed."""

    def __init__(self, out: Path) -> None:
        self.out = out

    def __enter__(self) -> Path:
        sweep(self.out)
        while True:
            self.path = self.out.with_name(f".{self.out.name}.partial-{secrets.token_hex(4)}")
            self.path.mkdir()
            self.handle = hold(self.path)
            if self.path.exists():  # else it was swept before we held it
                return self.path
            if self.handle is not None:
                os.close(self.handle)

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        if self.handle is not None:
            os.close(self.handle)


def sweep(out: Path) -> None:
    """Removes what processes that were killed have left beside `out`; what another process is drawing there stays."""
    for left in sorted(out.parent.glob(f".{glob.escape(out.name)}.partial-*")):
        shop = left.with_name(left.name.removesuffix(".old"))  # an older miniature goes with what was to replace it
        try:
            handle = hold(shop, wait=False)
        except BlockingIOError:  # somebody is drawing there
            continue
        if handle is not None or age(shop) > LONG:
            shutil.rmtree(left, ignore_errors=True)
        if handle is not None:  # held until now, so that nobody begins in what is being removed
            os.close(handle)


def age(folder: Path) -> float:
    """Seconds since something was put into it; without end if it is not there."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def put_in_place(shop: Path, out: Path) -> None:
    """Renames a finished miniature to its name; an older one there goes, but only when the new one stands."""
    old = shop.with_name(shop.name + ".old")
    if not out.exists():
        shop.rename(out)
        return
    out.rename(old)
    try:
        shop.rename(out)
    except OSError:
        old.rename(out)
        raise
    shutil.rmtree(old, ignore_errors=True)
