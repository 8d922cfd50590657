"""What a list of the dashboard holds, as a table for spreadsheets that is written while it is read."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.timezone import localtime

from oscar_nd8.paging import in_portions
from oscar_nd8.spreadsheets import Columns, not_a_formula

__all__ = ["download"]


def download(rows: QuerySet[Any], columns: Columns, *, name: str) -> StreamingHttpResponse:
    """`rows` newest first, one line each below a line of titles, as `name`.csv; times are the shop's."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(_lines(rows, columns), content_type="text/csv; charset=utf-8", headers=headers)


class _Line:
    """What csv writes into: hands each line back instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def _lines(rows: QuerySet[Any], columns: Columns) -> Iterator[str]:
    writer = csv.writer(_Line())
    # Without the mark, Excel takes UTF-8 for something else.
    yield "\ufeff" + writer.writerow([title for title, _value in columns.values()])
    for row in in_portions(rows):
        yield writer.writerow([_cell(value(row)) for _title, value in columns.values()])


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return localtime(value).isoformat(sep=" ", timespec="seconds")
    return "" if value is None else not_a_formula(str(value))
