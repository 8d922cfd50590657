"""What paying by ND8 is called in the checkout: the words of an installed app where it has some, ours elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

__all__ = ["Wording", "take_words_from", "wording_for"]


@dataclass(frozen=True, slots=True)
class Wording:
    """The method's name, a sentence about it, and the words on the button that leads to ND8; "" where none is given."""

    title: Any = ""
    description: Any = ""
    button: Any = ""


OURS = Wording(
    title=_("Card or other online payment"),
    description=_("You pay on the secure page of ND8, our payment provider, and come back here."),
    button=_("Pay now"),
)

Source = Callable[[HttpRequest], Wording]
_sources: list[Source] = []


def take_words_from(source: Source) -> None:
    """Ask `source` for words from now on; for an AppConfig's `ready`. The first source that has a word wins."""
    if source not in _sources:
        _sources.append(source)


def wording_for(request: HttpRequest) -> Wording:
    """What the shopper reads; every field is filled."""
    given = [*(source(request) for source in _sources), OURS]

    def first(field: str) -> Any:
        return next(word for words in given if (word := getattr(words, field)))

    return Wording(title=first("title"), description=first("description"), button=first("button"))
