# SPDX-License-Identifier: MIT
"""Medians with their spread, tables, and bars that are met or not."""

import statistics
from dataclasses import asdict, dataclass, field

COMPARISONS = {
    ">=": lambda measured, bar: measured >= bar,
    "<=": lambda measured, bar: measured <= bar,
    "<": lambda measured, bar: measured < bar,
    "==": lambda measured, bar: measured == bar,
}


@dataclass
class Figure:
    """The median of the rounds, and between which values half of them lie."""

    median: float
    low: float
    high: float
    rounds: int

    def text(self, digits=2):
        if self.rounds == 1:
            return number(self.median, digits)
        low, high = number(self.low, digits), number(self.high, digits)
        return f"{number(self.median, digits)} ({low}–{high})"


def figure(values):
    values = list(values)
    if len(values) == 1:
        return Figure(values[0], values[0], values[0], 1)
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return Figure(middle, low, high, len(values))


def of(results, member):
    """The figure of one member of the rounds' results."""
    return figure(result[member] for result in results)


def ratio(results, others, member):
    """Of each round to the same round of the others."""
    return figure(
        one[member] / other[member] for one, other in zip(results, others, strict=True)
    )


def number(value, digits=2):
    return f"{value:,.{digits}f}"


@dataclass
class Report:
    title: str
    tables: list = field(default_factory=list)  # [head, row, row, ...] of texts
    bars: list = field(default_factory=list)
    notes: list = field(default_factory=list)
    skipped: str = ""  # why nothing was measured
    raw: dict = field(default_factory=dict)

    def bar(self, what, comparison, bar, measured, unit="", digits=2):
        """measured: a Figure, whose median counts, or a number."""
        value = measured.median if isinstance(measured, Figure) else measured
        shown = measured.text(digits) if isinstance(measured, Figure) else number(value, digits)
        self.bars.append(
            {
                "what": what,
                "bar": f"{comparison} {bar:g} {unit}".strip(),
                "measured": shown,
                "value": value,
                "met": COMPARISONS[comparison](value, bar),
            }
        )

    def text(self):
        parts = [f"### {self.title}", ""]
        if self.skipped:
            parts += [f"Skipped: {self.skipped}.", ""]
        for table in self.tables:
            parts += [*lay_out(table), ""]
        if self.bars:
            rows = [["what", "bar", "measured", "met"]]
            rows += [
                [bar["what"], bar["bar"], bar["measured"], "yes" if bar["met"] else "**no**"]
                for bar in self.bars
            ]
            parts += [*lay_out(rows), ""]
        parts += [f"- {note}" for note in self.notes]
        return "\n".join(parts).rstrip() + "\n"

    def data(self):
        return asdict(self)


def lay_out(table):
    """Lines of a Markdown table that can be read as they are."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]

    def line(row):
        cells = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        return f"| {' | '.join(cells)} |"

    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return [line(table[0]), rule, *(line(row) for row in table[1:])]
