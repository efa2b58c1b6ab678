"""How the site is built: ``make docs``."""

import os
import sys
from pathlib import Path

import convvision

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
from inventories import reachable

# Keras's backend writes its start-up log to standard error, between Sphinx's own lines.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

project = "convvision"
author = "The convvision authors"
copyright = "The convvision authors"
version = release = convvision.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # Ours, in _ext.
    "charts",
    "cheat_sheet",
    "chinese_search",
    "datasets_page",
    "floors",
    "for_machines",
    "gallery",
    "glossary",
    "made_by",
    "mathml",
    "notebooks",
    "recipes",
    "reference",
    "results",
    "thumbnails",
    "translations",
    "zoo",
]
_GALLERIES = ["auto_examples", "tutorials/course"]
exclude_patterns = ["_build", *(f"{gallery}/*.{end}" for gallery in _GALLERIES for end in ("ipynb", "py", "zip"))]
templates_path = ["_templates"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Links to other projects where the site is hosted; elsewhere the build does without a network.
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = reachable(
        {
            "python": "https://docs.python.org/3/",
            "numpy": "https://numpy.org/doc/stable/",
            "matplotlib": "https://matplotlib.org/stable/",
        }
    )

# -- The API reference: one page for each name, from its docstring ---------------------------------------------------
autodoc_default_options = {"no-value": True}
autodoc_inherit_docstrings = False
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
napoleon_numpy_docstring = False
napoleon_use_ivar = False
napoleon_use_admonition_for_examples = False
add_module_names = False
toc_object_entries_show_parents = "hide"

nitpicky = True
# Names of other projects. Their inventories would have to be fetched, and the site is built without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(keras|np|numpy|matplotlib)\..*|ArrayLike|Figure|NDArray"),
    ("py:.*", r"(abc|collections|dataclasses|importlib|os|pathlib|typing)\..*"),
]
nitpick_ignore = [
    # Type variables and aliases, which have no entry of their own.
    *(
        ("py:class", alias)
        for alias in ("Aspect", "Channel", "ClassWeight", "Inputs", "Layers", "Mode", "Order", "Path", "Precision")
    ),
    *(("py:class", alias) for alias in ("Scale", "Schedule", "T", "Views")),
    ("py:class", "convvision.datasets._registry.LoaderT"),
    ("py:class", "convvision.models._registry.BuilderT"),
    ("py:class", "convvision.registry.T"),
]

# -- The gallery and the course: examples/ and course/, run while the site is built ----------------------------------
sphinx_gallery_conf = {
    "examples_dirs": ["../examples", "../course"],
    "gallery_dirs": _GALLERIES,
    "within_subsection_order": "FileNameSortKey",
    # A display is drawn where it is the last expression of a block; Matplotlib's own figures are no concern of ours.
    "image_scrapers": ("gallery.scrape_display", "gallery.scrape_page"),
    "capture_repr": (),
    "reset_modules": ("gallery.prepare",),
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
    # How long it took is nothing to read, and would be another string to translate at each build.
    "min_reported_time": float("inf"),
}

# -- The other language: `-D language=zh_CN`, from the catalogues in locale/ ----------------------------------------
locale_dirs = ["locale"]
gettext_compact = False
gettext_location = False
gettext_last_translator = author
gettext_language_team = "Simplified Chinese"

# -- The pages -------------------------------------------------------------------------------------------------------
# Quotes and ellipses, but no dashes: the text of the command line speaks of --out.
smartquotes_action = "qe"
html_theme = "pydata_sphinx_theme"
# Said outright: without it the theme complains in the browser's console.
html_context = {"default_mode": "auto"}
html_title = "convvision"
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_static_path = ["_static"]
# With a slash at the end; without it there is no sitemap.
html_baseurl = os.environ.get("CONVVISION_DOCS_URL") or os.environ.get("READTHEDOCS_CANONICAL_URL", "")
html_css_files = ["convvision.css"]
html_js_files = ["names.js", "sortable.js"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_sidebars = {"index": [], "installation": []}
html_theme_options = {
    "logo": {"text": "convvision"},
    "navbar_end": ["language-switcher", "theme-switcher", "navbar-icon-links"],
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_exclude = ".linenos, .gp, .go"
