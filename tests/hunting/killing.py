"""A process that is killed between two of its writes: what it had not committed is gone, and it does nothing more."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.db import connection

__all__ = ["Death", "killed"]

WRITE = re.compile(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"')
# The database does the same for a client that is gone.
UNDONE_ALL_THE_SAME = ("ROLLBACK", "RELEASE")


class _Killed(BaseException):
    """No handler of an error sees the end of its process."""


class Death:
    """Comes before the `at`-th write, if so many are made; `written` are the tables that were written to till then."""

    def __init__(self, at: int) -> None:
        self._left = at
        self.written: set[str] = set()
        self.came = False

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.came and not sql.startswith(UNDONE_ALL_THE_SAME):
            raise _Killed
        if write := WRITE.match(sql):
            self._left -= 1
            if not self._left:
                self.came = True
                raise _Killed
            self.written.add(write[1])
        return execute(sql, params, many, context)


@contextmanager
def killed(at: int | None) -> Iterator[Death]:
    """The block as a process of its own that dies before its `at`-th write; None lets it live."""
    death = Death(at or 0)
    with connection.execute_wrapper(death), suppress(_Killed):
        yield death
