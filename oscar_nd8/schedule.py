"""When something open is looked at again: often while it is young, rarely later, and not for ever."""

from datetime import datetime, timedelta

__all__ = ["UNPROCESSED_AFTER", "next_look", "next_try"]

# Tried seven times by then; what failed so often rarely passes by itself.
UNPROCESSED_AFTER = timedelta(hours=1)

SOONEST, LATEST = timedelta(minutes=1), timedelta(days=1)


def next_look(since: datetime, *, now: datetime) -> datetime:
    """When to look again at what has been open `since`: after a quarter of its age, from a minute to a day."""
    return now + min(max((now - since) / 4, SOONEST), LATEST)


def next_try(attempts: int, *, now: datetime) -> datetime:
    """When to try again what failed `attempts` times: after a minute, doubled each time, at most a day."""
    return now + min(SOONEST * (1 << min(max(attempts - 1, 0), 16)), LATEST)
