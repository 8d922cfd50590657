"""Turns the list of goods into Oscar's catalogue; what is there already, and what staff made of it, stays."""

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from oscar.apps.catalogue import models
from oscar.apps.catalogue.categories import create_from_breadcrumbs

from sandbox_site.forks.partner.models import Partner, StockRecord

from . import goods

PARTNER = "Pine & Paper warehouse"


def seed_catalogue() -> None:
    """Make every kind, option and product that is missing."""
    partner, _ = Partner.objects.get_or_create(name=PARTNER)
    options = {option: _option(option) for option in goods.OPTIONS}
    known = set(models.Product.objects.values_list("upc", flat=True))
    for item in goods.PRODUCTS:
        if item.upc not in known:
            _product(item, partner, options)


def _option(option: goods.Option) -> models.Option:
    group = None
    if option.choices:
        group, _ = models.AttributeOptionGroup.objects.get_or_create(name=option.name)
        for choice in option.choices:
            group.options.get_or_create(option=choice)
    defaults = {
        "type": models.Option.SELECT if option.choices else models.Option.TEXT,
        "option_group": group,
        "help_text": option.help_text,
    }
    return models.Option.objects.get_or_create(name=option.name, defaults=defaults)[0]


def _kind(kind: goods.Kind) -> models.ProductClass:
    defaults = {"requires_shipping": kind.shipped, "track_stock": kind.counted}
    made, _ = models.ProductClass.objects.get_or_create(name=kind.name, defaults=defaults)
    if kind is goods.CLOTHING:
        made.attributes.get_or_create(code="size", defaults={"name": "Size", "type": "text"})
    return made


def _product(item: goods.Product, partner: Partner, options: dict[goods.Option, models.Option]) -> None:
    product = models.Product.objects.create(
        upc=item.upc,
        title=item.title,
        description=f"<p>{item.description}</p>",
        product_class=_kind(item.kind),
        structure=models.Product.PARENT if item.variants else models.Product.STANDALONE,
    )
    product.categories.add(create_from_breadcrumbs(item.category))
    product.product_options.set([options[option] for option in item.options])
    models.ProductImage.objects.create(product=product, original=_picture(item))
    if item.price:
        _stock(product, item.price, partner)
    for variant in reversed(item.variants):  # Oscar lists the newest first
        child = models.Product(upc=variant.upc, parent=product, structure=models.Product.CHILD)
        child.title = f"{item.title}, size {variant.size}"
        child.attr.size = variant.size
        child.save()
        _stock(child, variant.price, partner)


def _picture(item: goods.Product) -> str:
    """The name of the picture's file, drawn unless another database has already had it drawn."""
    name = f"products/{item.upc.lower()}.png"
    return name if default_storage.exists(name) else default_storage.save(name, ContentFile(item.picture.png()))


def _stock(product: models.Product, price: goods.Price, partner: Partner) -> None:
    for currency, amount in (("USD", price.usd), ("EUR", price.eur)):
        StockRecord.objects.create(
            product=product,
            partner=partner,
            partner_sku=f"{product.upc}-{currency}",
            price_currency=currency,
            price=amount,
            num_in_stock=price.stock,
        )
