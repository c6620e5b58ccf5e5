"""Who set a field: the user, `like`, or nobody, so that messages do not blame what nobody wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from runner.errors.messages import shown
from runner.experiment.fields.sections import PATHS, SECTIONS
from runner.experiment.grid.grid import split_paths

# A field, and what may be its value: `x.y is 3`, `x.y 'a'`, `x.y, 50.0`.
_NAMED: Final = re.compile(
    r"(?<![\w.])("
    + "|".join(map(re.escape, sorted(PATHS, key=len, reverse=True)))
    + r")(?: is (?!missing)|,? )(?=([^;]*))"
)


@dataclass(frozen=True)
class Origins:
    """Where the fields of an experiment come from."""

    written: frozenset[str]
    """Dotted paths that the user has written: in sections, on the command line, as axes."""
    like: str = ""
    """What `like` says."""
    filled: Mapping[str, object] = field(default_factory=dict)
    """What it has filled in, by dotted path."""

    def explained(self, text: str) -> str:
        """Return a message with who has set the fields that it names, where the user has not.

        Parameters
        ----------
        text : str
            A line for each problem.

        Examples
        --------
        >>> origins = Origins(frozenset(["network.output"]))
        >>> text = "network.output is 'tanh'; expected 'sigmoid' with loss.kind 'cross-entropy'."
        >>> origins.explained(text)
        "network.output is 'tanh'; expected 'sigmoid' with loss.kind 'cross-entropy'. \
loss.kind is not set: that is its default."
        """
        return "\n".join(line + self._note(line) for line in text.split("\n"))

    def _note(self, line: str) -> str:
        found = _NAMED.findall(line)
        named = dict.fromkeys(path for path, value in found if self._has(path, value))
        filled = [path for path in named if path in self.filled]
        # what to set instead says as much
        silent = [path for path in named if path not in filled and f"Set {path} to " not in line]
        note = ""
        if filled:
            note += f" like {self.like!r} sets {' and '.join(filled)} unless you do."
        if len(silent) == 1:
            note += f" {silent[0]} is not set: that is its default."
        elif silent:
            note += f" {' and '.join(silent)} are not set: those are their defaults."
        return note

    def _has(self, path: str, text: str) -> bool:
        """Whether a field that the user has not set has the value that a text begins with."""
        if path in self.written:
            return False
        section, _, name = path.partition(".")
        value = self.filled.get(path, SECTIONS[section].model_fields[name].default)
        return value is not None and text.startswith(shown(value))


def filled_by(like: str, raw: Mapping[str, Any], written: frozenset[str]) -> Origins:
    """Return where the fields of an experiment come from that `like` has filled in."""
    paths = [path.partition(".")[::2] for path in written_paths(raw) - written]
    values = {f"{section}.{name}": raw[section][name] for section, name in paths}
    return Origins(written, like, values)


def written_paths(raw: Mapping[str, Any]) -> frozenset[str]:
    """Return the dotted paths of all fields that an experiment's content sets, also as axes."""
    found = {f"{section}.{name}" for section in SECTIONS for name in _keys(raw.get(section))}
    extra = raw.get("extra")
    cells = extra if isinstance(extra, list | tuple) else ()
    keys = [key for part in (raw.get("grid"), *cells) for key in _keys(part)]
    return frozenset(found | {path for key in keys for path in split_paths(key)})


def _keys(part: object) -> Iterable[str]:
    return [str(key) for key in part] if isinstance(part, Mapping) else ()
