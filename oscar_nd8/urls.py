"""The pages that ND8, returning shoppers and monitors reach: `path("nd8/", include("oscar_nd8.urls"))`."""

from django.urls import path, re_path

from oscar_nd8.checkout.returns import ResumeView, ReturnStateView, ReturnView
from oscar_nd8.health import health
from oscar_nd8.links import views as links
from oscar_nd8.webhooks.views import webhook

app_name = "nd8"

urlpatterns = [
    path("webhook/", webhook, name="webhook"),
    path("health/", health, name="health"),
    path("pay/<uuid:token>/", ResumeView.as_view(), name="resume"),
    path("link/<uuid:link_id>/", links.show, name="link"),
    path("link/<uuid:link_id>/pay/", links.pay, name="link-pay"),
    path("link/result/<uuid:token>/state/", links.result_state, name="link-result-state"),
    re_path(
        r"^link/result/(?P<token>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<outcome>success|failed|canceled)/$",
        links.result,
        name="link-result",
    ),
    path("return/<uuid:token>/state/", ReturnStateView.as_view(), name="return-state"),
    re_path(
        r"^return/(?P<token>[0-9a-f-]{36})/(?P<outcome>success|failed|canceled)/$",
        ReturnView.as_view(),
        name="return",
    ),
]
