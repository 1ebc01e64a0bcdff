"""How the demo looks: in colours and boxes where `rich` is installed and somebody looks on, else in plain lines."""

import importlib.util
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest
from typing import Protocol, TextIO

from bot.playground.sketch import Part, Table

WIDTH = 100
GAP = 3

STYLES = {
    "": "",
    "strong": "bold",
    "small": "dim",
    "quote": "italic",
    "warning": "yellow",
    "error": "bold red",
    "buttons": "bold cyan",
}


class Printer(Protocol):
    """What the play needs of paper."""

    def chapter(self, title: str) -> None:
        """Begin a step."""
        ...

    def act(self, who: str, does: str) -> None:
        """Say what somebody does."""
        ...

    def shown(self, title: str, parts: Sequence[Part]) -> None:
        """Show what somebody then sees."""
        ...

    def say(self, text: str, *, bad: bool = False) -> None:
        """Say something to the reader."""
        ...


def printer(out: TextIO) -> Printer:
    """Return the printer for this output; a character it cannot encode becomes a question mark."""
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")
    return Coloured(out) if out.isatty() and importlib.util.find_spec("rich") else Plain(out)


class Plain:
    """For pipes, files and terminals without `rich`: the same words, indented."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def chapter(self, title: str) -> None:
        """Begin a step."""
        self._write(["", title, "-" * len(title)])

    def act(self, who: str, does: str) -> None:
        """Say what somebody does."""
        self._write(["", *wrapped(f"{who}: {does}", WIDTH, hanging="  ")])

    def shown(self, title: str, parts: Sequence[Part]) -> None:
        """Show what somebody then sees."""
        self._write(["", f"  {title}"])
        for part in parts:
            if isinstance(part, Table):
                lines = list(columns(part.rows, WIDTH - 6))
            else:
                lines = wrapped(f"> {part.text}" if part.look == "quote" else part.text, WIDTH - 4, hanging="    ")
            self._write(f"  | {line}".rstrip() for line in lines)

    def say(self, text: str, *, bad: bool = False) -> None:  # noqa: ARG002 - plain paper has no red
        """Say something to the reader."""
        self._write(["", *wrapped(text, WIDTH)])

    def _write(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._out.write(f"{line}\n")
        self._out.flush()


class Coloured:
    """For people at a terminal."""

    def __init__(self, out: TextIO) -> None:
        from rich.console import Console  # noqa: PLC0415 - an extra: absent, the demo is plain

        self._console = Console(file=out, highlight=False, markup=False, emoji=False)

    def chapter(self, title: str) -> None:
        """Begin a step."""
        self._console.print()
        self._console.rule(title, align="left")

    def act(self, who: str, does: str) -> None:
        """Say what somebody does."""
        from rich.text import Text  # noqa: PLC0415

        self._console.print(Text.assemble("\n", (who, "bold green"), ": ", does))

    def shown(self, title: str, parts: Sequence[Part]) -> None:
        """Show what somebody then sees."""
        from rich import box  # noqa: PLC0415
        from rich.console import Group, RenderableType  # noqa: PLC0415
        from rich.panel import Panel  # noqa: PLC0415
        from rich.table import Table as RichTable  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        drawn: list[RenderableType] = []
        for part in parts:
            if isinstance(part, Table):
                grid = RichTable(box=box.SIMPLE, pad_edge=False)
                for heading in part.rows[0]:
                    grid.add_column(Text(heading), overflow="fold")
                for row in part.rows[1:]:
                    grid.add_row(*(Text(cell) for cell in row))
                drawn.append(grid)
            else:
                text = f"▌ {part.text}" if part.look == "quote" else part.text
                drawn.append(Text(text, style=STYLES[part.look]))
        self._console.print(Panel(Group(*drawn), title=Text(title), title_align="left", border_style="blue"))

    def say(self, text: str, *, bad: bool = False) -> None:
        """Say something to the reader."""
        from rich.text import Text  # noqa: PLC0415

        self._console.print(Text(f"\n{text}", style="bold red" if bad else "bold"))


def wrapped(text: str, width: int, hanging: str = "") -> list[str]:
    """Break text into lines of at most `width` characters, keeping its own; all but the first begin with `hanging`."""
    broken = (textwrap.wrap(line, width - len(hanging)) or [""] for line in text.split("\n"))
    first, *rest = (line for lines in broken for line in lines)
    return [first, *(hanging + line for line in rest)]


def columns(rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Lay rows out in columns, with a rule under the headings; cells that are too long go on below."""
    natural = [max(len(line) for cell in column for line in cell.split("\n")) for column in zip(*rows, strict=True)]
    room = width - natural[0] - GAP * (len(natural) - 1)
    widths = [natural[0], *(min(wide, room // (len(natural) - 1)) for wide in natural[1:])]
    for number, row in enumerate(rows):
        cells = [wrapped(cell, wide) for cell, wide in zip(row, widths, strict=True)]
        for line in zip_longest(*cells, fillvalue=""):
            yield (" " * GAP).join(f"{text:<{wide}}" for text, wide in zip(line, widths, strict=True)).rstrip()
        if number == 0:
            yield (" " * GAP).join("-" * wide for wide in widths)
