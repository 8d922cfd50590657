"""Who runs the shop manages its account at ND8 by commands and in the dashboard; secrets are shown once."""

import json
import logging
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from oscar_nd8.models import PaymentLink, StaffAction
from oscar_nd8.shop.staff import MAY_DECIDE
from oscar_nd8.testing import ND8
from tests.linking import buy_elsewhere, make_link, merchant
from tests.staff import browser_of

pytestmark = pytest.mark.django_db(transaction=True)

ACCOUNT = "/dashboard/payments/account/"
MAY_MANAGE = "oscar_nd8.manage_account"


def told(*command: str) -> str:
    """What a command prints."""
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue()


@pytest.fixture
def boss(nd8: ND8) -> Client:
    """Staff who may manage the account."""
    return browser_of("bess", MAY_MANAGE, staff=True)


def keys() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = merchant("GET", "organization/api-keys/")
    return found


# Commands


def test_the_organization_is_shown_for_people_and_for_programs(nd8: ND8) -> None:
    text = told("nd8_organization")
    for word in ("active", "TTC", "fee_rate", "smallest payment"):
        assert word in text
    data = json.loads(told("nd8_organization", "--json"))
    assert (data["price_mode"], data["status"]) == ("TTC", "active")
    assert set(data["fees"]) == {"fee_rate", "fee_fixed"}


@pytest.mark.parametrize(
    "command", [("nd8_organization",), ("nd8_webhook",), ("nd8_api_keys",), ("nd8_webhook", "--register")]
)
def test_without_a_merchant_token_a_command_says_what_is_missing(
    nd8: ND8, settings: Any, command: tuple[str, ...]
) -> None:
    settings.ND8 = {**settings.ND8, "MERCHANT_TOKEN": ""}
    settings.DEBUG = False
    with pytest.raises(CommandError, match="MERCHANT_TOKEN"):
        told(*command)
    settings.ND8 = {**settings.ND8, "MERCHANT_TOKEN": "ended"}
    with pytest.raises(CommandError, match="does not accept"):
        told(*command)


