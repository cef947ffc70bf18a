"""The end of a run: what it took, and last its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lamm_bench.keep.files import digest, storable
from lamm_bench.keep.manifest import asking_of
from lamm_bench.keep.runs import Run
from lamm_bench.measure.pooling import Pool

from .attendance import alarm
from .corrupt.chain import left_out, parse
from .outcome import Outcome, with_pools


def worse_head(identity: Mapping[str, Any]) -> dict[str, Any]:
    """What a result says of corruptions; nothing of a run without any."""
    worse = identity.get("corrupt", "")
    lacking = left_out(parse(worse))
    return {**({"corrupt": worse} if worse else {}), **({"corrupt_notes": lacking} if lacking else {})}


def finish(opened: Run, outcome: Outcome, pools: Sequence[Pool], notes: Sequence[str] = ()) -> None:
    """Writes timing, with the notes of this process, and last the result, which is the same however the run went."""
    manifest = opened.manifest
    outcome.alarm = alarm(opened.folder)
    if not outcome.early:  # of several jobs, whose answers are in their own folders
        outcome.alarm = outcome.alarm or next((note for note in notes if note.startswith("ALARM")), "")
    rates = {name: round(rate, 3) for name, rate in outcome.rates.items()}
    seconds = {name: values for name, values in outcome.seconds.items() if values}
    opened.save("timing.json", {"samples_per_second": rates, "seconds": seconds, **({"notes": list(notes)} if notes else {})})
    head = {
        **({"name": manifest["name"]} if manifest.get("name") else {}),
        "model": {**manifest["model"], "fingerprint": manifest["identity"]["model"]["fingerprint"]},
        "identity": digest(manifest["identity"]),
        "recipe": manifest["identity"]["recipe"]["name"],
        **({"coordinates": manifest["identity"]["coordinates"]} if manifest["identity"].get("coordinates") else {}),
        **({"examples": manifest["examples"]} if manifest.get("examples") else {}),
        "control": manifest["identity"]["control"],
        **worse_head(manifest["identity"]),
        "limit": manifest["identity"]["limit"],
        "seed": manifest["identity"]["seed"],
        "source": manifest["source"],
        "asking": asking_of(manifest),
        "data": with_pools(manifest["identity"]["data"], pools),
    }
    opened.save("result.json", storable({**outcome.to_json(), **head}))
