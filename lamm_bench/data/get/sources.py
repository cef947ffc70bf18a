"""Where files come from: the hub, a mirror with the same layout, or a folder."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from lamm_bench.data.digests import known_digests
from lamm_bench.errors import BenchError

from .fetch import Fetcher, Want, digest_of, fault_of

SUMS = "SHA256SUMS"


class Origin(Protocol):
    """Whoever has files by their paths below the data root."""

    name: str

    def has(self, path: str) -> Want | None:
        """What is known of a file; None where it is not there."""

    def bring(self, path: str, out: Path) -> None:
        """The file at `out`, whole. Raises `BenchError`."""


@dataclass
class Folder:
    """A folder in LAMM's layout, or with the archives themselves."""

    root: Path
    name: str = ""

    def __post_init__(self) -> None:
        self.name = str(self.root)
        if self.root.is_file():
            raise BenchError(
                f"--from {self.root} is a file; name the folder that it lies in, where archives of media are found by their names, "
                "or unpack it and name what it holds"
            )
        if not self.root.is_dir():
            raise BenchError(f"--from {self.root} is no folder")
        sums = self.root / SUMS
        self.digests = known_digests(sums) if sums.is_file() else {}

    def place(self, path: str) -> Path | None:
        return next((one for one in (self.root / path, self.root / Path(path).name) if one.is_file()), None)

    def has(self, path: str) -> Want | None:
        found = self.place(path)
        return Want(found.stat().st_size, self.digests.get(path)) if found is not None else None

    def bring(self, path: str, out: Path) -> None:
        found, want = self.place(path), self.has(path)
        assert found is not None and want is not None
        out.parent.mkdir(parents=True, exist_ok=True)
        part = out.with_name(f"{out.name}.part")
        shutil.copyfile(found, part)
        if fault := fault_of(part, want):
            part.unlink()
            raise BenchError(f"{found} {fault}")
        os.replace(part, out)


@dataclass
class Mirror:
    """A server that has the files under their paths; with a file SHA256SUMS they are compared."""

    base: str
    fetcher: Fetcher
    scratch: Path  # where its list of digests is kept
    name: str = ""
    digests: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.base = self.base.rstrip("/")
        self.name = self.base
        sums = self.scratch / SUMS
        sums.unlink(missing_ok=True)
        try:
            self.fetcher.fetch(f"{self.base}/{SUMS}", sums, Want())
        except BenchError as error:
            if "is not there" not in str(error):
                raise
        if sums.is_file():
            try:
                self.digests = known_digests(sums)
            except BenchError as error:
                sums.unlink()
                raise BenchError(
                    f"{self.base}/{SUMS} is no list of digests: {str(error).removeprefix(str(sums)).lstrip(': ,')}"
                ) from None

    def has(self, path: str) -> Want | None:
        if self.digests and path not in self.digests and Path(path).name not in self.digests:
            return None
        return Want(None, self.digests.get(path) or self.digests.get(Path(path).name))

    def bring(self, path: str, out: Path) -> None:
        want = self.has(path)
        assert want is not None
        name = path if path in self.digests or not self.digests else Path(path).name
        self.fetcher.fetch(f"{self.base}/{quote(name)}", out, want)


@dataclass
class Hub:
    """A data set of the Hugging Face hub at one commit: listing and addresses are the client's, fetching is ours."""

    repo: str
    revision: str  # a name such as `main`, or a commit
    fetcher: Fetcher
    name: str = ""
    commit: str = ""
    files: Mapping[str, Want] = field(default_factory=dict)
    licence: str = ""  # as the repository's card names it

    def __post_init__(self) -> None:
        self.name = f"{self.repo} on the hub"
        self.commit, self.files, self.fetcher.headers, self.licence = listed(self.repo, self.revision)

    def has(self, path: str) -> Want | None:
        return self.files.get(path)

    def bring(self, path: str, out: Path) -> None:
        from huggingface_hub import hf_hub_url

        url = hf_hub_url(self.repo, path, repo_type="dataset", revision=self.commit, endpoint=os.environ.get("HF_ENDPOINT"))
        self.fetcher.fetch(url, out, self.files[path])


def listed(repo: str, revision: str) -> tuple[str, dict[str, Want], dict[str, str], str]:
    """The commit that a revision is now, its files, the headers to ask with, and the licence on its card. Raises `BenchError`."""
    from huggingface_hub import HfApi
    from huggingface_hub.utils import build_hf_headers

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"))
    try:
        info = api.repo_info(repo, repo_type="dataset", revision=revision)
        commit = str(info.sha)
        tree = list(api.list_repo_tree(repo, repo_type="dataset", revision=commit, recursive=True))
    except Exception as error:  # of the client, its own dozen kinds among them
        said = " ".join(str(error).split())[:200]
        raise BenchError(f"the hub does not list {repo} at {revision}: {type(error).__name__}: {said}") from None
    card = getattr(info, "card_data", None)
    licence = str((card.get("license") if card is not None else None) or "")
    return commit, dict(map(known_of, (one for one in tree if hasattr(one, "blob_id")))), dict(build_hf_headers()), licence


def known_of(file: Any) -> tuple[str, Want]:
    """A file of the hub: large ones have a SHA-256, small ones that of their git blob."""
    large = file.lfs.sha256 if file.lfs is not None else None
    return file.path, Want(file.size, large, None if large else file.blob_id)


def sha256_of(file: Path) -> str:
    return digest_of(file, hashlib.sha256())
