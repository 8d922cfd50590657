"""What is kept does not depend on the language of whoever caused it; what is shown does."""

from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from oscar_nd8.exceptions import DecisionRefused, NotOffered
from oscar_nd8.models import Attention, StaffAction
from oscar_nd8.services.refund import LOST, request_refund
from oscar_nd8.services.settle_refund import NEVER_RECEIVED, settle_refund
from oscar_nd8.testing import ND8, Shopper
from oscar_nd8.wording import as_written
from tests.refunding import REASON, end, later, order_of, pay
from tests.speaking import teach

pytestmark = pytest.mark.django_db

SENTENCES = {
    "Please say how much to give back.": "DE wieviel?",
    "%(amount)s %(currency)s given back by ND8 (%(refund)s).": "DE %(amount)s zur\u00fcck",
    "Reason: %s": "DE Grund: %s",
    "Payments from your country need a postal code. Please add it to your address.": "DE Postleitzahl!",
    "Refunded": "DE erstattet",
    LOST: "DE verloren",
    NEVER_RECEIVED: "DE nie angekommen",
    "ND8 refused, and no money moved. It says: %(said)s": "DE abgelehnt: %(said)s",
}


@pytest.fixture(autouse=True)
def german(settings: Any, tmp_path: Path) -> Any:
    """Staff and shoppers who read German, in a shop that does not."""
    teach(settings, tmp_path, "de", SENTENCES)
    return settings


def test_reasons_and_matters_are_kept_as_written_and_refusals_are_said_in_the_readers_language(
    guest: Shopper, nd8: ND8, mug: Any
) -> None:
    payment = pay(guest, nd8, mug)
    with translation.override("de"):
        with pytest.raises(DecisionRefused, match="DE wieviel"):
            request_refund(payment, reason=REASON)
        nd8.fault("createRefundForPayment", "timeout_before")
        lost = request_refund(payment, amount=100, reason=REASON)
        assert lost.status_reason == LOST
        settle_refund(lost, clock=later(16))
        assert lost.status_reason == NEVER_RECEIVED
        nd8.control("organization", wallet_balance="0.00")
        refused = request_refund(payment, everything=True, reason=REASON)
        assert refused.status_reason.startswith("ND8 refused, and no money moved. It says:")
    assert Attention.objects.get().detail.startswith(f"The refund of 1.00 USD did not go through: {NEVER_RECEIVED}")
    assert StaffAction.objects.latest("pk").note == f"24.97 USD: {REASON}"


def test_a_note_on_the_order_is_in_the_shops_language_and_the_page_in_the_readers(
    guest: Shopper, nd8: ND8, mug: Any, settings: Any
) -> None:
    payment = pay(guest, nd8, mug)
    for language, words in (("en-us", "9.99 USD given back by ND8"), ("de", "DE 9.99 zur\u00fcck DE Grund:")):
        settings.LANGUAGE_CODE = language
        refund = request_refund(payment, amount=999, reason=REASON)
        end(nd8, refund.refund_id)
        with translation.override("de"):
            settle_refund(refund)
            assert refund.get_status_display() == "DE erstattet"
        assert words in order_of(payment).notes.latest("pk").message


def test_what_a_shopper_is_told_in_their_language_is_kept_as_written() -> None:
    with translation.override("de"):
        refusal = NotOffered(translation.gettext_lazy("Please say how much to give back."))
        assert (str(refusal), as_written(refusal)) == ("DE wieviel?", "Please say how much to give back.")
