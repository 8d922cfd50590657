"""One full call of each operation, by its operationId: whatever holds for all of them is tested with these."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from oscar_nd8.client import (
    AdHocItem,
    ApiKeyRequest,
    CatalogueItem,
    ND8Client,
    OrganizationPatch,
    PaymentLinkLine,
    PaymentLinkPatch,
    PaymentLinkRequest,
    PaymentLinkStart,
    RefundQuery,
    RefundRequest,
    WebhookRequest,
)
from tests.plain.loopback import checkout_request

MOMENT = datetime(2100, 1, 1, tzinfo=UTC)
PAYER = {
    "billing_country": "US",
    "billing_first_name": "Ada",
    "billing_last_name": "Lovelace",
    "billing_email": "ada@example.com",
    "billing_postal_code": "94107",
    "billing_phone": "+49 30 1234567",
    "success_url": "https://shop.example/ok",
    "failed_url": "https://shop.example/no",
    "cancel_url": "https://shop.example/back",
}


@dataclass(frozen=True, slots=True)
class Known:
    """Ids of things that exist at ND8."""

    payment: str = "TX1"
    refund: str = "RF1"
    key: str = "7"
    link: str = "6f1c1b1e-0000-4000-8000-000000000000"


Call = Callable[[ND8Client, Known], Any]

CALLS: dict[str, Call] = {
    "createPayment": lambda nd8, known: nd8.create_checkout(
        checkout_request(
            **PAYER,
            products=(
                AdHocItem(name="Mug", quantity=2, unit_price=10.5),
                CatalogueItem(id="prod_mug", quantity=1),
            ),
            sandbox_simulate="checkout_pending",
        )
    ),
    "getPaymentById": lambda nd8, known: nd8.get_transaction(known.payment),
    "createRefundForPayment": lambda nd8, known: nd8.create_refund(
        known.payment, RefundRequest(reason="Sent back", amount="1.00")
    ),
    "listRefunds": lambda nd8, known: nd8.list_refunds(
        RefundQuery(
            status="processing",
            created_at__gte=datetime(2020, 1, 1, tzinfo=UTC),
            created_at__lte=MOMENT,
            search="Sent",
            ordering="-created_at",
            page=1,
            page_size=5,
        )
    ),
    "getRefundById": lambda nd8, known: nd8.get_refund(known.refund),
    "getOrganization": lambda nd8, known: nd8.get_organization(),
    "patchOrganization": lambda nd8, known: nd8.update_organization(
        OrganizationPatch(
            name="Lamps",
            website="https://lamps.example/",
            contact_email="hello@lamps.example",
            telegram="@lamps",
            price_mode="TTC",
        )
    ),
    "getOrganizationDashboard": lambda nd8, known: nd8.get_organization_dashboard(),
    "getOrganizationApiKeys": lambda nd8, known: nd8.list_api_keys(),
    "createOrganizationApiKey": lambda nd8, known: nd8.create_api_key(
        ApiKeyRequest(name="Shop", allowed_scopes="checkout:create,payments:read")
    ),
    "rotateOrganizationApiKey": lambda nd8, known: nd8.rotate_api_key(),
    "revokeOrganizationApiKey": lambda nd8, known: nd8.revoke_api_key(known.key),
    "getOrganizationWebhook": lambda nd8, known: nd8.get_webhook(),
    "putOrganizationWebhook": lambda nd8, known: nd8.set_webhook(
        WebhookRequest(endpoint_url="https://shop.example/nd8/webhook/")
    ),
    "listPaymentLinks": lambda nd8, known: nd8.list_payment_links(),
    "createPaymentLink": lambda nd8, known: nd8.create_payment_link(
        PaymentLinkRequest(
            name="Two mugs",
            products=(PaymentLinkLine(product_id="prod_mug", quantity=2),),
            currency="EUR",
            pricing_mode="TAX_INCLUSIVE",
            expires_at=MOMENT,
            max_uses=3,
            metadata={"campaign": "spring"},
        )
    ),
    "getPaymentLink": lambda nd8, known: nd8.get_payment_link(known.link),
    "patchPaymentLink": lambda nd8, known: nd8.update_payment_link(
        known.link, PaymentLinkPatch(name="Cups", is_active=True, expires_at=None, max_uses=9, metadata={})
    ),
    "deletePaymentLink": lambda nd8, known: nd8.delete_payment_link(known.link),
    "listPaymentLinkPayments": lambda nd8, known: nd8.list_payment_link_payments(known.link),
    "getPublicPaymentLink": lambda nd8, known: nd8.get_public_payment_link(known.link),
    "startPaymentLinkCheckout": lambda nd8, known: nd8.start_payment_link_checkout(
        known.link, PaymentLinkStart(**PAYER, currency="EUR")
    ),
}
