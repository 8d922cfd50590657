"""What a shop's own checkout fork mixes into Oscar's two payment views."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from oscar.apps.payment.exceptions import RedirectRequired
from oscar.core.loading import get_class

from oscar_nd8.checkout.forms import PayerForm, PaymentMethodForm
from oscar_nd8.checkout.methods import ND8, is_chosen, methods_for
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.prefetch import read_lines
from oscar_nd8.shop.shopper import remember

if TYPE_CHECKING:
    from oscar.apps.checkout.views import PaymentDetailsView, PaymentMethodView
else:
    # A shop's fork brings its own classes; these mixins only stand in front of them.
    PaymentDetailsView = PaymentMethodView = object

__all__ = ["ND8PaymentDetailsMixin", "ND8PaymentMethodMixin"]

Submission = Mapping[str, Any]


class ND8PaymentDetailsMixin(PaymentDetailsView):
    """For PaymentDetailsView, before Oscar's class: takes the payment by ND8 where the shopper chose it.

    The shopper's basket is never frozen: the payment gets a frozen copy of its own. Views that use this mixin
    run outside ATOMIC_REQUESTS, because the provider is called between two transactions.
    """

    request: HttpRequest
    _submission: Submission

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Oscar's view, exempt from ATOMIC_REQUESTS."""
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """ND8 asks for card details on its own page: there is nothing to fill in before the preview."""
        if not self.preview and is_chosen(ND8, self.checkout_session):
            return HttpResponseRedirect(reverse("checkout:preview"))
        return super().get(request, *args, **kwargs)

    def check_basket_is_not_empty(self, request: Any) -> None:
        """The first of Oscar's checks of the basket: what all of them ask of its lines is read here."""
        if is_chosen(ND8, self.checkout_session):
            read_lines(request.basket)
        super().check_basket_is_not_empty(request)

    def check_payment_data_is_captured(self, request: Any) -> None:
        """Before the preview: ND8 needs a name and a country, which a basket without shipping never asked for."""
        super().check_payment_data_is_captured(request)
        # A basket that is shipped has an address by now; only the others are worth pricing once more.
        if not is_chosen(ND8, self.checkout_session) or request.basket.is_shipping_required():
            return
        submission = self.build_submission()
        if submission["billing_address"] or _is_free(submission):
            return
        raise get_class("checkout.exceptions", "FailedPreCondition")(
            url=reverse("checkout:payment-method"),
            message=_("Please tell us your name and country for the payment."),
        )

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Adds the chosen method and, where ND8 cannot take this order, the reason."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        total = context.get("order_total")
        if total is not None and not _is_free(context):
            methods = methods_for(total, request=self.request)
            chosen = next((each for each in methods if is_chosen(each.code, self.checkout_session)), methods[0])
            context |= {"nd8_method": chosen, "nd8_method_choice": len(methods) > 1}
        return context

    def submit(self, **submission: Any) -> HttpResponse:  # type: ignore[override]  # always called with keywords
        """Oscar's submit; the submission is kept for `handle_payment`, which Oscar tells only the total."""
        self._submission = submission
        return super().submit(**submission)

    def handle_payment(self, order_number: Any, total: Any, **kwargs: Any) -> None:
        """Send the shopper to ND8, or leave it to the shop where another method was chosen."""
        if _is_free(self._submission):
            return
        if not self._pays_by_nd8():
            super().handle_payment(order_number, total, **kwargs)
            return
        # Oscar reads this file at every start, also of a process that never takes a payment.
        from oscar_nd8.checkout.begin import begin_payment

        checkout = begin_payment(self._submission, request=self.request)
        session, url = checkout.session, checkout.session.checkout_url
        remember(self.request, session)
        if session.is_paid or (checkout.may_be_under_way and session.is_under_way()):
            url = address_of("return", token=session.token, outcome="success")
        raise RedirectRequired(url)

    def render_payment_details(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """ND8 has no details page: its errors are shown above the preview, where the shopper can try again."""
        if is_chosen(ND8, self.checkout_session):
            return self.render_preview(request, **kwargs)
        return super().render_payment_details(request, **kwargs)

    def freeze_basket(self, basket: Any) -> None:
        """Nothing to freeze for ND8: its session owns a copy."""
        if not self._pays_by_nd8():
            super().freeze_basket(basket)

    def restore_frozen_basket(self) -> None:
        """Nothing to restore for ND8: the shopper's basket was never touched."""
        if not self._pays_by_nd8():
            super().restore_frozen_basket()

    def _pays_by_nd8(self) -> bool:
        return not _is_free(self._submission) and is_chosen(ND8, self.checkout_session)


class ND8PaymentMethodMixin(PaymentMethodView):
    """For PaymentMethodView, before Oscar's class: choose a method, and say who pays where nobody asked yet."""

    request: HttpRequest
    template_name = "oscar_nd8/checkout/payment_method.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The choice, or straight on where there is nothing to choose and nothing to ask."""
        context = self._context()
        if len(context["methods"]) == 1 and context["methods"][0].offered and context["payer_form"] is None:
            return self.get_success_response()
        return self.render_to_response(context)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Keep the choice in Oscar's checkout session and go on."""
        context = self._context(data=request.POST)
        form, payer_form = context["form"], context["payer_form"]
        if not form.is_valid():
            return self.render_to_response(context, status=422)
        if payer_form is not None and form.cleaned_data["method"] == ND8:
            if not payer_form.is_valid():
                return self.render_to_response(context, status=422)
            self.checkout_session.bill_to_new_address(payer_form.address_fields())
        self.checkout_session.pay_by(form.cleaned_data["method"])
        return self.get_success_response()

    def _context(self, data: Any = None) -> dict[str, Any]:
        context: dict[str, Any] = self.get_context_data()
        methods = methods_for(context["order_total"], request=self.request)
        form = PaymentMethodForm(
            data,
            methods=methods,
            initial={"method": self.checkout_session.payment_method()},
        )
        payer_form = None
        if not context["shipping_address"]:
            payer_form = PayerForm(
                data,
                initial=self.checkout_session.new_billing_address_fields() or {},
            )
        return {**context, "methods": methods, "form": form, "payer_form": payer_form}


def _is_free(submission: Submission) -> bool:
    total = submission.get("order_total")
    return total is not None and total.is_tax_known and total.incl_tax == Decimal(0)