def test_the_webhook_is_registered_and_its_secret_printed_once_and_logged_never(
    nd8: ND8, settings: Any, caplog: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    assert "nowhere" in told("nd8_webhook") or "They differ" in told("nd8_webhook")
    text = told("nd8_webhook", "--register", "https://shop.example/nd8/webhook/")
    secret = text[text.index("whsec_") :].split()[0]
    assert "ND8['WEBHOOK_SECRETS']" in text
    assert merchant("GET", "organization/webhook/")["endpoint_url"] == "https://shop.example/nd8/webhook/"
    assert secret not in caplog.text
    assert not [action for action in StaffAction.objects.all() if secret in action.note]
    assert secret not in told("nd8_webhook")


@pytest.mark.parametrize("address", ["http://shop.example/nd8/webhook/", "ftp://shop.example/", "shop.example", ""])
def test_an_address_that_is_not_https_is_refused(nd8: ND8, settings: Any, address: str) -> None:
    before = merchant("GET", "organization/webhook/")
    if address:
        with pytest.raises(CommandError, match="not https"):
            told("nd8_webhook", "--register", address)
        assert merchant("GET", "organization/webhook/") == before


def test_an_address_of_this_machine_may_be_http(nd8: ND8) -> None:
    told("nd8_webhook", "--register", "http://127.0.0.1:9/nd8/webhook/")
    assert merchant("GET", "organization/webhook/")["endpoint_url"] == "http://127.0.0.1:9/nd8/webhook/"


def test_a_key_is_replaced_while_both_work(nd8: ND8, settings: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    (old,) = keys()
    text = told("nd8_api_keys", "rotate")
    raw = text[text.index("sk_") :].split()[0]
    assert f"nd8_api_keys revoke {old['id']}" in text
    assert raw not in caplog.text
    assert len(keys()) == 2
    with pytest.raises(CommandError, match="runs with this key"):
        told("nd8_api_keys", "revoke", old["id"])

    settings.ND8 = {**settings.ND8, "API_KEY": raw}
    assert "revoked" in told("nd8_api_keys", "revoke", old["id"])

    assert old["id"] not in {key["id"] for key in keys()}
    assert raw not in told("nd8_api_keys")
    assert "the shop's" in told("nd8_api_keys", "list")


def test_one_more_key_has_the_scopes_that_were_asked_for(nd8: ND8) -> None:
    told("nd8_api_keys", "create", "--name", "Reports", "--scopes", "payments:read")
    assert [(key["name"], key["allowed_scopes"]) for key in keys() if key["name"] == "Reports"] == [
        ("Reports", "payments:read")
    ]
    assert "Reports  [payments:read]" in told("nd8_api_keys")


def test_a_key_that_is_not_there_cannot_be_revoked(nd8: ND8) -> None:
    with pytest.raises(CommandError, match="no such key"):
        told("nd8_api_keys", "revoke", "../organization")


def test_a_key_whose_answer_was_lost_is_told_as_such(nd8: ND8) -> None:
    nd8.control("faults", operation="createOrganizationApiKey", kind="timeout_after", times=1)
    with pytest.raises(CommandError, match="a key may exist that nobody knows"):
        told("nd8_api_keys", "rotate")
    assert nd8.calls("createOrganizationApiKey") == 1


def test_links_are_brought_in_step_and_listed_with_their_date(nd8: ND8, countries: None) -> None:
    link = make_link()
    buy_elsewhere(nd8, link)
    text = told("nd8_links")
    assert f"/nd8/link/{link.link_id}/  Christmas market  25.00 USD  On sale  uses: 1/any" in text
    assert "1 payments that were not known here" in text
    nd8.control("faults", operation="listPaymentLinks", kind="500", times=50)
    with pytest.raises(CommandError, match="could not be asked"):
        told("nd8_links")
    assert PaymentLink.objects.get().uses == 1


# The dashboard's page


def test_the_account_s_page_shows_profile_webhook_and_keys(boss: Client) -> None:
    response = boss.get(ACCOUNT)
    html = response.content.decode()
    for words in ("TTC", "prices include tax", "fee_rate", "API keys", "The shop's<", "Never"):
        assert words in html
    assert "no-store" in response["Cache-Control"]
    assert f"{ACCOUNT}revoke/" not in html


@pytest.mark.parametrize("page", ["", "test/", "test/state/", "webhook/", "key/", "revoke/"])
def test_nobody_else_opens_the_account(nd8: ND8, page: str) -> None:
    others = [browser_of("vic", "oscar_nd8.view_payments", staff=True), browser_of("stella", MAY_DECIDE[1], staff=True)]
    for browser in others:
        assert browser.get(f"{ACCOUNT}{page}").status_code == 403
        assert browser.post(f"{ACCOUNT}{page}").status_code == 403
    assert Client().get(f"{ACCOUNT}{page}").status_code == 302
    assert len(keys()) == 1


def test_the_shop_s_key_is_replaced_once_and_shown_once(boss: Client, nd8: ND8) -> None:
    form = boss.get(f"{ACCOUNT}key/")
    assert len(keys()) == 1
    answer = {"seen": form.context["seen"]}
    response = boss.post(f"{ACCOUNT}key/", answer)
    assert "no-store" in response["Cache-Control"]
    raw = response.context["secret"]
    assert raw.startswith("sk_")
    assert raw in response.content.decode()

    again = boss.post(f"{ACCOUNT}key/", answer, follow=True)
    assert "nothing was done again. If you clicked twice" in again.content.decode()
    assert raw not in again.content.decode()
    assert len(keys()) == 2
    action = StaffAction.objects.get()
    assert action.user is not None
    assert raw not in action.note


def test_a_key_is_revoked_in_the_dashboard_but_never_the_shop_s(boss: Client, nd8: ND8) -> None:
    (ours,) = keys()
    told("nd8_api_keys", "create", "--name", "Old")
    other = next(key for key in keys() if key["id"] != ours["id"])
    for key in (other, ours):
        form = boss.get(f"{ACCOUNT}revoke/?key={key['id']}")
        page = boss.post(f"{ACCOUNT}revoke/", {"seen": form.context["seen"], "key": key["id"]}, follow=True)
    assert "runs with this key" in page.content.decode()
    assert [key["id"] for key in keys()] == [ours["id"]]


def test_the_webhook_is_registered_after_a_confirmation(boss: Client, nd8: ND8, settings: Any) -> None:
    form = boss.get(f"{ACCOUNT}webhook/")
    refused = boss.post(f"{ACCOUNT}webhook/", {"seen": form.context["seen"]}, follow=True)
    assert refused.status_code == 200
    address = merchant("GET", "organization/webhook/")["endpoint_url"]
    assert address in {"", form.context["ours"]}


def test_what_was_asked_for_is_written_down_also_when_the_answer_was_lost(boss: Client, nd8: ND8) -> None:
    nd8.control("faults", operation="createOrganizationApiKey", kind="timeout_after", times=1)
    seen = {"seen": boss.get(f"{ACCOUNT}key/").context["seen"]}
    assert "a key may exist" in boss.post(f"{ACCOUNT}key/", seen, follow=True).content.decode()
    assert "nothing was done again" in boss.post(f"{ACCOUNT}key/", seen, follow=True).content.decode()
    assert nd8.calls("createOrganizationApiKey") == 1
    action = StaffAction.objects.get()
    assert "(asked for; " in action.note
    assert action.user is not None


@pytest.mark.parametrize("seen", [None, "", "-1", "nonsense", "9" * 30])
def test_a_page_that_says_not_what_it_showed_changes_nothing(boss: Client, nd8: ND8, seen: str | None) -> None:
    answer = boss.post(f"{ACCOUNT}key/", {} if seen is None else {"seen": seen})
    assert answer.status_code == 302
    assert nd8.calls("createOrganizationApiKey") == 0
    assert not StaffAction.objects.exists()


def test_a_test_event_is_watched_for_and_seen(boss: Client, nd8: ND8) -> None:
    assert "Send a test event" in boss.get(f"{ACCOUNT}test/?since=0").content.decode()
    assert boss.get(f"{ACCOUNT}test/state/?since=0").json() == {"settled": False}
    nd8.control("webhook_test")
    nd8.deliver()
    assert boss.get(f"{ACCOUNT}test/state/?since=0").json() == {"settled": True}
    assert "A test arrived" in boss.get(f"{ACCOUNT}test/?since=0").content.decode()
    assert boss.get(f"{ACCOUNT}test/state/?since=999999").json() == {"settled": False}
    assert boss.get(f"{ACCOUNT}test/state/?since=%00nonsense").json() == {"settled": True}


def test_while_nd8_is_down_the_page_says_so_and_shows_the_rest(boss: Client, nd8: ND8) -> None:
    nd8.control("faults", operation="getOrganization", kind="500", times=50)
    html = boss.get(ACCOUNT).content.decode()
    assert "could not be reached" in html
    assert "Last test that arrived" in html


def test_an_unknown_change_is_not_found(boss: Client) -> None:
    assert boss.get(f"{ACCOUNT}explode/").status_code == 404
