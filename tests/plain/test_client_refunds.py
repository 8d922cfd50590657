"""Refunds through the client: asked for exactly, known by one id, and found again when an answer was lost."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from oscar_nd8.client import AcceptedRefund, ND8Client, Page, Refund, RefundQuery, RefundRequest
from oscar_nd8.emulator import Emulator
from oscar_nd8.exceptions import NotFound, OutcomeUnknown, RequestRejected
from tests.plain.conftest import KEY
from tests.plain.loopback import checkout_request

ACCEPTED: dict[str, Any] = {
    "status": "processing",
    "refund_id": 42,
    "refund_public_id": "xYz9AbC",
    "transaction_id": 17,
    "amount": "40.00",
    "currency": "EUR",
    "amount_usd": "44.00",
    "amount_in_cents": 3333,
}
REFUND: dict[str, Any] = {
    "id": "RFxYz9AbC",
    "transaction_id": "TX1",
    "amount": "40.00",
    "currency": "EUR",
    "status": "completed",
}


@pytest.fixture
def nd8(emulator: Emulator) -> Iterator[ND8Client]:
    emulator.control("reset")
    emulator.control("organization", wallet_balance=1_000)
    with ND8Client(
        base_url=emulator.sandbox_api_url, api_key=KEY, connect_timeout=0.5, read_timeout=1, read_budget=4
    ) as client:
        yield client


def paid(emulator: Emulator, nd8: ND8Client) -> str:
    """A payment of 21.00 EUR."""
    checkout = nd8.create_checkout(checkout_request())
    return str(emulator.control(f"checkouts/{checkout.checkout_id}/outcome", outcome="paid")["transaction_id"])


def answering(*contents: Any) -> tuple[ND8Client, list[httpx.Request]]:
    """A client of a server that says these things in turn, or a status where that is all it has to say."""
    left, seen = list(contents), []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        content = left.pop(0)
        return httpx.Response(content) if isinstance(content, int) else httpx.Response(200, json=content)

    return ND8Client(base_url="https://nd8.example/api", api_key="k", transport=httpx.MockTransport(handler)), seen


def refund(number: int) -> dict[str, Any]:
    return REFUND | {"id": f"RF{number}"}


def test_a_part_is_refunded_and_then_all_that_remains(emulator: Emulator, nd8: ND8Client) -> None:
    payment = paid(emulator, nd8)
    part = nd8.create_refund(payment, RefundRequest(reason="Broken handle", amount="5.50"))
    assert (part.status, part.amount, part.currency) == ("processing", "5.50", "EUR")
    rest = nd8.create_refund(payment, RefundRequest(reason="Sent back"))
    assert rest.amount == "15.50"
    with pytest.raises(RequestRejected) as caught:
        nd8.create_refund(payment, RefundRequest(reason="Again", amount="0.01"))
    assert (caught.value.status, bool(caught.value.detail)) == (400, True)
    assert len(emulator.state()["refunds"]) == 2


def test_the_id_of_the_answer_is_the_id_everywhere(emulator: Emulator, nd8: ND8Client) -> None:
    payment = paid(emulator, nd8)
    accepted = nd8.create_refund(payment, RefundRequest(reason="Broken"))
    read = nd8.get_refund(accepted.refund_public_id)
    assert (read.id, read.transaction_id, read.reason) == (accepted.refund_public_id, payment, "Broken")
    assert [each.id for each in nd8.list_refunds().results] == [accepted.refund_public_id]
    assert nd8.get_refund(str(accepted.refund_id)).id == read.id


def test_an_unknown_refund_is_not_found(nd8: ND8Client) -> None:
    with pytest.raises(NotFound):
        nd8.get_refund("RFnobody")


def test_refunds_are_filtered_ordered_and_paged(emulator: Emulator, nd8: ND8Client) -> None:
    began = datetime.now(UTC) - timedelta(seconds=5)
    first, second = paid(emulator, nd8), paid(emulator, nd8)
    ids = [
        nd8.create_refund(payment, RefundRequest(reason=f"ref-{amount}", amount=amount)).refund_public_id
        for payment, amount in [(first, "3.00"), (first, "1.00"), (second, "2.00")]
    ]
    emulator.control(f"refunds/{ids[1]}/outcome", status="completed")

    def found(**query: Any) -> list[str]:
        return [each.id for each in nd8.list_refunds(RefundQuery(**query)).results]

    assert found(search=first, ordering="amount") == [ids[1], ids[0]]
    assert found(search="ref-2.00") == [ids[2]]
    assert found(status="completed") == [ids[1]]
    assert found(ordering="-amount", page=2, page_size=2) == [ids[1]]
    assert found(created_at__gte=began, search=second) == [ids[2]]
    assert found(created_at__lte=began) == []
    assert found(created_at__gte=began.astimezone(timezone(timedelta(hours=5))), status="completed") == [ids[1]]
    every = nd8.iterate_refunds(RefundQuery(ordering="amount", page_size=1))
    assert [each.id for each in every] == [ids[1], ids[2], ids[0]]


def test_a_lost_answer_is_found_again_and_nothing_is_refunded_twice(emulator: Emulator, nd8: ND8Client) -> None:
    payment = paid(emulator, nd8)
    emulator.control("faults", operation="createRefundForPayment", kind="timeout_after", times=1)
    with pytest.raises(OutcomeUnknown):
        nd8.create_refund(payment, RefundRequest(reason="our-reference-7", amount="5.00"))
    (found,) = nd8.iterate_refunds(RefundQuery(search="our-reference-7"))
    assert (found.transaction_id, found.amount) == (payment, "5.00")
    assert len(emulator.state()["refunds"]) == 1


# The last one was found by the emulator: one id of some four thousand begins like the prefix that ND8 leaves out.
@pytest.mark.parametrize(
    ("sent", "known"), [("xYz9AbC", "RFxYz9AbC"), ("rfx", "RFrfx"), ("RFZhG4X8rD", "RFRFZhG4X8rD")]
)
def test_the_prefix_that_nd8_leaves_out_is_put_in_front(sent: str, known: str) -> None:
    body = json.dumps(ACCEPTED | {"refund_public_id": sent})
    assert AcceptedRefund.model_validate_json(body).refund_public_id == known


@pytest.mark.parametrize("field", ["refund_public_id", "status", "amount", "currency"])
@pytest.mark.parametrize("value", [None, "", 40, True, {}])
def test_an_accepted_refund_is_read_strictly_where_money_hangs_on_it(field: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        AcceptedRefund.model_validate_json(json.dumps(ACCEPTED | {field: value}))


@pytest.mark.parametrize("field", ["id", "transaction_id", "status", "amount", "currency"])
def test_a_refund_needs_what_it_is_told_apart_by(field: str) -> None:
    with pytest.raises(ValidationError):
        Refund.model_validate_json(json.dumps({name: REFUND[name] for name in REFUND if name != field}))


def test_what_is_new_or_odd_in_a_refund_is_kept_or_passed_over() -> None:
    seen = Refund.model_validate_json(
        json.dumps(REFUND | {"status": "on_hold", "amount_in_cents": "odd", "amount_usd": None, "staff": "Ada"})
    )
    assert (seen.status, seen.amount_in_cents, seen.amount_usd) == ("on_hold", None, None)
    assert seen.model_extra == {"staff": "Ada"}
    assert "Ada" not in repr(seen)


def test_a_reason_is_not_shown() -> None:
    request = RefundRequest(reason="Mrs Lovelace sent it back")
    answer = Refund.model_validate_json(json.dumps(REFUND | {"reason": "Mrs Lovelace sent it back"}))
    assert "Lovelace" not in repr(request) + repr(answer)


@pytest.mark.parametrize(
    "fields",
    [
        {"reason": ""},
        {"reason": "  "},
        {"reason": "x" * 501},
        {"amount": "5.00"},
        {"reason": "r", "amount": "0.00"},
        {"reason": "r", "amount": "-1.00"},
        {"reason": "r", "amount": "1.005"},
        {"reason": "r", "amount": "1e3"},
        {"reason": "r", "amount": "1,00"},
        {"reason": "r", "amount": "٣.00"},
        {"reason": "r", "amount": 5},
        {"reason": "r", "amount": ""},
        {"reason": "r", "currency": "EUR"},
    ],
)
def test_what_nd8_would_refuse_is_refused_here(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RefundRequest(**fields)


def test_without_an_amount_none_is_sent() -> None:
    assert json.loads(RefundRequest(reason="r").to_json()) == {"reason": "r"}
    assert json.loads(RefundRequest(reason="r", amount="40").to_json()) == {"reason": "r", "amount": "40"}


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"created_at__gte": datetime(2024, 5, 1)},  # noqa: DTZ001 - whose clock?
        {"search": ""},
        {"ordering": "amount&page=2"},
        {"page": 0},
        {"page_size": True},
        {"payment": "TX1"},
    ],
)
def test_a_query_that_means_nothing_is_refused(query: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RefundQuery(**query)


def test_a_query_is_written_in_nd8s_words() -> None:
    nd8, seen = answering([])
    moment = datetime(2024, 5, 1, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    nd8.list_refunds(
        RefundQuery(status="failed", created_at__gte=moment, search="a+b & c", ordering="-created_at", page=2)
    )
    assert dict(seen[0].url.params) == {
        "status": "failed",
        "created_at__gte": "2024-05-01T12:30:00+02:00",
        "search": "a+b & c",
        "ordering": "-created_at",
        "page": "2",
    }


def test_a_page_is_an_array_or_an_envelope() -> None:
    array = Page[Refund].model_validate_json(json.dumps([REFUND]))
    envelope = Page[Refund].model_validate_json(json.dumps({"count": 1, "next": None, "results": [REFUND]}))
    assert array.results == envelope.results
    assert (array.count, envelope.count) == (None, 1)
    assert (array.is_last, envelope.is_last) == (False, True)


@pytest.mark.parametrize("body", [{}, {"results": None}, [{}], [None], {"detail": "no"}, "x", 1])
def test_no_refunds_are_read_out_of_something_else(body: Any) -> None:
    with pytest.raises(ValidationError):
        Page[Refund].model_validate_json(json.dumps(body))


@pytest.mark.parametrize(
    ("pages", "requests"),
    [
        (lambda: [[refund(1), refund(2)], [refund(3)], []], 3),
        (lambda: [[refund(1), refund(2)], [refund(2), refund(3)], [refund(3)]], 3),
        (lambda: [[refund(1), refund(2), refund(3)], 404], 2),
        (lambda: [{"next": "u", "results": [refund(1), refund(2)]}, {"next": None, "results": [refund(3)]}], 2),
    ],
    ids=["empty page", "a page that moved", "no such page", "envelope"],
)
def test_every_refund_is_seen_once_however_pages_end(pages: Callable[[], list[Any]], requests: int) -> None:
    nd8, seen = answering(*pages())
    assert [each.id for each in nd8.iterate_refunds()] == ["RF1", "RF2", "RF3"]
    assert [request.url.params["page"] for request in seen] == [str(number + 1) for number in range(requests)]


def test_a_server_that_knows_no_pages_is_asked_twice_only() -> None:
    nd8, seen = answering([refund(1)], [refund(1)], [refund(1)])
    assert len(list(nd8.iterate_refunds(RefundQuery(search="TX1")))) == 1
    assert len(seen) == 2


def test_a_list_that_is_not_there_is_no_empty_list() -> None:
    nd8, _ = answering(404)
    with pytest.raises(NotFound):
        list(nd8.iterate_refunds())
