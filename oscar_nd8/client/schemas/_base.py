"""What every request and every answer shares: frozen, strict on the way out, tolerant on the way in.

Field names are ours where ND8 writes camelCase; amounts and statuses stay exactly as ND8 writes them, for
the gateway to translate. Unknown fields of an answer are kept (`model_extra`). No error message shows an
input, and no repr shows a person or a token. Source: ND8's OpenAPI document 1.1.0.
"""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, model_validator

__all__ = ["Loose", "LooseBool", "LooseInt", "Needed", "Page", "Patch", "Received", "Sent", "Url", "none_as_empty"]

T = TypeVar("T", bound="Received")


def _text(value: Any) -> Any:
    """An optional field that holds a number or something odd must not make a whole payment unreadable."""
    if isinstance(value, bool | dict | list):
        return None
    return value if value is None or isinstance(value, str) else str(value)


def _integer(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _truth(value: Any) -> Any:
    return value if isinstance(value, bool) else None


def _url(value: str) -> str:
    if not value.startswith(("https://", "http://")) or not value.isprintable() or " " in value:
        raise ValueError("must be an absolute URL: https://shop.example/…")
    return value


def none_as_empty(value: Any) -> Any:
    """A list that was left out is an empty one."""
    return () if value is None else value


Loose = Annotated[str | None, BeforeValidator(_text)]
LooseInt = Annotated[int | None, BeforeValidator(_integer)]
LooseBool = Annotated[bool | None, BeforeValidator(_truth)]
Needed = Annotated[StrictStr, Field(min_length=1)]
Url = Annotated[str, AfterValidator(_url)]


class Sent(BaseModel):
    """Something to send: a field that ND8 does not know is refused, and one that is None is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    def to_json(self) -> str:
        """The body, in ND8's words."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class Patch(Sent):
    """Changes to something that exists: what is not given stays, and None clears it where that is possible."""

    _kept: ClassVar[frozenset[str]] = frozenset()  # fields that cannot be cleared

    def to_json(self) -> str:
        """The body, in ND8's words: an explicit null for each None that was given."""
        return self.model_dump_json(by_alias=True, exclude_unset=True)

    @model_validator(mode="after")
    def _changes_something_that_can_change(self) -> "Patch":
        if not self.model_fields_set:
            raise ValueError("changes nothing")
        if cleared := [name for name in self._kept & self.model_fields_set if getattr(self, name) is None]:
            raise ValueError(f"{cleared[0]} cannot be cleared; leave it out to keep it")
        return self


class Received(BaseModel):
    """Something ND8 said; what is not documented is in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        unknown = self.model_extra or {}  # nobody can say whether a field of tomorrow holds a person
        return (pair for pair in super().__repr_args__() if pair[0] not in unknown)


class Page(Received, Generic[T]):
    """One page of a list: `results` as ND8 orders them.

    ND8 documents bare arrays, which do not say whether more follows: then `count` and `next` are None.
    """

    results: tuple[T, ...]
    count: LooseInt = None
    next: Loose = None

    @property
    def is_last(self) -> bool:
        """Whether ND8 said that nothing follows; False also where it did not say."""
        return "next" in self.model_fields_set and self.next is None

    @model_validator(mode="before")
    @classmethod
    def _array_or_envelope(cls, value: Any) -> Any:
        return {"results": value} if isinstance(value, list) else value
