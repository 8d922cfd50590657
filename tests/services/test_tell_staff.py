"""Mail to staff: each matter once, several in one mail, not too often, and none lost."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sites.models import Site
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone, translation

from oscar_nd8.conf import get_settings
from oscar_nd8.models import Attention
from oscar_nd8.services.hold_session import hold_session
from oscar_nd8.services.reconcile import Done, reconcile
from oscar_nd8.services.tell_staff import LARGEST_DIGEST, tell_staff
from oscar_nd8.states import SessionStatus
from tests.races import at_once
from tests.staff import make_matter, make_session

pytestmark = pytest.mark.django_db(transaction=True)

K = Attention.Kind
STAFF = ["stella@example.com", "sven@example.com"]


@pytest.fixture(autouse=True)
def shop(settings: Any) -> Any:
    """Two people want to hear, at most every quarter of an hour."""
    settings.ND8 = {**settings.ND8, "STAFF_EMAILS": STAFF}
    Site.objects.update_or_create(pk=settings.SITE_ID, defaults={"domain": "shop.example", "name": "Pine & Paper"})
    return settings


def the_next_interval() -> None:
    """Time goes by."""
    earlier = timezone.now() - timedelta(hours=1)
    Attention.objects.exclude(mail_claimed_at=None).update(mail_claimed_at=earlier)


def test_everything_new_stands_in_one_mail_with_links(mailoutbox: list[EmailMultiAlternatives]) -> None:
    held = make_matter(make_session("100001", SessionStatus.HELD), detail="A fee of <90%> & more.")
    unknown = make_matter(None, K.UNKNOWN_CHECKOUT, subject="CO-9")

    assert tell_staff() == 2

    [mail] = mailoutbox
    assert (mail.to, mail.from_email) == (STAFF, "shop@example.com")
    assert mail.subject == "Pine & Paper: 2 payment matters need attention"
    [(html, kind)] = mail.alternatives
    assert kind == "text/html"
    for text in (mail.body, str(html)):
        assert "Paid, but not placed: 100001" in text
        assert "24.97 USD" in text
        assert "has no order" in text
        for matter in (held, unknown):
            assert f"https://shop.example/dashboard/payments/attention/{matter.pk}/" in text
    assert "A fee of <90%> & more." in mail.body
    assert "A fee of &lt;90%&gt; &amp; more." in str(html)
    assert "ada@example.com" not in mail.body
    assert "more" not in mail.body.rsplit("CO-9", 1)[1]


def test_each_matter_is_told_once(mailoutbox: list[Any]) -> None:
    make_matter(make_session())
    assert tell_staff() == 1
    the_next_interval()
    assert tell_staff() == 0
    assert len(mailoutbox) == 1


def test_a_second_mail_waits_and_mentions_what_is_still_open(mailoutbox: list[Any]) -> None:
    session = make_session()
    make_matter(session)
    tell_staff()
    make_matter(session, K.OVERSOLD)
    assert tell_staff() == 0

    the_next_interval()
    assert tell_staff() == 1

    assert "More was sold than is in stock" in mailoutbox[1].body
    assert "Paid, but not placed" not in mailoutbox[1].body
    assert "One more matter is open." in mailoutbox[1].body


def test_without_an_interval_every_call_tells_what_is_new(mailoutbox: list[Any], shop: Any) -> None:
    shop.ND8 = {**shop.ND8, "STAFF_MAIL_INTERVAL": 0}
    session = make_session()
    for kind in (K.OVERSOLD, K.PAID_TWICE):
        make_matter(session, kind)
        assert tell_staff() == 1
    assert len(mailoutbox) == 2


def test_the_schedule_tells_staff_and_counts_it(mailoutbox: list[Any]) -> None:
    make_matter(make_session())
    assert reconcile().done[Done.TOLD] == 1
    assert reconcile().done[Done.TOLD] == 0
    assert [mail.to for mail in mailoutbox] == [STAFF]


def test_what_is_settled_is_not_told(mailoutbox: list[Any]) -> None:
    make_matter(make_session(), resolved_at=timezone.now(), resolution="dismissed")
    assert tell_staff() == 0
    assert mailoutbox == []


def test_nobody_to_tell_is_no_mail_and_nothing_is_forgotten(mailoutbox: list[Any], shop: Any) -> None:
    make_matter(make_session())
    shop.ND8 = {**shop.ND8, "STAFF_EMAILS": []}
    assert tell_staff() == 0
    shop.ND8 = {**shop.ND8, "STAFF_EMAILS": STAFF}
    assert tell_staff() == 1


def test_a_payment_held_anew_is_told_anew(mailoutbox: list[Any]) -> None:
    session = make_session("100001", SessionStatus.PAID)
    hold_session(session, "First.")
    tell_staff()
    the_next_interval()
    Attention.objects.update(resolved_at=timezone.now(), resolution="dismissed")
    type(session).objects.update(status=SessionStatus.PAID)
    hold_session(session, "Second.")
    assert tell_staff() == 1
    assert "Second." in mailoutbox[1].body


def test_a_mail_server_that_is_down_breaks_nothing_and_the_next_call_tells(mailoutbox: list[Any], shop: Any) -> None:
    make_matter(make_session())
    working = shop.EMAIL_BACKEND
    shop.EMAIL_BACKEND = "tests.shops.mail.Refusing"
    assert tell_staff() == 0
    shop.EMAIL_BACKEND = working
    assert tell_staff() == 1
    assert len(mailoutbox) == 1


def test_what_a_killed_process_had_claimed_is_told_after_a_while(mailoutbox: list[Any]) -> None:
    matter = make_matter(make_session())
    Attention.objects.update(mail_claimed_at=timezone.now())
    assert tell_staff() == 0
    the_next_interval()
    assert tell_staff() == 1
    matter.refresh_from_db()
    assert matter.mailed_at is not None


def test_a_flood_comes_in_portions(mailoutbox: list[Any]) -> None:
    for number in range(LARGEST_DIGEST + 3):
        make_matter(None, K.UNKNOWN_CHECKOUT, subject=f"CO-{number}")
    assert tell_staff() == LARGEST_DIGEST
    assert "3 more matters are open." in mailoutbox[0].body
    the_next_interval()
    assert tell_staff() == 3


@pytest.mark.postgres
def test_processes_at_once_tell_each_matter_once(mailoutbox: list[Any]) -> None:
    for number in range(10):
        make_matter(None, K.UNKNOWN_CHECKOUT, subject=f"CO-{number:03}")
    assert sum(at_once(*[tell_staff] * 4)) == 10
    written = "".join(mail.body for mail in mailoutbox)
    assert [written.count(f"CO-{number:03}\n") for number in range(10)] == [1] * 10


def test_the_mail_is_in_the_shops_language_whoever_runs_it(mailoutbox: list[Any], shop: Any) -> None:
    make_matter(make_session("100001", SessionStatus.HELD))
    with translation.override("de"):
        tell_staff()
    assert "Since March" in mailoutbox[0].body


def test_a_shop_without_the_dashboard_is_led_to_djangos_admin(mailoutbox: list[Any], shop: Any) -> None:
    shop.ROOT_URLCONF = "tests.doors.test_dashboard_menu"
    matter = make_matter(make_session())
    tell_staff()
    assert f"https://shop.example/django-admin/oscar_nd8/attention/{matter.pk}/change/" in mailoutbox[0].body


def test_a_shop_without_both_has_the_mail_without_links(mailoutbox: list[Any], shop: Any) -> None:
    shop.ROOT_URLCONF = "tests.shops.nothing_mounted_urls"
    make_matter(make_session())
    assert tell_staff() == 1
    assert "https://" not in mailoutbox[0].body


def test_an_address_that_is_none_stops_the_shop_at_its_start(shop: Any) -> None:
    shop.ND8 = {**shop.ND8, "STAFF_EMAILS": ["stella"]}
    with pytest.raises(ImproperlyConfigured, match=r"STAFF_EMAILS\.0: is an e-mail address") as refusal:
        get_settings()
    assert "stella," not in str(refusal.value)
