"""Line charts as plain SVG: colours for the screen, light and dark, and dashes and markers for paper."""
import math
from html import escape

WIDTH, HEIGHT = 860, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 290, 44, 52
# Colours that the colour-blind tell apart (Okabe and Ito); the second of a pair is for a dark page.
COLOURS = [("#0072b2", "#56b4e9"), ("#d55e00", "#ff8c42"), ("#009e73", "#2dd4a7"), ("#9b3f86", "#e08fcf"),
           ("#7a5c00", "#f0c645"), ("#444444", "#bbbbbb"), ("#b3001b", "#ff6b7d"), ("#3f51b5", "#9fa8ff")]
DASHES = ["", "7 4", "2 3", "9 3 2 3", "", "5 3", "1 4", "12 4"]
MARKERS = ["circle", "square", "triangle", "diamond"]


def nice_step(top):
    """A step of 1, 2 or 5 times a power of ten that cuts 0..top into at most six."""
    raw = top / 6
    power = 10 ** math.floor(math.log10(raw))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= raw)


def short(number):
    if number >= 1024 and number % 1024 == 0:
        return f"{number // 1024}K"
    return f"{number / 1000:.2g}K" if number >= 2048 else f"{number:g}"


def marker(kind, x, y, group):
    if kind == "circle":
        return f'<circle class="{group}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    shapes = {"square": [(-3.6, -3.6), (3.6, -3.6), (3.6, 3.6), (-3.6, 3.6)],
              "triangle": [(0, -4.8), (4.6, 3.6), (-4.6, 3.6)], "diamond": [(0, -5), (5, 0), (0, 5), (-5, 0)]}
    points = " ".join(f"{x + dx:.1f},{y + dy:.1f}" for dx, dy in shapes[kind])
    return f'<polygon class="{group}" points="{points}"/>'


def style(count):
    light = ["text{fill:#222}.page{fill:#fff}.grid{stroke:#ddd}.axis{stroke:#555}"]
    dark = ["text{fill:#ddd}.page{fill:#14171a}.grid{stroke:#333a40}.axis{stroke:#99a}"]
    for index in range(count):
        for rules, colour in zip((light, dark), COLOURS[index % len(COLOURS)]):
            rules.append(f".l{index}{{stroke:{colour}}}.m{index}{{fill:{colour}}}")
    return (f"<style>{''.join(light)}.line{{fill:none;stroke-width:2}}.spread{{stroke-width:1.2}}.leader{{stroke-width:.7}}"
            f"@media (prefers-color-scheme:dark){{{''.join(dark)}}}</style>")


def spread_out(wanted, gap, least, most):
    """Heights near the wanted ones, in the same order, at least `gap` apart."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    placed = {}
    floor = least
    for index in order:
        placed[index] = max(wanted[index], floor)
        floor = placed[index] + gap
    ceiling = most
    for index in reversed(order):
        placed[index] = min(placed[index], ceiling)
        ceiling = placed[index] - gap
    return [placed[index] for index in range(len(wanted))]


def line_chart(title, x_label, y_label, series, log_y=False):
    """`series`: [(name, [(x, median, least, most), ...]), ...], x ascending and above 0. The SVG as text."""
    series = [(name, points) for name, points in series if points]
    xs = sorted({point[0] for _, points in series for point in points})
    top = max(point[3] for _, points in series for point in points)
    bottom = min(point[2] for _, points in series for point in points)
    plot_width, plot_height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    spans = math.log(xs[-1] / xs[0]) or 1
    if log_y:
        ticks = [step * 10**power for power in range(-2, 8) for step in (1, 2, 5)]
        ticks = [tick for tick in ticks if bottom / 2.5 < tick < top * 2.5]
        low, high = math.log(ticks[0]), math.log(ticks[-1])
    else:
        step = nice_step(top)
        ticks = [step * index for index in range(math.ceil(top / step) + 1)]
        low, high = 0, ticks[-1]

    def place_x(x):
        return LEFT + plot_width * (math.log(x / xs[0]) / spans if len(xs) > 1 else 0.5)

    def place_y(y):
        return TOP + plot_height * (1 - ((math.log(y) if log_y else y) - low) / (high - low))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="13" '
             'font-family="DejaVu Sans, Verdana, sans-serif">', style(len(series)),
             f'<rect class="page" width="{WIDTH}" height="{HEIGHT}"/>',
             f'<text x="{LEFT}" y="24" font-size="15" font-weight="bold">{escape(title)}</text>']
    for tick in ticks:
        y = place_y(tick)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{LEFT + plot_width}"/>'
                     f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{tick:g}</text>')
    for x in xs:
        parts.append(f'<path class="axis" d="M{place_x(x):.1f} {TOP + plot_height}v5"/>'
                     f'<text x="{place_x(x):.1f}" y="{TOP + plot_height + 20}" text-anchor="middle">{short(x)}</text>')
    parts.append(f'<path class="axis" fill="none" d="M{LEFT} {TOP}V{TOP + plot_height}H{LEFT + plot_width}"/>'
                 f'<text x="{LEFT + plot_width / 2}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_label)}</text>'
                 f'<text transform="rotate(-90)" x="{-(TOP + plot_height / 2)}" y="18" text-anchor="middle">'
                 f'{escape(y_label)}</text>')
    labels = spread_out([place_y(points[-1][1]) for _, points in series], 16, TOP + 6, TOP + plot_height)
    for index, (name, points) in enumerate(series):
        path = "L".join(f"{place_x(x):.1f} {place_y(y):.1f}" for x, y, _, _ in points)
        dash = DASHES[index % len(DASHES)]
        parts.append(f'<path class="line l{index}" d="M{path}"' + (f' stroke-dasharray="{dash}"/>' if dash else "/>"))
        for x, y, least, most in points:
            parts.append(f'<path class="spread l{index}" d="M{place_x(x):.1f} {place_y(least):.1f}V{place_y(most):.1f}"/>')
            parts.append(marker(MARKERS[index % len(MARKERS)], place_x(x), place_y(y), f"m{index}"))
        end_x, end_y, at = place_x(points[-1][0]), place_y(points[-1][1]), LEFT + plot_width + 18
        parts.append(f'<path class="leader l{index}" d="M{end_x + 6:.1f} {end_y:.1f}L{at - 2} {labels[index]:.1f}"/>')
        parts.append(marker(MARKERS[index % len(MARKERS)], at + 4, labels[index], f"m{index}"))
        parts.append(f'<text x="{at + 13}" y="{labels[index] + 4:.1f}" font-size="12">{escape(name)}</text>')
    return "".join(parts) + "</svg>\n"
