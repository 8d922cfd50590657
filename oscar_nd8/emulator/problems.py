"""How the emulator says no: one error that every door turns into `{detail}`."""

from collections.abc import Mapping


class ApiError(Exception):
    """A refusal with an HTTP status and one sentence for the caller."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = dict(headers or {})


def invalid(detail: str) -> ApiError:
    """400: what was sent cannot be accepted, and why."""
    return ApiError(400, detail)


def not_found(what: str) -> ApiError:
    """404 for an id that nothing carries."""
    return ApiError(404, f"{what} not found.")
