"""Folders held against other processes: by the folder itself, so that deleting a file in it lets nobody in.

Some network file systems lock no folders (NFS), or nothing at all (Lustre without its option, some FUSE). There a file `lock`
in the folder is locked in the older way of `fcntl`, or else holds the name of who writes: host, process, and when it began."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from lamm_bench.errors import BenchError

NAME = "lock"
TAKEN = (errno.EACCES, errno.EAGAIN)  # somebody else holds it; every other error means that this way of locking is not to be had


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


@dataclass
class Lock:
    """One folder, held by this process."""

    folder: Path
    place: tuple[int, int]  # device and inode of the folder that is held, whatever its path means later
    handle: int | None  # what the system's lock hangs on
    marker: Path | None = None  # a file that says who writes, where the system has no locks

    @property
    def stands(self) -> bool:
        """Whether the path still leads to the folder that is held."""
        return place_of(self.folder) == self.place

    def release(self) -> None:
        if self.marker is not None:
            with contextlib.suppress(OSError):
                self.marker.unlink()
            self.marker = None
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None


def take(folder: Path) -> Lock:
    """Makes the folder and holds it. Raises `BenchError` when somebody else does, or it cannot be written to."""
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            found = place_of(folder)
            handle = hold(folder, wait=False)
        except BlockingIOError:
            raise BenchError(f"another process is writing to {folder}; wait for it or choose another --output") from None
        except OSError as error:
            raise BenchError(f"cannot write to {folder}: {why_not(folder, error)}") from error
        if found is not None and found == place_of(folder):  # else it went while it was waited for: whoever held it took it away
            return Lock(folder, found, handle) if handle is not None else take_file(folder, found)
        if handle is not None:
            os.close(handle)


def place_of(folder: Path) -> tuple[int, int] | None:
    """Device and inode; None where nothing is."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def take_file(folder: Path, place: tuple[int, int]) -> Lock:
    """The other ways of locking, where folders cannot be locked."""
    path = folder / NAME
    busy = BenchError(f"another process is writing to {folder}; wait for it or choose another --output")
    try:
        import fcntl

        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Lock(folder, place, handle)
        except OSError as error:
            os.close(handle)
            if error.errno in TAKEN:
                raise busy from None
    except ImportError:  # Windows
        pass
    except OSError as error:
        raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
    return mark(folder, place, path.with_name("lock.writer"))


def why_not(folder: Path, error: OSError) -> str:
    """Why a folder cannot be made or written to, in words that say what is there."""
    return "it is a file, expected a folder" if folder.is_file() else error.strerror or str(error)


def mark(folder: Path, place: tuple[int, int], path: Path) -> Lock:
    """A file that nobody else can have made; one whose writer has died on this machine is taken over."""
    mine = f"{socket.gethostname()} {os.getpid()}"
    for _ in range(2):
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            os.write(handle, mine.encode())
            os.close(handle)
            return Lock(folder, place, None, path)
        except FileExistsError:
            host, _, process = path.read_text(encoding="utf-8", errors="replace").partition(" ")
            if not host or (host == socket.gethostname() and process.isdigit() and not alive(int(process))):
                path.unlink(missing_ok=True)
                continue
            raise BenchError(
                f"{path} says that process {process} on {host} is writing there (this file system has no locks of its own); "
                "wait for it, or delete that file if it has died"
            ) from None
        except OSError as error:
            raise BenchError(f"cannot write to {folder}: {error.strerror or error}") from error
    raise BenchError(f"another process is writing to {folder}; wait for it or choose another --output")


def alive(process: int) -> bool:
    """Whether a process of this machine still runs."""
    if os.name == "nt":  # there signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it belongs to another user
        return True
    return True
