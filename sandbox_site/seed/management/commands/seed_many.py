"""`manage.py seed_many`: a shop with a past, made inside PostgreSQL: a million sessions take about a minute."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

# Of a hundred sessions: 60 placed, 25 expired, 8 failed, 6 canceled; one is still open or held.
SQL = {
    "orders": """
        INSERT INTO order_order (number, currency, total_incl_tax, total_excl_tax, shipping_incl_tax, shipping_excl_tax,
            shipping_method, shipping_code, status, guest_email, date_placed, analytics_tracked)
        SELECT 'many-' || i, 'USD', 10, 10, 0, 0, '', '', 'Pending', 'guest' || i || '@example.com',
            now() - i * interval '30 seconds', true
        FROM generate_series(%(first)s, %(last)s) AS i WHERE i %% 100 < 60""",
    "sessions": """
        INSERT INTO oscar_nd8_paymentsession (token, gateway, status, status_reason, quote, fingerprint, reuse_key,
            currency, amount, order_number, email, language, order_id, checkout_id, checkout_url, expires_at,
            created_at, opened_at, paid_at, placed_at, closed_at, mail_claimed_at, mailed_at, due_at)
        SELECT gen_random_uuid(), 'nd8', one.status, '', '{}', md5(i::text), md5('many' || i),
            'USD', 1000, 'many-' || i, 'guest' || i || '@example.com', 'en', order_order.id, 'chk-many-' || i, '',
            one.at + interval '30 minutes',
            one.at, one.at, CASE WHEN one.status IN ('placed', 'held') THEN one.at END,
            CASE WHEN one.status = 'placed' THEN one.at END,
            CASE WHEN one.status IN ('expired', 'failed', 'canceled') THEN one.at END,
            one.at, CASE WHEN one.status = 'placed' THEN one.at END,
            CASE WHEN one.status = 'open' THEN now() + interval '1 hour' END
        FROM generate_series(%(first)s, %(last)s) AS i
        CROSS JOIN LATERAL (SELECT
            CASE WHEN i %% 100 < 60 THEN 'placed' WHEN i %% 100 < 85 THEN 'expired' WHEN i %% 100 < 93 THEN 'failed'
                WHEN i %% 100 < 99 THEN 'canceled' WHEN i %% 200 = 99 THEN 'held' ELSE 'open' END AS status,
            now() - i * interval '30 seconds' AS at) AS one
        LEFT JOIN order_order ON order_order.number = 'many-' || i""",
    "payments": """
        INSERT INTO oscar_nd8_payment (session_id, gateway, transaction_id, state, raw_status, deposit, currency, net,
            fee, attempts, asked_at, created_at, allocated_at, debited_at)
        SELECT id, 'nd8', 'TXmany' || id, 'paid', 'paid', 'succeeded', 'USD', 941, 59, '[]', paid_at, paid_at,
            placed_at, placed_at
        FROM oscar_nd8_paymentsession WHERE status IN ('placed', 'held') AND order_number LIKE 'many-%%'
            AND NOT EXISTS (SELECT 1 FROM oscar_nd8_payment WHERE session_id = oscar_nd8_paymentsession.id)""",
    "events": """
        INSERT INTO oscar_nd8_webhookevent (gateway, delivery_id, name, body, checkout_id, transaction_id, refund_id,
            status, attempts, last_error, received_at, processed_at)
        SELECT 'nd8', gen_random_uuid(), 'transaction.status_changed', repeat('x', 400), checkout_id,
            'TXmany' || oscar_nd8_paymentsession.id, '', 'processed', 1, '', created_at, created_at
        FROM oscar_nd8_paymentsession, generate_series(1, %(events)s)
        WHERE order_number LIKE 'many-%%'
            AND split_part(order_number, '-', 2)::bigint BETWEEN %(first)s AND %(last)s""",
}


class Command(BaseCommand):
    """Fill the tables that grow, so that pages and sweeps can be tried among many rows. For PostgreSQL."""

    help = "Make many finished payments, to try how the shop behaves among them (PostgreSQL)."

    def add_arguments(self, parser: CommandParser) -> None:
        """How many."""
        parser.add_argument("--sessions", type=int, default=1_000_000)
        parser.add_argument("--events", type=int, default=3, help="notifications for each session")

    def handle(self, *args: Any, sessions: int, events: int, verbosity: int, **options: Any) -> None:
        """In one transaction; a second run adds as many again."""
        if connection.vendor != "postgresql":
            raise CommandError("seed_many speaks PostgreSQL's SQL. Set DATABASE_URL to a PostgreSQL database.")
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM oscar_nd8_paymentsession WHERE order_number LIKE 'many-%'")
            there = cursor.fetchone()[0]
            numbers = {"first": there, "last": there + sessions - 1, "events": events}
            for what, sql in SQL.items():
                cursor.execute(sql, numbers)
                if verbosity:
                    self.stdout.write(f"{cursor.rowcount:>9} {what}")
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
