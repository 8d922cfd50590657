"""The seam: ND8's words become ours in one place, and its addresses are not trusted."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from oscar_nd8.client import ND8Client
from oscar_nd8.conf import ND8Settings
from oscar_nd8.exceptions import NotOffered, OutcomeUnknown, ProviderUnavailable, RequestRejected, SignatureInvalid
from oscar_nd8.gateway import ReturnAddresses, get_gateway, new_reference
from oscar_nd8.lines import Item
from oscar_nd8.nd8.gateway import ND8Gateway
from oscar_nd8.shop.quote import Payer
from oscar_nd8.states import DepositState, PaymentState, RefundStatus

pytestmark = pytest.mark.usefixtures("repeated_at_once")

RETURNS = ReturnAddresses(
    success="https://shop.example/s", failed="https://shop.example/f", canceled="https://shop.example/c"
)
PAYER = Payer(first_name="Ada", last_name="Byron", email="ada@example.com", country="US", postal_code="62701")
ITEMS = [Item("Enamel mug", 2, 999)]


def gateway_answering(answer: dict[str, Any], status: int = 200) -> ND8Gateway:
    """A gateway whose provider always says `answer`."""
    return gateway_of(lambda _request: httpx.Response(status, json=answer))


def gateway_of(provider: Callable[[httpx.Request], httpx.Response]) -> ND8Gateway:
    """A gateway in front of such a provider."""
    transport = httpx.MockTransport(provider)
    settings = ND8Settings.model_validate({"API_KEY": "k", "CHECKOUT_HOSTS": ["pay.nd8.example", "127.0.0.1:8800"]})
    client = ND8Client(base_url="https://api.nd8.example/api/", api_key="k", transport=transport)
    return ND8Gateway(client, settings=settings)


def checkout(url: str) -> dict[str, Any]:
    """A well-formed answer of createPayment."""
    return {"checkout_id": "co_1", "order_id": "co_1", "checkout_url": url, "token": "t", "expires_at": 1_900_000_000}


def begin(gateway: ND8Gateway, payer: Payer = PAYER) -> Any:
    """Begin a payment of 19.98 USD."""
    return gateway.begin(items=ITEMS, currency="USD", payer=payer, returns=RETURNS)


@pytest.mark.parametrize("url", ["https://pay.nd8.example/pay/x", "http://127.0.0.1:8800/pay/x"])
def test_a_shopper_is_sent_to_a_host_of_the_settings(url: str) -> None:
    begun = begin(gateway_answering(checkout(url), 201))
    assert (begun.checkout_id, begun.url, begun.expires_at.year) == ("co_1", url, 2030)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/pay/x",
        "https://pay.nd8.example@evil.example/",
        "https://pay.nd8.example.evil.example/",
        "https://pay.nd8.example:8443/",
        "http://pay.nd8.example/pay/x",
        "javascript:alert(1)",
        "//pay.nd8.example/",
    ],
)
def test_any_other_page_is_refused(url: str) -> None:
    with pytest.raises(RequestRejected, match="CHECKOUT_HOSTS"):
        begin(gateway_answering(checkout(url), 201))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [({"postal_code": ""}, "need a postal code"), ({"last_name": " "}, "not complete enough")],
)
def test_a_payer_that_nd8_could_not_bill_is_told_so_before_anything_is_sent(
    changes: dict[str, str], sentence: str
) -> None:
    payer = Payer(**{name: changes.get(name, getattr(PAYER, name)) for name in Payer.__slots__})
    with pytest.raises(NotOffered, match=sentence) as caught:
        begin(gateway_answering({}, 500), payer)
    assert "Byron" not in str(caught.value)
    assert caught.value.__cause__ is None


def report(**changes: Any) -> Any:
    """What the gateway makes of a transaction."""
    answer = {"id": "TX1", "amount": "19.10", "status": "paid", "currency": "USD", "depositAttempts": []}
    return gateway_answering(answer | changes).look_up("TX1")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("paid", PaymentState.PAID),
        ("processing", PaymentState.PROCESSING),
        ("failed", PaymentState.FAILED),
        ("canceled", PaymentState.CANCELED),
        ("refund_pending", PaymentState.REFUND_PENDING),
        ("refunded", PaymentState.REFUNDED),
        ("PAID", PaymentState.UNKNOWN),
        ("partially_paid", PaymentState.UNKNOWN),
    ],
)
def test_statuses_are_translated_in_one_table(word: str, state: PaymentState) -> None:
    told = report(status=word)
    assert (told.state, told.raw_status, told.net) == (state, word, 1910)


@pytest.mark.parametrize(
    ("word", "deposit"),
    [
        ("succeeded", DepositState.SUCCEEDED),
        ("pending", DepositState.PENDING),
        ("failed", DepositState.FAILED),
        ("some_new_word", DepositState.PENDING),
    ],
)
def test_the_newest_attempt_decides_about_the_deposit(word: str, deposit: DepositState) -> None:
    attempts = [
        {"status": "failed", "attemptedAt": "2026-11-20T10:00:00Z", "errorMessage": "Your card was declined."},
        {"status": word, "attemptedAt": "2026-11-20T10:05:00Z", "errorMessage": None, "new": {}},
    ]
    told = report(depositAttempts=attempts)
    assert told.deposit == deposit
    assert [each.message for each in told.attempts] == ["", "Your card was declined."]


@pytest.mark.parametrize("amount", ["NaN", "-1.00", "1e3", "19,10", "\u0000", "1" * 40])
def test_an_amount_that_is_none_leaves_the_rest_of_the_answer_readable(amount: str) -> None:
    told = report(amount=amount)
    assert (told.state, told.net) == (PaymentState.PAID, None)


def test_an_answer_without_any_amount_is_none() -> None:
    with pytest.raises(ProviderUnavailable):
        report(amount="")


@pytest.mark.parametrize(("amount", "net"), [("19.104", 1910), ("19.105", 1911), ("0.001", 0), ("19.1", 1910)])
def test_what_is_paid_out_is_rounded_to_a_coin_because_it_is_only_compared(amount: str, net: int) -> None:
    assert report(amount=amount).net == net


def test_nothing_that_nd8_writes_is_more_than_a_database_takes() -> None:
    odd = "\u0000Your\ncard was declined" + "!" * 10_000
    attempt = {"status": odd, "attemptedAt": odd, "errorMessage": odd, "paymentMethod": odd, "paymentId": odd}
    told = report(status=odd, currency="U\u0000SD", depositAttempts=[attempt])
    assert (told.currency, told.raw_status) == ("USD", ("Your card was declined" + "!" * 64)[:64])
    only = told.attempts[0]
    assert only.message == ("Your card was declined" + "!" * 500)[:500]
    for text in (only.state, only.at, only.method, only.reference):
        assert text.startswith("Your card was declined!")
        assert len(text) <= 255


def test_a_notification_is_hints_and_nothing_more() -> None:
    gateway = gateway_answering({})
    body = json.dumps(
        {"event": "transaction.status_changed", "order_id": "co_1", "transaction_id": "TX1", "status": "paid"}
    ).encode()
    note = gateway.read_notification(body, {"X-Webhook-Delivery-Id": " d-1 "})
    assert (note.delivery_id, note.checkout_id, note.transaction_id) == ("d-1", "co_1", "TX1")
    with pytest.raises(SignatureInvalid):
        gateway.verify(body, {"X-Webhook-Signature": "sha256=" + "0" * 64})


def test_there_is_one_gateway_a_process_and_no_other() -> None:
    assert get_gateway("nd8") is get_gateway("nd8")
    with pytest.raises(LookupError, match="'other'"):
        get_gateway("other")


REFUND = {"id": "RF1", "transaction_id": "TX1", "amount": "9.99", "currency": "usd", "status": "processing"}


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("pending", RefundStatus.PROCESSING),
        ("processing", RefundStatus.PROCESSING),
        ("completed", RefundStatus.COMPLETED),
        ("failed", RefundStatus.FAILED),
        ("rejected", RefundStatus.REJECTED),
        ("on_hold", RefundStatus.PROCESSING),
    ],
)
def test_a_refunds_words_are_translated_too_and_an_unknown_one_ends_nothing(word: str, status: RefundStatus) -> None:
    told = gateway_answering({**REFUND, "status": word}).look_up_refund("RF1")
    assert (told.status, told.raw_status, told.amount, told.currency) == (status, word, 999, "USD")


def test_our_reference_is_the_last_one_in_a_reason() -> None:
    mine, older = new_reference(), new_reference()
    gateway = gateway_answering({**REFUND, "reason": f"See {older}: broken ({mine})"})
    assert gateway.look_up_refund("RF1").reference == mine
    assert gateway_answering(REFUND).look_up_refund("RF1").reference == ""


def test_a_refund_that_nd8_took_with_an_unreadable_amount_may_have_happened() -> None:
    accepted = {"refund_public_id": "1", "status": "processing", "amount": "much", "currency": "USD"}
    with pytest.raises(OutcomeUnknown):
        gateway_answering(accepted).refund("TX1", amount=1, currency="USD", reason="r", reference=new_reference())
    with pytest.raises(ProviderUnavailable):
        gateway_answering({**REFUND, "amount": "much"}).look_up_refund("RF1")


def test_a_refund_id_without_its_prefix_gets_it_back() -> None:
    accepted = {"refund_public_id": "xYz9AbC", "status": "processing", "amount": "0.01", "currency": "USD"}
    gateway = gateway_answering(accepted)
    told = gateway.refund("TX1", amount=1, currency="USD", reason="r", reference=new_reference())
    assert (told.refund_id, told.transaction_id) == ("RFxYz9AbC", "TX1")


@pytest.mark.parametrize(
    ("number", "known", "asked"),
    [
        (42, "RFRFxYz9", 1),  # as ND8 says, it left the prefix out
        (42, "RFxYz9", 1),  # it did not
        (42, "RFother", 1),  # and this is another refund's
        (42, None, 1),
        (None, "RFxYz9", 0),
    ],
)
def test_of_an_id_that_begins_like_the_prefix_the_refund_itself_tells_which_it_is(
    number: int | None, known: str | None, asked: int
) -> None:
    accepted = {"refund_public_id": "RFxYz9", "status": "processing", "amount": "0.01", "currency": "USD"}
    reads: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return httpx.Response(200, json=accepted | {"refund_id": number})
        reads.append(request.url.path)
        return httpx.Response(404, json={}) if known is None else httpx.Response(200, json=REFUND | {"id": known})

    told = gateway_of(answer).refund("TX1", amount=1, currency="USD", reason="r", reference=new_reference())

    assert told.refund_id == (known if asked and known in {"RFRFxYz9", "RFxYz9"} else "RFRFxYz9")
    assert reads == ["/api/refunds/42/"] * asked
