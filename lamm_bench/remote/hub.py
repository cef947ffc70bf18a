"""Whether the Hugging Face hub can be asked. Its client repeats every request for half a minute, file by file, where there is
no network; one request without repetitions, made before any file is asked for, tells it at once."""

from __future__ import annotations

from pathlib import Path

from lamm_bench.errors import BenchError


def cached(repo: str, revision: str = "", file: str = "config.json") -> Path | None:
    """The folder of a repository in the hub's cache, where the hub cannot be asked; None where it answers.

    Raises BenchError where neither has `file`."""
    from huggingface_hub import constants, try_to_load_from_cache

    why = silence(repo, revision, file)
    if not why:
        return None
    found = try_to_load_from_cache(repo, file, revision=revision or None)
    if not isinstance(found, str):
        raise BenchError(
            f"{repo} is neither a folder here nor in the hub's cache ({constants.HF_HUB_CACHE}), and the hub cannot be asked "
            f"({why}); name a local folder, or put the model into the cache where there is a network"
        )
    return Path(found).parent


def silence(repo: str, revision: str = "", file: str = "config.json") -> str:
    """Why the hub does not answer at all; empty when it does, whatever it says about this file."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url, is_offline_mode
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    if is_offline_mode():
        return "HF_HUB_OFFLINE is set"
    try:
        get_hf_file_metadata(hf_hub_url(repo, file, revision=revision or None))
    except (HfHubHTTPError, HFValidationError):  # a status, or a name that is none: told when the model is loaded
        return ""
    except Exception as error:  # the client's library, and with it the kinds of its errors, changes with its versions
        return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return ""
