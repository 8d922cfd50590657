"""A queue without a second row: a stored notification is due already, and `nd8_work` processes what is due."""

from typing import Any, Final

from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult
from django_tasks.exceptions import InvalidTaskError

__all__ = ["InboxBackend"]

# By name: the module of the tasks is loaded with its backend.
_KEPT: Final = "oscar_nd8.tasks.process_stored_event"


class InboxBackend(BaseTaskBackend):
    """For `TASKS`: takes the task that processes a stored notification, and no other."""

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Nothing is written. Raises InvalidTaskError for a task that would be lost here."""
        if task.module_path != _KEPT:
            raise InvalidTaskError(
                f"{task.module_path} cannot wait in oscar_nd8.inbox.InboxBackend: it keeps ND8's notifications only. "
                "Give other tasks a backend of their own in TASKS, and name it: task.using(backend=...)."
            )
        return TaskResult(
            task=task,
            id=str(args[0]),
            status=TaskResultStatus.READY,
            enqueued_at=timezone.now(),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
