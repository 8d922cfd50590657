"""How ND8's pages come into a checkout app; read while the app registry loads, so it knows no model."""

from typing import Any

from django.urls import include, path

__all__ = ["ND8CheckoutURLsMixin"]


class ND8CheckoutURLsMixin:
    """For the CheckoutConfig of a shop's own fork: mounts the return pages and the webhook below `checkout/nd8/`.

    They stay open to everybody where OSCAR_ALLOW_ANON_CHECKOUT is False: ND8 cannot log in. Shops that use
    i18n_patterns also include `oscar_nd8.urls` outside of them, since a redirected webhook is a lost one.
    """

    def get_urls(self) -> list[Any]:
        """Our pages, then the checkout's own."""
        return [path("nd8/", include("oscar_nd8.urls")), *super().get_urls()]  # type: ignore[misc]  # mixed in before it
