"""The account's pages sent several times at the same moment, on PostgreSQL: one change, one secret."""

from typing import Any

import pytest
from django.test import Client

from oscar_nd8.models import StaffAction
from oscar_nd8.testing import ND8
from tests.linking import merchant
from tests.races import at_once
from tests.staff import browser_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]

ACCOUNT = "/dashboard/payments/account/"


def clicks(change: str, *clients: Client) -> list[Any]:
    """The button of one page pressed by each of `clients` while ND8 is slow; the answers."""
    sent = {"seen": clients[0].get(f"{ACCOUNT}{change}/").context["seen"]}
    return at_once(*[lambda client=client: client.post(f"{ACCOUNT}{change}/", sent) for client in clients])


def boss(name: str = "bess") -> Client:
    """Staff who may manage the account."""
    return browser_of(name, "oscar_nd8.manage_account", staff=True)


@pytest.mark.parametrize("heads", [1, 2], ids=["one person clicks four times", "two people click twice"])
def test_one_page_makes_one_key(nd8: ND8, heads: int) -> None:
    nd8.control("faults", operation="createOrganizationApiKey", kind="slow", times=4, seconds=1)
    bosses = [boss(f"bess{number}") for number in range(heads)]
    answers = clicks("key", *(bosses * 4)[:4])
    assert sorted(answer.status_code for answer in answers) == [200, 302, 302, 302]
    assert nd8.calls("createOrganizationApiKey") == 1
    assert len(merchant("GET", "organization/api-keys/")) == 2
    assert StaffAction.objects.get().note.startswith("API key made: ")


def test_one_page_registers_the_webhook_once(nd8: ND8) -> None:
    nd8.control("faults", operation="putOrganizationWebhook", kind="slow", times=4, seconds=1)
    answers = clicks("webhook", *[boss()] * 4)
    assert sorted(answer.status_code for answer in answers) == [200, 302, 302, 302]
    assert nd8.calls("putOrganizationWebhook") == 1
    assert StaffAction.objects.get().note.startswith("webhook: https://")
