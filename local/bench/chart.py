"""Draws small line charts side by side, as SVG for light and dark pages. Other modules import this file.

A library that draws charts would be larger than all other packages of the local tools.
"""

import math
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 230  # the size of a panel
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 16, 44  # a panel's margins
TICKS = 4

# A viewer that knows no colour scheme uses the first colours.
STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #7d8590 }
.axis { stroke: #8c959f; fill: none }
.grid { stroke: #8c959f; stroke-opacity: .3 }
.line { stroke: #2f81f7; stroke-width: 2; fill: none }
.dot { fill: #2f81f7 }
@media (prefers-color-scheme: light) { text { fill: #57606a } }
@media (prefers-color-scheme: dark) { text { fill: #9198a1 } }"""


@dataclass
class Panel:
    """A line chart of y values over x values. Both axes start at zero, so that a linear function looks linear."""

    x_title: str
    points: dict[float, float]


def draw(panels: list[Panel], y_title: str) -> str:
    width, height = WIDTH * len(panels), HEIGHT + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}">',
        f"<title>{y_title}, by {', '.join(panel.x_title for panel in panels)}</title>",
        f"<style>{STYLE}</style>",
        f'<text x="4" y="14">{y_title}</text>',
    ]
    for number, panel in enumerate(panels):
        parts += [f'<g transform="translate({number * WIDTH} 20)">', *frame(panel), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def frame(panel: Panel) -> list[str]:
    x_step, y_step = step(max(panel.points)), step(max(panel.points.values()))
    x_end = max(panel.points)
    y_end = y_step * math.ceil(max(panel.points.values()) / y_step)
    right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM

    def x(value: float) -> float:
        return round(LEFT + (right - LEFT) * value / x_end, 1)

    def y(value: float) -> float:
        return round(bottom - (bottom - TOP) * value / y_end, 1)

    parts = []
    for index in range(1, round(y_end / y_step) + 1):
        parts.append(f'<path class="grid" d="M{LEFT} {y(index * y_step)}H{right}"/>')
    for index in range(round(y_end / y_step) + 1):
        value = index * y_step
        parts.append(f'<text x="{LEFT - 6}" y="{y(value) + 4}" text-anchor="end">{value:,.0f}</text>')
    for index in range(int(x_end / x_step) + 1):
        value = index * x_step
        parts.append(f'<text x="{x(value)}" y="{bottom + 17}" text-anchor="middle">{value:,.0f}</text>')
    corners = [f"{x(value)} {y(cpu)}" for value, cpu in panel.points.items()]
    parts.append(f'<path class="axis" d="M{LEFT} {TOP}V{bottom}H{right}"/>')
    parts.append(f'<path class="line" d="M{"L".join(corners)}"/>')
    parts += [f'<circle class="dot" cx="{x(value)}" cy="{y(cpu)}" r="3"/>' for value, cpu in panel.points.items()]
    parts.append(f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{panel.x_title}</text>')
    return parts


def step(largest: float) -> float:
    """The distance between ticks: 1, 2 or 5 times a power of ten, for about four ticks."""
    rough = largest / TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
