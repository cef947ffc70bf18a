"""Chat models of transformers as an adapter: `--model hf-chat --set model=FOLDER_OR_HUB_ID`.

Any `AutoModelForImageTextToText` with a processor is asked with its images (docs/architectures.md); a text-only causal LLM is asked with all
media left out, which makes it the blind control. Options: `--set model=... device=auto|cpu|cuda dtype=auto|float32|bfloat16|float16
batch_size=16 cache=1024 attn=sdpa|eager|... revision=... template=FILE.jinja gguf=FILE images=auto|none render=4views device_map=auto trust_remote_code=false threads=0
thinking=<think>...</think> reasoning_tokens=0 chat_template_kwargs={"enable_thinking": false}`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from lamm_bench.errors import BenchError, MediaError, unknown
from lamm_bench.keep.files import digest
from lamm_bench.media import flats, many, modalities, renderable, rendered
from lamm_bench.media.renderings import Rendering, parse_render
from lamm_bench.read.conventions import STATED, convention, of_name, of_type
from lamm_bench.read.parting import chosen
from lamm_bench.types import Generate, Media, Message, Modality, Response, Score, Task

R = TypeVar("R", Generate, Score)

DTYPES = ("auto", "float32", "bfloat16", "float16")
DEVICES = ("auto", "cpu", "cuda")
IMAGES = ("auto", "none")
MIB = 2**20
RESERVED = frozenset(
    "messages conversation chat_template tools documents add_generation_prompt continue_final_message tokenize return_dict return_tensors "
    "return_assistant_tokens_mask processor_kwargs tokenizer_kwargs padding truncation max_length sanitize_control_tokens".split()
)


@dataclass
class HfChat:
    """Loads its model at the first use; nothing heavy happens before."""

    model: str  # a folder, a GGUF file, or the name of a repository on the hub
    device: str = "auto"  # cpu, cuda, or whichever there is
    dtype: str = "auto"  # float32 on a CPU, the checkpoint's own elsewhere
    batch_size: int = 16
    cache: int = 1024  # MiB of encoded images that are kept; 0: every request and every option is computed from the beginning
    attn: str = ""  # transformers' attn_implementation; empty: the model's own choice
    revision: str = ""  # branch, tag or commit on the hub
    template: str = ""  # a Jinja file, for models that come without a chat template
    gguf: str = ""  # the name of a GGUF file in `model`
    device_map: str = ""  # `auto` spreads the model over several devices (needs accelerate)
    trust_remote_code: bool = False  # runs Python code that comes with the model
    threads: int = 0  # 0: PyTorch's own choice
    images: str = "auto"  # `none` leaves them out, on purpose
    coordinates: str = ""  # whose numbers its boxes and points are (docs/coordinates.md); empty: by the model's type or name
    render: str = ""  # `4views` shows a point cloud as four pictures; empty: clouds are refused
    thinking: str = ""  # marks of a thought, as <think>...</think>; empty: its own and the well-known ones; none: parts nothing
    reasoning_tokens: int = 0  # tokens for a thought, on top of those that a task grants its answer
    chat_template_kwargs: str = ""  # a JSON object of more words for the chat template: {"enable_thinking": false}
    name: str = "hf-chat"
    begins: ClassVar[bool] = True
    _asker: Any = field(default=None, init=False, repr=False)
    _place: Any = field(default=None, init=False, repr=False)
    _config: Any = field(default=None, init=False, repr=False)
    _kind: str = field(default="", init=False, repr=False)
    _hash: str = field(default="", init=False, repr=False)
    _views: Rendering = field(default_factory=Rendering, init=False, repr=False)
    _words: dict[str, Any] = field(default_factory=dict, init=False, repr=False)
    _folder: Any = field(default=None, init=False, repr=False)  # of rendered pictures

    def __post_init__(self) -> None:
        if not self.model.strip():
            raise BenchError("hf-chat needs --set model=... : a folder, a GGUF file, or the name of a model on the hub")
        if self.dtype not in DTYPES:
            raise unknown("dtype", self.dtype, DTYPES)
        if self.device not in DEVICES and not self.device.startswith("cuda:"):
            raise unknown("device", self.device, DEVICES)
        if self.images not in IMAGES:
            raise unknown("images", self.images, IMAGES)
        if self.coordinates:
            convention(self.coordinates)  # one that nobody knows is told before anything is loaded
        if self.batch_size < 1:
            raise BenchError(f"batch_size={self.batch_size} of the model hf-chat must be at least 1")
        if self.cache < 0:
            raise BenchError(f"cache={self.cache} of the model hf-chat must be at least 0, which turns it off")
        if self.reasoning_tokens < 0:
            raise BenchError(
                f"reasoning_tokens={self.reasoning_tokens} of the model hf-chat must be at least 0, which grants none"
            )
        chosen(self.thinking)
        self._words = parse_words(self.chat_template_kwargs)
        self._views = parse_render(self.render)

    @property
    def place(self) -> tuple[str, dict[str, Any]]:
        """Where the model is, and how it is read from there; found once."""
        if self._place is None:
            from .hf.load import place

            self._place = place(self)
        return self._place

    @property
    def config(self) -> Any:
        """The model's config, read once: that of a GGUF file takes seconds."""
        if self._config is None:
            from .hf.load import config_of

            self._config = config_of(self)
        return self._config

    @property
    def kind(self) -> str:
        """`vision` or `text`; read from the model's files, once."""
        if not self._kind:
            from .hf.kind import kind_of

            self._kind = kind_of(self, self.config)
        return self._kind

    @property
    def speaks(self) -> str:
        """The convention in which the model gives places, by its type or its name, where `coordinates` does not say."""
        return of_type(self.config.model_type) or of_name(Path(self.model).name) or STATED

    @property
    def modalities(self) -> frozenset[Modality]:
        """A text-only model can be asked about everything, since it is shown nothing."""
        return flats() | (renderable() if self._views else frozenset()) if self.kind == "vision" else frozenset(modalities())

    @property
    def ignores(self) -> frozenset[str]:
        return frozenset({"media"}) if self.kind == "text" else frozenset()

    @property
    def one_medium(self) -> bool:
        """Whether its conversations hold one image at most: the processors of some families take no more."""
        return self.kind == "vision" and self.asker.loaded.own.images == "flat"

    @property
    def exact(self) -> bool:
        """Whether answers are the same in any batch; half precision rounds differently in batches of other shapes."""
        return bool(self.asker.loaded.exact)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the manifest should know about this model."""
        return tuple(self.asker.notes)

    @property
    def hints(self) -> list[str]:
        """What a user should know before waiting: a precision that this processor is slow in."""
        from lamm_bench.lamm.precision import hints_of

        from .hf.load import chosen_device

        return hints_of(self.dtype, "" if self.device_map else chosen_device(self))

    def fingerprint(self) -> str:
        """The hash of the model's files and of what its answers depend on; the batch size is not part of it."""
        if not self._hash:
            from .hf.load import fingerprint

            self._hash = fingerprint(self, self.asker.loaded)
            if self._views and self.kind == "vision":
                versions = "".join(f" {name} {modalities()[name].views_version}" for name in sorted(renderable()))
                self._hash += f"-{self._views.views} views{versions}" if self._views.views else ""
                if self._views.plans:
                    self._hash += "-plans" + "".join(
                        f" {name} {modalities()[name].plans_version}" for name in sorted(renderable())
                    )
            self._hash += "".join(f"-{told}" for told in self.shaped())
        return self._hash

    def shaped(self) -> Iterator[str]:
        """What else moves answers, where it is not as it always was."""
        if self.thinking:
            yield f"thinking {self.thinking}"
        if self.reasoning_tokens:
            yield f"{self.reasoning_tokens} reasoning tokens"
        if self._words:
            yield f"template words {digest(self._words, 8)}"
        if self.asker.wording.unthinking or self.asker.wording.closing:
            yield "options without thoughts"

    def why_not(self, task: Task, inferencer: Mapping[str, Any]) -> str | None:
        """Why a task cannot be asked, in the user's terms."""
        if self.kind == "vision" and task.modality in renderable() - self.modalities:
            return f"hf-chat shows no {many(task.modality)}; --set render=4views shows four rendered views of each instead"
        return None

    def generate(self, requests: Sequence[Generate]) -> Iterator[tuple[int, Response]]:
        yield from self.pictured(requests, self.asker.generate)

    def score(self, requests: Sequence[Score]) -> Iterator[tuple[int, Response]]:
        yield from self.pictured(requests, self.asker.score)

    def loss(self, request: Score) -> list[float]:
        """The training loss of each option in nats, summed over its tokens: what `score` must be minus of."""
        return list(self.asker.loss(self.drawn(request)))

    def told(self, messages: Sequence[Message]) -> str:
        """The text that the model is told of a conversation, where the assistant goes on: for the doctor, and for people."""
        return str(self.asker.wording.prompt(messages).text)

    def plain(self) -> HfChat:
        """The same model, asked without keeping or sharing anything."""
        other = replace(self, cache=0)
        other._asker = replace(self.asker, kept_bytes=0)
        return other

    def pictured(
        self, requests: Sequence[R], ask: Callable[[list[R]], Iterator[tuple[int, Response]]]
    ) -> Iterator[tuple[int, Response]]:
        """Asks with every cloud as its pictures; one that cannot be drawn ends its own request."""
        able: list[tuple[int, R]] = []
        for index, request in enumerate(requests):
            try:
                able.append((index, self.drawn(request)))
            except MediaError as error:
                yield index, Response(error=str(error), status="media_error")
        for at, response in ask([request for _, request in able]):
            yield able[at][0], response

    def drawn(self, request: R) -> R:
        """The request with what is no picture rendered as some. Raises `MediaError`."""
        kinds = {part.kind for message in request.messages for part in message.parts if isinstance(part, Media)}
        if not self._views or self.kind != "vision" or not kinds & renderable():
            return request
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lamm-bench-views-")
        messages = tuple(replace(message, parts=self.pictures(message.parts)) for message in request.messages)
        return replace(request, messages=messages)

    def pictures(self, parts: Sequence[str | Media]) -> tuple[str | Media, ...]:
        """A message's parts, each cloud as its pictures."""
        shown: list[str | Media] = []
        for part in parts:
            if isinstance(part, Media) and part.kind in renderable():
                shown += rendered(part, self._views, Path(self._folder.name))
            else:
                shown.append(part)
        return tuple(shown)

    @property
    def asker(self) -> Any:
        """The loaded model."""
        if self._asker is None:
            from .hf.ask import Asker
            from .hf.load import load

            loaded = load(self, self.config)
            kept, own = self.cache * MIB, convention(self.coordinates or self.speaks)
            self._asker = Asker(loaded, self.batch_size, kept, self._words, self.thinking, self.reasoning_tokens, own)
        return self._asker


def parse_words(text: str) -> dict[str, Any]:
    """The JSON object of `chat_template_kwargs=`. Raises `BenchError`."""
    if not text:
        return {}
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        words = None
    if not isinstance(words, dict):
        raise BenchError(f'chat_template_kwargs={text} is no JSON object; expected for instance {{"enable_thinking": false}}')
    for key in words:
        if key in RESERVED or not key.isidentifier():
            raise BenchError(f"chat_template_kwargs= may not set `{key}`; that is no variable of a template, or lamm-bench's own")
    return words


ADAPTERS = {"hf-chat": HfChat}
