"""The health view: who is let in, what they are told, and that nobody else learns anything."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from oscar_nd8.exceptions import ProviderUnavailable
from oscar_nd8.gateway import get_gateway
from oscar_nd8.states import SessionStatus
from oscar_nd8.testing import ND8
from tests.staff import browser_of, make_session

pytestmark = pytest.mark.django_db

HEALTH = "/nd8/health/"
TOKEN = "a-token-of-a-monitor"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def token(settings: Any) -> None:
    """A shop that lets a monitor in."""
    settings.ND8 = {**settings.ND8, "HEALTH_TOKEN": TOKEN}


@pytest.fixture
def stuck(db: None) -> None:
    """A payment that has been paid for a day, without an order."""
    make_session("100001", SessionStatus.PAID, paid_at=timezone.now() - timedelta(days=1))


def learned_nothing(response: Any) -> bool:
    """Whether the answer says no more than that it is not given."""
    return list(response.json()) == ["detail"] and "no-store" in response["Cache-Control"]


# Who


@pytest.mark.usefixtures("token", "stuck")
@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer tök€n",
        "Bearer " + "x" * 10_000,
    ],
)
def test_a_stranger_and_a_wrong_token_learn_nothing(client: Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with CaptureQueriesContext(connection) as captured:
        response = client.get(HEALTH, headers=headers)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert learned_nothing(response)
    assert len(captured) == 0


@pytest.mark.parametrize("authorization", ["Bearer ", "Bearer", "Bearer x"])
def test_without_a_token_in_the_settings_no_token_opens(client: Client, authorization: str) -> None:
    assert client.get(HEALTH, headers={"Authorization": authorization}).status_code == 401


@pytest.mark.usefixtures("token")
def test_a_wrong_token_is_not_made_good_by_a_session() -> None:
    boss = browser_of("boss", staff=True, superuser=True)
    assert boss.get(HEALTH, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert boss.get(HEALTH).status_code == 200


@pytest.mark.parametrize(
    ("permissions", "staff"),
    [((), False), ((), True), (("oscar_nd8.view_payments",), False)],
    ids=["customer", "staff without the permission", "permission without staff"],
)
@pytest.mark.usefixtures("stuck")
def test_customers_and_half_a_permission_are_refused(permissions: tuple[str, ...], staff: bool) -> None:
    response = browser_of("half", *permissions, staff=staff).get(HEALTH)
    assert response.status_code == 403
    assert learned_nothing(response)


def test_staff_with_the_permission_are_let_in() -> None:
    response = browser_of("clerk", "oscar_nd8.view_payments", staff=True).get(HEALTH)
    assert (response.status_code, response.json()["status"]) == (200, "ok")


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_token_opens(client: Client, scheme: str) -> None:
    assert client.get(HEALTH, headers={"Authorization": f"{scheme} {TOKEN}"}).status_code == 200


@pytest.mark.usefixtures("token")
def test_only_reading_is_answered(client: Client) -> None:
    assert client.post(HEALTH, headers=BEARER).status_code == 405
    assert client.head(HEALTH, headers=BEARER).status_code == 200


# What


@pytest.mark.usefixtures("token")
def test_the_answer_has_one_finding_for_each_subject(client: Client) -> None:
    answer = client.get(HEALTH, headers=BEARER).json()
    assert list(answer) == ["status", "checked_at", "findings"]
    assert [each["id"] for each in answer["findings"]] == [
        "reachable",
        "notifications", "queue", "reconciling", "orders-due", "held", "matters",
    ]  # fmt: skip
    for each in answer["findings"]:
        assert list(each) == ["id", "level", "fact", "advice"]


@pytest.mark.usefixtures("token", "stuck")
def test_an_error_is_told_by_the_status(client: Client) -> None:
    response = client.get(HEALTH, headers=BEARER)
    assert (response.status_code, response.json()["status"]) == (503, "error")
    assert response["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("token")
def test_a_warning_is_none(client: Client) -> None:
    make_session("100001", SessionStatus.HELD, paid_at=timezone.now() - timedelta(days=1))
    response = client.get(HEALTH, headers=BEARER)
    assert (response.status_code, response.json()["status"]) == (200, "warning")


@pytest.mark.usefixtures("token")
def test_the_words_are_the_same_in_every_language(client: Client) -> None:
    make_session("100001", SessionStatus.HELD, paid_at=timezone.now() - timedelta(days=2))
    answer = client.get(HEALTH, headers={**BEARER, "Accept-Language": "de"}).json()
    assert "for 2 days." in json.dumps(answer)


@pytest.mark.usefixtures("token", "stuck")
def test_no_name_number_or_address_of_a_payment_is_told(client: Client) -> None:
    text = client.get(HEALTH, headers=BEARER).content.decode()
    for private in ("100001", "ada@example.com", "CO-", "nd8_test_key", "whsec_sandbox", TOKEN):
        assert private not in text


def test_a_provider_that_failed_several_times_is_a_warning_without_another_call(
    client: Client, nd8: ND8, settings: Any
) -> None:
    settings.ND8 = {**settings.ND8, "HEALTH_TOKEN": TOKEN, "READ_BUDGET": 0.1}
    nd8.fault("getPaymentById", "500", times=100)
    for _each in range(5):
        assert client.get(HEALTH, headers=BEARER).json()["status"] == "ok"
        with pytest.raises(ProviderUnavailable):
            get_gateway("nd8").look_up("TX1")
    calls = len(nd8.state["calls"])
    response = client.get(HEALTH, headers=BEARER)
    assert (response.status_code, response.json()["status"]) == (200, "warning")
    assert response.json()["findings"][0]["fact"].startswith("ND8 failed at 5 calls in a row")
    assert len(nd8.state["calls"]) == calls


def test_a_key_that_no_call_can_be_made_with_is_an_error(client: Client, settings: Any) -> None:
    settings.ND8 = {**settings.ND8, "HEALTH_TOKEN": TOKEN, "API_KEY": "sk_very\nsecret"}
    response = client.get(HEALTH, headers=BEARER)
    assert response.status_code == 503
    assert "The API key has characters that no key has" in response.json()["findings"][0]["fact"]
    assert "sk_very" not in response.content.decode()


# Cost


@pytest.mark.usefixtures("token")
def test_the_cost_is_fixed_and_nothing_is_left_behind(client: Client, nd8: ND8) -> None:
    for _each in range(2):
        with CaptureQueriesContext(connection) as captured:
            response = client.get(HEALTH, headers=BEARER)
        assert len(captured) == 8
        assert not response.cookies
        make_session(str(timezone.now().timestamp()), SessionStatus.HELD)
    assert nd8.state["calls"] == []
    assert Session.objects.count() == get_model("basket", "Basket").objects.count() == 0


@pytest.mark.usefixtures("token")
def test_a_database_that_is_down_is_an_answer(client: Client) -> None:
    with connection.execute_wrapper(_down):
        response = client.get(HEALTH, headers=BEARER)
        stranger = client.get(HEALTH)
    assert (response.status_code, response.json()["status"]) == (503, "error")
    assert [each["id"] for each in response.json()["findings"]] == ["reachable", "database"]
    assert "10.0.0.5" not in response.content.decode()
    assert stranger.status_code == 401


def _down(*_query: Any) -> None:
    raise OperationalError("connection refused at 10.0.0.5")
