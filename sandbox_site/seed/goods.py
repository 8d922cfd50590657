"""What the shop sells, as data: kinds, options and products, with their UPCs for tests to rely on."""

from dataclasses import dataclass
from decimal import Decimal

from .picture import Picture


@dataclass(frozen=True, slots=True)
class Kind:
    """A product class: whether it is shipped, and whether its stock is counted."""

    name: str
    shipped: bool = True
    counted: bool = True


COUNTED = Kind("Goods")
MADE_TO_ORDER = Kind("Made to order", counted=False)
CLOTHING = Kind("Clothing")
DOWNLOAD = Kind("Download", shipped=False, counted=False)


@dataclass(frozen=True, slots=True)
class Option:
    """Something to say about a product when buying it: one of the choices, or any text if there are none."""

    name: str
    choices: tuple[str, ...] = ()
    help_text: str = ""


ENGRAVING = Option("Engraving", help_text="A name or a word, at no extra cost")
FRAME = Option("Frame", ("No frame", "Oak", "Black"))
OPTIONS = (ENGRAVING, FRAME)


@dataclass(frozen=True, slots=True)
class Price:
    """The price and the stock in one currency each; a stock of None is not counted."""

    usd: Decimal
    eur: Decimal
    stock: int | None


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of a product that is sold in sizes."""

    upc: str
    size: str
    price: Price


@dataclass(frozen=True, slots=True)
class Product:
    """A product; either it has a price or its variants do."""

    upc: str
    title: str
    description: str
    kind: Kind
    category: str
    picture: Picture
    price: Price | None = None
    options: tuple[Option, ...] = ()
    variants: tuple[Variant, ...] = ()


def price(usd: str, eur: str, stock: int | None = 100) -> Price:
    """A price as it is written on the label."""
    return Price(Decimal(usd), Decimal(eur), stock)


PAPER, WRITING, LIVING, WEAR, DIGITAL = "Paper", "Writing", "Living", "Living > Wear", "Downloads"

PRODUCTS = (
    Product(
        "PP-NOTEBOOK",
        "Dotted notebook",
        "192 numbered pages of smooth paper that takes ink well, and a band that keeps them together.",
        COUNTED,
        PAPER,
        Picture("notebook", "#f6d5c3", "#3a6b4c", "#d99a2b"),
        price("12.90", "11.90"),
    ),
    Product(
        "PP-MUG",
        "Enamel mug",
        "For coffee by the fire or at the desk. Survives both.",
        COUNTED,
        LIVING,
        Picture("mug", "#cfe3d4", "#c8553d", "#5b3a29"),
        price("18.50", "16.90"),
    ),
    Product(
        "PP-PEN",
        "Fountain pen",
        "A medium nib, a piston filler, and your name on the barrel if you like.",
        MADE_TO_ORDER,
        WRITING,
        Picture("pen", "#d6e0f0", "#33567d", "#d9a441"),
        price("49.00", "45.00", stock=None),
        options=(ENGRAVING,),
    ),
    Product(
        "PP-LAMP",
        "Desk lamp",
        "Warm light where you write and none where you look.",
        COUNTED,
        LIVING,
        Picture("lamp", "#e4d4ec", "#7a4f8c", "#f2b632"),
        price("89.00", "79.00", stock=25),
    ),
    Product(
        "PP-POSTER",
        "Pine forest poster",
        "50 by 70 centimetres on heavy matt paper; framed on request.",
        MADE_TO_ORDER,
        PAPER,
        Picture("poster", "#f3e2b8", "#2a7f86", "#e8743b"),
        price("24.00", "22.00", stock=None),
        options=(FRAME,),
    ),
    Product(
        "PP-FERN",
        "Potted fern",
        "Likes shade, a sip of water a day and being talked to.",
        COUNTED,
        LIVING,
        Picture("plant", "#cde7e5", "#4c8c5b", "#c8703d"),
        price("15.75", "13.95", stock=40),
    ),
    Product(
        "PP-TEE",
        "Pine tee",
        "Organic cotton, printed by hand. XL is on its way back.",
        CLOTHING,
        WEAR,
        Picture("tee", "#f6d5c3", "#2f5d62", "#f5e6c8"),
        variants=(
            Variant("PP-TEE-S", "S", price("29.00", "27.00", stock=12)),
            Variant("PP-TEE-M", "M", price("29.00", "27.00", stock=30)),
            Variant("PP-TEE-L", "L", price("29.00", "27.00", stock=8)),
            Variant("PP-TEE-XL", "XL", price("29.00", "27.00", stock=0)),
        ),
    ),
    Product(
        "PP-EBOOK",
        "The Paper Book (e-book)",
        "Everything about paper, without any. EPUB and PDF.",
        DOWNLOAD,
        DIGITAL,
        Picture("ebook", "#d6e0f0", "#d99a2b", "#3a6b4c"),
        price("9.99", "8.99", stock=None),
    ),
    Product(
        "PP-PENCILS",
        "Six coloured pencils",
        "Soft leads in six colours that get along.",
        COUNTED,
        WRITING,
        Picture("pencils", "#cfe3d4", "#c8553d", "#33567d"),
        price("7.20", "6.50", stock=200),
    ),
    Product(
        "PP-TOTE",
        "Canvas tote",
        "Carries a week of groceries or a year of notebooks.",
        COUNTED,
        WEAR,
        Picture("tote", "#f3e2b8", "#e9dcc3", "#3a6b4c"),
        price("14.00", "12.50"),
    ),
    Product(
        "PP-CANDLE",
        "Pine candle",
        "Forty hours of forest. Three for the price of two.",
        COUNTED,
        LIVING,
        Picture("candle", "#e4d4ec", "#3a6b4c", "#f2a33a"),
        price("19.99", "17.99"),
    ),
    Product(
        "PP-CLOCK",
        "Wall clock",
        "Tells the time and makes no sound about it.",
        COUNTED,
        LIVING,
        Picture("clock", "#cde7e5", "#c8553d", "#33567d"),
        price("64.00", "58.00", stock=15),
    ),
    Product(
        "PP-CUSHION",
        "Wool cushion",
        "Woven stripes on both sides, feathers between them.",
        COUNTED,
        LIVING,
        Picture("cushion", "#f6d5c3", "#33567d", "#f2b632"),
        price("39.90", "36.50", stock=35),
    ),
    Product(
        "PP-VASE",
        "Stoneware vase",
        "Thrown by hand, so no two are the same. Flowers not included.",
        COUNTED,
        LIVING,
        Picture("vase", "#d6e0f0", "#7a4f8c", "#e8743b"),
        price("33.33", "29.99", stock=18),
    ),
    Product(
        "PP-STICKER",
        "Sunny sticker",
        "The smallest thing in the shop.",
        COUNTED,
        PAPER,
        Picture("sticker", "#cfe3d4", "#f2b632", "#c8553d"),
        price("0.99", "0.89", stock=5000),
    ),
    Product(
        "PP-DESK",
        "Walnut desk",
        "Two metres of solid walnut and a drawer. The biggest thing in the shop.",
        COUNTED,
        LIVING,
        Picture("desk", "#f3e2b8", "#8a5a3b", "#7fb7be"),
        price("999.00", "919.00", stock=5),
    ),
    Product(
        "PP-WALLPAPER",
        "Desktop wallpaper",
        "A free picture for your screen: an order that needs no payment.",
        DOWNLOAD,
        DIGITAL,
        Picture("wallpaper", "#e4d4ec", "#2a7f86", "#f2a33a"),
        price("0.00", "0.00", stock=None),
    ),
    Product(
        "PP-PRINT",
        "Signed print",
        "The last two of a hundred.",
        COUNTED,
        PAPER,
        Picture("artwork", "#cde7e5", "#33567d", "#e8743b"),
        price("75.00", "69.00", stock=2),
    ),
    Product(
        "PP-ORIGAMI",
        "Origami patterns (PDF)",
        "Twelve birds to fold, from easy to hopeless.",
        DOWNLOAD,
        DIGITAL,
        Picture("origami", "#f6d5c3", "#2a7f86", "#f2b632"),
        price("4.50", "3.90", stock=None),
    ),
    Product(
        "PP-SOUNDS",
        "Forest sounds (MP3)",
        "An hour of wind, rain and one persistent woodpecker.",
        DOWNLOAD,
        DIGITAL,
        Picture("sound", "#d6e0f0", "#3a6b4c", "#f2b632"),
        price("6.00", "5.50", stock=None),
    ),
    Product(
        "PP-CARD",
        "Greeting card",
        "Blank inside, so that you say it better.",
        COUNTED,
        PAPER,
        Picture("card", "#cfe3d4", "#c8553d", "#d9a441"),
        price("3.33", "2.99", stock=300),
    ),
    Product(
        "PP-ERASER",
        "Eraser",
        "For people who change their minds.",
        COUNTED,
        WRITING,
        Picture("eraser", "#f3e2b8", "#33567d", "#c8553d"),
        price("1.49", "1.29", stock=400),
    ),
    Product(
        "PP-INK",
        "Bottle of ink",
        "Forest green, waterproof, fifty millilitres.",
        COUNTED,
        WRITING,
        Picture("ink", "#e4d4ec", "#2f6b4f", "#33567d"),
        price("11.00", "9.90", stock=60),
    ),
    Product(
        "PP-RULER",
        "Brass ruler",
        "Thirty centimetres. Sold out, as brass rulers are.",
        COUNTED,
        WRITING,
        Picture("ruler", "#cde7e5", "#d9b25f", "#8a5a3b"),
        price("16.00", "14.50", stock=0),
    ),
)
