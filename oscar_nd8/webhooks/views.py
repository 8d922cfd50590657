"""The webhook: read the raw body, one service, an answer that tells ND8 whether to try again."""

import logging

from django.core.exceptions import RequestDataTooBig
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from django_tasks import TaskResultStatus
from django_tasks.backends.immediate import ImmediateBackend

from oscar_nd8.exceptions import SignatureInvalid
from oscar_nd8.models import WebhookEvent
from oscar_nd8.services.process_event import process_event
from oscar_nd8.services.receive_event import receive_event
from oscar_nd8.states import EventStatus
from oscar_nd8.tasks import process_stored_event

__all__ = ["webhook"]

logger = logging.getLogger("oscar_nd8")

# ND8's notifications are 1 to 3 KB; attempts make them grow, never like this.
LARGEST_BODY = 256 * 1024
DUE = {EventStatus.RECEIVED, EventStatus.FAILED}


@csrf_exempt  # the signature takes its place
@require_POST
@transaction.non_atomic_requests  # the stored event must survive whatever its processing does
def webhook(request: HttpRequest) -> HttpResponse:
    """2xx: stored, and processed or queued. 400: not signed by ND8. 413: too long. 503: stored, please send again."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_BODY:
            return _answer(413, "The body is too long for a notification.")
        event = receive_event(request.body, request.headers, gateway_code="nd8")
    except (SignatureInvalid, ValueError, RequestDataTooBig) as error:
        logger.warning("A notification was refused: %s", type(error).__name__)
        return _answer(400, "The signature or the body is not right. Check the webhook secret.")
    if event.status not in DUE:
        return _answer(200, "This delivery was processed before.")
    if not _is_taken_on(event):
        return _answer(503, "The notification is kept, but could not be processed now. Please send it again.")
    return _answer(200, "Thank you.")


def _is_taken_on(event: WebhookEvent) -> bool:
    """Whether the event is processed, or somebody else will process it."""
    try:
        if isinstance(process_stored_event.get_backend(), ImmediateBackend):
            # No queue: the task would do the same, with the row read once more.
            process_event(event)
            return True
        return process_stored_event.enqueue(event.pk).status != TaskResultStatus.FAILED
    except Exception:  # whatever processing raises, or the shop's queue when it is down; the event is stored and due
        logger.exception("Event %s could not be processed or queued; nd8_reconcile will process it", event.pk)
        return False


def _answer(status: int, detail: str) -> HttpResponse:
    return JsonResponse({"detail": detail}, status=status)
