"""The ten pieces of drawn Fashion-MNIST: what each is made of, and how it is cut.

Everything is measured on paper from -1 to 1. What is alike on both sides is painted once, in the distance from the
middle, ``abs(x)``; shoes point to the left, as in Fashion-MNIST.
"""

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

# What is round gets darker towards its outline, which also sets a sleeve off from the body behind it.
_ROUND = 0.45


@dataclass(frozen=True)
class _Cloth:
    """What a piece is made of.

    Attributes:
        shade: Brightness of each pixel, with pattern and folds.
        trim: Brightness of seams, collars and soles, which stand out.
        inside: Brightness of what is seen through an opening.
    """

    shade: Pixels
    trim: Pixels
    inside: Pixels


def _weave(canvas: Canvas, *, contrast: float = 1.0) -> _Cloth:
    base = canvas.uniform(0.36, 0.95)
    trim = np.where(base > 0.6, base * canvas.uniform(0.4, 0.7), base + canvas.uniform(0.2, 0.4))
    angle = canvas.uniform(-0.3, 0.3) + np.float32(np.pi / 2) * canvas.chance(0.5)
    repeats = canvas.uniform(2.0, 4.0)
    cosine, sine = np.cos(angle) * repeats, np.sin(angle) * repeats
    stripes = triangle_wave(canvas.x * cosine + canvas.y * sine)
    others = triangle_wave(canvas.y * cosine - canvas.x * sine)
    kind = canvas.uniform(0, 1)
    woven = np.select(
        [kind < 0.45, kind < 0.7, kind < 0.87],
        [np.zeros_like(stripes), stripes, (stripes + others) / 2],  # plain, striped, checked
        np.minimum(stripes, others),  # dotted
    )
    pattern = contrast * canvas.uniform(0.1, 0.3) * np.clip(2 * woven, -1, 1)
    folds = canvas.uniform(0.05, 0.25) * canvas.smooth_field()
    return _Cloth(np.clip(base * (1 + pattern + folds), 0.08, 1), trim, base * canvas.uniform(0.1, 0.35))


def _shoulder_line(canvas: Canvas, top: Numbers) -> Pixels:
    return top + 0.3 * np.maximum(np.abs(canvas.x) - 0.16, 0)


def _torso(canvas: Canvas, top: Numbers, bottom: Numbers, *half_widths: Point) -> Pixels:
    sides = np.abs(canvas.x) - profile(canvas.y, *half_widths)
    return np.maximum(sides, slab(canvas.y, _shoulder_line(canvas, top), bottom))


def _paint_sleeves(
    canvas: Canvas,
    cloth: _Cloth,
    *,
    top: Numbers,
    start: Point,
    length: Numbers,
    angle: Numbers,
    half_widths: tuple[Numbers, Numbers],
    cuffs: Numbers = 1.0,
) -> None:
    """Paint both sleeves, at an angle from straight down, before the body that hides where they begin."""
    beside = np.abs(canvas.x)
    right, down = length * np.sin(angle), length * np.cos(angle)
    end, seam = (start[0] + right, start[1] + down), (start[0] + 0.88 * right, start[1] + 0.88 * down)
    sleeve = limb(beside, canvas.y, start, end, half_widths)
    canvas.paint(np.maximum(sleeve, _shoulder_line(canvas, top) - canvas.y), cloth.shade, rim=_ROUND)
    cuff = half_widths[1] + 0.015
    canvas.paint(limb(beside, canvas.y, seam, end, (cuff, cuff)), cloth.trim, opacity=cuffs)


def _paint_neck(canvas: Canvas, cloth: _Cloth, *, top: Numbers, radii: Point, rib: Numbers) -> None:
    opening = ellipse(canvas.x, canvas.y, (0, top - 0.03), radii)
    canvas.paint(np.maximum(opening - rib, top - 0.03 - canvas.y), cloth.trim)
    canvas.paint(np.maximum(opening, top - 0.01 - canvas.y), cloth.inside)


