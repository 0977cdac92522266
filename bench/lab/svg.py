"""A small writer of charts as SVG, for pages without scripts.

Colours are classes (s0 to s7, raw, axis, grid), so that the page decides on
light or dark. Every mark has a <title>, which browsers show as a tip.
"""

import html
import math

CHAR = 6.6  # Mean width of a character at 12 px.


def escape(text):
    return html.escape(str(text), quote=True)


def short(value):
    """1500 -> 1.5k; for axes, where there is little room."""
    if value == 0:
        return "0"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def nice_step(span, count):
    """1, 2 or 5 times a power of ten, for about count steps."""
    if span <= 0:
        return 1
    rough = span / count
    power = 10 ** math.floor(math.log10(rough))
    return next(power * m for m in (1, 2, 5, 10) if power * m >= rough * 0.999)


class Linear:
    """Values to pixels; the ends are rounded up to whole steps."""

    def __init__(self, low, high, count=5):
        self.step = nice_step((high - low) or abs(high) or 1, count)
        self.low = math.floor(low / self.step + 1e-9) * self.step
        self.high = math.ceil(high / self.step - 1e-9) * self.step
        if self.high <= self.low:
            self.high = self.low + self.step

    def share(self, value):
        return (value - self.low) / (self.high - self.low)

    def ticks(self):
        steps = round((self.high - self.low) / self.step)
        return [self.low + self.step * i for i in range(steps + 1)]


class Log:
    """The same by logs: ticks at 1, 2, 5; at powers only over wide ranges."""

    def __init__(self, low, high):
        self.factors = (1, 2, 5) if high / low < 2e3 else (1,)
        every = [m * 10.0 ** e for e in range(-9, 13) for m in self.factors]
        self.low = max((t for t in every if t <= low * 1.0001),
                       default=low)
        self.high = min((t for t in every if t >= high * 0.9999
                         and t > self.low), default=high)
        self.every = every

    def share(self, value):
        return (math.log(max(value, self.low) / self.low)
                / math.log(self.high / self.low))

    def ticks(self):
        return [t for t in self.every if self.low <= t <= self.high]


class Named:
    """Places that have names, at the values that are given."""

    def __init__(self, names, low, high):
        self.names = names  # {value: text}
        self.low, self.high = low, high

    def share(self, value):
        return (value - self.low) / ((self.high - self.low) or 1)

    def ticks(self):
        return list(self.names)


class Chart:
    """A plot with axes x and y; what is drawn later lies above."""

    def __init__(self, x, y, title, width=640, height=260, left=56, x_name="",
                 y_name="", format_x=short, format_y=short):
        self.x, self.y, self.title = x, y, title
        self.width, self.height, self.left = width, height, left
        self.right, self.bottom = 18, 40
        self.top = 26 if y_name else 6
        self.parts = []
        self.axes(x_name, y_name, format_x, format_y)

    def px(self, value):
        room = self.width - self.left - self.right
        return round(self.left + room * self.x.share(value), 1)

    def py(self, value):
        room = self.height - self.top - self.bottom
        return round(self.height - self.bottom - room * self.y.share(value), 1)

    def add(self, tag, title=None, text=None, **attributes):
        held = "".join(f' {name.strip("_").replace("_", "-")}='
                       f'"{escape(value)}"'
                       for name, value in attributes.items())
        inside = (f"<title>{escape(title)}</title>" if title else "") + (
            escape(text) if text is not None else "")
        self.parts.append(f"<{tag}{held}>{inside}</{tag}>" if inside
                          else f"<{tag}{held}/>")

    def text(self, x, y, text, anchor="start", kind="label"):
        self.add("text", text=text, x=x, y=y, text_anchor=anchor, class_=kind)

    def axes(self, x_name, y_name, format_x, format_y):
        floor, ceiling = self.height - self.bottom, self.top
        names = self.x.names if isinstance(self.x, Named) else None
        for tick in self.x.ticks():
            at = self.px(tick)
            self.add("line", x1=at, x2=at, y1=ceiling, y2=floor, class_="grid")
            self.text(at, floor + 15, names[tick] if names else format_x(tick),
                      "middle")
        names = self.y.names if isinstance(self.y, Named) else None
        for tick in self.y.ticks():
            at = self.py(tick)
            if not names:
                self.add("line", x1=self.left, x2=self.width - self.right,
                         y1=at, y2=at, class_="grid")
            self.text(self.left - 7, at + 4,
                      names[tick] if names else format_y(tick), "end")
        self.text(self.width - self.right, self.height - 6, x_name, "end",
                  "name")
        self.text(4, 14, y_name, "start", "name")

    def bar(self, y, start, end, kind, title, thick=16):
        """A bar along x, its middle at y."""
        left, right = self.px(start), self.px(end)
        self.add("rect", title, x=left, y=self.py(y) - thick / 2,
                 width=round(max(0, right - left), 1), height=thick, rx=1.5,
                 class_=kind)

    def whisker(self, y, low, high):
        at, cap = self.py(y), 4
        path = (f"M{self.px(low)} {at - cap}V{at + cap}M{self.px(low)} {at}"
                f"H{self.px(high)}M{self.px(high)} {at - cap}V{at + cap}")
        self.add("path", d=path, class_="whisker")

    def stem(self, x, low, high, kind):
        """An interval along y."""
        self.add("path", d=f"M{self.px(x)} {self.py(low)}V{self.py(high)}",
                 class_="line thin " + kind)

    def line(self, points, kind, title, steps=False):
        """Through points; where a value is None the line is broken. Steps
        rise at once and then go along: what is next holds from here on.
        """
        path, pen = [], "M"
        for x, y in points:
            if y is None:
                pen = "M"
                continue
            if steps and pen == "L":
                path.append(f"V{self.py(y)}")
            path.append(f"{pen}{self.px(x)} {self.py(y)}")
            pen = "L"
        self.add("path", title, d="".join(path), class_="line " + kind)

    def dot(self, x, y, kind, title, size=4):
        self.add("circle", title, cx=self.px(x), cy=self.py(y), r=size,
                 class_="dot " + kind)

    def mark(self, x, text, row=0):
        """A moment on x, named above the plot."""
        at = self.px(x)
        self.add("line", text, x1=at, x2=at, y1=self.top,
                 y2=self.height - self.bottom, class_="mark")
        left = at + (len(text) + 1) * CHAR < self.width
        self.text(at + 4 if left else at - 4, self.top + 10 + 12 * row, text,
                  "start" if left else "end", "note")

    def level(self, y, text):
        """A limit on y."""
        at = self.py(y)
        self.add("line", text, x1=self.left, x2=self.width - self.right,
                 y1=at, y2=at, class_="mark")
        self.text(self.width - self.right, at - 4, text, "end", "note")

    def svg(self):
        return (f'<svg viewBox="0 0 {self.width} {self.height}" role="img" '
                f'aria-label="{escape(self.title)}">'
                + "\n".join(self.parts) + "</svg>")


def left_room(names):
    """Room for the names beside a plot of bars."""
    return round(20 + CHAR * max(map(len, names), default=4))


def bars(names, x, title, x_name):
    """An empty plot of bars, names downwards; bar i is at y = -i."""
    places = {-place: name for place, name in enumerate(names)}
    y = Named(places, 0.6 - len(names), 0.6)
    return Chart(x, y, title, height=46 + 30 * len(names), x_name=x_name,
                 left=left_room(names))
