"""A picture of the times at the longest round-trip time: a bar for each variant, operations side by side. SVG by hand."""

import json
import sys

from report import ORDER, TITLES, VERBS

COLOURS = {"floor": "#9aa0a6", "eep": "#1a73e8", "paperclip": "#f29900", "hermes": "#c5221f", "pydantic": "#188038"}
SHOWN = ["acquire", "resume", "execute", "stdin", "release"]
WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 860, 400, 56, 64, 40


def step_of(top):
    """A round distance of the grid's lines: about five of them."""
    step = 1
    while top / step > 6:
        step *= 2.5 if str(step)[0] == "2" else 2
    return step


def bar(x, y, width, height, colour, text):
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{colour}"/>'
            f'<text x="{x + width / 2:.1f}" y="{y - 4:.1f}" text-anchor="middle" font-size="10">{text}</text>')


def legend(names):
    parts, x = [], LEFT
    for name in names:
        parts.append(f'<rect x="{x}" y="38" width="11" height="11" fill="{COLOURS[name]}"/>'
                     f'<text x="{x + 16}" y="48" font-size="12">{TITLES[name]}</text>')
        x += 26 + round(6.6 * len(TITLES[name]))
    return parts


def svg(results):
    rows = results.get("times")
    if not rows:
        return None
    scheme, rtt = rows[-1]["scheme"], max(row["rtt"] for row in rows)
    of = {(row["row"], row["variant"]): row["p50"] for row in rows if row["scheme"] == scheme and row["rtt"] == rtt}
    names = [name for name in ORDER if any(key[1] == name for key in of)]
    top = max(value for key, value in of.items() if key[0] in SHOWN) * 1.08
    scale = (HEIGHT - TOP - BOTTOM) / top
    parts = [f'<text x="{LEFT}" y="22" font-size="15" font-weight="bold">Milliseconds at {rtt:g} ms round trip, {scheme} '
             '(median; shorter is better)</text>', *legend(names)]
    step = step_of(top)
    for number in range(int(top / step) + 1):
        y = HEIGHT - BOTTOM - number * step * scale
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - 8}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
                     f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" font-size="11">{number * step:g}</text>')
    group = (WIDTH - LEFT - 8) / len(SHOWN)
    width = group * 0.86 / len(names)
    for place, verb in enumerate(SHOWN):
        x = LEFT + place * group
        parts.append(f'<text x="{x + group / 2:.1f}" y="{HEIGHT - 16}" text-anchor="middle" font-size="13">{VERBS[verb]}</text>')
        here = [name for name in names if (verb, name) in of]
        start = x + (group - width * len(here)) / 2
        for index, name in enumerate(here):
            value = of[(verb, name)]
            parts.append(bar(start + index * width, HEIGHT - BOTTOM - value * scale, width - 3, value * scale,
                             COLOURS[name], f"{value:.0f}"))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
            'font-family="sans-serif"><rect width="100%" height="100%" fill="#fff"/>' + "\n".join(parts) + "</svg>\n")


if __name__ == "__main__":
    with open(sys.argv[1]) as source:
        print(svg(json.load(source)))
