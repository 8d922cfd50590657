"""URLs of a shop that mounts nothing by hand; first imported while anonymous checkout is off."""

from django.apps import apps
from django.urls import include, path

from sandbox_site.currency.views import choose_currency

urlpatterns = [
    path("currency/", choose_currency, name="choose-currency"),
    path("", include(apps.get_app_config("oscar").urls[0])),  # type: ignore[attr-defined]  # Oscar's config
]
