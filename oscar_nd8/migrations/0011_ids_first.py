from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("oscar_nd8", "0010_unprocessed"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="webhookevent", name="nd8_one_row_a_delivery"),
        migrations.AddConstraint(
            model_name="webhookevent",
            constraint=models.UniqueConstraint(fields=("delivery_id", "gateway"), name="nd8_one_row_a_delivery"),
        ),
        migrations.RemoveConstraint(model_name="refund", name="nd8_one_row_a_refund"),
        migrations.AddConstraint(
            model_name="refund",
            constraint=models.UniqueConstraint(
                fields=("refund_id", "gateway"), condition=~Q(refund_id=""), name="nd8_one_row_a_refund"
            ),
        ),
    ]
