"""The page over very many samples: few elements, each used again; nothing is laid out for a question; searches and clouds hold nothing up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lamm_bench.show.view import write_page
from lamm_bench.show.view.gather import Seen
from lamm_bench.show.view.pictures import Pictures
from lamm_bench.show.view.shards import Shards, row_of
from lamm_bench.types import Sample

from .browser import walk
from .test_view import data_of, saying

WATCHED = """
    const asked = [];
    for (const [kind, keys] of [[Element, ["scrollTop", "scrollHeight", "clientHeight", "clientWidth"]], [HTMLElement, ["offsetTop", "offsetHeight", "offsetWidth"]]])
      for (const key of keys) {
        const own = Object.getOwnPropertyDescriptor(kind.prototype, key);
        Object.defineProperty(kind.prototype, key, { ...own, get() { asked.push(key); return own.get.call(this); } });
      }
    const rects = Element.prototype.getBoundingClientRect;
    Element.prototype.getBoundingClientRect = function () { asked.push("rects"); return rects.call(this); };
"""


def page_of(folder: Path, count: int) -> Path:
    """Two runs of so many samples: A is wrong in every third, B in every second."""
    shards = Shards(folder, Pictures(folder, 0), 2)
    row = row_of(0, Seen(Sample("s", "What is it?", (), None, "g"), None, (), {0: saying(1.0), 1: saying(0.0)}), [], 2)
    for number in range(count):
        own: dict[str, Any] = {f"tone{run}": "right" if number % (3 - run) else "wrong" for run in range(2)}
        own |= {"value0": number % 7 / 10, "said0": f"Answer {number}", "said1": f"ANOTHER {number % 10}"}
        shards.rows.append({**row, "id": f"s{number}", **own})
        shards.count += 1
        if len(shards.rows) == shards.sizes[0]:
            shards.write_rows()
    fact = {"name": "t", "kind": "", "better": "higher", "unit": "percent", "metric": "m", "share": True, "total": count}
    run = {"name": "r", "model": "m", "facts": [], "absent": [], "miniature": False}
    tasks = [{**fact, "results": [[], []], "figures": [{}, {}], "notes": {}}]
    shards.close({"runs": [run, run], "tasks": tasks, "differences": [], "statuses": ["ok"]})
    write_page(folder, "many")
    return folder


@pytest.fixture(scope="module")
def some(tmp_path_factory) -> Path:
    return page_of(tmp_path_factory.mktemp("some"), 12_000)


def test_a_hundred_thousand_samples_make_few_elements(tmp_path):
    seen = walk(
        page_of(tmp_path, 100_000),
        """
        await until(() => lammView.loaded && text("#count") === "100,000 of 100,000 samples", 2000);
        told.rows = all(".row").length; told.high = document.querySelector(".inner").style.height;
        const list = document.querySelector("#list"); list.scrollTop = 76 * 99990; list.dispatchEvent(new Event("scroll")); lammView.list.draw(); await until(() => all(".row").some((one) => one.textContent.includes("s99999")));
        told.bottom = all(".row").length;
        await visit("#samples&pair=a%3Eb", () => !text("#count").startsWith("100,000")); told.pair = text("#count");
        await visit("#samples&q=answer+99998", () => text("#count").startsWith("1 of"));
        """,
        "#samples",
    )
    assert seen["rows"] < 40 and seen["bottom"] < 40 and seen["high"] == "7.6e+06px"
    assert seen["pair"] == f"{sum(1 for n in range(100_000) if n % 3 and not n % 2):,} of 100,000 samples"


def test_rows_that_leave_are_filled_again_and_nothing_is_laid_out_for_it(some):
    seen = walk(
        some,
        WATCHED
        + """
        await until(() => lammView.loaded && all(".row").length > 10);
        const { list } = lammView;
        const moved = (by) => { const before = new Set(all(".row")); list.top += by; asked.length = 0; list.draw(); return [asked.length, all(".row").filter((row) => before.has(row)).length, all(".row").length]; };
        told.little = moved(200); told.far = moved(76 * 5000); told.range = [...list.rows.keys()].sort((one, other) => one - other);
        told.sight = list.sight(0); told.texts = list.rows.get(told.sight[0]).element.textContent; list.draw(); told.later = list.rows.size;
        const one = list.rows.get(told.sight[0]).element; one.focus(); told.focus = [document.activeElement === one]; moved(76 * 3000); told.focus.push(document.activeElement.id);
        list.top -= 76 * 3000; list.draw(); list.measured({ width: 0, height: 0 }); told.letters = list.letters; // as where the list is hidden
        told.links = [...list.rows].every(([place, row]) => row.element.style.top === `${place * 76}px` && row.element.href.includes(`open=t%2Fs${place}`));
        """,
        "#samples",
    )
    assert seen["little"][0] == seen["far"][0] == 0
    assert seen["little"][1] > 10 and seen["far"][1] == seen["far"][2]  # after a jump no row is a new one
    assert seen["focus"] == [True, "list"] and seen["letters"] == 200
    first, last = seen["sight"]
    assert seen["range"] == list(range(first, last)) and seen["later"] == last - first + 12
    assert f"s{first}" in seen["texts"] and f"Answer {first}" in seen["texts"] and seen["links"]


def test_a_search_finds_in_question_answers_and_id_and_leaves_what_is_typed_in_alone(some):
    seen = walk(
        some,
        """
        await until(() => lammView.loaded && text("#count") === "12,000 of 12,000 samples");
        const input = byId("search"), list = byId("list"); input.focus(); told.found = [];
        for (const query of ["answer 11999", "ANOTHER 3", "what another", "s777", "answer zebra", "it? s42 4242", ""]) {
          input.value = query; input.dispatchEvent(new Event("input"));
          await until(() => state.q === query && lammView.filtered === filterKey()); told.found.push(lammView.list.numbers.length);
        }
        told.same = [byId("search") === input, document.activeElement === input, byId("list") === list];
        input.blur(); await visit("#samples&q=5&sort=worst", () => state.sort); const values = lammView.list.numbers.map((number) => cell(number, "value0"));
        told.sorted = values.every((value, at) => !at || values[at - 1] <= value); told.all = values.length;
        """,
        "#samples",
    )
    numbers = range(12_000)
    twice = sum(1 for n in numbers if "3" in f"s{n} {n}")
    ids = sum(1 for n in numbers if "s777" in f"s{n}")
    assert seen["found"] == [1, twice, 12_000, ids, 0, 1, 12_000] and seen["same"] == [True] * 3
    assert seen["sorted"] and seen["all"] == sum(1 for n in numbers if "5" in str(n))


def test_equal_values_of_a_column_stand_once_in_its_file(some):
    assert '"asked\\":{\\"of\\":[\\"What is it?\\"]' in (some / "data/rows-0.js").read_text(encoding="utf-8")
    assert data_of(some / "data/rows-0.js")["asked"] == ["What is it?"] * 5000


def test_a_cloud_that_is_slow_to_draw_moves_with_fewer_points_and_rests_with_all(some):
    seen = walk(
        some,
        WATCHED
        + """
        await until(() => lammView.loaded);
        const points = 4000, bytes = new Uint8Array(points * 9).map((_, at) => at * 37), packed = { data: btoa(String.fromCharCode(...bytes)), count: points, low: [0, 0, 0], high: [4, 3, 2] };
        const cloud = new Cloud(packed, [["truth", "table", [1, 1, 1, 1, 1, 1]], ["a", "chair", [2, 2, 1, 1, 1, 1]]]), drawn = [];
        const draw = cloud.draw; cloud.draw = function (step = 1) { drawn.push(step); return draw.call(this, step); };
        cloud.element.style.height = "300px"; document.body.append(cloud.element); await until(() => cloud.size && drawn.length); cloud.step = 1;
        const label = cloud.labels.children[0], was = label.style.transform; drawn.length = asked.length = 0;
        for (let n = 0; n < 4; n++) { cloud.yaw += 0.3; cloud.follow(1000 + 100 * n); }
        told.slow = [...drawn]; told.asked = asked.length; told.label = [label === cloud.labels.children[0], label.style.transform !== was];
        await until(() => drawn.length > told.slow.length); told.rest = drawn.at(-1);
        for (let n = 0; n < 70; n++) cloud.follow(5000 + 16 * n); told.quick = drawn.at(-1);
        drawn.length = 0; for (let n = 0; n < 5; n++) cloud.moved(); await until(() => drawn.length); told.once = drawn.length;
        """,
        "#samples",
    )
    assert seen["slow"] == [1, 2, 4, 8] and seen["asked"] == 0 and seen["label"] == [True, True]
    assert seen["rest"] == 1 and seen["quick"] == 4 and seen["once"] == 1
