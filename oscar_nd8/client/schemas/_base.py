"""What every request and every answer shares: frozen, strict on the way out, tolerant on the way in.

Field names are ours where ND8 writes camelCase; amounts and statuses stay exactly as ND8 writes them, for
the gateway to translate. Unknown fields of an answer are kept (`model_extra`). No error message shows an
input, and no repr shows a person or a token. Source: ND8's OpenAPI document 1.1.0.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr

__all__ = ["Loose", "LooseInt", "Needed", "Received", "Sent", "none_as_empty"]


def _text(value: Any) -> Any:
    """An optional field that holds a number or something odd must not make a whole payment unreadable."""
    if isinstance(value, bool | dict | list):
        return None
    return value if value is None or isinstance(value, str) else str(value)


def _integer(value: Any) -> Any:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def none_as_empty(value: Any) -> Any:
    """A list that was left out is an empty one."""
    return () if value is None else value


Loose = Annotated[str | None, BeforeValidator(_text)]
LooseInt = Annotated[int | None, BeforeValidator(_integer)]
Needed = Annotated[StrictStr, Field(min_length=1)]


class Sent(BaseModel):
    """Something to send: a field that ND8 does not know is refused, and one that is None is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True)

    def to_json(self) -> str:
        """The body, in ND8's words."""
        return self.model_dump_json(by_alias=True, exclude_none=True)


class Received(BaseModel):
    """Something ND8 said; what is not documented is in `model_extra`."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, hide_input_in_errors=True)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        unknown = self.model_extra or {}  # nobody can say whether a field of tomorrow holds a person
        return (pair for pair in super().__repr_args__() if pair[0] not in unknown)
