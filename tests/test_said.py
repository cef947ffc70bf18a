"""What was said lies as bytes, and comes out as it went in."""

from __future__ import annotations

import pytest

from lamm_bench.keep.said import Said
from lamm_bench.types import Response

ANSWERS = (
    Response("a cat"),
    Response("", "length"),
    Response("HO\ud83dTEL é 猫", tokens=(7,), seconds=0.25),
    Response("many", tokens=(2**31,)),
    Response("two", tokens=(1, 2)),
    Response("B", logprobs=(-0.5, -1.0), tokens=(1, 1), prior=(-2.0, -1.0)),
    Response("", error="no image", status="media_error"),
    Response("B", reasoning="Is it A?", reasoning_tokens=4),
    Response("B", reasoning_tokens=0),
    Response("[1, 2]", sizes=((640, 480),)),
    Response("whole", seconds=1),
)


@pytest.mark.parametrize("response", ANSWERS, ids=range(len(ANSWERS)))
@pytest.mark.parametrize("request_", ["0123456789abcdef", "", "é"])
def test_what_comes_out_is_what_went_in(response: Response, request_: str) -> None:
    said = Said()
    said.take("a", 0, request_, response)
    found = said["a"][0][1]
    assert dict(said) == {"a": {0: (request_, response)}}
    assert (found.seconds, found.sizes, type(found.seconds)) == (response.seconds, response.sizes, type(response.seconds))


def test_later_steps_and_later_answers_to_a_step_are_kept_as_in_a_mapping() -> None:
    said, plain = Said(), dict[str, dict[int, tuple[str, Response]]]()
    for number, (name, step) in enumerate([("a", 0), ("b", 1), ("a", 1), ("a", 0), ("c", 0), ("b", 0)]):
        response = Response(f"answer {number}")
        said.take(name, step, f"{number}", response)
        plain.setdefault(name, {})[step] = (f"{number}", response)
    assert said == plain and list(said) == list(plain) and len(said) == 3
    said.setdefault("c", {})[1] = ("", Response("more"))
    said.setdefault("d", {})[0] = ("", Response("new"))
    assert said["c"][1][1].text == "more" and said["c"][0][1].text == "answer 4" and "d" in said
    assert said.pop("a")[0][1].text == "answer 3" and "a" not in said and said.get("a") is None
