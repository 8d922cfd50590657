"""Whatever goes wrong with what a person asked for becomes a sentence for them, and the log says the rest."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from oscar_nd8.exceptions import DecisionRefused, ProviderError

__all__ = ["failures_told"]

logger = logging.getLogger("oscar_nd8")


@contextmanager
def failures_told(*, unasked: str, unfinished: str) -> Iterator[None]:
    """Raise DecisionRefused from any error of the block: `unasked` where ND8 gave no answer, else `unfinished`."""
    try:
        yield
    except ProviderError as error:
        raise DecisionRefused(unasked) from error
    except Exception as error:  # a shop's own code may raise anything, and whoever asked must hear of it
        logger.exception("What a person asked for could not be finished")
        raise DecisionRefused(unfinished) from error
