"""URLs of a shop as the README has them."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("payments-by-nd8/", include("oscar_nd8.urls")),
    path("dashboard/payments/", include("oscar_nd8.dashboard.urls")),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include(apps.get_app_config("oscar").urls[0])),  # type: ignore[attr-defined]  # Oscar's config
]
