"""The floor's table: what any shop would write at least."""

from django.db import models


class FloorEvent(models.Model):
    """A notification, kept under its unique delivery id."""

    delivery_id = models.CharField(max_length=64, unique=True)
    name = models.CharField(max_length=100)
    body = models.TextField()
    received_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.delivery_id
