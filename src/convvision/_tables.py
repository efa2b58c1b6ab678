"""Plain text: tables, as models and comparisons print them, and counts of things."""

from collections.abc import Collection, Sequence

__all__ = ["number_of", "text_table"]


def number_of(count: int, what: str, several: str = "") -> str:
    """Say how many, as in "1 image" and "2 images"; ``several`` is a plural that is not made by an s."""
    return f"{count:,} {what if count == 1 else several or f'{what}s'}"


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Collection[int] = (), total: bool = False
) -> str:
    """Lay cells out in columns of equal width.

    Args:
        header: A name a column.
        rows: As many cells each.
        numbers: Positions of the columns that are aligned to the right.
        total: Whether the last row is a sum and stands behind a line of its own.

    Returns:
        The lines, without a line break at the end.
    """
    from rich.cells import cell_len  # noqa: PLC0415

    # A Chinese or Japanese character takes two places of a terminal's line.
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in (header, *rows):
        blanks = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [
            blank + cell if column in numbers else cell + blank
            for column, (cell, blank) in enumerate(zip(row, blanks, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    rule = "─" * max(map(cell_len, lines))
    body = [*lines[1:-1], rule, lines[-1]] if total else lines[1:]
    return "\n".join([lines[0], rule, *body])
