"""A module that cannot be imported, as when a dependency is missing."""

msg = "No module named 'missing_dependency'"
raise ImportError(msg)
