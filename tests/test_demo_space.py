"""The demo as a Gradio app: what it draws without Gradio, and with it a conversation of two models over its own interface."""

from __future__ import annotations

import configparser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lamm_bench.errors import BenchError
from lamm_bench.show.demo import places_in
from lamm_bench.show.demo.space import COLOURS, frame, need, pointed, with_boxes
from lamm_bench.types import Media

from .commands import refusal
from .test_demo import Pointer

ROOT = Path(__file__).parents[1]


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def test_the_constraints_of_the_demo_differ_from_the_others_in_pillow_alone():
    usual, own = pins("constraints.txt"), pins("constraints-demo.txt")
    assert {name for name in own.keys() & usual.keys() if own[name] != usual[name]} == {"pillow"}
    assert int(own["pillow"].split(".")[0]) < 13 and "gradio" in own
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    needed = {
        line.split(">")[0].split("<")[0].strip() for line in setup["options"]["install_requires"].split("\n") if line.strip()
    }
    assert {name.lower() for name in needed} <= {name.lower() for name in own}


def test_without_gradio_one_sentence_says_what_to_install():
    try:
        need()
    except BenchError:
        assert "constraints-demo.txt" in refusal("demo", "--model", "oracle", "--gradio")


def test_places_are_drawn_onto_a_small_picture_that_was_enlarged(tmp_path):
    Image.new("RGB", (30, 20), "black").save(tmp_path / "small.png")
    seen = np.asarray(pointed(Media("image", str(tmp_path / "small.png")), [[["", [0.1, 0.1, 0.9, 0.9]]], [["cat", [0.5, 0.5]]]]))
    assert seen.shape == (280, 420, 3)
    for colour in COLOURS:
        assert (seen == colour).all(axis=2).sum() > 20


def test_the_edges_of_a_box_become_points_of_its_colour():
    cloud = with_boxes(np.zeros((5, 3), np.float32), [[["", [1, 2, 3, 2, 4, 6]]], []])
    edges = cloud[5:]
    assert cloud.shape == (5 + len(frame()), 6) and (edges[:, 3:] == COLOURS[0]).all()
    assert edges[:, :3].min(axis=0).tolist() == [0, 0, 0] and edges[:, :3].max(axis=0).tolist() == [2, 4, 6]
    assert places_in(Pointer(), "chair [1, 2, 3, 2, 4, 6]", None) == [["", [1, 2, 3, 2, 4, 6]]]


def test_two_models_are_asked_about_a_picture_and_a_cloud_in_turns(tmp_path):
    pytest.importorskip("gradio", reason="needs Gradio, in an environment of its own (constraints-demo.txt)")
    from gradio_client import Client, handle_file

    from lamm_bench.show.demo.space import space

    Image.new("RGB", (60, 40), "red").save(tmp_path / "red.png")
    np.save(tmp_path / "room.npy", np.random.default_rng(0).uniform(0, 3, (900, 6)).astype(np.float32))
    app = space({"one": Pointer(), "two": Pointer()})
    _, url, _ = app.launch(prevent_thread_lock=True, quiet=True, server_name="127.0.0.1", ssr_mode=False)
    try:
        client = Client(url, verbose=False)
        picture, cloud, *_ = client.predict(handle_file(str(tmp_path / "red.png")), api_name="/show")
        assert picture["visible"] and Path(picture["value"]).is_file() and not cloud["visible"]
        job = client.submit("Where is the cat?", [], [], api_name="/say")
        picture, _, one, two = job.result(timeout=60)
        said = [str(book[-1]["content"]) for book in (one, two)]
        assert all("cat [0.1, 0.2, 0.5, 0.6] &lt;b&gt;after" in text and "1 messages with 1 media" in text for text in said)
        assert len(job.outputs()) >= 4 and (np.asarray(Image.open(picture["value"]).convert("RGB")) == (0, 0, 0)).any()
        *_, one, two = client.predict("And now?", one, two, api_name="/say")
        assert len(one) == 4 and "3 messages with 1 media" in str(one[-1]["content"])
        _, cloud, *_ = client.predict(handle_file(str(tmp_path / "room.npy")), api_name="/show")
        before = Path(cloud["value"]).stat().st_size
        _, cloud, *_ = client.predict("What is there?", [], [], api_name="/say")
        assert Path(cloud["value"]).stat().st_size > before and Path(cloud["value"]).read_bytes().startswith(b"ply\n")
        with pytest.raises(Exception, match="the file"):
            (tmp_path / "bad.npy").write_bytes(b"no array")
            client.predict(handle_file(str(tmp_path / "bad.npy")), api_name="/show")
    finally:
        app.close()
