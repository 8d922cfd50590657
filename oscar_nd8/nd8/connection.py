"""The clients of the account that the settings name."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed

from oscar_nd8 import conf, signals
from oscar_nd8.client import ND8Client

__all__ = ["client_at", "nd8_client"]


def client_at(base_url: str, *, settings: conf.ND8Settings) -> ND8Client:
    """A new client with the account's credentials, for ND8's API at `base_url`; whoever asks for it closes it."""
    return ND8Client(
        base_url=base_url,
        api_key=settings.API_KEY,
        merchant_token=settings.MERCHANT_TOKEN,
        connect_timeout=settings.CONNECT_TIMEOUT,
        read_timeout=settings.READ_TIMEOUT,
        read_budget=settings.READ_BUDGET,
        observe=_tell,
    )


def _tell(operation: str, outcome: str, seconds: float) -> None:
    signals.provider_called.send_robust(sender=None, operation=operation, outcome=outcome, seconds=seconds)


@cache
def nd8_client() -> ND8Client:
    """The account's client: one with its connections a process, made at first use."""
    settings = conf.get_settings()
    return client_at(settings.BASE_URL, settings=settings)


def _forget(*, setting: str, **_kwargs: Any) -> None:
    if setting == "ND8":
        nd8_client.cache_clear()


setting_changed.connect(_forget, dispatch_uid="oscar_nd8.nd8.connection")
