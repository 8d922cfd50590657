"""Where everything is: Wagtail's start page at the root, its others under /cms/, Oscar at its usual paths."""

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.static import serve as serve_file
from wagtail import urls as wagtail_urls
from wagtail.admin import urls as wagtailadmin_urls
from wagtail.documents import urls as wagtaildocs_urls
from wagtail.views import serve as serve_page

from sandbox_site.currency.views import choose_currency

urlpatterns = [
    # Before Oscar's own "", which would send shoppers on to the catalogue.
    path("", serve_page, {"path": ""}),
    path("cms/", include(wagtail_urls)),
    path("cms-admin/", include(wagtailadmin_urls)),
    path("documents/", include(wagtaildocs_urls)),
    path("django-admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("nd8/", include("oscar_nd8.urls")),
    path("dashboard/payments/", include("oscar_nd8.dashboard.urls")),
    path("currency/", choose_currency, name="choose-currency"),
    # Pictures are part of the demonstration, so they are served with and without DEBUG.
    path("media/<path:path>", serve_file, {"document_root": settings.MEDIA_ROOT}),
    path("", include(apps.get_app_config("oscar").urls[0])),  # type: ignore[attr-defined]  # Oscar's config
]
