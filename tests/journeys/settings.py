"""The sandbox shop as `make demo` runs it, but without its migrations, which take longer than all journeys together.

They are tried where they belong: by `make demo` itself, and by the test that no migration is missing.
"""

from sandbox_site.settings import *  # noqa: F403  # the journeys go through the sandbox shop itself


class _None(dict[str, None]):
    """For Django's MIGRATION_MODULES: no app has any, so that `migrate --run-syncdb` makes every table at once."""

    def __contains__(self, app: object) -> bool:
        return True

    def __missing__(self, app: str) -> None:
        return None


MIGRATION_MODULES = _None()

# Half a block that one test only looks at must not wait in the page's draft for the next one to publish.
WAGTAIL_AUTOSAVE_INTERVAL = 0
