"""Who may take part: workers that are what the driver and the first of them are, and that see the content which is asked about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamm_bench import media
from lamm_bench.errors import MediaError
from lamm_bench.types import Media, Request

from .wire import pack


def differs(
    hello: Mapping[str, Any],
    first: Mapping[str, Any] | None,
    ours: Mapping[str, str | None],
    plugins: Mapping[str, str],
    mixed: bool,
) -> str:
    """What makes a worker another than the driver, or than the first of them; empty where nothing does. Of what a user may allow to be
    `mixed`, versions only: another model or an edited plug-in is another run."""
    there = hello["versions"]
    for name in () if mixed else ours:  # before all else, which another version of lamm-bench may tell otherwise
        if there.get(name) != ours[name]:
            return f"{name} there is {there.get(name)}, here {ours[name]} (--allow-mixed takes it in)"
    pairs: list[tuple[str, Any, Any]] = []
    for file, content in plugins.items():
        pairs.append((f"{file} was edited since the run began", hello["plugins"].get(file), content))
    if first is not None:
        for name in ("fingerprint", "has"):
            pairs.append((f"its {name} is {hello[name]}, that of the first {first[name]}", hello[name], first[name]))
        mine, its = (frozenset(one["values"]["modalities"]) for one in (hello, first))
        pairs.append((f"it takes {sorted(mine)}, the first {sorted(its)}", mine, its))
    return next((sentence for sentence, its, wanted in pairs if its != wanted), "")


def strange(shown: Media) -> str:
    """Why this machine's content is not what the reference says; empty where it is, or where the reference says nothing of it."""
    wanted = media.origin(shown)
    if not wanted:
        return ""
    try:
        found = media.seal(Media(shown.kind, shown.path)).sha256
    except MediaError as error:
        return str(error)
    return "" if found == wanted else f"{shown.path} has other content than the run was begun with"


class Seen:
    """A worker's look at the media that it is asked about: the content of each is compared once."""

    def __init__(self) -> None:
        self._known: set[Media] = set()

    def strange(self, requests: Sequence[Request]) -> list[Any]:
        """The media that are not what they should be here, each with the reason, as they travel."""
        found: dict[Media, str] = {}
        for shown in {part for one in requests for message in one.messages for part in message.parts if isinstance(part, Media)}:
            if shown not in self._known:
                if reason := strange(shown):
                    found[shown] = reason
                else:
                    self._known.add(shown)
        return [[pack(shown), reason] for shown, reason in sorted(found.items(), key=lambda pair: pair[0].path)]
