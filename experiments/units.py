"""One unit, three ways to bend its pre-activation: the models of units.toml.

A model's file declares its parameters and has one or more functions that compute the loss and the
outputs from them; docs/model.md says how.
"""

PARAMETERS = {"w": 2, "b": 1}


def sigmoid(T, parameters, inputs, targets):
    """Rises for ever: no weights do XOR."""
    return squared_error(parameters, inputs, targets, lambda z: 1 / (1 + T.exp(-z)))


def gaussian(T, parameters, inputs, targets):
    """Rises and falls again: z = x1 + x2 - 1 is 0 where XOR is true, and ±1 elsewhere."""
    return squared_error(parameters, inputs, targets, lambda z: T.exp(-(z**2)))


def sine(T, parameters, inputs, targets):
    """Rises and falls for ever: there are many ways to do XOR, and to miss it."""
    return squared_error(parameters, inputs, targets, lambda z: (1 + T.sin(z)) / 2)


def squared_error(parameters, inputs, targets, bend):
    """Mean squared error of one unit; every tensor here is a vector over restarts."""
    w, b = parameters["w"], parameters["b"]
    outputs = [[bend(b[0] + w[0] * x1 + w[1] * x2)] for x1, x2 in inputs]
    errors = [(y - t) ** 2 for (y,), (t,) in zip(outputs, targets, strict=True)]
    return sum(errors) / len(errors), outputs
