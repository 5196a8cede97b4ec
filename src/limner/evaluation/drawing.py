"""How every figure looks, and its two forms: a PNG file and an SVG that takes the colour of a page's text."""

import io
import re

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#2f7de1", "#e8820c")
"""Of a first and a second model: told apart by colour-blind eyes, on white and on black."""


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of some inches."""
    return Figure(figsize=(width, height), layout="constrained")


def new_plot(height: float = 3.4) -> tuple[Figure, Axes]:
    """An empty figure of one plot."""
    figure = new_figure(5, height)
    axis = figure.subplots()
    trim(axis)
    return figure, axis


def trim(axis: Axes) -> None:
    """A light grid, and no lines above and to the right."""
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)


def to_png(figure: Figure) -> bytes:
    """The figure as a PNG file, on white."""
    FigureCanvasAgg(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return buffer.getvalue()


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an SVG element for a page, whose colour of text it takes; its background is transparent.

    The name is its own among those of the page, which have one name space of identifiers.
    """
    buffer = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace("#000000", "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'(<text[^>]*style="[^"]*?)fill: [^;"]*;?', r"\1", text)
    return re.sub(r' width="[\d.]+pt" height="[\d.]+pt"', f' role="img" aria-label="{name}"', text, count=1)
