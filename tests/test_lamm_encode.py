"""The one road from messages to tokens: layouts piece by piece (reference 3.5), labels, and turns side by side."""

from __future__ import annotations

import pytest

from lamm_bench.errors import BenchError
from lamm_bench.lamm.encode import IGNORE, LAYOUTS, Text, encode, encode_messages, encode_side_by_side, layout_called, pieces
from lamm_bench.types import Message

from .toys import CLOUD, IMAGE, TALK

TRAINING, CLASSIC = LAYOUTS["training"], LAYOUTS["classic"]


class Letters:
    """A tokenizer of one token a letter that remembers what it was given."""

    bos = 1

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, text: str) -> list[int]:
        self.seen.append(text)
        return [ord(letter) + 10 for letter in text]


def spoken(ids: tuple[int, ...]) -> str:
    return "".join(chr(i - 10) for i in ids if i > 10)


def test_the_training_layout_is_upstreams_piece_by_piece() -> None:
    assert pieces(TALK, TRAINING) == (
        Text("Look.\n\n### Human: <Img>"),
        IMAGE,
        Text("</Img> What is it?\n### Assistant:"),
        Text("A cat\n###", label=True),
        Text("Human: Which colour?\n### Assistant:"),
        Text("black\n###", label=True),
    )


def test_without_a_system_message_the_first_piece_is_the_bare_opening() -> None:
    assert pieces(TALK[1:2], TRAINING)[0] == Text("### Human: <Img>")


def test_the_classic_layout_nests_a_second_human_behind_the_image() -> None:
    assert pieces(TALK[:2], CLASSIC) == (
        Text("### Human: <Img>"),
        IMAGE,
        Text("</Img> Look.### Human: What is it?\n\n### Assistant:"),
    )


def test_clouds_and_several_media_have_their_own_tags() -> None:
    parts = pieces((Message("user", (CLOUD, IMAGE, "Compare.")),), TRAINING)
    assert parts == (Text("### Human: <Pcl>"), CLOUD, Text("</Pcl><Img>"), IMAGE, Text("</Img> Compare.\n### Assistant:"))


def test_a_text_conversation_has_no_tags() -> None:
    assert pieces((Message("user", ("Hello",)),), TRAINING) == (Text("### Human: Hello\n### Assistant:"),)


def test_an_answer_that_is_still_open_has_no_separator_and_no_label() -> None:
    assert pieces(TALK[:3], TRAINING, open_end=True)[-1] == Text("A cat")


def test_each_piece_is_tokenised_on_its_own() -> None:
    letters = Letters()
    encode_messages(TALK, TRAINING, letters, {"image": 3})
    assert letters.seen == [part.text for part in pieces(TALK, TRAINING) if isinstance(part, Text)]


def test_labels_are_the_answers_with_their_closing_separators_and_nothing_else() -> None:
    row = encode_messages(TALK, TRAINING, Letters(), {"image": 3})
    assert spoken(tuple(label for label in row.labels if label != IGNORE)) == "A cat\n###black\n###"
    assert all(label in (IGNORE, token) for label, token in zip(row.labels, row.ids))
    assert row.ids[0] == Letters.bos and row.learnt == len("A cat\n###black\n###")


def test_media_get_their_run_of_places() -> None:
    row = encode_messages(TALK, TRAINING, Letters(), {"image": 3})
    ((start, media),) = row.media
    assert media == IMAGE and row.ids[start : start + 3] == (0, 0, 0)
    assert spoken(row.ids[:start]).endswith("<Img>") and spoken(row.ids[start:]).startswith("</Img>")


def test_turns_side_by_side_are_the_one_turn_conversations_behind_one_image() -> None:
    slots = {"image": 3}
    row = encode_side_by_side(TALK, TRAINING, Letters(), slots)
    for number, (question, answer) in enumerate(((TALK[1], TALK[2]), (TALK[3], TALK[4])), start=1):
        single = encode_messages((TALK[0], Message("user", (IMAGE, question.text)), answer), TRAINING, Letters(), slots)
        own = [i for i, segment in enumerate(row.segments) if segment in (0, number)]
        assert tuple(row.ids[i] for i in own) == single.ids
        assert tuple(row.labels[i] for i in own) == single.labels
        assert tuple(row.positions[i] for i in own) == single.positions
    assert len(row.media) == 1


@pytest.mark.parametrize("roles", [("assistant",), ("user", "user"), ("user", "assistant", "assistant"), ("system",)])
def test_turns_that_do_not_alternate_are_refused(roles: tuple[str, ...]) -> None:
    with pytest.raises(BenchError, match="turn"):
        pieces(tuple(Message(role, ("x",)) for role in roles), TRAINING)  # type: ignore[arg-type]


def test_a_media_that_the_model_cannot_see_is_named() -> None:
    with pytest.raises(BenchError, match=r"no encoder for a point_cloud \(/b.npy\)"):
        encode((CLOUD,), Letters(), {"image": 3})


def test_an_unknown_layout_is_answered_with_the_nearest() -> None:
    with pytest.raises(BenchError, match="Did you mean 'classic'"):
        layout_called("clasic")
