"""A queue elsewhere, as Redis is one: each task is one message sent away, and nothing is waited for."""

import json
import socket
from typing import Any

from django.utils import timezone
from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import Task, TaskResult, TaskResultStatus
from django_tasks.utils import get_random_id


class ElsewhereBackend(BaseTaskBackend):
    """Sends to a port of this machine where nobody reads."""

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def enqueue(self, task: Task[Any, Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """One message a task."""
        self.validate_task(task)
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=get_random_id(),
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
        message = json.dumps({"id": result.id, "task": task.module_path, "args": args, "kwargs": kwargs})
        self._socket.sendto(message.encode(), ("127.0.0.1", 9))
        return result
