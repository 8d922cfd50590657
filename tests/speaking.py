"""A language that a shop's staff or shoppers can have: every sentence of ours that is given, in words of its own."""

from collections.abc import Mapping
from pathlib import Path
from struct import pack
from typing import Any

__all__ = ["teach"]


def teach(settings: Any, folder: Path, language: str, sentences: Mapping[str, str]) -> None:
    """From now on Django translates `sentences` into `language`."""
    catalogue = folder / language / "LC_MESSAGES" / "django.mo"
    catalogue.parent.mkdir(parents=True)
    catalogue.write_bytes(_compiled({"": "Content-Type: text/plain; charset=UTF-8\n", **sentences}))
    settings.LOCALE_PATHS = [str(folder)]


def _compiled(sentences: Mapping[str, str]) -> bytes:
    """What msgfmt makes of them: a header, two tables of lengths and places, and the words."""
    count = len(sentences)
    pairs = sorted((original.encode(), translated.encode()) for original, translated in sentences.items())
    place, tables, words = 28 + count * 16, [b"", b""], b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += pack("<II", len(pair[column]), place + len(words))
            words += pair[column] + b"\0"
    return pack("<7I", 0x950412DE, 0, count, 28, 28 + count * 8, 0, 0) + tables[0] + tables[1] + words
