"""Reading what a caller sent: every wrong shape becomes a 400 with a sentence, never a 500."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import NoReturn
from urllib.parse import urlsplit

from .problems import invalid

LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
EMAIL = re.compile(rf"[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{LABEL}(?:\.{LABEL})+")
URL_TEXT = r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*"
HTTP_URL = re.compile(rf"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{{1,5}})?([/?]{URL_TEXT})?(#{URL_TEXT})?")
DEEPEST = 100  # levels; what could be read at Python's own limit could not be written again
BLANKS = " \t\r\n"
WHOLE = re.compile(r"-?[0-9]{1,15}")
FLAGS = {"true": True, "false": False}
DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
LONGEST_SPAN = 3600


def parse_object(raw: bytes) -> dict[str, object]:
    """A JSON object with its numbers as exact decimals."""
    try:
        value = json.loads(raw.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise invalid(f"JSON parse error: {error}") from error
    if not isinstance(value, dict):
        raise invalid("The body must be a JSON object.")
    if _is_deeper(value, DEEPEST):
        raise invalid("JSON parse error: nested too deeply.")
    return value


def parse_optional_object(raw: bytes) -> dict[str, object]:
    """The same where a body may be left out."""
    return parse_object(raw) if raw else {}


def as_received(raw: bytes) -> dict[str, object]:
    """The same object with everyday numbers, to show what was sent; call it after `parse_object`."""
    value: dict[str, object] = json.loads(raw.decode(), parse_float=_everyday_number)
    return value


def is_http_url(value: str) -> bool:
    """Whether `value` is an absolute http or https address in plain ASCII."""
    if not HTTP_URL.fullmatch(value):
        return False
    try:
        return urlsplit(value).port != 0  # a port that cannot be raises
    except ValueError:
        return False


def parse_time(value: str, name: str) -> datetime:
    """A date-time as ISO 8601 writes it, in UTC; without an offset it is UTC already."""
    try:
        # A plus sign that nobody escaped arrives as a space.
        moment = datetime.fromisoformat(value.replace(" ", "+") if "T" in value else value)
    except ValueError as error:
        raise invalid(f"{name} must be a date-time.") from error
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:  # the offset leads out of the calendar, where a day matters no more
        return moment.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one object; `where` is put before their names in sentences. In a form every value is a word."""

    values: Mapping[str, object]
    where: str = ""
    in_a_form: bool = False

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, *, longest: int | None = None) -> str:
        """A string that must be there and must not be blank."""
        if name not in self.values:
            raise invalid(f"{self.where}{name} is required.")
        value = self._string(name).strip(BLANKS)
        if not value:
            raise invalid(f"{self.where}{name} may not be blank.")
        if longest is not None and len(value) > longest:
            raise invalid(f"{self.where}{name} may have at most {longest} characters.")
        return value

    def optional_text(self, name: str) -> str | None:
        """A string, or nothing."""
        return self._string(name).strip(BLANKS) if name in self.values else None

    def choice(self, name: str, options: Collection[str]) -> str:
        """One of the given words."""
        value = self.text(name)
        if value not in options:
            raise invalid(f"{self.where}{name} must be one of {', '.join(sorted(options))}.")
        return value

    def email(self, name: str) -> str:
        """An e-mail address."""
        value = self.text(name, longest=254)
        if not EMAIL.fullmatch(value):
            raise invalid(f"{self.where}{name} must be an e-mail address.")
        return value

    def refuse_others_than(self, known: Collection[str]) -> None:
        """Let nobody believe that a misspelt field had an effect."""
        unknown = sorted(self.values.keys() - set(known))
        if unknown:
            raise invalid(f"{self.where}{unknown[0]} is not known here. Known: {', '.join(sorted(known))}.")

    def url(self, name: str) -> str | None:
        """An http or https address, or nothing."""
        if name not in self.values:
            return None
        value = self._string(name)
        if not is_http_url(value):
            raise invalid(f"{self.where}{name} must be an http or https URL.")
        return value

    def whole(self, name: str, *, least: int, default: int) -> int:
        """An integer of at least `least`."""
        value = self.values.get(name, default)
        if self.in_a_form and isinstance(value, str) and WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise invalid(f"{self.where}{name} must be an integer.")
        if value < least:
            raise invalid(f"{self.where}{name} must be {least} or more.")
        return value

    def number(self, name: str) -> Decimal:
        """A JSON number, digit for digit."""
        value = self.values.get(name)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise invalid(f"{self.where}{name} must be a number.")
        return Decimal(value)

    def decimal(self, name: str) -> Decimal:
        """A finite number, as JSON writes it or as digits in a string."""
        value = self.values.get(name)
        if isinstance(value, str) and DECIMAL.fullmatch(value):
            return Decimal(value)
        return self.number(name)

    def seconds(self, name: str, *, default: float) -> float:
        """A span of time, up to an hour."""
        value = self.decimal(name) if name in self.values else Decimal(default)
        if not 0 <= value <= LONGEST_SPAN:
            raise invalid(f"{self.where}{name} must be between 0 and {LONGEST_SPAN} seconds.")
        return float(value)

    def flag(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if self.in_a_form and isinstance(value, str):
            value = FLAGS.get(value)
        if not isinstance(value, bool):
            raise invalid(f"{self.where}{name} must be true or false.")
        return value

    def is_null(self, name: str) -> bool:
        """Whether it is null or not there at all."""
        return self.values.get(name) is None

    def mapping(self, name: str) -> dict[str, object]:
        """An object with everyday numbers, to keep and give back."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise invalid(f"{self.where}{name} must be an object.")
        return _with_everyday_numbers(value)

    def array(self, name: str) -> list[object]:
        """A list that must be there; in a form, words parted by commas or blanks."""
        value = self.values.get(name)
        if self.in_a_form and isinstance(value, str):
            return [word for word in re.split(r"[,\s]+", value) if word]
        if not isinstance(value, list):
            raise invalid(f"{self.where}{name} must be a list.")
        return value

    def any_text(self, name: str) -> str:
        """A string that must be there, whatever is in it: for what ND8 itself is to say."""
        value = self.values[name]
        if not isinstance(value, str):
            raise invalid(f"{self.where}{name} must be a string.")
        return value

    def _string(self, name: str) -> str:
        value = self.any_text(name)
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise invalid(f"{self.where}{name} has characters that are not allowed.")
        return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _is_deeper(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [one for each in level for one in _parts(each)]
    return bool(level)


def _parts(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _with_everyday_numbers(value: dict[str, object]) -> dict[str, object]:
    plain: dict[str, object] = json.loads(json.dumps(value, default=lambda exact: _everyday_number(str(exact))))
    return plain


def _everyday_number(digits: str) -> float | str:
    value = float(digits)
    return value if abs(value) != float("inf") else digits
