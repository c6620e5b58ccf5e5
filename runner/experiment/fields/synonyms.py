"""Words of the field for what an experiment file calls by another name, and for what it lacks.

They come before likeness of spelling: `rmsprop` is no typing error for `rprop`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Final

from runner.errors.messages import most_like, nearest, shown
from runner.experiment.truth_tables.gates import GATES

__all__ = ["field_hint", "value_hint"]


def _alike(**names: str) -> dict[str, str]:
    """Return a name for each of the words, which are separated by spaces."""
    return {word: name.replace("_", "-") for name, words in names.items() for word in words.split()}


_ACTIVATIONS: Final = _alike(
    sigmoid="logistic sigmoidal logsig expit",
    tanh="tansig hyperbolic-tangent bipolar symmetric-sigmoid sigmoid-symmetric",
    relu="rectifier rectified-linear rectified",
    leaky_relu="leakyrelu lrelu leaky",
    linear="identity none purelin",
    step="threshold heaviside hardlim binary",
)

_VALUES: Final[Mapping[str, Mapping[str, str]]] = {
    "training.optimizer": _alike(
        gradient_descent="sgd gd bgd batch-gradient-descent steepest-descent backprop "
        "backpropagation bp vanilla batch incremental gradientdescent traingd",
        momentum="classical-momentum heavy-ball sgd-momentum momentum-sgd gdm traingdm",
        nesterov="nag nesterov-momentum nesterov-accelerated-gradient",
        rprop="irprop irprop- rprop- resilient resilient-backpropagation trainrp",
        rprop_plus="rprop+ irprop+ rpropplus",
        quickprop="quick-prop quickpropagation fahlman",
        rmsprop="rms-prop rms",
        lbfgs="l-bfgs l-bfgs-b lbfgsb",
        perceptron="perceptron-rule rosenblatt",
    ),
    "network.activation": _ACTIVATIONS,
    "network.output": _ACTIVATIONS | {"normalized-exponential": "softmax"},
    "loss.kind": _alike(
        squared_error="mse sse l2 mseloss mean-squared-error mean-square-error sum-of-squares "
        "squared quadratic euclidean rmse lms",
        cross_entropy="bce ce xent logloss log-loss nll negative-log-likelihood "
        "binary-cross-entropy categorical-cross-entropy binary-crossentropy "
        "categorical-crossentropy sparse-categorical-crossentropy crossentropy logistic bceloss "
        "bcewithlogitsloss crossentropyloss nllloss",
    ),
    "loss.reduction": _alike(mean="average avg", half_sum="half", half_mean="half-mse"),
    "init.distribution": _alike(
        normal="gaussian randn gauss",
        uniform="rand random",
        glorot_uniform="xavier xavier-uniform glorot",
        he_normal="he kaiming kaiming-normal msra",
        nguyen_widrow="nguyen nguyenwidrow widrow-nguyen widrow initnw",
        pytorch="torch nn.linear",
        keras="tensorflow tf",
        scikit_learn="sklearn scikitlearn mlpclassifier",
        constant="zeros zero ones const fixed",
        given="file csv parquet dataframe explicit custom",
    ),
    "training.dtype": _alike(float64="double float f64", float32="single f32"),
    "training.plateau": _alike(
        new_start="restart reinit reinitialize new again start", perturb="noise perturbation kick"
    ),
    "network.skip": _alike(inputs="input", all="dense densenet every full cascade"),
    "problem.gate": {"EXOR": "XOR", "EOR": "XOR", "NEQ": "XOR", "EQUIV": "XNOR", "IFF": "XNOR"},
}
"""Names of values by the words for them, by field."""

_MISSING_VALUES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "training.optimizer": dict.fromkeys(
        ("adagrad", "adadelta", "adamw", "nadam", "amsgrad", "adamax"), ("adam",)
    )
    | dict.fromkeys(("bfgs", "newton", "cg", "lm", "levenberg-marquardt"), ("lbfgs",)),
    "network.activation": dict.fromkeys(
        ("elu", "selu", "gelu", "silu", "swish", "softplus", "prelu"), ("relu", "leaky-relu")
    )
    | dict.fromkeys(("hard-sigmoid", "sin", "sine", "gaussian", "rbf"), ("sigmoid", "tanh")),
    "network.output": dict.fromkeys(("softplus", "elu"), ("relu", "leaky-relu")),
    "loss.kind": dict.fromkeys(
        ("hinge", "l1", "mae", "huber", "absolute-error"), ("squared-error",)
    ),
    "init.distribution": dict.fromkeys(
        ("glorot-normal", "xavier-normal", "lecun", "lecun-normal", "orthogonal"),
        ("glorot-uniform",),
    )
    | dict.fromkeys(("kaiming-uniform", "he-uniform"), ("he-normal", "pytorch")),
    "training.dtype": dict.fromkeys(("float16", "half", "bfloat16", "f16"), ("float32",)),
}
"""What there is not, by field: the values that are nearest to it in kind."""

_WORDS: Final[Mapping[str, str]] = {
    "seed": "random_state random_seed rng",
    "restarts": "runs trials repeats repetitions n_restarts starts n_starts replicates",
    "problem.gate": "function task operation boolean",
    "problem.table": "data dataset file csv path training_data truth_table",
    "problem.target_columns": "target_column label_column label_columns y_column target "
    "target_names class_column",
    "problem.ignored_columns": "drop drop_columns ignore ignore_columns skip_columns index_col "
    "exclude_columns",
    "problem.tolerance": "margin tolerances bit_fail_limit",
    "problem.held_out": "holdout hold_out heldout test_table validation test validation_data "
    "validation_table test_data",
    "problem.held_out_rows": "test_rows validation_rows held_rows",
    "problem.solved": "success success_criterion solved_by",
    "problem.inputs": "input_levels",
    "problem.targets": "output_levels labels target_levels",
    "network.hidden": "units hidden_units hidden_size hidden_sizes layers hidden_layers "
    "neurons layer_sizes hidden_layer_sizes n_hidden topology architecture",
    "network.activation": "nonlinearity transfer_function activation_function activations transfer",
    "network.output": "output_activation out last_activation",
    "network.bias": "biases use_bias intercept fit_intercept has_bias",
    "network.skip": "shortcut shortcuts skip_connections residual direct",
    "network.freeze": "frozen fixed fixed_weights trainable untrained requires_grad",
    "loss.kind": "loss loss_function criterion objective cost error error_function",
    "loss.l2_biases": "bias_regularizer regularize_bias penalize_bias bias_decay",
    "loss.l2": "weight_decay regularization regularisation ridge lambda alpha penalty",
    "init.range": "low high lower upper min max minval maxval bounds interval a b",
    "init.table": "given file csv starts start given_starts initial_weights weights_file path",
    "init.bias": "bias_init bias_initializer bias_start bias_value",
    "init.bias_range": "bias_low bias_high",
    "init.scale": "std sigma stddev width spread init_scale weight_scale bound",
    "init.distribution": "initializer initialiser weights initialization initialisation "
    "kernel_initializer weight_init",
    "training.optimizer": "optimiser algorithm method solver update rule trainer",
    "training.learning_rate": "lr eta rate step_size learningrate stepsize learning_rate_init",
    "training.momentum": "mu beta inertia",
    "training.rate_schedule": "schedule lr_schedule learning_rate_schedule lr_decay scheduler "
    "annealing warmup learning_rate_decay",
    "training.order": "shuffle shuffled pattern_order",
    "training.slopes": "slope clip_slopes cut_slopes derivative flat_spot flat_spots",
    "training.beta1": "beta_1 b1",
    "training.beta2": "beta_2 b2",
    "training.decay": "rho",
    "training.max_steps": "epochs epoch n_epochs max_epochs num_epochs iterations max_iter "
    "max_iterations n_iter steps n_steps num_steps updates sweeps budget",
    "training.plateau": "restart_on_plateau on_plateau reinit reinitialize perturb kick",
    "training.plateau_steps": "restart_every restart_after plateau_patience",
    "training.plateau_fall": "plateau_tolerance",
    "training.plateau_noise": "perturbation kick_size",
    "training.stop_loss": "desired_error goal error_goal target_error target_loss min_loss "
    "loss_goal",
    "training.stop_gradient": "gtol min_grad",
    "training.dtype": "precision float_type floatx",
}
"""Words for each field, separated by spaces; some are words for fields of two sections."""

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {
    word: tuple(field for field, words in _WORDS.items() if word in words.split())
    for word in " ".join(_WORDS.values()).split()
}
"""Fields by the words for them."""

_MISSING_FIELDS: Final[Mapping[str, str]] = {
    word: text
    for words, text in {
        "batch_size batchsize minibatch mini_batch minibatch_size batch online stochastic": "How "
        "many patterns an update takes is training.patterns_per_update: 1 for pattern by pattern. "
        "(`--batch-size` is of restarts, and changes no result.)",
        "dropout dropout_rate p_drop": "There is no dropout.",
        "clip clipnorm clipvalue clip_norm grad_clip gradient_clip max_grad_norm": "Gradients are "
        "not clipped.",
        "weight class_weight class_weights pos_weight sample_weight": "All patterns count alike.",
        "classes n_classes num_classes": "Classes are a column of words in problem.table, or of "
        "integers with network.output 'softmax'.",
        "engine backend": "What compiles is an option of the command: --engine.",
        "nesterov": "Nesterov's momentum is training.optimizer 'nesterov'.",
        "patience early_stopping early_stop min_delta min_improvement n_iter_no_change tol "
        "tolerance_change stagnation": "Nothing stops for want of progress: a restart ends early "
        "by training.stop_solved, stop_loss or stop_gradient. With training.plateau it begins "
        "again, or is perturbed, where the loss has not fallen in training.plateau_steps steps.",
        "validation_split test_size test_split": "Rows that are not trained on are named: "
        "problem.held_out is a table of them, problem.held_out_rows are rows of the table.",
        "mean mu0 loc": "Starts lie about 0, unless init.range is set.",
        "workers n_jobs n_workers device gpu": "Where it runs is an option of the command: "
        "--workers, --device.",
    }.items()
    for word in words.split()
}
"""What there is no field for, in words."""


_SECTIONS: Final[Mapping[str, str]] = {
    "model": "the section 'network', or the field 'network.model'",
    "net": "'network'",
    **dict.fromkeys(("compile", "fit", "train", "trainer", "optimization"), "'training'"),
    **dict.fromkeys(("initialization", "initialisation"), "'init'"),
}
"""Sections by the words for them."""

_IN_SECTIONS: Final[Mapping[tuple[str, str], str]] = {
    ("init", "kind"): "Did you mean 'init.distribution'?",
    ("init", "type"): "Did you mean 'init.distribution'?",
    ("init", "method"): "Did you mean 'init.distribution'?",
    ("network", "init"): "Did you mean 'init.distribution'?",
    ("training", "mode"): _MISSING_FIELDS["online"],
    ("problem", "noise"): "No noise is added to inputs or targets; problem.table can have it.",
}
"""What is to be said of words that mean another field elsewhere."""

_LISTS: Final = frozenset(
    {
        *("network.hidden", "network.activation", "network.freeze"),
        *("problem.inputs", "problem.targets"),
        *("problem.target_columns", "problem.ignored_columns", "problem.held_out_rows"),
        *("init.at", "init.range", "init.bias_range", "init.layer_scales"),
    }
)
"""Fields whose values are lists."""


_LISTED: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
"""Numbers in a text such as ``(4, 2)``."""


def value_hint(path: str, value: object, names: tuple[str, ...]) -> str:
    """Return a hint at what a wrong value of a field may mean: by meaning, or else by spelling.

    Parameters
    ----------
    path : str
        The field.
    value : object
        What it cannot be.
    names : tuple of str
        What it can be.
    """
    if not isinstance(value, str):
        return _kind_hint(path, value)
    if path in _NAME_LISTS:
        return f" Write [{shown(value)}]."
    if path in _LISTS and (numbers := _LISTED.findall(value)):
        return f" Write [{', '.join(numbers)}]."
    if not names and _is_number(value):
        return " Write it without quotes."
    word = re.sub(r"[\s_]+", "-", value.strip()).casefold()
    meant = {key.casefold(): name for key, name in _VALUES.get(path, {}).items()}.get(word)
    if meant in names:
        return f" Did you mean {meant!r}?"
    missing = _MISSING_VALUES.get(path, {}).get(word)
    if path == "problem.gate":
        return _gate_hint(word) or nearest(value, names) or " Other tables are problem.table."
    if missing:
        near = " and ".join(repr(name) for name in missing)
        verb = "comes" if len(missing) == 1 else "come"
        return f" There is no {value.strip()!r}; {near} {verb} nearest to it."
    return nearest(value, names)


def _gate_hint(word: str) -> str:
    """Return a hint at a gate of some inputs, as in ``3-bit-majority``."""
    family = "MAJORITY" if "majority" in word else "PARITY" if re.search("parity|xor", word) else ""
    width = re.search("[0-9]+", word)
    if family and not width and family.casefold() in word:
        return f" Write {family}-3 for three inputs."
    meant = f"{family}-{width[0]}" if width else ""
    return f" Did you mean {meant!r}?" if meant in GATES else ""


def _kind_hint(path: str, value: object) -> str:
    """Return what to write in place of a value of another kind."""
    if isinstance(value, list | tuple) and path not in _LISTS:
        return f" Several values are crossed under [grid]: {_quoted(path)} = [...]."
    if path == "network.hidden" and isinstance(value, int) and not isinstance(value, bool):
        return f" Write [{value}] for one layer of that width." if 0 < value < 10_000 else ""
    if path in _COUNTS and isinstance(value, float) and 1 <= value < 2e9:
        return f" Write {value:.0f}." if value.is_integer() else ""
    if path in ("init.range", "init.bias_range") and isinstance(value, int | float):
        return f" Write [{-value!r}, {value!r}] for ±{value!r}." if 0 < value < math.inf else ""
    return ""


_NAME_LISTS: Final = (
    *("problem.target_columns", "problem.ignored_columns"),
    *("network.freeze", "init.at"),
)
_COUNTS: Final = ("training.max_steps", "training.patterns_per_update", "restarts", "seed")


def _quoted(path: str) -> str:
    return f'"{path}"'


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def field_hint(path: str, names: Iterable[str], fields: Iterable[str]) -> str:
    """Return a hint at what an unknown field may mean: by meaning, or else by spelling.

    Parameters
    ----------
    path : str
        The field, with its section if it has one.
    names : iterable of str
        What could stand in its place.
    fields : iterable of str
        All fields, of whatever section.
    """
    section, _, last = path.rpartition(".")
    word = re.sub(r"[\s-]+", "_", last.strip()).casefold()
    if (section, word) in _IN_SECTIONS:
        return f" {_IN_SECTIONS[section, word]}"
    if word in _MISSING_FIELDS:
        return f" {_MISSING_FIELDS[word]}"
    if not section and word in _SECTIONS:
        return f" Did you mean {_SECTIONS[word]}?"
    # It may be a field by its right name, in the wrong place.
    meant = _by_meaning(section, word) or {f.rpartition(".")[2]: f for f in fields}.get(word)
    if meant is None or meant == path:
        # without their section, which all of them have in common
        near = names if section else (*fields, *names)
        by_word = {name.rpartition(".")[2]: name for name in near}
        like = most_like(word, by_word)
        return f" Did you mean {by_word[like]!r}?" if like else ""
    above = ", above all sections" if section and "." not in meant else ""
    return f" Did you mean {meant!r}{above}?"


def _by_meaning(section: str, word: str) -> str | None:
    """Return the field that a word is for, if there are two, that of its own section."""
    meant = _FIELDS.get(word, ())
    return next((f for f in meant if f.startswith(f"{section}.")), next(iter(meant), None))