def _paint_buttons(
    canvas: Canvas, shade: Numbers, *, column: Numbers, first: Numbers, spacing: Numbers, rows: int, radius: float
) -> None:
    nearest = first + spacing * np.clip(np.round((canvas.y - first) / spacing), 0, rows - 1)
    canvas.paint(ellipse(np.abs(canvas.x), canvas.y, (column, nearest), (radius, radius)), shade)


def _t_shirt(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.72, canvas.uniform(0.55, 0.8)
    shoulder = canvas.uniform(0.36, 0.44)
    waist = shoulder + canvas.uniform(-0.08, 0.04)
    sleeve = canvas.uniform(0.2, 0.26)
    _paint_sleeves(
        canvas,
        cloth,
        top=top,
        start=(shoulder - 0.12, top + 0.14),
        length=canvas.uniform(0.36, 0.56),
        angle=canvas.uniform(0.5, 1.15),
        half_widths=(sleeve, sleeve * canvas.uniform(0.8, 1.0)),
        cuffs=canvas.chance(0.3),
    )
    body = _torso(canvas, top, bottom, (top, shoulder), (0.1, waist), (0.8, waist + 0.03))
    canvas.paint(body, cloth.shade, rim=_ROUND)
    radii = canvas.uniform(0.15, 0.24), canvas.uniform(0.12, 0.32)
    _paint_neck(canvas, cloth, top=top, radii=radii, rib=canvas.uniform(0.02, 0.07))


def _trouser(canvas: Canvas) -> None:
    cloth = _weave(canvas, contrast=0.5)
    top, bottom = -0.88, canvas.uniform(0.65, 0.92)
    beside = np.abs(canvas.x)
    hips, foot = canvas.uniform(0.3, 0.4), canvas.uniform(0.19, 0.34)
    legs = limb(beside, canvas.y, (hips / 2, -0.45), (foot, bottom), (hips / 2 + 0.02, canvas.uniform(0.1, 0.18)))
    seat = np.maximum(beside - profile(canvas.y, (top, hips * 0.82), (-0.4, hips)), slab(canvas.y, top, -0.3))
    canvas.paint(np.minimum(legs, seat), cloth.shade, rim=_ROUND)
    canvas.paint(capsule(beside, canvas.y, (hips / 2, -0.4), (foot, bottom), 0.012), cloth.trim, opacity=0.6)  # crease
    canvas.paint(capsule(canvas.x, canvas.y, (0, top), (0, -0.35), 0.015), cloth.inside)  # fly
    pocket = capsule(beside, canvas.y, (hips * 0.6, -0.74), (hips, -0.52), 0.02)
    canvas.paint(pocket, cloth.inside, opacity=0.8)
    canvas.paint(np.maximum(seat, canvas.y - top - 0.11), cloth.trim)


def _pullover(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.7, canvas.uniform(0.55, 0.78)
    shoulder = canvas.uniform(0.38, 0.46)
    waist = shoulder + canvas.uniform(-0.06, 0.06)
    sleeve = canvas.uniform(0.17, 0.22)
    _paint_sleeves(
        canvas,
        cloth,
        top=top,
        start=(shoulder - 0.1, top + 0.06),
        length=canvas.uniform(1.05, 1.4),
        angle=canvas.uniform(0.12, 0.55),
        half_widths=(sleeve, sleeve * 0.7),
    )
    body = _torso(canvas, top, bottom, (top, shoulder), (0.1, waist))
    canvas.paint(body, cloth.shade, rim=_ROUND)
    canvas.paint(np.maximum(body, bottom - 0.12 - canvas.y), cloth.trim)
    radii = canvas.uniform(0.14, 0.2), canvas.uniform(0.1, 0.2)
    _paint_neck(canvas, cloth, top=top, radii=radii, rib=canvas.uniform(0.06, 0.1))
    roll = limb(canvas.x, canvas.y, (0, top - 0.16), (0, top + 0.1), (0.17, 0.2))
    canvas.paint(roll, cloth.trim, rim=_ROUND, opacity=canvas.chance(0.3))


def _dress(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = canvas.uniform(-0.75, -0.62), canvas.uniform(0.75, 0.92)
    beside = np.abs(canvas.x)
    bust = canvas.uniform(0.24, 0.31)
    waist, belt = bust - canvas.uniform(0.03, 0.1), canvas.uniform(-0.22, 0.05)
    length = canvas.uniform(0.25, 0.45)
    sleeves = limb(beside, canvas.y, (bust - 0.08, top + 0.14), (bust + 0.6 * length, top + 0.1 + length), (0.15, 0.12))
    canvas.paint(sleeves, cloth.shade, rim=_ROUND, opacity=canvas.chance(0.4))
    canvas.paint(capsule(beside, canvas.y, (bust * 0.6, -0.92), (bust * 0.8, top + 0.1), 0.04), cloth.shade)  # straps
    body = _torso(canvas, top, bottom, (top, bust), (belt, waist), (bottom, canvas.uniform(0.3, 0.62)))
    canvas.paint(body, cloth.shade, rim=_ROUND)
    canvas.paint(np.maximum(body, slab(canvas.y, belt - 0.05, belt + 0.05)), cloth.trim, opacity=canvas.chance(0.6))
    _paint_neck(canvas, cloth, top=top, radii=(bust * 0.6, canvas.uniform(0.1, 0.3)), rib=0.02)


def _coat(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.78, canvas.uniform(0.75, 0.95)
    beside = np.abs(canvas.x)
    shoulder = canvas.uniform(0.36, 0.43)
    waist = shoulder + canvas.uniform(-0.08, 0.02)
    sleeve = canvas.uniform(0.16, 0.2)
    _paint_sleeves(
        canvas,
        cloth,
        top=top,
        start=(shoulder - 0.08, top + 0.06),
        length=canvas.uniform(1.1, 1.4),
        angle=canvas.uniform(0.1, 0.42),
        half_widths=(sleeve, sleeve * 0.8),
        cuffs=canvas.chance(0.5),
    )
    hem = waist + canvas.uniform(0.02, 0.14)
    canvas.paint(_torso(canvas, top, bottom, (top, shoulder), (0.0, waist), (bottom, hem)), cloth.shade, rim=_ROUND)
    closing = canvas.uniform(-0.3, 0.05)
    canvas.paint(limb(canvas.x, canvas.y, (0, top - 0.05), (0, closing), (0.17, 0.0)), cloth.inside)
    canvas.paint(capsule(canvas.x, canvas.y, (0, closing), (0, bottom - 0.02), 0.02), cloth.inside)
    lapels = limb(beside, canvas.y, (0.17, top - 0.02), (0.05, closing), (0.1, 0.07))
    canvas.paint(lapels, cloth.trim, rim=_ROUND)
    column, spacing = canvas.uniform(0.09, 0.16), canvas.uniform(0.22, 0.3)
    _paint_buttons(canvas, cloth.trim, column=column, first=closing + 0.12, spacing=spacing, rows=3, radius=0.045)
    pocket = canvas.uniform(0.25, 0.42)
    canvas.paint(limb(beside, canvas.y, (0.16, pocket + 0.04), (0.34, pocket), (0.035, 0.035)), cloth.trim)


def _sandal(canvas: Canvas) -> None:
    cloth = _weave(canvas, contrast=0.5)
    ground, heel = 0.5, canvas.uniform(0.02, 0.6)
    tread = ground - profile(canvas.x, (-0.35, 0.0), (0.45, heel), (0.8, heel + 0.04))
    above = canvas.y - tread
    strap = canvas.uniform(0.035, 0.06)
    for middle, radii, there in (
        (canvas.uniform(-0.6, -0.5), (0.17, 0.24), 1.0),
        (canvas.uniform(-0.22, -0.1), (0.17, 0.32), canvas.chance(0.7)),
        (canvas.uniform(0.52, 0.6), (0.24, canvas.uniform(0.36, 0.55)), canvas.chance(0.85)),
    ):
        arch = np.abs(ellipse(canvas.x, above, (middle, 0), radii)) - strap
        canvas.paint(np.maximum(arch, above), cloth.shade, opacity=there)
    canvas.paint(capsule(canvas.x, above, (-0.5, -0.2), (0.4, -0.36), strap), cloth.shade, opacity=canvas.chance(0.4))
    thin = canvas.uniform(0.04, 0.16)
    canvas.paint(limb(canvas.x, canvas.y, (0.68, ground - heel), (0.7, ground + 0.07), (thin + 0.05, thin)), cloth.trim)
    wedge = np.maximum(slab(canvas.y, tread, ground + 0.05), slab(canvas.x, -0.36, 0.8))
    canvas.paint(wedge, cloth.trim, opacity=canvas.chance(0.25))
    sole = np.maximum(np.abs(above) - canvas.uniform(0.05, 0.09), np.abs(canvas.x) - 0.82)
    canvas.paint(sole, cloth.trim, rim=0.2)


def _shirt(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = -0.68, canvas.uniform(0.6, 0.85)
    beside = np.abs(canvas.x)
    shoulder = canvas.uniform(0.36, 0.44)
    waist = shoulder + canvas.uniform(-0.1, 0.02)
    sleeve = canvas.uniform(0.17, 0.22)
    short = canvas.chance(0.35)
    _paint_sleeves(
        canvas,
        cloth,
        top=top,
        start=(shoulder - 0.1, top + 0.08),
        length=np.where(short, canvas.uniform(0.36, 0.55), canvas.uniform(1.05, 1.35)),
        angle=np.where(short, canvas.uniform(0.5, 1.0), canvas.uniform(0.12, 0.5)),
        half_widths=(sleeve, sleeve * (0.72 + 0.15 * short)),
        cuffs=1 - short,
    )
    tails = bottom - 0.9 * canvas.x * canvas.x
    canvas.paint(_torso(canvas, top, tails, (top, shoulder), (0.1, waist)), cloth.shade, rim=_ROUND)
    canvas.paint(np.maximum(beside - 0.055, slab(canvas.y, top + 0.1, tails - 0.02)), cloth.trim)  # placket
    spacing = canvas.uniform(0.24, 0.3)
    _paint_buttons(canvas, cloth.inside, column=0.0, first=top + 0.34, spacing=spacing, rows=4, radius=0.032)
    canvas.paint(limb(canvas.x, canvas.y, (0, top - 0.1), (0, top + 0.16), (0.16, 0.0)), cloth.inside)
    collar = limb(beside, canvas.y, (0.15, top - 0.1), (0.09, top + 0.24), (0.075, 0.1))
    canvas.paint(collar, cloth.trim, rim=_ROUND)
    pocket = np.maximum(np.abs(canvas.x - 0.2) - 0.09, np.abs(canvas.y + 0.18) - 0.1)
    canvas.paint(np.abs(pocket) - 0.018, cloth.trim, opacity=canvas.chance(0.6))


def _sneaker(canvas: Canvas) -> None:
    cloth = _weave(canvas, contrast=0.6)
    ground, ankle, toe = 0.45, canvas.uniform(0.5, 0.66), canvas.uniform(0.2, 0.28)
    tongue, throat = (0.1, ankle), (-0.4, toe + 0.06)
    height = profile(canvas.x, (-0.86, 0.05), (-0.66, toe), throat, tongue, (0.75, ankle + 0.04), (0.88, 0.2))
    upper = np.maximum(slab(canvas.y, ground - height, ground), np.abs(canvas.x) - 0.84)
    canvas.paint(upper, cloth.shade, rim=_ROUND)
    cap = np.maximum(upper, canvas.x + 0.55 + 0.4 * (canvas.y - ground))
    canvas.paint(cap, cloth.trim, opacity=canvas.chance(0.5))
    canvas.paint(ellipse(canvas.x, canvas.y, (0.46, ground - ankle), (0.27, 0.1)), cloth.inside)
    for step in (0.15, 0.5, 0.85):
        x, y = (throat[i] + step * (tongue[i] - throat[i]) for i in (0, 1))
        canvas.paint(capsule(canvas.x, ground - canvas.y, (x, y), (x + 0.12, y - 0.2), 0.028), cloth.trim)  # laces
    stripe = capsule(canvas.x, canvas.y, (0.0, ground - 0.06), (canvas.uniform(0.2, 0.55), ground - 0.34), 0.04)
    canvas.paint(stripe, cloth.trim, opacity=canvas.chance(0.6))
    sole = capsule(canvas.x, canvas.y, (-0.8, ground + 0.03), (0.8, ground + 0.03), canvas.uniform(0.06, 0.1))
    canvas.paint(sole, np.maximum(cloth.trim, 0.6), rim=0.3)


def _bag(canvas: Canvas) -> None:
    cloth = _weave(canvas)
    top, bottom = canvas.uniform(-0.3, -0.05), canvas.uniform(0.5, 0.75)
    width = canvas.uniform(0.5, 0.78)
    reach = width * canvas.uniform(0.4, 0.8), canvas.uniform(0.3, 0.6)
    handle = np.abs(ellipse(canvas.x, canvas.y, (0, top), reach)) - canvas.uniform(0.035, 0.07)
    canvas.paint(np.maximum(handle, canvas.y - top - 0.1), cloth.trim, rim=0.2)
    sides = np.abs(canvas.x) - profile(canvas.y, (top, width * canvas.uniform(0.75, 1.0)), (bottom, width))
    body = np.maximum(sides, slab(canvas.y, top, bottom))
    canvas.paint(body, cloth.shade, rim=_ROUND)
    depth, with_lid = canvas.uniform(0.2, 0.45), canvas.chance(0.6)
    lid = np.maximum(body, canvas.y - top - depth * (1 - 0.7 * canvas.x * canvas.x))
    canvas.paint(lid - 0.02, cloth.inside, opacity=with_lid)
    canvas.paint(lid, (cloth.shade + cloth.trim) / 2, opacity=with_lid)
    canvas.paint(ellipse(canvas.x, canvas.y, (0, top + depth), (0.08, 0.07)), cloth.trim, opacity=with_lid)  # clasp
    seam = np.maximum(body, np.abs(canvas.y - top - 0.1) - 0.02)
    canvas.paint(seam, cloth.trim, opacity=1 - with_lid)


def _ankle_boot(canvas: Canvas) -> None:
    cloth = _weave(canvas, contrast=0.4)
    ground, shaft, heel = 0.62, canvas.uniform(1.15, 1.45), canvas.uniform(0.02, 0.25)
    front, top = canvas.uniform(-0.1, 0.05), ground - shaft
    tread = ground - profile(canvas.x, (-0.2, 0.0), (0.3, heel))
    height = profile(canvas.x, (-0.85, 0.1), (-0.65, 0.28), (front - 0.12, 0.5), (front + 0.06, shaft))
    upper = np.maximum(slab(canvas.y, ground - height, tread), slab(canvas.x, -0.84, 0.68 + 0.08 * canvas.y))
    canvas.paint(upper, cloth.shade, rim=_ROUND)
    canvas.paint(np.maximum(upper, canvas.y - top - 0.1), cloth.trim, opacity=canvas.chance(0.6))
    middle = (front + 0.7) / 2
    gusset = limb(canvas.x, canvas.y, (middle, top), (middle, -0.05), (0.1, 0.04))
    canvas.paint(gusset, cloth.inside, opacity=canvas.chance(0.5))
    nearest = -0.1 - 0.17 * np.clip(np.round((canvas.y + 0.1) / -0.17), 0, 3)
    laces = np.maximum(np.abs(canvas.y - nearest) - 0.03, np.abs(canvas.x - front - 0.06) - 0.12)
    canvas.paint(laces, cloth.trim, opacity=canvas.chance(0.5))
    canvas.paint(limb(canvas.x, canvas.y, (0.5, ground - heel), (0.5, ground + 0.08), (0.2, 0.17)), cloth.trim)
    canvas.paint(np.maximum(np.abs(canvas.y - tread) - 0.06, slab(canvas.x, -0.87, 0.71)), cloth.trim, rim=0.2)


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
"""What paints each class, in the order of the labels."""
