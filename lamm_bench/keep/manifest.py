"""The form of a manifest: what stands where, so that an edited or damaged one is a sentence wherever it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lamm_bench.errors import BenchError

from .files import digest

Shape = Mapping[str, Any]
TEXT, NUMBER, TEXTS, OBJECT = "a text", "a whole number", "a list of texts", "an object"
OR_NULL = " or null"
SHAPE: Shape = {
    "identity": {
        "recipe": {"name": TEXT},
        "model": {"name": TEXT, "fingerprint": TEXT},
        "data": {"*": TEXT},
        "limit": NUMBER + OR_NULL,
        "seed": NUMBER,
        "control": TEXT + OR_NULL,
    },
    "model": {"name": TEXT, "settings": OBJECT},
    "protocols": TEXTS,
    "source": TEXT,
    "samples": {"*": NUMBER},
    "versions": OBJECT,
}


def check_shape(value: Any, shape: Any, where: str, whole: bool, key: str = "") -> None:
    """Raises `BenchError` where something has another form; with `whole` also where something is absent."""
    if isinstance(shape, str):
        if not fits(value, shape):
            raise BenchError(f"{where}: `{key}` is {str(value)[:60]!r}, expected {shape}: the file is damaged or edited")
        return
    if not isinstance(value, Mapping):
        if key in ("identity.recipe", "identity.model") and isinstance(value, str) and not whole:
            return  # what another version may have called by its name alone; who needs more asks for it `whole`
        raise BenchError(f"{where}: `{key}` is {str(value)[:60]!r}, expected an object: the file is damaged or edited")
    for name, inner in shape.items():
        for found in value if name == "*" else [name]:
            if found in value:
                check_shape(value[found], inner, where, whole, f"{key}.{found}".lstrip("."))
            elif whole:
                raise BenchError(f"{where}: `{f'{key}.{found}'.lstrip('.')}` is missing: the file is damaged or edited")


def fits(value: Any, shape: str) -> bool:
    """Whether a value has a simple form.

    >>> fits(None, "a whole number or null"), fits(True, "a whole number"), fits(["a"], "a list of texts")
    (True, False, True)
    """
    if shape.endswith(OR_NULL):
        return value is None or fits(value, shape.removesuffix(OR_NULL))
    if shape == TEXT:
        return isinstance(value, str)
    if shape == NUMBER:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if shape == TEXTS:
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, Mapping)


def asking_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What decides, beside what a result names, how questions were put: what the recipe hashes to but for its name, and the versions
    of what decoded the media."""
    recipe = {key: value for key, value in manifest["identity"]["recipe"].items() if key != "name"}
    recipe["scenario"] = {key: value for key, value in recipe.get("scenario", {}).items() if key != "tasks"}  # moves no question
    versions = {name: version for name, version in manifest.get("versions", {}).items() if name != "lamm-bench"}
    return {"recipe": digest(recipe, 6), "decoders": versions}
