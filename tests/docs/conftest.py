"""A browser for the pages."""

from browser import chromium

__all__ = ["chromium"]
