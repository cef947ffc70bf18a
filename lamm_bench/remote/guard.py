"""Runs a command, and ends it with all that it has started as soon as the other end of a pipe is closed by anybody's death.

    python guard.py FD COMMAND ...

A file of its own, run by itself: it imports nothing of lamm-bench, because it must start at once and outlive it. The command gets a
process group of its own, so that Ctrl-C in a terminal reaches lamm-bench alone, which then closes the pipe."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

GRACE = 3.0  # seconds between the polite signal and the one that nobody can refuse
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> int:
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    child = subprocess.Popen(command, start_new_session=True, preexec_fn=die_with_parent)  # noqa: PLW1509 (no thread is there yet)
    for number in (0, 1):  # the model alone holds its pipes: whoever reads them sees its end
        os.dup2(os.open(os.devnull, os.O_RDWR), number)
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, lambda *_: threading.Thread(target=end, args=(child.pid,)).start())
    threading.Thread(target=watch, args=(pipe, child.pid), daemon=True).start()
    status = child.wait()
    send(child.pid, signal.SIGKILL)  # what it has left behind in its group
    return status if status >= 0 else 128 - status


def die_with_parent() -> None:
    """On Linux the model dies with this guard, should somebody kill that."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch(pipe: int, group: int) -> None:
    """Waits until the pipe is closed: nothing is ever written into it."""
    while os.read(pipe, 1):
        pass
    end(group)


def end(group: int) -> None:
    send(group, signal.SIGTERM)
    ends = time.monotonic() + GRACE
    while time.monotonic() < ends and send(group, 0):
        time.sleep(0.02)
    send(group, signal.SIGKILL)


def send(group: int, number: int) -> bool:
    """Whether there is anybody left to get the signal."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says the second of a group of which only the dead are left
        return False
    return True


if __name__ == "__main__":
    os._exit(main())
