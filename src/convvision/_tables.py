"""Plain text tables, as models and comparisons print them."""

from collections.abc import Collection, Sequence

__all__ = ["text_table"]


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
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if column in numbers else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (header, *rows)
    ]
    rule = "─" * max(map(len, lines))
    body = [*lines[1:-1], rule, lines[-1]] if total else lines[1:]
    return "\n".join([lines[0], rule, *body])
