"""How clouds and rooms become pictures for models that only have eyes: views from around, plans with a grid in metres, or both."""

from __future__ import annotations

import re
from dataclasses import dataclass

from PIL import Image

from lamm_bench.errors import BenchError, MediaError
from lamm_bench.types import Media

from .modality import Modality
from .views import LEAST, MOST


@dataclass(frozen=True)
class Rendering:
    """What is drawn of one; nothing is false."""

    views: int = 0
    plans: bool = False

    def __bool__(self) -> bool:
        return bool(self.views) or self.plans

    @property
    def told(self) -> int | str:
        """What a fingerprint holds of it."""
        return str(self) if self.plans else self.views

    def key(self, own: Modality) -> str:
        """What its pixels depend on, for caches and fingerprints."""
        told = f"{self.views}.{own.views_version}" if self.views else ""
        return told + (f" plans {own.plans_version}" if self.plans and own.plans is not None else "")

    def of(self, own: Modality, media: Media) -> list[Image.Image]:
        """The pictures. Raises `MediaError` for a kind of media that cannot be drawn so."""
        if not self.views and not self.plans:
            raise MediaError(f"{own.many} are not shown to this model; render=4views shows four views of each instead")
        if self.plans and own.plans is None and not self.views:
            raise MediaError(
                f"{own.many} have no plans: the modality {own.name} does not say how they are drawn; render=4views shows views"
            )
        if self.views and own.views is None:
            raise MediaError(f"{own.many} cannot be rendered: the modality {own.name} does not say how")
        made = own.plans(media) if self.plans and own.plans is not None else []
        return [*made, *(own.views(media, min(self.views, own.most_views)) if self.views and own.views is not None else [])]

    def __str__(self) -> str:
        return "+".join(filter(None, ["plans" * self.plans, f"{self.views} views" if self.views else ""]))


def parse_render(text: str) -> Rendering:
    """The setting `render=4views`, `render=plans` or `render=plans+4views`; nothing for none. Raises `BenchError`.

    >>> parse_render("") == Rendering(), parse_render("4views"), parse_render("plans+2views")
    (True, Rendering(views=4, plans=False), Rendering(views=2, plans=True))
    """
    found = Rendering()
    for part in text.split("+") if text and text != "none" else []:
        number = re.fullmatch(r"(\d{1,3})\s*views?", part.strip())
        if part.strip() == "plans":
            found = Rendering(found.views, True)
        elif number and LEAST <= int(number[1]) <= MOST:
            found = Rendering(int(number[1]), found.plans)
        else:
            raise BenchError(f"render={text}: expected {LEAST}view to {MOST}views, plans, or both, such as render=plans+4views")
    return found
