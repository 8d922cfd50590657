"""A square sheet to draw on, in hundredths of its side, with soft edges."""

import io
import math
from collections.abc import Sequence

from PIL import Image, ImageColor, ImageDraw

SIDE = 640
OVERSAMPLING = 2
UNIT = SIDE * OVERSAMPLING / 100

Point = tuple[float, float]


def shade(colour: str, factor: float) -> str:
    """The colour with a fifth of its light taken away at 0.8, or a fifth of the way to white at 1.2."""
    red, green, blue = ImageColor.getrgb(colour)[:3]
    if factor <= 1:
        mixed = [round(part * factor) for part in (red, green, blue)]
    else:
        mixed = [round(part + (255 - part) * (factor - 1)) for part in (red, green, blue)]
    return "#{:02x}{:02x}{:02x}".format(*mixed)


class Sheet:
    """Shapes by name; x grows to the right and y downwards, both from 0 to 100."""

    def __init__(self) -> None:
        side = SIDE * OVERSAMPLING
        self.image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        self._pen = ImageDraw.Draw(self.image)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: str, radius: float = 0) -> None:
        """A rectangle with rounded corners."""
        corners = (x0 * UNIT, y0 * UNIT, x1 * UNIT, y1 * UNIT)
        self._pen.rounded_rectangle(corners, radius * UNIT, fill=colour)

    def oval(self, x: float, y: float, across: float, down: float, colour: str) -> None:
        """An ellipse by its centre and its two radii."""
        self._pen.ellipse(((x - across) * UNIT, (y - down) * UNIT, (x + across) * UNIT, (y + down) * UNIT), fill=colour)

    def ring(self, x: float, y: float, radius: float, width: float, colour: str) -> None:
        """A circle's outline."""
        corners = ((x - radius) * UNIT, (y - radius) * UNIT, (x + radius) * UNIT, (y + radius) * UNIT)
        self._pen.ellipse(corners, outline=colour, width=round(width * UNIT))

    def shape(self, points: Sequence[Point], colour: str) -> None:
        """A polygon."""
        self._pen.polygon([(x * UNIT, y * UNIT) for x, y in points], fill=colour)

    def line(self, points: Sequence[Point], colour: str, width: float = 1.5) -> None:
        """A line through the points, with round joints and ends."""
        path = [(x * UNIT, y * UNIT) for x, y in points]
        self._pen.line(path, fill=colour, width=round(width * UNIT), joint="curve")
        for x, y in points:
            self.oval(x, y, width / 2, width / 2, colour)

    def leaf(self, x: float, y: float, length: float, angle: float, colour: str) -> None:
        """A pointed leaf that grows from (x, y); an angle of 0 points up and 90 to the right."""
        along, half = math.radians(angle - 90), length * 0.22
        spine = [(length * step / 12, half * math.sin(math.pi * step / 12)) for step in range(13)]
        outline = [*spine, *((far, -side) for far, side in reversed(spine))]
        cosine, sine = math.cos(along), math.sin(along)
        self.shape(
            [(x + far * cosine - side * sine, y + far * sine + side * cosine) for far, side in outline],
            colour,
        )

    def tilt(self, degrees: float) -> None:
        """Turn what is drawn so far, anticlockwise."""
        self.image = self.image.rotate(degrees, Image.Resampling.BICUBIC)
        self._pen = ImageDraw.Draw(self.image)

    def lay_on(self, ground: "Sheet") -> None:
        """Put what is drawn here on top of another sheet."""
        ground.image.alpha_composite(self.image)

    def png(self) -> bytes:
        """The finished picture."""
        small = self.image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.save(buffer, "PNG")
        return buffer.getvalue()
