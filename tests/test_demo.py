"""The demo in a real browser: a picture and a cloud, two models, several turns, and what they say drawn back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from lamm_bench.serving import Refused, serve
from lamm_bench.show.demo import FILES, Demo
from lamm_bench.types import Generate, Media, Response

from .browser import WALK, Told, chromium
from .test_serve import Parrot, call, cloud, picture


class Pointer(Parrot):
    """Gives a box, and says how many messages and media it was shown."""

    def stream(self, request: Generate) -> Iterator[str | Response]:
        shown = [part for message in request.messages for part in message.parts if isinstance(part, Media)]
        flat = not shown or shown[0].kind == "image"
        box = "[0.1, 0.2, 0.5, 0.6]" if flat else "[1.0, 1.0, 0.5, 0.4, 0.4, 0.9]"
        text = f"cat {box} <b>after</b> {len(request.messages)} messages with {len(shown)} media"
        yield from (text[:8], text[8:])
        yield Response(text)


def test_places_are_read_by_the_models_own_convention():
    thousandths = Parrot()
    thousandths.coordinates = "qwen3-vl"  # type: ignore[attr-defined]
    demo = Demo({"plain": Parrot(), "thousandths": thousandths})
    one = "cat [0.1, 0.2, 0.5, 0.6]"
    assert demo.places({"model": "plain", "text": one, "size": [30, 20]}) == [["", [0.1, 0.2, 0.5, 0.6]]]
    assert [label for label, _ in demo.places({"model": "plain", "text": f"{one}; {one[:-2]}7]", "size": [30, 20]})] == ["1", "2"]
    found = demo.places({"model": "thousandths", "text": '[{"bbox_2d": [100, 200, 500, 600], "label": "cat"}]', "size": [30, 20]})
    assert found == [["", pytest.approx([0.1, 0.2, 0.5, 0.6])]]
    assert demo.places({"model": "plain", "text": "chair [1, 1, 0.5, 0.4, 0.4, 0.9]", "size": None}) == [
        ["", [1, 1, 0.5, 0.4, 0.4, 0.9]]
    ]
    with pytest.raises(Refused):
        demo.places({"model": "nobody", "text": "x"})


def test_files_of_the_page_and_no_others_are_given():
    with serve({"p": Parrot()}, more=Demo({"p": Parrot()})) as served:
        for name in FILES:
            assert call(served.url, None, f"/page/{name}")[0] == 200
        assert call(served.url, None, "/page/../__init__.py")[0] == 404 and call(served.url, None, "/page/")[0] == 404
        assert "<title>lamm-bench demo" in call(served.url, None, "/")[1]
        assert call(served.url, {"type": "point_cloud_url", "url": cloud()}, "/demo/cloud")[1]["count"] == 7
        assert call(served.url, {"type": "point_cloud_url", "url": picture()}, "/demo/cloud")[0] == 400


def test_two_models_side_by_side_in_a_browser():
    adapters = {"one": Pointer(), "<b>two": Pointer()}
    steps = f"""
        await show("red.png", {json.dumps(picture(120, 90))}); await until(() => document.querySelector(".frame img"));
        byId("words").value = "Where is the cat?"; byId("say").requestSubmit(); await until(() => !talk.busy && all("rect.shape").length === 2);
        told.boxes = all("rect.shape").map((one) => one.getAttribute("class")); told.first = all("li.model").map((one) => one.textContent);
        byId("words").value = "And now?"; byId("say").requestSubmit(); await until(() => !talk.busy && all("li.model").length === 4);
        told.second = all("li.model").map((one) => one.textContent)[1]; told.bold = all("li b, h2 b").length; told.names = all("h2").map((one) => one.textContent);
        await show("room.npy", {json.dumps(cloud())}); await until(() => document.querySelector("canvas.cloud"));
        byId("words").value = "What is there?"; byId("say").requestSubmit(); await until(() => !talk.busy && lammView.turning?.boxes.length === 2);
        told.turns = all("li.model").length;
        await show("bad.npy", "data:application/octet-stream;base64,AAAA"); await until(() => document.querySelector("#shown .broken")); told.broken = text("#shown .broken");
    """
    own = Demo(adapters)

    def more(path: str, body: object) -> tuple[str, bytes] | None:
        if path == "/walk.js":
            return "text/javascript", WALK.replace("STEPS", steps).encode()
        found = own(path, body)
        return (
            (found[0], found[1].replace(b"</body>", b'<script src="/walk.js"></script></body>'))
            if path == "/" and found
            else found
        )

    with serve(adapters, more=more) as served:
        told = json.loads(Told(chromium("--window-size=1200,800", "--dump-dom", served.url.removesuffix("v1"))).text)
    assert "failed" not in told and not told["errors"], told
    assert sorted(told["boxes"]) == ["shape a", "shape b"] and told["bold"] == 0 and "<b>two" in told["names"][1]
    assert told["first"] == ["cat [0.1, 0.2, 0.5, 0.6] <b>after</b> 1 messages with 1 media"] * 2
    assert "3 messages with 1 media" in told["second"] and told["turns"] == 2 and "file" in told["broken"]


def test_scripts_of_the_demo_read_no_markup():
    for name in ("demo.js", "demo.css"):
        text = FILES[name].read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 350 and "innerHTML" not in text and "http" not in text
    assert all(isinstance(path, Path) and path.is_file() for path in FILES.values())
