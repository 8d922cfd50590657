"""Staff find the refund's mail in Oscar's dashboard, see what it will look like, and change it."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from oscar.core.loading import get_model

from tests.staff import browser_of, make_order

pytestmark = pytest.mark.django_db

PAGE = "/dashboard/comms/ND8_REFUNDED/"
FIELDS = ["name", "email_subject_template", "email_body_template", "email_body_html_template"]


@pytest.fixture
def kind() -> Any:
    """The kind of mail, as a fresh installation has it."""
    import_module("oscar_nd8.migrations.0004_refund_mail").make_editable(apps, None)
    return get_model("communication", "CommunicationEventType").objects.get(code="ND8_REFUNDED")


def test_the_mail_can_be_previewed_with_any_order(kind: Any) -> None:
    make_order("100042")
    browser = browser_of("boss", superuser=True)
    assert "Money given back by ND8" in browser.get("/dashboard/comms/").content.decode()
    shown = browser.get(PAGE).context["form"].initial
    answer = browser.post(
        PAGE, {**{name: shown[name] for name in FIELDS}, "preview_order_number": "100042", "show_preview": "1"}
    )
    preview = answer.context["preview"]
    assert preview["subject"].strip() == "Money back for order 100042"
    for text in (preview["body"], preview["html"]):
        assert "We have given (the amount) back to you for your order 100042." in text


def test_it_is_made_once_and_staffs_own_words_stay(kind: Any) -> None:
    kind.email_subject_template = "Your money"
    kind.save()
    import_module("oscar_nd8.migrations.0004_refund_mail").make_editable(apps, None)
    kind.refresh_from_db()
    assert (kind.email_subject_template, kind.is_order_related()) == ("Your money", True)
