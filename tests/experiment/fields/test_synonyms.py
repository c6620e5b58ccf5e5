"""Hints by meaning: words of the field for what is here by another name, or not here."""

from __future__ import annotations

import pytest

from runner.errors import ExperimentError
from runner.experiment.experiment import load_experiment
from runner.experiment.fields import synonyms
from runner.experiment.fields.rules import choices_of
from runner.experiment.fields.sections import PATHS, SECTIONS

ALL = {*PATHS, "seed", "restarts"}


def refusal(path: str, value: object) -> str:
    raw: dict = {"name": "t", "problem": {"gate": "XOR"}}
    section, _, field = path.rpartition(".")
    (raw.setdefault(section, {}) if section else raw)[field] = value
    with pytest.raises(ExperimentError) as caught:
        load_experiment(raw)
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("path", "value", "hint"),
    [
        ("training.optimizer", "sgd", " Did you mean 'gradient-descent'?"),
        ("training.optimizer", "GD", " Did you mean 'gradient-descent'?"),
        ("training.optimizer", "Resilient Backpropagation", " Did you mean 'rprop'?"),
        ("training.optimizer", "adagrad", " There is no 'adagrad'; 'adam' comes nearest to it."),
        ("training.optimizer", "NAG", " Did you mean 'nesterov'?"),
        ("training.optimizer", "rprop+", " Did you mean 'rprop-plus'?"),
        ("training.optimizer", "rpop", " Did you mean 'rprop'?"),
        ("loss.kind", "mse", " Did you mean 'squared-error'?"),
        ("loss.kind", "mean_squared_error", " Did you mean 'squared-error'?"),
        ("loss.kind", "BCE", " Did you mean 'cross-entropy'?"),
        ("loss.kind", "hinge", " There is no 'hinge'; 'squared-error' comes nearest to it."),
        ("init.distribution", "xavier", " Did you mean 'glorot-uniform'?"),
        ("init.distribution", "xavier_normal", " There is no 'xavier_normal'; 'glorot-uniform' "
         "comes nearest to it."),
        ("init.distribution", "gaussian", " Did you mean 'normal'?"),
        ("network.activation", "logistic", " Did you mean 'sigmoid'?"),
        ("network.output", "identity", " Did you mean 'linear'?"),
        (
            "network.activation",
            "GELU",
            " There is no 'GELU'; 'relu' and 'leaky-relu' come nearest to it.",
        ),
        ("training.dtype", "double", " Did you mean 'float64'?"),
        ("problem.gate", "exor", " Did you mean 'XOR'?"),
        ("problem.gate", "PARITY", " Write PARITY-3 for three inputs."),
        ("problem.gate", "3-bit majority", " Did you mean 'MAJORITY-3'?"),
        ("problem.gate", "XOR4", " Did you mean 'PARITY-4'?"),
        ("problem.gate", "NAN", " Did you mean 'NAND'?"),
        ("problem.gate", "PARITY-40", " Did you mean 'PARITY-4'?"),
        ("problem.gate", "two-spirals", " Other tables are problem.table."),
        ("loss.reduction", "average", " Did you mean 'mean'?"),
        ("loss.kind", "BCELoss", " Did you mean 'cross-entropy'?"),
        ("loss.kind", "MSELoss", " Did you mean 'squared-error'?"),
        ("training.optimizer", "LBFGS", " Did you mean 'lbfgs'?"),
        ("init.distribution", "zeros", " Did you mean 'constant'?"),
        ("init.distribution", "sklearn", " Did you mean 'scikit-learn'?"),
        ("init.distribution", "he_uniform", " There is no 'he_uniform'; 'he-normal' and 'pytorch' "
         "come nearest to it."),
        ("network.hidden", 2, " Write [2] for one layer of that width."),
        ("training.max_steps", 1e4, " Write 10000."),
        ("training.max_steps", "100", " Write it without quotes."),
        ("training.max_steps", 0.5, "; expected an integer from 1 to 2000000000."),
        ("training.learning_rate", [0.1, 1], ' [grid]: "training.learning_rate" = [...].'),
        ("problem.gate", ["AND", "OR"], ' under [grid]: "problem.gate" = [...].'),
        ("network.hidden", "(4, 2)", " Write [4, 2]."),
        ("network.hidden", "(2,)", " Write [2]."),
        ("network.hidden", "4-2", " Write [4, 2]."),
        ("init.range", "-0.5, 0.5", " Write [-0.5, 0.5]."),
        ("network.hidden", [0], "; expected a list of at most 16 integers from 1 to 4096."),
    ],
)  # fmt: skip
def test_values_by_meaning(path, value, hint) -> None:
    assert refusal(path, value).endswith(hint)


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("training.lr", " Did you mean 'training.learning_rate'?"),
        ("lr", " Did you mean 'training.learning_rate'?"),
        ("optimizer", " Did you mean 'training.optimizer'?"),
        ("training.epochs", " Did you mean 'training.max_steps'?"),
        ("training.seed", " Did you mean 'seed', above all sections?"),
        ("init.seed", " Did you mean 'seed', above all sections?"),
        ("training.runs", " Did you mean 'restarts', above all sections?"),
        ("training.weight_decay", " Did you mean 'loss.l2'?"),
        ("training.hidden", " Did you mean 'network.hidden'?"),
        ("network.layers", " Did you mean 'network.hidden'?"),
        ("network.use_bias", " Did you mean 'network.bias'?"),
        ("init.low", " Did you mean 'init.range'?"),
        ("init.bias_init", " Did you mean 'init.bias'?"),
        ("init.given", " Did you mean 'init.table'?"),
        ("init.std", " Did you mean 'init.scale'?"),
        ("training.loss", " Did you mean 'loss.kind'?"),
        ("model", " Did you mean the section 'network', or the field 'network.model'?"),
        ("compile", " Did you mean 'training'?"),
        ("training.lr_schedule", " Did you mean 'training.rate_schedule'?"),
        ("training.shuffle", " Did you mean 'training.order'?"),
        ("training.learning_rat", " Did you mean 'training.learning_rate'?"),
        ("learning_rat", " Did you mean 'training.learning_rate'?"),
        ("training.target_error", " Did you mean 'training.stop_loss'?"),
        ("problem.csv", " Did you mean 'problem.table'?"),
        ("init.csv", " Did you mean 'init.table'?"),
        ("csv", " Did you mean 'problem.table'?"),
        ("network.init", " Did you mean 'init.distribution'?"),
        # like spellings of the section alone are no hint
        ("loss.weird", "; expected one of loss.kind, loss.reduction, loss.l2, loss.l2_biases."),
    ],
)
def test_fields_by_meaning(path, hint) -> None:
    assert refusal(path, 1).endswith(hint)


