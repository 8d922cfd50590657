"""From a submission of Oscar's checkout to the session that the shopper can pay, or to a sentence that says why not."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from oscar.apps.payment.exceptions import UnableToTakePayment

from oscar_nd8.exceptions import ND8Error, NotOffered, NotReusable, RequestRejected
from oscar_nd8.gateway import ReturnAddresses
from oscar_nd8.models import PaymentSession
from oscar_nd8.services.open_checkout import OpenCheckout, open_checkout
from oscar_nd8.shop.addresses import address_of
from oscar_nd8.shop.quote import take_quote

__all__ = ["begin_payment"]


def begin_payment(submission: Mapping[str, Any], *, request: HttpRequest) -> OpenCheckout:
    """As `open_checkout`. Raises Oscar's UnableToTakePayment, with a sentence for the shopper."""
    try:
        return open_checkout(
            take_quote(submission, request=request),
            source_basket_id=submission["basket"].pk,
            returns=lambda session: _return_addresses(request, session),
        )
    except (NotOffered, NotReusable) as error:
        raise UnableToTakePayment(str(error)) from error
    except RequestRejected as error:
        raise UnableToTakePayment(
            _(
                "The payment service refused to open a payment for this order. You have not been charged, and "
                "your basket is unchanged. Please choose another way to pay, or write to us."
            )
        ) from error
    except ND8Error as error:
        raise UnableToTakePayment(
            _(
                "The payment service did not answer as it should. You have not been charged, and your basket "
                "is unchanged. Please try again in a few minutes."
            )
        ) from error


def _return_addresses(request: HttpRequest, session: PaymentSession) -> ReturnAddresses:
    shop = request.build_absolute_uri("/").removesuffix("/")

    def absolute(outcome: str) -> str:
        return shop + address_of("return", token=session.token, outcome=outcome)

    return ReturnAddresses(success=absolute("success"), failed=absolute("failed"), canceled=absolute("canceled"))
