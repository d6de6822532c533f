"""The settings as one typed tree.

In: a TOML file. Out: ``Settings``, or a ConfigError of one line. Imports none of ours.

``settings``: the tree; one field a setting, with its default, limits and meaning. ``reading``: file -> tree, and what
is wrong with it by the setting's dotted name. ``checks``: what a type cannot say. ``route_rows``: rows of the route
table that stand elsewhere, read and judged as those of the settings. ``text``: the tree in words, from which
``confserver settings`` and docs/administration.md are made.
"""

from confserver.config.reading import ConfigError, load
from confserver.config.settings import Settings, default_state_directory

__all__ = ["ConfigError", "Settings", "default_state_directory", "load"]
