"""Bodies of control calls: JSON from programs, forms from the overview page."""

from urllib.parse import parse_qsl

from .reading import Fields, parse_object

FORM = "application/x-www-form-urlencoded"
FLAGS = {"true": True, "false": False}


def is_form(raw: bytes, mimetype: str) -> bool:
    """Whether a browser's form sent it; curl labels JSON as a form, so the body decides."""
    return mimetype == FORM and not raw.lstrip().startswith(b"{")


def read_fields(raw: bytes, mimetype: str) -> Fields:
    """The fields of either kind of body, none at all for an empty one; a form carries words and flags."""
    if is_form(raw, mimetype):
        words = parse_qsl(raw.decode(errors="replace"))
        return Fields({name: FLAGS.get(word, word) for name, word in words})
    return Fields(parse_object(raw) if raw.strip() else {})