def test_the_command_line_has_the_same_hints() -> None:
    changes = {"training.optimizer": "adagrad", "init.seed": 1, "training.batch_size": 8}
    with pytest.raises(ExperimentError) as caught:
        load_experiment({"name": "t", "problem": {"gate": "XOR"}}, changes=changes)
    seed, batch, optimizer = str(caught.value).splitlines()
    assert seed.endswith("Did you mean 'seed', above all sections?")
    assert "training.patterns_per_update: 1 for pattern" in batch
    assert optimizer.endswith("'adam' comes nearest to it.")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("training.batch_size", "training.patterns_per_update: 1 for pattern"),
        ("network.dropout", "There is no dropout."),
        ("dropout", "There is no dropout."),
        ("training.nesterov", "training.optimizer 'nesterov'"),
        ("training.patience", "a restart ends early by training.stop_solved, stop_loss or "),
        ("training.early_stopping", "has not fallen in training.plateau_steps steps."),
        ("training.mode", "training.patterns_per_update: 1 for pattern"),
        ("training.clip_norm", "Gradients are not clipped."),
        ("loss.class_weight", "All patterns count alike."),
        ("problem.classes", "a column of words in problem.table, or of integers with"),
        ("problem.noise", "No noise is added to inputs or targets; problem.table can have it."),
        ("engine", "--engine."),
        ("init.mean", "Starts lie about 0, unless init.range is set."),
    ],
)
def test_what_there_is_not_is_said_in_words(path, text) -> None:
    line = refusal(path, 1)
    assert text in line
    assert "Did you mean" not in line


def test_every_word_leads_to_a_name_and_none_is_a_name_itself() -> None:
    for path, words in synonyms._VALUES.items():
        section, field = path.split(".")
        names = choices_of(SECTIONS[section], field)
        assert set(words.values()) <= set(names), path
        assert not set(words) & set(names), path
    for path, missing in synonyms._MISSING_VALUES.items():
        section, field = path.split(".")
        names = choices_of(SECTIONS[section], field)
        assert {name for near in missing.values() for name in near} <= set(names)
        assert not set(missing) & {*names, *synonyms._VALUES[path]}
    assert set(synonyms._WORDS) <= ALL
    last = {path.rpartition(".")[2] for path in ALL}
    assert not set(synonyms._FIELDS) & last
    assert not set(synonyms._MISSING_FIELDS) & (last | set(synonyms._FIELDS))


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        ({"init": "xavier"}, "expected a table, [init]. Did you mean init.distribution?"),
        ({"network": "tanh"}, " Did you mean network.activation and network.output?"),
        ({"training": 3}, "training is 3; expected a table, [training]."),
        ({"init": {"kind": "uniform"}}, " Did you mean 'init.distribution'?"),
        ({"init": {"range": 0.5}}, " Write [-0.5, 0.5] for ±0.5."),
        ({"problem": {"gate": "XOR", "target_columns": "y"}}, " Write ['y']."),
        ({"restarts": 1e3}, "expected an integer from 1 to 10**12. Write 1000."),
        ({"grid": {"seed": [1, 2]}}, "grid seed is one value for all configurations; expected a "
         "field of a section. Run a sweep for each."),
        ({"grid": {"training": {"learning_rate": [1, 2]}}},
         'expected a quoted path, as "training.learning_rate" = [...].'),
    ],
)  # fmt: skip
def test_what_a_newcomer_writes_is_told_what_to_write(content, ending) -> None:
    with pytest.raises(ExperimentError) as caught:
        load_experiment({"name": "x", "problem": {"gate": "XOR"}} | content)
    assert str(caught.value).splitlines()[0].endswith(ending)
