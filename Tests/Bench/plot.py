"""The marks as a picture: each figure on a scale of its mark, in SVG."""

import html

ROW, LEFT, WIDTH, RIGHT = 26, 430, 420, 90
# What is three times the mark, or worse, is drawn at the end of the scale.
SCALE = 3.0
COLORS = {True: "#2e7d32", False: "#c62828"}


def svg(marks, title):
    """Bars for marks that have a value to reach; the line is the mark."""
    rows = [mark for mark in marks if mark["mark"]]
    height = ROW * len(rows) + 60
    line = LEFT + WIDTH / SCALE
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + RIGHT}" height="{height}" '
        'font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="10" y="22" font-size="15">{html.escape(title)}</text>',
    ]
    for number, mark in enumerate(rows):
        top = 40 + ROW * number
        length = min(mark["value"] / mark["mark"], SCALE) * WIDTH / SCALE
        what = html.escape(f"{mark['id']} {mark['what']}")
        parts += [
            f'<text x="{LEFT - 8}" y="{top + 14}" text-anchor="end">{what}</text>',
            f'<rect x="{LEFT}" y="{top + 2}" width="{max(length, 0):.1f}" height="{ROW - 8}" '
            f'fill="{COLORS[mark["reached"]]}"/>',
            f'<text x="{LEFT + max(length, 0) + 6:.1f}" y="{top + 14}">{mark["value"]:.2f}'
            f" ({'at least' if mark['is_more_better'] else 'at most'} {mark['mark']})</text>",
        ]
    parts.append(
        f'<line x1="{line:.1f}" y1="34" x2="{line:.1f}" y2="{height - 14}" stroke="#444" '
        'stroke-dasharray="4 3"/>'
    )
    return "\n".join([*parts, "</svg>", ""])
