"""What each kind of thing in the shop looks like, in a few shapes; the colours come from the thing itself."""

import math
from collections.abc import Callable

from .sheet import Sheet, shade

PAPER = "#fffaf0"
INK = "#2b2d42"

Motif = Callable[[Sheet, str, str], None]
MOTIFS: dict[str, Motif] = {}


def motif(draw: Motif) -> Motif:
    """Make a drawing known under its function's name."""
    MOTIFS[draw.__name__] = draw
    return draw


@motif
def notebook(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(32, 22, 74, 82, shade(main, 0.75), 3)
    sheet.box(29, 20, 71, 80, main, 3)
    sheet.box(29, 20, 37, 80, shade(main, 0.82), 3)
    sheet.box(62, 20, 65, 80, accent)
    sheet.box(42, 32, 58, 44, PAPER, 1)
    sheet.line([(45, 36), (55, 36)], accent, 1)
    sheet.line([(45, 40), (52, 40)], accent, 1)


@motif
def mug(sheet: Sheet, main: str, accent: str) -> None:
    sheet.ring(69, 56, 13, 5, shade(main, 0.85))
    sheet.box(28, 36, 68, 80, main, 6)
    sheet.box(28, 36, 36, 80, shade(main, 1.2), 6)
    sheet.oval(48, 37, 20, 4.5, shade(main, 0.8))
    sheet.oval(48, 37.5, 17, 3, accent)
    for x in (40, 48, 56):
        sheet.line([(x, 28), (x + 2, 24), (x - 1, 20), (x + 1, 15)], PAPER, 1.6)


@motif
def pen(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(45, 12, 55, 60, main, 3)
    sheet.box(45, 12, 48, 60, shade(main, 1.25), 2)
    sheet.box(44, 38, 56, 41, accent, 1)
    sheet.box(55, 15, 57, 36, accent, 1)
    sheet.shape([(46, 60), (54, 60), (53, 70), (47, 70)], shade(main, 0.7))
    sheet.shape([(46.5, 70), (53.5, 70), (50, 88)], accent)
    sheet.line([(50, 74), (50, 84)], INK, 0.6)
    sheet.tilt(-38)


@motif
def lamp(sheet: Sheet, main: str, accent: str) -> None:
    sheet.shape([(52, 42), (72, 34), (92, 80), (42, 80)], shade(accent, 1.45))
    sheet.oval(36, 82, 16, 4, shade(main, 0.7))
    sheet.line([(36, 81), (28, 52), (52, 28)], shade(main, 0.8), 3)
    sheet.oval(28, 52, 3.5, 3.5, accent)
    sheet.shape([(48, 44), (44, 30), (58, 18), (76, 32)], main)
    sheet.oval(62, 38.5, 9, 4, accent)


@motif
def poster(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(28, 14, 72, 82, INK, 1)
    sheet.box(30, 16, 70, 80, PAPER)
    sheet.box(33, 19, 67, 77, shade(main, 1.7))
    sheet.oval(57, 33, 7, 7, accent)
    sheet.shape([(33, 77), (33, 58), (46, 42), (58, 60), (67, 52), (67, 77)], shade(main, 1.3))
    for x, top in ((39, 50), (50, 56), (60, 52)):
        for rise in (0, 6, 12):
            width = 4 + rise / 4
            sheet.shape([(x, top + rise), (x - width, top + rise + 9), (x + width, top + rise + 9)], main)
        sheet.box(x - 0.8, top + 21, x + 0.8, 77, INK)


@motif
def plant(sheet: Sheet, main: str, accent: str) -> None:
    for angle, length in ((-62, 34), (62, 34), (-38, 42), (38, 42), (-14, 46), (14, 46)):
        sheet.leaf(50, 60, length, angle, shade(main, 0.8 if abs(angle) > 50 else 1))
    sheet.leaf(50, 60, 44, 0, shade(main, 1.2))
    sheet.shape([(35, 60), (65, 60), (60, 84), (40, 84)], accent)
    sheet.box(33, 56, 67, 63, shade(accent, 0.85), 1.5)


@motif
def tee(sheet: Sheet, main: str, accent: str) -> None:
    outline = [
        (40, 22),
        (26, 27),
        (14, 44),
        (24, 51),
        (31, 44),
        (31, 82),
        (69, 82),
        (69, 44),
        (76, 51),
        (86, 44),
    ]
    sheet.shape([*outline, (74, 27), (60, 22)], main)
    sheet.oval(50, 22, 10, 6, shade(main, 0.75))
    for rise in (0, 7, 14):
        width = 6 + rise / 3
        sheet.shape([(50, 42 + rise), (50 - width, 53 + rise), (50 + width, 53 + rise)], accent)
    sheet.box(48.7, 66, 51.3, 72, accent)


@motif
def ebook(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(30, 14, 70, 84, INK, 4)
    sheet.box(33, 18, 67, 76, PAPER, 1)
    sheet.box(37, 23, 63, 44, main, 1)
    sheet.leaf(50, 42, 16, 0, accent)
    for y, end in ((51, 63), (56, 61), (61, 63), (66, 52)):
        sheet.line([(37, y), (end, y)], shade(INK, 1.6), 1)
    sheet.oval(50, 80, 1.6, 1.6, accent)


@motif
def pencils(sheet: Sheet, main: str, accent: str) -> None:
    colours = (main, accent, shade(main, 0.7), shade(accent, 1.3), shade(main, 1.4), shade(accent, 0.7))
    for place, colour in enumerate(colours):
        left = 22 + place * 9.6
        top = 20 + (place % 2) * 5
        sheet.shape([(left, top + 14), (left + 8, top + 14), (left + 4, top)], "#f0d9b5")
        sheet.shape([(left + 2.7, top + 5), (left + 5.3, top + 5), (left + 4, top)], colour)
        sheet.box(left, top + 14, left + 8, 80, colour)
        sheet.box(left + 3, top + 14, left + 5, 80, shade(colour, 1.2))


@motif
def tote(sheet: Sheet, main: str, accent: str) -> None:
    sheet.ring(50, 36, 15, 2.6, shade(main, 0.75))
    sheet.shape([(30, 38), (70, 38), (76, 84), (24, 84)], main)
    sheet.box(30, 38, 70, 41, shade(main, 0.85))
    sheet.oval(50, 62, 13, 13, accent)
    for angle in (-50, 0, 50):
        sheet.leaf(50, 71, 18, angle, main)


@motif
def candle(sheet: Sheet, main: str, accent: str) -> None:
    sheet.oval(50, 22, 12, 13, shade(accent, 1.6))
    sheet.leaf(50, 32, 20, 0, accent)
    sheet.leaf(50, 31, 11, 0, PAPER)
    sheet.line([(50, 31), (50, 38)], INK, 1)
    sheet.box(34, 38, 66, 84, main, 3)
    sheet.box(34, 38, 40, 84, shade(main, 1.25), 3)
    sheet.oval(50, 39, 16, 3.5, shade(main, 0.8))
    sheet.box(34, 54, 66, 72, PAPER)
    sheet.leaf(50, 70, 14, 0, main)


@motif
def clock(sheet: Sheet, main: str, accent: str) -> None:
    sheet.oval(50, 50, 33, 33, main)
    sheet.oval(50, 50, 28, 28, PAPER)
    for hour in range(12):
        turn = math.radians(hour * 30)
        near = 21 if hour % 3 == 0 else 24
        x, y = math.sin(turn), math.cos(turn)
        sheet.line([(50 + near * x, 50 - near * y), (50 + 25.5 * x, 50 - 25.5 * y)], INK, 1.3)
    sheet.line([(50, 50), (39, 41)], INK, 2.4)
    sheet.line([(50, 50), (63, 35)], INK, 1.6)
    sheet.oval(50, 50, 2.6, 2.6, accent)


@motif
def cushion(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(22, 24, 78, 78, main, 12)
    for place in range(5):
        sheet.box(30 + place * 9, 24, 33 + place * 9, 78, accent if place % 2 == 0 else shade(main, 0.8))
    sheet.oval(26, 28, 4, 4, accent)
    sheet.oval(74, 28, 4, 4, accent)
    sheet.oval(26, 74, 4, 4, accent)
    sheet.oval(74, 74, 4, 4, accent)
    sheet.tilt(9)


@motif
def vase(sheet: Sheet, main: str, accent: str) -> None:
    for end in ((34, 16), (50, 9), (66, 16)):
        sheet.line([(50, 46), end], "#5b8c5a", 1.2)
        for turn in range(0, 360, 60):
            sheet.leaf(*end, 7, turn, accent)
        sheet.oval(*end, 2, 2, PAPER)
    sheet.box(43, 40, 57, 58, shade(main, 0.85), 1)
    sheet.oval(50, 66, 21, 19, main)
    sheet.oval(43, 61, 5, 8, shade(main, 1.3))
    sheet.box(40, 38, 60, 42, main, 2)


@motif
def sticker(sheet: Sheet, main: str, accent: str) -> None:
    for radius, colour in ((36, PAPER), (32, main)):
        spikes = [(radius if step % 2 else radius * 0.86, math.radians(step * 11.25)) for step in range(32)]
        sheet.shape([(50 + far * math.cos(turn), 50 + far * math.sin(turn)) for far, turn in spikes], colour)
    sheet.oval(41, 45, 3.4, 4.4, INK)
    sheet.oval(59, 45, 3.4, 4.4, INK)
    sheet.line([(38, 57), (43, 63), (50, 65), (57, 63), (62, 57)], accent, 2.4)


@motif
def desk(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(22, 56, 27, 84, shade(main, 0.65))
    sheet.box(73, 56, 78, 84, shade(main, 0.65))
    sheet.box(12, 50, 88, 57, main, 1.5)
    sheet.box(56, 57, 78, 68, shade(main, 0.85))
    sheet.oval(67, 62, 1.4, 1.4, accent)
    sheet.box(30, 24, 58, 44, INK, 1.5)
    sheet.box(32, 26, 56, 42, accent)
    sheet.box(42, 44, 46, 50, INK)
    sheet.leaf(74, 42, 16, -20, "#5b8c5a")
    sheet.leaf(74, 42, 16, 20, "#7fb285")
    sheet.box(70, 41, 78, 50, accent, 1)


@motif
def wallpaper(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(14, 22, 86, 70, INK, 3)
    sheet.box(17, 25, 83, 67, shade(accent, 1.5))
    sheet.oval(60, 48, 9, 9, accent)
    sheet.shape([(17, 67), (17, 54), (34, 40), (52, 58), (66, 46), (83, 58), (83, 67)], main)
    sheet.shape([(17, 67), (17, 62), (40, 54), (62, 63), (83, 60), (83, 67)], shade(main, 0.7))
    sheet.box(44, 70, 56, 78, shade(INK, 1.2))
    sheet.box(34, 78, 66, 81, INK, 1)


@motif
def artwork(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(24, 16, 76, 82, "#b08968", 1)
    sheet.box(27, 19, 73, 79, PAPER)
    sheet.oval(44, 42, 12, 12, accent)
    sheet.oval(57, 50, 12, 12, main)
    sheet.line([(34, 66), (42, 60), (50, 66), (58, 60), (66, 66)], INK, 1.6)
    sheet.line([(58, 73), (61, 71), (64, 74), (68, 71)], shade(INK, 1.4), 0.8)


@motif
def origami(sheet: Sheet, main: str, accent: str) -> None:
    sheet.shape([(14, 40), (50, 50), (44, 68)], shade(main, 0.8))
    sheet.shape([(50, 50), (44, 68), (70, 66)], main)
    sheet.shape([(50, 50), (60, 14), (70, 66)], shade(main, 1.35))
    sheet.shape([(50, 50), (60, 14), (36, 30)], accent)
    sheet.shape([(70, 66), (62, 44), (84, 40)], shade(main, 0.7))
    sheet.shape([(84, 40), (78, 38), (92, 46)], accent)


@motif
def sound(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(16, 24, 84, 76, main, 6)
    for place, height in enumerate((6, 12, 20, 10, 16, 22, 14, 8, 18, 11, 6)):
        x = 24 + place * 5.2
        sheet.line([(x, 50 - height), (x, 50 + height)], accent if place % 3 == 2 else PAPER, 2.6)


@motif
def card(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(28, 16, 72, 62, PAPER, 1)
    sheet.leaf(50, 50, 26, 0, main)
    sheet.leaf(50, 50, 20, -45, shade(main, 1.3))
    sheet.leaf(50, 50, 20, 45, shade(main, 1.3))
    sheet.shape([(18, 44), (50, 64), (82, 44), (82, 82), (18, 82)], accent)
    sheet.shape([(18, 82), (46, 61), (54, 61), (82, 82)], shade(accent, 0.85))


@motif
def eraser(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(22, 38, 78, 64, PAPER, 5)
    sheet.box(40, 37, 78, 65, main, 4)
    sheet.box(40, 47, 78, 55, accent)
    sheet.tilt(24)


@motif
def ink(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(40, 18, 60, 34, INK, 2)
    sheet.box(43, 33, 57, 42, shade(main, 1.5))
    sheet.shape([(43, 40), (57, 40), (76, 56), (76, 80), (24, 80), (24, 56)], main)
    sheet.box(24, 78, 76, 83, shade(main, 0.7), 2)
    sheet.box(34, 56, 66, 74, PAPER, 1)
    sheet.oval(50, 66, 4, 4.4, accent)
    sheet.shape([(46.6, 64), (53.4, 64), (50, 58)], accent)


@motif
def ruler(sheet: Sheet, main: str, accent: str) -> None:
    sheet.box(8, 40, 92, 60, main, 1.5)
    for step in range(27):
        height = 9 if step % 5 == 0 else 5
        sheet.line([(11 + step * 3, 41), (11 + step * 3, 41 + height)], INK, 0.6)
    sheet.oval(86, 54, 2.4, 2.4, accent)
    sheet.tilt(32)
