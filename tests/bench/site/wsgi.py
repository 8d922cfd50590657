"""`tests.bench.site.wsgi:application`: under the shop's middleware, or under none where a request asks for that.

Both in one process: a web server that starts takes longer than what is measured behind it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.wsgi import get_wsgi_application

whole_shop = get_wsgi_application()
settings.MIDDLEWARE = []  # each handler takes it as it is when the handler is made
bare = WSGIHandler()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """As the header `X-Bench-Middleware` says."""
    handler = bare if environ.get("HTTP_X_BENCH_MIDDLEWARE") == "none" else whole_shop
    return handler(environ, start_response)
