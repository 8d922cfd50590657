from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("oscar_nd8", "0009_one_change_a_page"),
    ]

    operations = [
        migrations.AlterField(
            model_name="attention",
            name="kind",
            field=models.CharField(
                choices=[
                    ("held", "Paid, but not placed"),
                    ("oversold", "More was sold than is in stock"),
                    ("paid_twice", "Paid more than once"),
                    ("bought_twice", "The same basket was bought twice"),
                    ("money_lost", "The money did not stay"),
                    ("voucher_overspent", "A voucher was used beyond its limit"),
                    ("claimed_elsewhere", "A transaction that belongs to another session"),
                    ("unknown_checkout", "A payment for a checkout unknown here"),
                    ("unanswered", "ND8 never said how it ended"),
                    ("unprocessed", "A message of ND8's that cannot be processed"),
                    ("refund_failed", "A refund did not go through"),
                    ("refund_odd", "A refund that does not add up"),
                    ("refund_excess", "More goes back than was paid"),
                ],
                max_length=32,
                verbose_name="why",
            ),
        ),
    ]
