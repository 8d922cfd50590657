"""Bodies of control calls: JSON from programs, forms from the overview page."""

import json
from urllib.parse import parse_qsl

from .reading import Fields, parse_object

FORM = "application/x-www-form-urlencoded"


def is_form(raw: bytes, mimetype: str) -> bool:
    """Whether a browser's form sent it; curl labels JSON as a form, so the body decides."""
    return mimetype == FORM and not raw.lstrip().startswith(b"{")


def read_fields(raw: bytes, mimetype: str) -> Fields:
    """The fields of either kind of body; none at all is an empty object."""
    if is_form(raw, mimetype):
        return Fields({name: _scalar(value) for name, value in parse_qsl(raw.decode(errors="replace"))})
    return Fields(parse_object(raw) if raw.strip() else {})


def _scalar(value: str) -> object:
    """`"true"` and `"3"` of a form as what JSON would say; words stay words."""
    try:
        return json.loads(value)
    except ValueError:
        return value
