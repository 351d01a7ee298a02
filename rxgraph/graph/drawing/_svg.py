"""Pictures as SVG."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from xml.sax.saxutils import escape

from ._scene import INK, Curve, Label, Scene, Shape

FAMILY: Final = "trebuchet ms, verdana, arial, sans-serif"


def svg(scene: Scene) -> str:
    """Return a scene as an SVG document that needs nothing from outside."""
    return "\n".join(_document(scene)) + "\n"


def _document(scene: Scene) -> Iterator[str]:
    width, height = _number(scene.size.width), _number(scene.size.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'font-family="{FAMILY}" text-anchor="middle" fill="{INK}">'
    )
    yield from map(_shape, scene.shapes)
    yield from map(_curve, scene.curves)
    yield from map(_shape, scene.plates)
    yield from map(_label, scene.labels)
    yield "</svg>"


def _shape(shape: Shape) -> str:
    box = f'x="{_number(shape.x)}" y="{_number(shape.y)}" width="{_number(shape.width)}" '
    box += f'height="{_number(shape.height)}" rx="{_number(shape.radius)}"'
    paint = f'fill="{shape.fill}" stroke="{shape.stroke}" stroke-width="{_number(shape.thick)}"'
    state = f' class="{shape.title}"' if shape.title else ""
    return f"<rect{state} {box} {paint}/>"


def _curve(curve: Curve) -> str:
    (x, y), *rest = curve.points
    path = f"M{_number(x)} {_number(y)}C" + " ".join(f"{_number(x)} {_number(y)}" for x, y in rest)
    dots = ' stroke-dasharray="3 3"' if curve.dotted else ""
    head = "L".join(f"{_number(x)} {_number(y)}" for x, y in curve.arrow)
    # No marker: its id would have to be unique in the page that the picture stands in.
    return f'<path d="{path}" fill="none" stroke="{INK}"{dots}/><path d="M{head}z"/>'


def _label(label: Label) -> str:
    style = f'x="{_number(label.x)}" y="{_number(label.y)}" font-size="{_number(label.size)}" dy="0.35em"'
    if label.italic:
        style += ' font-style="italic"'
    return f"<text {style}>{escape(_legal(label.text))}</text>"


def _legal(text: str) -> str:
    """Return a text without the characters that XML has no way to write."""
    return "".join(one if one == "\t" or (one >= " " and not "\ud800" <= one <= "\udfff") else "\ufffd" for one in text)


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


__all__ = ("svg",)
