from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oscar_nd8", "0011_ids_first"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="webhookevent",
            index=models.Index(fields=["checkout_id", "transaction_id"], name="nd8_event_told"),
        ),
        migrations.RemoveIndex(model_name="webhookevent", name="nd8_event_checkout"),
    ]
