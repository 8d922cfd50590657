"""A queue that is down."""

from typing import Any

from django_tasks.backends.base import BaseTaskBackend


class Refusing(BaseTaskBackend):
    """Takes no task."""

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """As a Redis that is not there."""
        raise ConnectionRefusedError("The queue is down.")
