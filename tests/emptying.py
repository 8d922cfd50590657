"""How a database is emptied after a test that commits: only the tables with rows; what stays the same is kept.

Django's own `flush` truncates every table and then lets each application write its content types and permissions
again: half a second for each of hundreds of tests, of a shop with Oscar and Wagtail.
"""

from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sites.management import create_default_site
from django.contrib.sites.models import Site
from django.db import connection
from django.test import TransactionTestCase

__all__ = ["empty", "empty_after_commits"]

KEPT = {ContentType._meta.db_table, Permission._meta.db_table}


def empty_after_commits() -> None:
    """From now on, Django's tests that commit leave the database as `empty` does."""
    TransactionTestCase._fixture_teardown = lambda self: empty()  # type: ignore[attr-defined]  # private, and what each such test calls


def empty() -> None:
    """As a database is that was just made."""
    tables = [name for name in connection.introspection.django_table_names() if name not in KEPT]
    quoted = {name: connection.ops.quote_name(name) for name in tables}
    with connection.cursor() as cursor:
        # The names are the models' own.
        cursor.execute(" UNION ALL ".join(f"(SELECT '{name}' FROM {quoted[name]} LIMIT 1)" for name in tables))
        filled = [name for (name,) in cursor.fetchall()]
        if filled:
            # Truncating writes new files; deleting the few rows does not. Foreign keys are triggers, which rest.
            deletes = "".join(f"DELETE FROM {quoted[name]};" for name in filled)
            cursor.execute(f"SET session_replication_role = replica; {deletes} SET session_replication_role = DEFAULT")
    Site.objects.clear_cache()
    create_default_site(apps.get_app_config("sites"), verbosity=0)
