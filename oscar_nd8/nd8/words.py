"""ND8's free text as any database and any page takes it; nothing that ND8 wrote is kept otherwise."""

__all__ = ["one_line"]


def one_line(text: str | None, *, longest: int = 255) -> str:
    """`text` on one line, cut, and without what cannot be seen: PostgreSQL takes no NUL and no half a character."""
    words = " ".join((text or "").split())
    return (words if words.isprintable() else "".join(filter(str.isprintable, words)))[:longest]
