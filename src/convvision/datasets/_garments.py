"""The ten pieces of drawn Fashion-MNIST: how each is cut, and what it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from convvision.datasets._drawing import (
    Canvas,
    Numbers,
    Pixels,
    Point,
    capsule,
    ellipse,
    limb,
    profile,
    slab,
    triangle_wave,
)

__all__ = ["GARMENTS"]

# Of the stuff that nothing is woven into, then of stripes, checks and dots.
_PATTERNS = (0.45, 0.7, 0.87)
_RIM = 0.45


@dataclass(frozen=True)
class _Cloth:
    """What a piece is made of.

    Attributes:
        shade: Its brightness at each pixel, pattern and folds included.
        trim: The brightness of seams, collars and soles, which stands out from the cloth.
        inside: The brightness of what one sees through an opening.
    """

    shade: Pixels
    trim: Pixels
    inside: Pixels


def _weave(canvas: Canvas, *, pattern: float = 1.0) -> _Cloth:
    base = canvas.uniform(0.36, 0.95)
    trim = np.where(base > 0.6, base * canvas.uniform(0.4, 0.7), base + canvas.uniform(0.2, 0.4))
    kind = canvas.uniform(0, 1)
    angle = canvas.uniform(-0.3, 0.3) + np.float32(np.pi / 2) * canvas.chance(0.5)
    repeats = canvas.uniform(2.0, 4.0)
    cosine, sine = np.cos(angle) * repeats, np.sin(angle) * repeats
    across = triangle_wave(canvas.x * cosine + canvas.y * sine)
    along = triangle_wave(canvas.y * cosine - canvas.x * sine)
    plain, striped, checked = (kind < limit for limit in _PATTERNS)
    woven = np.where(striped, across, np.where(checked, 0.5 * (across + along), np.minimum(across, along)))
    woven = np.where(plain, 0, np.clip(woven * 2, -1, 1))
    folds = canvas.smooth_field()
    shade = base * (1 + pattern * canvas.uniform(0.1, 0.3) * woven + canvas.uniform(0.05, 0.25) * folds)
    return _Cloth(np.clip(shade, 0.08, 1), trim, base * canvas.uniform(0.1, 0.35))


def _shoulders(canvas: Canvas, top: Numbers) -> Pixels:
    """Find the height at which the shoulders begin; they slope down from the neck."""
    return top + 0.3 * np.maximum(np.abs(canvas.x) - 0.16, 0)


def _torso(canvas: Canvas, shoulder: Numbers, top: Numbers, bottom: Numbers, *widths: Point) -> Pixels:
    """Cut a body from the shoulders to the hem, with (height, half width) between."""
    sides = np.abs(canvas.x) - profile(canvas.y, (top, shoulder), *widths)
    return np.maximum(sides, slab(canvas.y, _shoulders(canvas, top), bottom))


def _sleeves(
    canvas: Canvas, cloth: _Cloth, top: Numbers, shoulder: Point, length: Numbers, angle: Numbers,
    width: tuple[Numbers, Numbers], *, cuff: Numbers = 0.0,
) -> None:  # fmt: skip
    """Paint both sleeves from the shoulder outwards; the angle is from straight down."""
    x, y = shoulder
    end = x + length * np.sin(angle), y + length * np.cos(angle)
    beside = np.abs(canvas.x)
    sleeve = np.maximum(limb(beside, canvas.y, shoulder, end, width), _shoulders(canvas, top) - canvas.y)
    canvas.paint(sleeve, cloth.shade, rim=_RIM)
    fold = x + length * 0.88 * np.sin(angle), y + length * 0.88 * np.cos(angle)
    cuff_width = width[1] + 0.015
    canvas.paint(limb(beside, canvas.y, fold, end, (cuff_width, cuff_width)), cloth.trim, opacity=cuff)


def _neck(canvas: Canvas, cloth: _Cloth, top: Numbers, width: Numbers, depth: Numbers, *, rib: Numbers) -> None:
    """Cut the opening for the head, with a rib around it."""
    opening = ellipse(canvas.x, canvas.y, (0, top - 0.03), (width, depth))
    canvas.paint(np.maximum(opening - rib, top - 0.03 - canvas.y), cloth.trim)
    canvas.paint(np.maximum(opening, top - 0.01 - canvas.y), cloth.inside)


def _t_shirt(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.72, canvas.uniform(0.55, 0.8)
    shoulder = canvas.uniform(0.36, 0.44)
    waist = shoulder + canvas.uniform(-0.08, 0.04)
    sleeve = canvas.uniform(0.2, 0.26)
    _sleeves(
        canvas, cloth, top, (shoulder - 0.12, top + 0.14), canvas.uniform(0.36, 0.56), canvas.uniform(0.5, 1.15),
        (sleeve, sleeve * canvas.uniform(0.8, 1.0)), cuff=canvas.chance(0.3),
    )  # fmt: skip
    canvas.paint(_torso(canvas, shoulder, top, bottom, (0.1, waist), (0.8, waist + 0.03)), cloth.shade, rim=_RIM)
    _neck(canvas, cloth, top, canvas.uniform(0.15, 0.24), canvas.uniform(0.12, 0.32), rib=canvas.uniform(0.02, 0.07))


def _trouser(canvas: Canvas) -> None:
    cloth = _weave(canvas, pattern=0.5)
    top, bottom = -0.88, canvas.uniform(0.65, 0.92)
    beside = np.abs(canvas.x)
    hips = canvas.uniform(0.3, 0.4)
    stride = canvas.uniform(0.19, 0.34)
    thigh = hips / 2 + 0.02
    legs = limb(beside, canvas.y, (hips / 2, -0.45), (stride, bottom), (thigh, canvas.uniform(0.1, 0.18)))
    seat = np.maximum(beside - profile(canvas.y, (top, hips * 0.82), (-0.4, hips)), slab(canvas.y, top, -0.3))
    canvas.paint(np.minimum(legs, seat), cloth.shade, rim=_RIM)
    canvas.paint(limb(beside, canvas.y, (hips / 2, -0.4), (stride, bottom), (0.012, 0.012)), cloth.trim, opacity=0.6)
    canvas.paint(capsule(canvas.x, canvas.y, (0, top), (0, -0.35), 0.015), cloth.inside)
    canvas.paint(capsule(beside, canvas.y, (hips * 0.6, -0.74), (hips, -0.52), 0.02), cloth.inside, opacity=0.8)
    canvas.paint(np.maximum(seat, canvas.y - top - 0.11), cloth.trim)


def _pullover(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.7, canvas.uniform(0.55, 0.78)
    shoulder = canvas.uniform(0.38, 0.46)
    waist = shoulder + canvas.uniform(-0.06, 0.06)
    sleeve = canvas.uniform(0.17, 0.22)
    _sleeves(
        canvas, cloth, top, (shoulder - 0.1, top + 0.06), canvas.uniform(1.05, 1.4), canvas.uniform(0.12, 0.55),
        (sleeve, sleeve * 0.7), cuff=1.0,
    )  # fmt: skip
    body = _torso(canvas, shoulder, top, bottom, (0.1, waist), (0.8, waist))
    canvas.paint(body, cloth.shade, rim=_RIM)
    canvas.paint(np.maximum(body, bottom - 0.12 - canvas.y), cloth.trim)
    _neck(canvas, cloth, top, canvas.uniform(0.14, 0.2), canvas.uniform(0.1, 0.2), rib=canvas.uniform(0.06, 0.1))
    roll = limb(canvas.x, canvas.y, (0, top - 0.16), (0, top + 0.1), (0.17, 0.2))
    canvas.paint(roll, cloth.trim, opacity=canvas.chance(0.3), rim=_RIM)


def _dress(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = canvas.uniform(-0.75, -0.62), canvas.uniform(0.75, 0.92)
    beside = np.abs(canvas.x)
    bust = canvas.uniform(0.24, 0.31)
    waist = bust - canvas.uniform(0.03, 0.1)
    belt = canvas.uniform(-0.22, 0.05)
    sleeve = canvas.uniform(0.25, 0.45)
    with_sleeves = canvas.chance(0.4)
    arms = limb(beside, canvas.y, (bust - 0.08, top + 0.14), (bust + sleeve * 0.6, top + 0.1 + sleeve), (0.15, 0.12))
    canvas.paint(arms, cloth.shade, rim=_RIM, opacity=with_sleeves)
    canvas.paint(capsule(beside, canvas.y, (bust * 0.6, -0.92), (bust * 0.8, top + 0.1), 0.04), cloth.shade)
    body = _torso(canvas, bust, top, bottom, (belt, waist), (bottom, canvas.uniform(0.3, 0.62)))
    canvas.paint(body, cloth.shade, rim=_RIM)
    canvas.paint(np.maximum(body, slab(canvas.y, belt - 0.05, belt + 0.05)), cloth.trim, opacity=canvas.chance(0.6))
    _neck(canvas, cloth, top, bust * 0.6, canvas.uniform(0.1, 0.3), rib=0.02)


def _coat(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.78, canvas.uniform(0.75, 0.95)
    beside = np.abs(canvas.x)
    shoulder = canvas.uniform(0.36, 0.43)
    waist = shoulder + canvas.uniform(-0.08, 0.02)
    sleeve = canvas.uniform(0.16, 0.2)
    _sleeves(
        canvas, cloth, top, (shoulder - 0.08, top + 0.06), canvas.uniform(1.1, 1.4), canvas.uniform(0.1, 0.42),
        (sleeve, sleeve * 0.8), cuff=canvas.chance(0.5),
    )  # fmt: skip
    canvas.paint(
        _torso(canvas, shoulder, top, bottom, (0.0, waist), (bottom, waist + canvas.uniform(0.02, 0.14))),
        cloth.shade, rim=_RIM,
    )  # fmt: skip
    closing = canvas.uniform(-0.3, 0.05)
    canvas.paint(limb(canvas.x, canvas.y, (0, top - 0.05), (0, closing), (0.17, 0.0)), cloth.inside)
    canvas.paint(capsule(canvas.x, canvas.y, (0, closing), (0, bottom - 0.02), 0.02), cloth.inside)
    canvas.paint(limb(beside, canvas.y, (0.17, top - 0.02), (0.05, closing), (0.1, 0.07)), cloth.trim, rim=0.5)
    _buttons(canvas, canvas.uniform(0.09, 0.16), closing + 0.12, canvas.uniform(0.22, 0.3), 0.045, cloth.trim)
    pocket = canvas.uniform(0.25, 0.42)
    canvas.paint(limb(beside, canvas.y, (0.16, pocket + 0.04), (0.34, pocket), (0.035, 0.035)), cloth.trim)


def _buttons(
    canvas: Canvas, column: Numbers, first: Numbers, spacing: Numbers, radius: float, shade: Numbers, *, rows: int = 3
) -> None:
    nearest = np.clip(np.round((canvas.y - first) / spacing), 0, rows - 1)
    below = canvas.y - first - nearest * spacing
    across = np.abs(canvas.x) - column
    canvas.paint(np.sqrt(across * across + below * below) - radius, shade)


def _shirt(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.68, canvas.uniform(0.6, 0.85)
    beside = np.abs(canvas.x)
    shoulder = canvas.uniform(0.36, 0.44)
    waist = shoulder + canvas.uniform(-0.1, 0.02)
    sleeve = canvas.uniform(0.17, 0.22)
    short = canvas.chance(0.35)
    length = np.where(short, canvas.uniform(0.36, 0.55), canvas.uniform(1.05, 1.35))
    angle = np.where(short, canvas.uniform(0.5, 1.0), canvas.uniform(0.12, 0.5))
    _sleeves(
        canvas, cloth, top, (shoulder - 0.1, top + 0.08), length, angle, (sleeve, sleeve * (0.72 + 0.15 * short)),
        cuff=1 - short,
    )  # fmt: skip
    tails = bottom - 0.9 * canvas.x * canvas.x
    canvas.paint(_torso(canvas, shoulder, top, tails, (0.1, waist), (0.8, waist)), cloth.shade, rim=_RIM)
    canvas.paint(np.maximum(beside - 0.055, slab(canvas.y, top + 0.1, tails - 0.02)), cloth.trim)
    _buttons(canvas, 0.0, top + 0.34, canvas.uniform(0.24, 0.3), 0.032, cloth.inside, rows=4)
    canvas.paint(limb(canvas.x, canvas.y, (0, top - 0.1), (0, top + 0.16), (0.16, 0.0)), cloth.inside)
    canvas.paint(limb(beside, canvas.y, (0.15, top - 0.1), (0.09, top + 0.24), (0.075, 0.1)), cloth.trim, rim=0.5)
    pocket = np.maximum(np.abs(canvas.x - 0.2) - 0.09, np.abs(canvas.y + 0.18) - 0.1)
    canvas.paint(np.abs(pocket) - 0.018, cloth.trim, opacity=canvas.chance(0.6))


def _sandal(canvas: Canvas) -> None:
    cloth = _weave(canvas, pattern=0.5)
    heel = canvas.uniform(0.02, 0.6)
    ground = 0.5
    thickness = canvas.uniform(0.05, 0.09)
    tread = ground - profile(canvas.x, (-0.35, 0.0), (0.45, heel), (0.8, heel + 0.04))
    sole = np.maximum(np.abs(canvas.y - tread) - thickness, np.abs(canvas.x) - 0.82)
    strap = canvas.uniform(0.035, 0.06)
    foot = np.minimum(canvas.y - tread, 0.6)
    for centre, radius, height, there in (
        (canvas.uniform(-0.6, -0.5), 0.17, 0.24, 1.0),
        (canvas.uniform(-0.22, -0.1), 0.17, 0.32, canvas.chance(0.7)),
        (canvas.uniform(0.52, 0.6), 0.24, canvas.uniform(0.36, 0.55), canvas.chance(0.85)),
    ):
        arch = np.abs(ellipse(canvas.x, foot, (centre, 0), (radius, height))) - strap
        canvas.paint(np.maximum(arch, foot), cloth.shade, opacity=there)
    canvas.paint(capsule(canvas.x, foot, (-0.5, -0.2), (0.4, -0.36), strap), cloth.shade, opacity=canvas.chance(0.4))
    block = canvas.uniform(0.04, 0.16)
    canvas.paint(
        limb(canvas.x, canvas.y, (0.68, ground - heel), (0.7, ground + 0.07), (block + 0.05, block)), cloth.trim
    )
    wedge = np.maximum(slab(canvas.y, tread, ground + 0.05), np.abs(canvas.x - 0.22) - 0.58)
    canvas.paint(wedge, cloth.trim, opacity=canvas.chance(0.25))
    canvas.paint(sole, cloth.trim, rim=0.2)


def _sneaker(canvas: Canvas) -> None:
    cloth = _weave(canvas, pattern=0.6)
    ground = 0.45
    ankle = canvas.uniform(0.5, 0.66)
    toe = canvas.uniform(0.2, 0.28)
    upper_edge = ground - profile(
        canvas.x, (-0.86, 0.05), (-0.66, toe), (-0.4, toe + 0.06), (0.1, ankle), (0.75, ankle + 0.04), (0.88, 0.2)
    )
    upper = np.maximum(slab(canvas.y, upper_edge, ground) * 0.8, np.abs(canvas.x) - 0.84)
    canvas.paint(upper, cloth.shade, rim=_RIM)
    canvas.paint(
        np.maximum(upper, canvas.x + 0.55 + 0.4 * (canvas.y - ground)), cloth.trim, opacity=canvas.chance(0.5)
    )
    opening = ellipse(canvas.x, canvas.y, (0.46, ground - ankle), (0.27, 0.1))
    canvas.paint(opening, cloth.inside)
    start, end = (-0.36, ground - toe - 0.06), (0.1, ground - ankle + 0.02)
    for step in (0.1, 0.5, 0.9):
        at = start[0] + step * (end[0] - start[0]), start[1] + step * (end[1] - start[1])
        canvas.paint(capsule(canvas.x, canvas.y, at, (at[0] + 0.12, at[1] + 0.2), 0.028), cloth.trim)
    stripe = capsule(canvas.x, canvas.y, (0.0, ground - 0.06), (canvas.uniform(0.2, 0.55), ground - 0.34), 0.04)
    canvas.paint(stripe, cloth.trim, opacity=canvas.chance(0.6))
    thickness = canvas.uniform(0.06, 0.1)
    canvas.paint(
        capsule(canvas.x, canvas.y, (-0.8, ground + 0.03), (0.8, ground + 0.03), thickness),
        np.maximum(cloth.trim, 0.6),
        rim=0.3,
    )


def _bag(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = canvas.uniform(-0.3, -0.05), canvas.uniform(0.5, 0.75)
    width = canvas.uniform(0.5, 0.78)
    grip = canvas.uniform(0.035, 0.07)
    reach = canvas.uniform(0.3, 0.6)
    handle = np.abs(ellipse(canvas.x, canvas.y, (0, top), (width * canvas.uniform(0.4, 0.8), reach))) - grip
    canvas.paint(np.maximum(handle, canvas.y - top - 0.1), cloth.trim, rim=0.2)
    sides = np.abs(canvas.x) - profile(canvas.y, (top, width * canvas.uniform(0.75, 1.0)), (bottom, width))
    body = np.maximum(sides, slab(canvas.y, top, bottom))
    canvas.paint(body, cloth.shade, rim=_RIM)
    depth = canvas.uniform(0.2, 0.45)
    lid = np.maximum(body, canvas.y - top - depth * (1 - 0.7 * canvas.x * canvas.x))
    with_lid = canvas.chance(0.6)
    canvas.paint(np.abs(lid) - 0.02, cloth.inside, opacity=with_lid)
    canvas.paint(lid, 0.5 * (cloth.shade + cloth.trim), opacity=with_lid)
    canvas.paint(ellipse(canvas.x, canvas.y, (0, top + depth), (0.08, 0.07)), cloth.trim, opacity=with_lid)
    seam = np.abs(canvas.y - top - 0.1) - 0.02
    canvas.paint(np.maximum(body, seam), cloth.trim, opacity=1 - with_lid)


def _ankle_boot(canvas: Canvas) -> None:
    cloth = _weave(canvas, pattern=0.4)
    ground = 0.62
    shaft = canvas.uniform(1.15, 1.45)
    heel = canvas.uniform(0.02, 0.25)
    front = canvas.uniform(-0.1, 0.05)
    tread = ground - profile(canvas.x, (-0.2, 0.0), (0.3, heel))
    edge = ground - profile(canvas.x, (-0.85, 0.1), (-0.65, 0.28), (front - 0.12, 0.5), (front + 0.06, shaft))
    upper = np.maximum(slab(canvas.y, edge, tread), slab(canvas.x, -0.84, 0.68 + 0.08 * canvas.y))
    canvas.paint(upper, cloth.shade, rim=_RIM)
    top = ground - shaft
    canvas.paint(np.maximum(upper, canvas.y - top - 0.1), cloth.trim, opacity=canvas.chance(0.6))
    middle = 0.5 * (front + 0.7)
    panel = limb(canvas.x, canvas.y, (middle, top), (middle, -0.05), (0.1, 0.04))
    canvas.paint(panel, cloth.inside, opacity=canvas.chance(0.5))
    rung = np.clip(np.round((canvas.y + 0.1) / -0.17), 0, 3)
    lace = np.maximum(np.abs(canvas.y + 0.1 + 0.17 * rung) - 0.03, np.abs(canvas.x - front - 0.06) - 0.12)
    canvas.paint(lace, cloth.trim, opacity=canvas.chance(0.5))
    canvas.paint(limb(canvas.x, canvas.y, (0.5, ground - heel), (0.5, ground + 0.08), (0.2, 0.17)), cloth.trim)
    canvas.paint(np.maximum(np.abs(canvas.y - tread) - 0.06, np.abs(canvas.x + 0.08) - 0.79), cloth.trim, rim=0.2)


GARMENTS: Mapping[str, Callable[[Canvas], None]] = MappingProxyType(
    {
        "T-shirt/top": _t_shirt,
        "Trouser": _trouser,
        "Pullover": _pullover,
        "Dress": _dress,
        "Coat": _coat,
        "Sandal": _sandal,
        "Shirt": _shirt,
        "Sneaker": _sneaker,
        "Bag": _bag,
        "Ankle boot": _ankle_boot,
    }
)
