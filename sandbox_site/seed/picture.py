"""How a product's picture is put together: a coloured ground, a lighter disc, a shadow, the thing itself."""

from dataclasses import dataclass

from .motifs import MOTIFS
from .sheet import Sheet, shade


@dataclass(frozen=True, slots=True)
class Picture:
    """A motif by name and its colours (`#rrggbb`)."""

    motif: str
    ground: str
    main: str
    accent: str

    def png(self) -> bytes:
        """The picture as a PNG file; the same bytes each time."""
        ground = Sheet()
        ground.box(0, 0, 100, 100, self.ground)
        ground.oval(50, 50, 42, 42, shade(self.ground, 1.45))
        ground.oval(50, 85, 30, 3, shade(self.ground, 0.86))
        thing = Sheet()
        MOTIFS[self.motif](thing, self.main, self.accent)
        thing.lay_on(ground)
        return ground.png()
