from django.db import migrations
from django.template.loader import get_template

FILES = {
    "email_subject_template": "subject.txt",
    "email_body_template": "body.txt",
    "email_body_html_template": "body.html",
}


def make_editable(apps, schema_editor):
    """The mail's texts as the shop has them now, so that its staff find, edit and preview them in the dashboard."""
    texts = {
        field: get_template(f"oscar/communication/emails/commtype_nd8_refunded_{name}").template.source
        for field, name in FILES.items()
    }
    apps.get_model("communication", "CommunicationEventType").objects.get_or_create(
        code="ND8_REFUNDED", defaults={"name": "Money given back by ND8", **texts}
    )


class Migration(migrations.Migration):
    dependencies = [
        # The first one on purpose, as for the other apps of Oscar: forks may name later ones otherwise.
        ("communication", "0001_initial"),
        ("oscar_nd8", "0003_tell_staff"),
    ]

    operations = [migrations.RunPython(make_editable, migrations.RunPython.noop)]
