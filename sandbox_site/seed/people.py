"""Who uses the shop and where it ships to: two logins, an address, a short list of countries."""

from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from oscar.apps.address.models import Country, UserAddress

PASSWORD = "sandbox"
STAFF = "staff@example.com"
SHOPPER = "shopper@example.com"

COUNTRIES = (
    ("US", "USA", "840", "United States"),
    ("DE", "DEU", "276", "Germany"),
    ("FR", "FRA", "250", "France"),
    ("NL", "NLD", "528", "Netherlands"),
    ("GB", "GBR", "826", "United Kingdom"),
    ("AT", "AUT", "040", "Austria"),
    ("BE", "BEL", "056", "Belgium"),
    ("CA", "CAN", "124", "Canada"),
    ("CH", "CHE", "756", "Switzerland"),
    ("ES", "ESP", "724", "Spain"),
    ("IT", "ITA", "380", "Italy"),
    ("SE", "SWE", "752", "Sweden"),
)


def seed_people() -> None:
    """Make the countries and users that are missing."""
    for place, (two, three, number, name) in enumerate(COUNTRIES):
        Country.objects.get_or_create(
            iso_3166_1_a2=two,
            defaults={
                "iso_3166_1_a3": three,
                "iso_3166_1_numeric": number,
                "printable_name": name,
                "name": name,
                "display_order": len(COUNTRIES) - place,
                "is_shipping_country": True,
            },
        )
    _user(STAFF, "Stella", "Staff", superuser=True)
    shopper = _user(SHOPPER, "Sam", "Shopper")
    if not shopper.addresses.exists():
        UserAddress.objects.create(
            user=shopper,
            first_name=shopper.first_name,
            last_name=shopper.last_name,
            line1="12 Pine Street",
            line4="Portland",
            state="Oregon",
            postcode="97201",
            country_id="US",
            is_default_for_shipping=True,
            is_default_for_billing=True,
        )


def _user(email: str, first_name: str, last_name: str, *, superuser: bool = False) -> User:
    """The e-mail address is the user name too, so that it opens every login form, the admins' as well."""
    users = get_user_model().objects
    known = users.filter(email=email).first()
    return known or users.create_user(
        email,
        email,
        PASSWORD,
        first_name=first_name,
        last_name=last_name,
        is_staff=superuser,
        is_superuser=superuser,
    )
