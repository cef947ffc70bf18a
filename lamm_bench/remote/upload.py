"""Files into a model repository of the Hugging Face hub.

Large files go first, one by one; the hub keeps each as soon as it is whole (by its SHA-256, and in pieces where `hf_xet` carries it), so that
the same command after an interruption sends only what is not there (huggingface_hub's `preupload_lfs_files`). One commit then shows all of them together, or nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lamm_bench.errors import BenchError

NAME = re.compile(r"[\w.-]+/[\w.-]+", re.ASCII)


def checked_repo(repo: str) -> str:
    """`owner/name`. Raises `BenchError` for what is none."""
    if not NAME.fullmatch(repo) or ".." in repo or "--" in repo or len(repo) > 96:
        raise BenchError(f"--repo {repo}: expected owner/name, of letters, digits, -, _ and .")
    return repo


def upload(files: Mapping[str, Path | bytes], repo: str, public: bool, message: str, say: Callable[[str], None]) -> str:
    """Puts the files into the repository, which is made where it is not there, and gives the commit's address.

    Raises `BenchError` without a token, where the hub refuses or cannot be reached, and where the repository is there and is not as
    public or private as wanted: whether people see it is never changed, and never found out afterwards."""
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    token = get_token()
    if not token:
        raise BenchError("the Hugging Face hub needs a token that may write: `hf auth login` keeps one, or set HF_TOKEN")
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)
    asked(lambda: prepare(api, repo, public), repo)
    operations = []
    for name, content in files.items():
        operation = CommitOperationAdd(name, content)
        operations.append(operation)
        asked(lambda one=operation: api.preupload_lfs_files(repo, [one]), repo)  # type: ignore[misc]
        say(f"{name}: {operation.upload_info.size:,} bytes")
    commit = asked(lambda: api.create_commit(repo, operations, commit_message=message), repo)
    return str(commit.commit_url)


def prepare(api: Any, repo: str, public: bool) -> None:
    """Makes the repository, or sees that the one that is there is what was wanted."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        private = bool(api.repo_info(repo).private)
    except RepositoryNotFoundError:
        api.create_repo(repo, private=not public, exist_ok=True)
        return
    if private and public:
        raise BenchError(f"{repo} is there and private; leave --public out, or make it public on the hub first")
    if not private and not public:
        raise BenchError(f"{repo} is there and public; say --public, or name another with --repo")


def asked(do: Callable[[], Any], repo: str) -> Any:
    """What the hub answers, its refusals in one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    try:
        return do()
    except BenchError:
        raise
    except HfHubHTTPError as error:
        raise refused(error, repo) from None
    except HFValidationError as error:
        raise BenchError(f"--repo {repo}: {str(error).splitlines()[0][:300]}") from None
    except OSError as error:
        raise BenchError(f"the hub cannot be reached: {error}; the same command goes on where it stopped") from None
    except Exception as error:  # of the client's own library, whose kinds of errors change with its versions
        if isinstance(error.__cause__, HfHubHTTPError):  # a RuntimeError about one file
            raise refused(error.__cause__, repo) from None
        if not type(error).__module__.startswith(("httpx", "httpcore", "requests", "huggingface_hub", "hf_xet")):
            raise
        said = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise BenchError(f"the hub cannot be reached: {said}; the same command goes on where it stopped") from None


def refused(error: Any, repo: str) -> BenchError:
    """A status of the hub as a sentence."""
    status = getattr(error.response, "status_code", None)
    if status in (401, 403):
        return BenchError(
            f"the hub refuses to write into {repo} (HTTP {status}): the token is wrong, has no right to write, or the owner is another"
        )
    said = str(error).splitlines()[0].partition(" for url")[0][:300]
    return BenchError(f"the hub refuses {repo}: {said}; the same command goes on where it stopped")
