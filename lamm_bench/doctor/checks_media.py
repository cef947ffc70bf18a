"""Checks of media: really looked at, each by its own question, and a fault ends one request only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lamm_bench.media import Modality as ModalityOf
from lamm_bench.media import blank, many, modalities, modality
from lamm_bench.types import Generate, Media, Modality, Response

from .patient import Patient, short, shown
from .verdict import Check, Failed, NotApplicable, check

CHECKS: list[Check] = []


def drawn(p: Patient, kind: Modality, number: int) -> Media:
    """What is shown: of a task that was named its own samples' media, else a probe of the modality's own drawing."""
    if p.material.given:
        own = p.material.media(kind)
        if not own:
            raise NotApplicable(f"the samples of {p.material.task.name} show no {many(kind)}")
        return own[number % len(own)]
    probe = modality(kind).probe
    if probe is None:
        raise NotApplicable(f"the modality {kind} draws nothing for the doctor")
    return probe.draw(p.material.folder, f"probe-{kind}-{number}", number)


def used(p: Patient, kind: Modality) -> str:
    p.needs_media(kind)
    pairs = [(shown, blank(shown)) for shown in dict.fromkeys(drawn(p, kind, number) for number in range(4))]
    moved = sum(
        p.reacts(p.showing(shown, number=number), p.showing(hidden, number=number))
        for number, (shown, hidden) in enumerate(pairs)
    )
    what = "likelihoods" if p.scores else "answers"
    if not moved:
        raise Failed(f"{number_of(len(pairs))} {many(kind)} were replaced by blanks, and no {what} changed")
    return f"blanks changed the {what} of {moved} of {len(pairs)} {many(kind)}"


def number_of(count: int) -> str:
    return {1: "one of the", 2: "two", 3: "three", 4: "four"}.get(count, str(count))


def looked_at(own: ModalityOf) -> Check:
    """The check of one modality: `image-used`, `cloud-used`."""
    return Check(f"{own.short}-used", f"{own.many} are really looked at", lambda p: used(p, own.name))


CHECKS += [looked_at(own) for own in modalities().values() if own.probe is not None]


def kind_of(p: Patient) -> Modality:
    """A modality that it takes and that can be shown."""
    if p.material.given:
        return next((one.kind for sample in p.material.samples for one in sample.media if p.takes(one.kind)), "")
    return next((own.name for own in modalities().values() if own.probe is not None and p.takes(own.name)), "")


@check(CHECKS, "media-own", "in a batch, each question is answered about its own image or cloud")
def media_own(p: Patient) -> str:
    p.needs_media()
    asked = [p.showing(drawn(p, kind_of(p), number)) for number in (0, 1, 2, 3)]
    if p.scores:
        worst = 0.0
        for request, both in zip(asked, p.scored([p.scoring(request) for request in asked])):
            (alone,) = p.scored([p.scoring(request)])
            worst = max(worst, p.close("beside questions about other media", alone.logprobs, both.logprobs))
        return f"the largest difference of likelihoods is {worst:.1e}"
    return p.same("beside questions about other media", [p.answered([one])[0] for one in asked], p.answered(asked))


@check(CHECKS, "sizes", "images or clouds of very different size in one batch are answered as if alone")
def sizes(p: Patient) -> str:
    p.needs_media()
    probe = modality(kind_of(p)).probe if kind_of(p) else None
    media = probe.unequal(p.material.folder) if probe is not None else []
    if not media:
        raise NotApplicable("nothing is drawn for the doctor in very different sizes")
    asked = [p.showing(one, number=number) for number, one in enumerate(media)]
    evidence = p.same("beside media of other sizes", [p.answered([one])[0] for one in asked], p.answered(asked))
    if not p.scores:
        return evidence
    worst = 0.0
    for request, both in zip(asked, p.scored([p.scoring(request) for request in asked])):
        (alone,) = p.scored([p.scoring(request)])
        worst = max(worst, p.close("beside media of other sizes", alone.logprobs, both.logprobs))
    return f"{evidence}; the largest difference of likelihoods is {worst:.1e}"


@check(CHECKS, "several", "of several images in one question each counts, or the question is refused")
def several(p: Patient) -> str:
    p.needs_media()
    kind = kind_of(p)
    for first, second in ((0, 1), (2, 3), (3, 0)):
        one, other = drawn(p, kind, first), drawn(p, kind, second)
        both = p.showing(one, other)
        (response,) = p.generate([both])
        if response.error is not None:
            return f"two {many(kind)} are refused: {short(response.error)}"
        if p.reacts(both, p.showing(one, blank(other))):
            return f"two {many(kind)} in one question are both looked at"
    raise Failed(f"of two {many(kind)} in one question the second one changes nothing, and nobody is told")


def ends_alone(p: Patient, media: Media) -> str:
    """A request with unusable media between two good ones."""
    good = p.question(0)
    bad = p.showing(media, number=1)
    for name, ask in asking(p):
        before, fault, after = ask([good, bad, good])
        if fault.error is None:
            raise Failed(f"`{name}` answered {shown(fault)} about a file that cannot be read")
        if fault.status != "media_error":
            raise Failed(f"`{name}` ended it as '{fault.status}', expected media_error: {fault.error}")
        for other in (before, after):
            if other.error is not None:
                raise Failed(f"`{name}` ended a request beside it too: {other.error}")
    return str(fault.error)


def asking(p: Patient) -> list[tuple[str, Callable[[list[Generate]], list[Response]]]]:
    methods: list[tuple[str, Callable[[list[Generate]], list[Response]]]] = [("generate", p.generate)]
    if p.scores:
        methods.append(("score", lambda requests: p.score([p.scoring(request) for request in requests])))
    return methods


@check(CHECKS, "missing", "a media file that is missing ends its own request, as media_error")
def missing(p: Patient) -> str:
    p.needs_media()
    return ends_alone(p, Media(kind_of(p), str(p.material.folder / "nowhere.png")))


@check(CHECKS, "broken", "a media file that is cut off ends its own request, as media_error")
def broken(p: Patient) -> str:
    p.needs_media()
    whole = drawn(p, kind_of(p), 2)
    path = p.material.folder / f"broken{Path(whole.path).suffix}"
    data = Path(whole.path).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return ends_alone(p, Media(whole.kind, str(path)))


@check(CHECKS, "forms", "unusual but valid images and clouds are taken")
def forms(p: Patient) -> str:
    p.needs_media()
    probes = [own.probe for own in modalities().values() if own.probe is not None and p.takes(own.name)]
    media = [one for probe in probes for one in probe.odd(p.material.folder)]
    for one, response in zip(media, p.generate([p.showing(one, number=number) for number, one in enumerate(media)])):
        if response.error is not None:
            raise Failed(f"{Path(one.path).stem.replace('-', ' ')} is refused: {response.error}")
    return f"{len(media)} taken: {', '.join(Path(one.path).stem for one in media)}"


@check(CHECKS, "foreign", "media that it does not take are refused, never left out in silence")
def foreign(p: Patient) -> str:
    p.needs_media()
    other = next((own.name for own in modalities().values() if own.probe is not None and not p.takes(own.name)), None)
    if other is None:
        raise NotApplicable("it takes every modality that can be drawn here")
    try:
        (response,) = p.generate([p.showing(drawn(p, other, 0))])
    except Failed:
        raise
    except Exception as error:  # never sent in a run, so that a loud refusal of any kind will do
        return f"refused by {type(error).__name__}: {short(str(error), 100)}"
    if response.error is None:
        raise Failed(f"it takes no {many(other)}, and answered {shown(response)} to a question with one")
    return response.error
