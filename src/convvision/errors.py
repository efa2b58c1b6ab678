"""Every error that convvision raises on purpose, in one tree.

::

    ConvvisionError
    ├── UnknownNameError         a name that no registry, model or log knows      (LookupError)
    ├── DuplicateNameError       a name that is registered already                (ValueError)
    ├── PluginError              an installed plugin that does not load           (RuntimeError)
    ├── DataError
    │   ├── DataNotFoundError    a data file that is not there                    (FileNotFoundError)
    │   ├── DownloadError        no mirror delivered the file                     (OSError)
    │   └── CorruptDataError     a file that does not hold what it should         (ValueError)
    ├── InputError               an argument that cannot be used                  (ValueError)
    │   ├── ShapeError           an array or an image of another shape
    │   ├── ValueRangeError      values outside the range that is expected, NaN
    │   └── LabelError           labels that are no class indices
    ├── TrainingError            a training that cannot go on                     (RuntimeError)
    │   ├── NonFiniteLossError   the loss is NaN or infinite
    │   └── MetricNotLoggedError a callback watches a metric that is not logged
    ├── RunFormatError           a folder that is no whole, readable run          (ValueError)
    └── OutputError              a target that exists or cannot be written        (OSError)

Each also derives from the built-in exception in parentheses, so code that catches ``ValueError`` keeps working. A
message says what was expected, what came and what to do.
"""

__all__ = [
    "ConvvisionError",
    "CorruptDataError",
    "DataError",
    "DataNotFoundError",
    "DataWarning",
    "DownloadError",
    "DuplicateNameError",
    "InputError",
    "LabelError",
    "MetricNotLoggedError",
    "NonFiniteLossError",
    "OutputError",
    "OverfittingWarning",
    "PluginError",
    "PluginWarning",
    "RunFormatError",
    "ShapeError",
    "TrainingError",
    "UnknownNameError",
    "ValueRangeError",
]


class ConvvisionError(Exception):
    """Base of every error that convvision raises on purpose."""


class UnknownNameError(ConvvisionError, LookupError):
    """A name that no registry, model or log knows; the message says what may have been meant."""


class DuplicateNameError(ConvvisionError, ValueError):
    """A name that is registered already."""


class PluginError(ConvvisionError, RuntimeError):
    """An installed plugin that was asked for and does not load."""


class DataError(ConvvisionError):
    """Data that could not be had, or not be trusted."""


class DataNotFoundError(DataError, FileNotFoundError):
    """A data file that is not there; the message names the file and where it goes."""


class DownloadError(DataError, OSError):
    """No mirror delivered the file; the message names every mirror and its answer."""


class CorruptDataError(DataError, ValueError):
    """A file that does not hold what it should: cut short, another file, or malformed."""


class InputError(ConvvisionError, ValueError):
    """An argument that cannot be used."""


class ShapeError(InputError):
    """An array or an image of another shape than the one that is expected."""


class ValueRangeError(InputError):
    """Values outside the expected range, such as pixels in [0, 255] where [0, 1] is meant, or NaN."""


class LabelError(InputError):
    """Labels that are not integer class indices of the data set."""


class TrainingError(ConvvisionError, RuntimeError):
    """A training that cannot go on."""


class NonFiniteLossError(TrainingError):
    """The training loss is NaN or infinite."""


class MetricNotLoggedError(TrainingError):
    """A callback watches a metric that the training does not log; the message lists those it does."""


class RunFormatError(ConvvisionError, ValueError):
    """A folder that is not a whole run of a version that this convvision can read."""


class OutputError(ConvvisionError, OSError):
    """A target that exists already, or that cannot be written."""


class DataWarning(UserWarning):
    """Something in the data was passed over, or is hardly meant; the message says what."""


class PluginWarning(UserWarning):
    """An installed plugin is left out; the message names it and says why."""


class OverfittingWarning(UserWarning):
    """The gap between training and validation has grown past the limit that was set."""
