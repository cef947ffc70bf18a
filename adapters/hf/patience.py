"""Waits for a stranger's code for so long and no longer: a chat template is a program, and may not end."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class TooLong(Exception):
    """The work took longer than it may."""


def within(seconds: float, work: Callable[[], T]) -> T:
    """What `work` gives or raises. Raises `TooLong` after so many seconds, and stops the work at its next line of Python.

    It runs in a thread of its own, so that what stops it (`PyThreadState_SetAsyncExc` of Python's C interface) can hit nothing else."""
    found: dict[str, Any] = {}

    def run() -> None:
        try:
            found["value"] = work()
        except BaseException as error:  # handed on below
            found["error"] = error

    thread = threading.Thread(target=run, name="patience", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TooLong))
        raise TooLong(f"no end within {seconds:g} s")
    if "error" in found:
        raise found["error"]
    return found["value"]
