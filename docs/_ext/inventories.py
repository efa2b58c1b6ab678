"""Inventories of other projects, for links to their documentation: only those that answer.

Sphinx warns of one that does not, and a warning ends our build.
"""

from __future__ import annotations

import urllib.request

__all__ = ["reachable"]


def reachable(sites: dict[str, str], *, timeout: float = 5.0) -> dict[str, tuple[str, None]]:
    """Keep the sites whose inventory can be had now.

    Args:
        sites: Name of a project -> address of its documentation, with a slash at the end.
        timeout: Seconds to wait for each.

    Returns:
        What ``intersphinx_mapping`` is to be.
    """
    found = {}
    for name, address in sites.items():
        try:
            with urllib.request.urlopen(f"{address}objects.inv", timeout=timeout) as answer:  # noqa: S310
                if answer.read(11) == b"# Sphinx in":
                    found[name] = (address, None)
        except OSError:
            continue
    return found
