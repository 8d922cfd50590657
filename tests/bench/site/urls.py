"""The floor and our own pages."""

import hashlib
import hmac
import json

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt

from tests.bench.site.models import FloorEvent

SECRET = b"whsec_sandbox"


@csrf_exempt
def floor(request: HttpRequest) -> HttpResponse:
    """The least that a webhook can do: HMAC, json, one INSERT."""
    body = request.body
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected, request.headers.get("X-Webhook-Signature", "")):
        return HttpResponse(status=400)
    content = json.loads(body)
    FloorEvent._default_manager.create(
        delivery_id=request.headers["X-Webhook-Delivery-Id"], name=content["event"], body=body.decode()
    )
    return JsonResponse({"detail": "Thank you."})


urlpatterns = [path("floor/", floor), path("nd8/", include("oscar_nd8.urls"))]
