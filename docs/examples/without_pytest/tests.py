from django.test import TestCase
from oscar.apps.order.models import Order

from oscar_nd8.testing import emulated_nd8, make_session


class PaymentsTest(TestCase):
    def setUp(self):
        self.nd8 = self.enterContext(emulated_nd8())

    def test_a_payment_becomes_an_order(self):
        session = make_session(self.nd8, "paid")

        self.assertEqual(Order.objects.get(), session.order)

    def test_a_declined_card_does_not(self):
        session = make_session(self.nd8)
        self.nd8.outcome(session, "failed")
        self.nd8.deliver_new()

        self.assertFalse(Order.objects.exists())
