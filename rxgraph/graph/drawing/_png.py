"""Pictures as PNG, painted by Matplotlib: it brings its fonts, and asks nobody."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from ._scene import INK, Scene

DPI = 72.0
"""So that one unit of a scene is one point."""


def png(scene: Scene, *, background: str = "white", font: str | None = None, scale: float = 2.0) -> bytes:
    """Return a scene as a PNG file.

    Raises:
        ImportError: Matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
        from matplotlib.path import Path
    except ImportError as error:
        raise ImportError(
            "PNG pictures need the extra 'draw' of rxgraph-runtime: pip install 'rxgraph-runtime[draw]'. "
            "draw_svg(), draw_ascii() and draw_mermaid() need nothing."
        ) from error

    figure = Figure(figsize=(scene.size.width / DPI, scene.size.height / DPI), dpi=DPI * scale)
    FigureCanvasAgg(figure)
    axes: Any = figure.add_axes((0, 0, 1, 1), frameon=False)
    axes.set_axis_off()
    axes.set_xlim(0, scene.size.width)
    axes.set_ylim(scene.size.height, 0)
    for order, shapes in ((1, scene.shapes), (3, scene.plates)):
        for shape in shapes:
            axes.add_patch(
                FancyBboxPatch(
                    (shape.x, shape.y),
                    shape.width,
                    shape.height,
                    boxstyle=f"round,pad=0,rounding_size={shape.radius}",
                    facecolor=shape.fill,
                    edgecolor=shape.stroke,
                    linewidth=shape.thick,
                    zorder=order,
                )
            )
    for curve in scene.curves:
        codes = [Path.MOVETO, *[Path.CURVE4] * (len(curve.points) - 1)]
        dashes = (0, (3, 3)) if curve.dotted else "solid"
        axes.add_patch(PathPatch(Path(curve.points, codes), fill=False, color=INK, linestyle=dashes, zorder=2))
        axes.add_patch(Polygon(curve.arrow, color=INK, linewidth=0, zorder=2))
    family = [font] if font else None
    for label in scene.labels:
        style = "italic" if label.italic else "normal"
        axes.text(
            label.x,
            label.y,
            label.text,
            fontsize=label.size,
            family=family,
            style=style,
            color=INK,
            ha="center",
            va="center",
            zorder=4,
            parse_math=False,
        )
    out = BytesIO()
    figure.savefig(out, format="png", facecolor="none" if background == "transparent" else background)
    return out.getvalue()


__all__ = ("png",)
