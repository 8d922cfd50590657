"""Oscar's checkout views with ND8 mixed in, for shops without a fork of the checkout app."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from oscar.apps.checkout import views as core

from oscar_nd8.checkout.mixins import ND8PaymentDetailsMixin, ND8PaymentMethodMixin

__all__ = ["PaymentDetailsView", "PaymentMethodView"]


class PaymentMethodView(ND8PaymentMethodMixin, core.PaymentMethodView):
    """Choose how to pay."""


class PaymentDetailsView(ND8PaymentDetailsMixin, core.PaymentDetailsView):
    """Preview and pay. Oscar's own details page is a placeholder for forks, so no method stops there."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The preview, also for methods that the shop named beside ND8."""
        if not self.preview:
            return HttpResponseRedirect(reverse("checkout:preview"))
        return super().get(request, *args, **kwargs)
