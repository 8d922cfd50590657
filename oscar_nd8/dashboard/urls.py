"""The payments pages: `path("dashboard/payments/", include("oscar_nd8.dashboard.urls"))`, before Oscar's own line."""

from django.apps import apps

app_name = "nd8-dashboard"

# By way of the config, which puts Oscar's permission decorator around every view.
urlpatterns = apps.get_app_config("nd8_dashboard").get_urls()  # type: ignore[attr-defined]  # Oscar's config
