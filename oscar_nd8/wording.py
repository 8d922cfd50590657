"""Words of the checkout that an installed app can replace, one that two services say, and words as they are kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import gettext_lazy as _

__all__ = ["BEING_PREPARED", "Wording", "as_written", "take_words_from", "wording_for"]


class Wording(NamedTuple):
    """The method's name, a sentence about it, and the words on the button that leads to ND8; "" where none is given."""

    title: Any = ""
    description: Any = ""
    button: Any = ""


OURS = Wording(
    title=_("Card or other online payment"),
    description=_("You pay on the secure page of ND8, our payment provider, and come back here."),
    button=_("Pay now"),
)

BEING_PREPARED = _(
    "Your payment is being prepared already. Please wait a moment and try again; you are not charged twice."
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


def as_written(text: object) -> str:
    """`text` as it stands in this code, for what is kept: that must not depend on the language of whoever caused it."""
    with translation.override(None):
        return str(text)
