"""Gets what is wanted into the data root, and keeps account in `get.json`: from where, which commit, which digests."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError
from lamm_bench.keep import locks
from lamm_bench.keep.files import read_json, write_json

from .fetch import Fetcher
from .sets import Wanted, known, size_told, spellings
from .sources import Folder, Hub, Mirror, Origin, sha256_of
from .unpack import sound, unpack

ACCOUNT = "get.json"
SCRATCH = ".downloads"


@dataclass
class Got:
    """What happened."""

    new: list[str] = field(default_factory=list)
    there: list[str] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)  # path -> why, and what to do


def origin_of(given: str | None, revision: str | None, root: Path, account: dict[str, Any], fetcher: Fetcher) -> Origin:
    """Whoever brings the files; without a name the hub, at the commit that was used before unless another is named."""
    if given is None:
        repo = known()["hub"]
        return Hub(repo, revision or account.get("commits", {}).get(repo) or "main", fetcher)
    if revision is not None:
        raise BenchError("--revision is of the hub; a mirror or folder has none")
    if given.startswith(("http://", "https://")):
        return Mirror(given, fetcher, root / SCRATCH)
    return Folder(Path(given))


def get(
    wanted: Wanted, root: Path, given: str | None = None, revision: str | None = None, media: bool = True, fetcher: Fetcher | None = None,
    say: Callable[[str], None] = lambda text: None, zipped: bool = False,
) -> Got:  # fmt: skip
    """Everything that is wanted and not there yet. One file that cannot be had costs itself alone; a kill costs what was not yet written.

    With `zipped` archives of media stay archives, which are read where they lie (media/zipped.py)."""
    new = [place for place in (root, *root.parents) if not place.exists()]
    lock = locks.take(root)
    try:
        account = read_json(root / ACCOUNT) if (root / ACCOUNT).is_file() else {"files": {}, "commits": {}}
        if not isinstance(account, dict) or not isinstance(account.get("files"), dict):
            raise BenchError(f"{root / ACCOUNT} is no account of `data get`; move it away")
        work = Getting(root, account, given, revision, fetcher or Fetcher(), say, zipped)
        for path in wanted.meta:
            work.meta(path)
        for path in wanted.media if media else ():
            work.media(path)
        return work.got
    finally:
        scratch = root / SCRATCH
        if scratch.is_dir() and not list(scratch.rglob("*.part")):
            for one in sorted(scratch.iterdir()):
                one.unlink()
            scratch.rmdir()
        lock.release()
        with contextlib.suppress(OSError):  # what holds something stays
            for place in new:
                place.rmdir()


@dataclass
class Getting:
    """One `data get` on its way."""

    root: Path
    account: dict[str, Any]
    given: str | None
    revision: str | None
    fetcher: Fetcher
    say: Callable[[str], None]
    zipped: bool = False
    got: Got = field(default_factory=Got)
    _origin: Origin | None = None

    @property
    def origin(self) -> Origin:
        """Asked for only where something is missing: what is there needs no network."""
        if self._origin is None:
            (self.root / SCRATCH).mkdir(exist_ok=True)
            self._origin = origin_of(self.given, self.revision, self.root, self.account, self.fetcher)
            if isinstance(self._origin, Hub):
                self.keep_commit(self._origin)
        return self._origin

    def keep_commit(self, hub: Hub) -> None:
        """Notes the commit, which later commands stay with. Raises `BenchError` where files of another one are here already."""
        before = self.account["commits"].get(hub.repo, hub.commit)
        old = [path for path, one in self.account["files"].items() if one.get("from") == hub.name]
        if before != hub.commit and old:
            raise BenchError(
                f"{self.root} holds {old[0]}{f' and {len(old) - 1} more' if len(old) > 1 else ''} of {hub.repo} at {before}, and "
                f"{hub.revision} is {hub.commit} now; leave --revision out to stay with the first, or use another --data-root"
            )
        self.account["commits"][hub.repo] = hub.commit

    def meta(self, path: str) -> None:
        """One meta file, under whichever of its spellings there is."""
        if any((self.root / name).is_file() for name in spellings(path)):
            self.got.there.append(path)
            return
        names = [name for name in spellings(path) if self.origin.has(name) is not None]
        if not names:
            self.got.missing[path] = f"{self.origin.name} has no such file"
        for name in names:  # a mirror without a list has to be asked for each spelling
            if self.bring(name, self.root / name, path):
                self.got.missing.pop(path, None)
                return

    def media(self, path: str) -> None:
        """One folder of media, from an archive of its name."""
        archive = f"{path}.zip"
        place = self.root / path
        if (place.is_dir() and any(place.iterdir())) or (self.root / archive).is_file():  # an empty folder holds nothing yet
            self.got.there.append(path)
            return
        if self.origin.has(archive) is None:
            size = size_told(path)
            about = f" ({size})" if size else ""
            self.got.missing[path] = (
                f"{self.origin.name} has no {Path(archive).name}{about}; get it from {known()['published']} and name its folder with --from DIR"
            )
            return
        held = self.root / SCRATCH / Path(archive).name
        local = self.origin.place(archive) if isinstance(self.origin, Folder) else None
        if local is None and not held.is_file() and not self.bring(archive, held, path, told=False):
            return
        try:
            digest = self.compared(archive, local) if local is not None else sha256_of(held)
            files = self.kept(local, held, path) if self.zipped else unpack(local or held, self.root / path)
        except BenchError as error:
            self.got.missing[path] = str(error)
            held.unlink(missing_ok=True)  # another one may be sound
            return
        self.note(path, {"archive": digest, "files": files})
        held.unlink(missing_ok=True)
        self.got.new.append(path)

    def kept(self, local: Path | None, held: Path, path: str) -> int:
        """Puts an archive whole into the place of the folder that it would become; how many files it holds. Raises `BenchError`."""
        files = sound(local or held, self.root / path)
        place = self.root / f"{path}.zip"
        place.parent.mkdir(parents=True, exist_ok=True)
        if local is not None:
            self.origin.bring(f"{path}.zip", place)
        else:
            held.replace(place)
        return files

    def compared(self, archive: str, local: Path) -> str:
        """The digest of an archive in a folder, which is read where it lies. Raises `BenchError` where it is another than the list says."""
        want, found = self.origin.has(archive), sha256_of(local)
        if want is not None and want.sha256 not in (None, found):
            raise BenchError(f"{local} has the SHA-256 {found[:12]}…, expected {str(want.sha256)[:12]}…")
        return found

    def bring(self, name: str, out: Path, path: str, told: bool = True) -> bool:
        """Whether a file has come; why not, is noted under the `path` that was wanted."""
        self.say(f"{name} from {self.origin.name}")
        try:
            self.origin.bring(name, out)
            if told and (fault := no_json(out)):
                out.unlink()
                raise BenchError(f"{name} of {self.origin.name} {fault}")
        except BenchError as error:
            self.got.missing[path] = str(error)
            return False
        if told:
            self.note(name, {"sha256": sha256_of(out)})
            self.got.new.append(path)
        return True

    def note(self, path: str, what: dict[str, Any]) -> None:
        """Into the account, so that what is there can be told from what somebody put there."""
        self.account["files"][path] = {**what, "from": self.origin.name}
        write_json(self.root / ACCOUNT, self.account)


def no_json(file: Path) -> str:
    """Why a meta file that has come is none, as far as its ends tell (a page to sign in, a pointer of Git LFS, half a file); empty: it may be."""
    with file.open("rb") as opened:
        begin = opened.read(400).lstrip(b"\xef\xbb\xbf \t\r\n")
        opened.seek(max(0, file.stat().st_size - 400))
        end = opened.read().rstrip(b" \t\r\n\0")
    if begin[:1] + end[-1:] in (b"[]", b"{}"):
        return ""
    if begin.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS and not the file itself; fetch it with `git lfs pull`"
    said = begin[:40].decode("utf-8", "replace")
    return f"is no meta file: it begins with {said!r} and ends with {end[-20:].decode('utf-8', 'replace')!r}, expected a JSON list, whole"


def shown(wanted: Wanted, media: bool) -> Sequence[str]:
    """What is told before anything is fetched: terms and forms, and how large it is."""
    lines = [f"terms: {term}" for term in wanted.terms]
    if media:
        sizes = ", ".join(f"{path.rpartition('/')[2]} {size_told(path)}".strip() for path in wanted.media)
        lines.append(f"media: {sizes}")
    return lines
