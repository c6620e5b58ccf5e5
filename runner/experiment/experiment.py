"""The experiment file: read, changed from the command line, checked as a whole, and crossed."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Final

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from runner.errors import ExperimentError
from runner.errors.messages import MAX_PROBLEMS, printable, shown, summed_up
from runner.errors.paths import local_path
from runner.experiment.batch_sizes import MAX_CURVES
from runner.experiment.fields.library_defaults import fill
from runner.experiment.fields.rules import rule_of
from runner.experiment.fields.sections import (
    PATHS,
    SECTIONS,
    Init,
    Loss,
    Network,
    Problem,
    Rule,
    Section,
    Training,
)
from runner.experiment.fields.synonyms import value_hint
from runner.experiment.fields.wrong_fields import unknown_path, whole_section, wrong_value
from runner.experiment.formats.base import TableSource
from runner.experiment.given_starts import count_starts
from runner.experiment.grid.changes import merge_changes, require_mapping, take_out
from runner.experiment.grid.exceptions import checked_cells
from runner.experiment.grid.grid import checked_axes, crossed, split_paths
from runner.experiment.grid.overrides import parse_axis, parse_change
from runner.experiment.grid.rules import conflicts, miscounted, miscounts
from runner.experiment.origins import filled_by, written_paths
from runner.experiment.settings import Settings
from runner.experiment.toml_file import plain_data, read_toml
from runner.experiment.truth_tables.given_tables import take_tables

__all__ = [
    "Experiment",
    "Init",
    "Loss",
    "Network",
    "Problem",
    "Settings",
    "Training",
    "load_experiment",
    "parse_axis",
    "parse_change",
]

_NONE: Final[Mapping[str, Any]] = MappingProxyType({})


class Experiment(Section):
    """Which networks to train on which truth tables, and how often; see `load_experiment`."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"),
        Rule("1 to 64 letters, digits, '.', '_' or '-', the first a letter or digit"),
    ]
    """What the results are called; required."""
    seed: Annotated[int, Field(ge=0, lt=2**63), Rule("an integer from 0 to 2**63 - 1")] = 1990
    """Root of all random numbers; default 1990."""
    restarts: Annotated[int, Field(ge=1, le=10**12), Rule("an integer from 1 to 10**12")] = 5000
    """Random starts of each configuration; default 5000."""
    curves: (
        Annotated[int, Field(ge=0, le=MAX_CURVES), Rule("an integer from 0 to 100,000")] | None
    ) = None
    """Of how many restarts of each configuration, the first ones, the loss curve is recorded; by
    default 200, of more than 100 configurations fewer. A study that grows keeps it."""
    problem: Problem = Problem()
    """What is learnt."""
    network: Network = Network()
    """What learns it."""
    loss: Loss = Loss()
    """What is minimised."""
    init: Init = Init()
    """Where the restarts start."""
    training: Training = Training()
    """How they are trained."""
    grid: dict[str, tuple[Any, ...]] = Field(default={})
    """Values of fields, by dotted path, that are crossed; default none: one configuration."""
    exclude: tuple[dict[str, Any], ...] = ()
    """Points of the grid that are left out, by some of their values; default none."""
    extra: tuple[dict[str, Any], ...] = ()
    """Single configurations beside the grid, by the fields that they change; default none."""
    directory: Path = Field(default_factory=Path.cwd, exclude=True)
    """Where relative table paths start: the experiment file's folder."""
    given: dict[str, TableSource] = Field(default={}, exclude=True)
    """Tables that are no files, by what `problem.table` or `init.table` calls them."""

    @model_validator(mode="before")
    @classmethod
    def _counted(cls, content: Any) -> Any:
        """A slice, or given starts, say by themselves how many restarts there are."""
        if not isinstance(content, Mapping) or "restarts" in content:
            return content
        try:
            init = Init.model_validate(content.get("init", {}))
        except ValidationError:
            return content
        if init.slice is not None:
            return {**content, "restarts": init.slice.n_restarts}
        if init.distribution != "given" or init.noise is not None:
            return content
        try:
            directory = content.get("directory", Path.cwd())
            n = count_starts(init.table, directory, content.get("given", {}))
        except ExperimentError:
            return content  # the plan says what is wrong with the file
        return {**content, "restarts": n} if n else content

    @field_validator("grid", mode="before")
    @classmethod
    def _checked_grid(cls, grid: object) -> object:
        axes, problems = checked_axes(grid)
        if problems:
            text = "\n".join(text for _, text in problems)
            raise PydanticCustomError("grid", "{text}", {"text": text, "problems": problems})
        return axes

    @field_validator("exclude", "extra", mode="before")
    @classmethod
    def _checked_cells(cls, cells: object, info: ValidationInfo) -> object:
        checked, problems = checked_cells(str(info.field_name), cells)
        if problems:
            text = "\n".join(problems)
            raise PydanticCustomError("cells", "{text}", {"text": text, "problems": problems})
        return checked

    @model_serializer(mode="wrap")
    def _as_written(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dump: dict[str, Any] = serialise(self)
        if self.curves is None:
            del dump["curves"]
        # Studies of grids without these were stored before there were any.
        for name in ("exclude", "extra"):
            if not dump[name]:
                del dump[name]
        if self.network.model is not None or "network.model" in self.axes:
            # Defaults would read as fields that were set, which a model does not allow.
            for name in ("network", "loss"):
                written = getattr(self, name).model_fields_set
                dump[name] = {k: v for k, v in dump[name].items() if k in written}
        return dump

    def _repr_html_(self) -> str:
        from runner.experiment.notebook import experiment_html

        return experiment_html(self)

    def points(self) -> list[tuple[dict[str, Any], Settings]]:
        """Cross the grid.

        Returns
        -------
        list of (dict, Settings)
            Each point's values by dotted path, and the settings that they make; in the order of
            the grid, the last axis fastest. Without a grid: one point, `{}`. A point with one of
            `problem.gate` and `problem.table` leaves out the other of the defaults.

        Raises
        ------
        ExperimentError
            If a point breaks a rule between fields.
        """
        if (known := self.__dict__.get(_CHECKED)) is not None:
            restarts, parts, points = known
            if restarts == self.restarts and all(map(operator.is_, parts, self._parts())):
                return list(points)
        points = list(self._crossed())
        problems = conflicts((settings for _, settings in points), frozenset())
        problems += miscounts(self.restarts, (settings for _, settings in points))
        problems += miscounted(self.grid, self.exclude, self.extra, points)
        _raise_if_any([f"{self.name}: {text}" for text in problems])
        return points

    @property
    def axes(self) -> tuple[str, ...]:
        """Dotted paths of what differs between points: the grid's axes and the extras' fields."""
        own = [path for key in self.grid for path in split_paths(key)]
        return tuple(dict.fromkeys((*own, *(path for cell in self.extra for path in cell))))

    def explained(self, text: str) -> str:
        """Return a message with who has set the fields that it names; see `Origins.explained`."""
        origins = self.__dict__.get(_ORIGINS)
        return text if origins is None else str(origins.explained(text))

    def _crossed(self) -> Iterator[tuple[dict[str, Any], Settings]]:
        return crossed(self._defaults(), self.grid, self.exclude, self.extra)

    def _parts(self) -> tuple[object, ...]:
        """What `points` depends on, but for the restarts."""
        return (self.grid, self.exclude, self.extra, *self._defaults().values())

    def _defaults(self) -> dict[str, Section]:
        return {name: getattr(self, name) for name in SECTIONS}


_CHECKED = "_checked_points"  # of what they were made, and the points; in copies that may differ
_ORIGINS = "_origins"


def load_experiment(
    source: str | Path | Mapping[str, Any],
    *,
    changes: Mapping[str, Any] = _NONE,
    grid: Mapping[str, Sequence[Any]] = _NONE,
) -> Experiment:
    """Read an experiment, change it, and check all of it.

    Parameters
    ----------
    source : str, Path or mapping
        A TOML file, or the same as a mapping; relative tables then start at the current folder,
        and `problem.table` may also be a DataFrame or an array. With ``like``, another program's
        defaults stand in place of what is not set; see `runner.experiment.fields.library_defaults`.
    changes : mapping
        Dotted path, `name`, `seed`, `restarts` or `like` to value. A path that is also an axis of
        the source's grid takes that axis out of the grid.
    grid : mapping
        Dotted path to values: axes that are added to the source's grid, or replace its own.
        `problem.gate`, here or in `changes`, takes the place of the source's `problem.table`,
        and the other way round.

    Returns
    -------
    Experiment
        Every point of its grid is valid. Tables are not read yet: see `Settings.truth_table`.

    Raises
    ------
    ExperimentError
        With every problem, a line each.
    """
    require_mapping("changes", changes, '{"training.momentum": 0.9}')
    require_mapping("grid", grid, '{"init.scale": [1, 2]}')
    given: dict[str, TableSource] = {}
    changes, grid = take_tables(changes, given), take_tables(grid, given)
    if isinstance(source, Mapping):
        where, directory = "experiment", Path.cwd()
        raw = plain_data(take_tables(source, given), where)
    else:
        path = local_path(source, ExperimentError, "file")
        where, directory = printable(str(path)), path.absolute().parent
        raw = plain_data(read_toml(path, where), where)
    problems, origins = merge_changes(
        raw, plain_data(changes, where), plain_data(grid, where), where
    )
    written, like = written_paths(raw), raw.get("like")
    problems += [f"{where}: {text}" for text in fill(raw)]
    sources = filled_by(str(like), raw, written)
    experiment, wrongs = _validated({**raw, "given": given}, directory)
    problems += [f"{origins.get(path, where)}: {text}" for path, text in wrongs]
    points = list(experiment._crossed())
    settings = (settings for _, settings in points)
    hidden = frozenset(path.removeprefix("grid ") for path, _ in wrongs)
    problems += [f"{where}: {sources.explained(text)}" for text in conflicts(settings, hidden)]
    if not problems:
        settings = (settings for _, settings in points)
        problems += [f"{where}: {text}" for text in miscounts(experiment.restarts, settings)]
        cells = experiment.grid, experiment.exclude, experiment.extra
        problems += [f"{where}: {text}" for text in miscounted(*cells, points)]
    _raise_if_any(problems)
    # Thousands of points are not crossed twice. No field: it is neither compared nor stored.
    experiment.__dict__[_CHECKED] = experiment.restarts, experiment._parts(), points
    experiment.__dict__[_ORIGINS] = sources
    return experiment


def _validated(raw: dict[str, Any], directory: Path) -> tuple[Experiment, list[tuple[str, str]]]:
    """Return the experiment without its wrong fields; and these, each with what is wrong."""
    raw["directory"] = directory
    try:
        return Experiment.model_validate(raw), []
    except ValidationError as error:
        items = error.errors(include_url=False, include_input=False)
    wrongs: dict[str, list[str]] = {}
    for item in items:
        key, *rest = map(str, item["loc"])
        if item["type"] == "cells":
            wrongs[key] = item["ctx"]["problems"]
        elif item["type"] == "grid":
            for axis, text in item["ctx"]["problems"]:
                wrongs.setdefault(f"grid {axis}", []).append(text)
                take_out(raw["grid"], axis)
                if not axis:
                    raw["grid"] = {}
        elif rest:
            path = f"{key}.{rest[0]}"
            if item["type"] == "extra_forbidden":
                names = tuple(path for path in PATHS if path.startswith(f"{key}."))
                wrongs[path] = [unknown_path(path, names)]
            elif path not in wrongs:
                wrongs[path] = [wrong_value(path, raw[key][rest[0]])]
        elif key in SECTIONS:
            wrongs[key] = [whole_section(key, raw.pop(key))]
        else:
            state = "missing" if item["type"] == "missing" else shown(raw[key])
            hint = value_hint(key, raw.get(key), ()) if key in raw else ""
            wrongs[key] = [f"{key} is {state}; expected {rule_of(Experiment, key)}.{hint}"]
    for path in wrongs:
        section, _, field = path.partition(".")
        take_out(raw.get(section) if field else raw, field or section)
    # Only `name` has no default.
    repaired = Experiment.model_validate({"name": "nameless"} | raw)
    return repaired, [(path, text) for path, texts in wrongs.items() for text in texts]


def _raise_if_any(problems: list[str]) -> None:
    if problems:
        unique = list(dict.fromkeys(problems))
        raise ExperimentError(summed_up(unique, len(unique), MAX_PROBLEMS))
