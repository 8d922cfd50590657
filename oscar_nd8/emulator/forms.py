"""Bodies of control calls: JSON from programs, forms from the overview page."""

from urllib.parse import parse_qs

from .reading import Fields, parse_optional_object

FORM = "application/x-www-form-urlencoded"
EMPTIED = frozenset({"webhook_url", "website", "contact_email", "telegram"})  # an empty input says something there


def is_form(raw: bytes, mimetype: str) -> bool:
    """Whether a browser's form sent it; curl labels JSON as a form, so the body decides."""
    return mimetype == FORM and not raw.lstrip().startswith(b"{")


def read_fields(raw: bytes, mimetype: str) -> Fields:
    """The fields of either kind of body, none at all for an empty one; an empty input of a form is left out."""
    if is_form(raw, mimetype):
        return Fields(_words(raw.decode(errors="replace")), in_a_form=True)
    return Fields(parse_optional_object(raw.strip()))


def _words(form: str) -> dict[str, object]:
    found = parse_qs(form, keep_blank_values=True)
    words: dict[str, object] = {name: values[0] if len(values) == 1 else values for name, values in found.items()}
    return {name: value for name, value in words.items() if value != "" or name in EMPTIED}
