"""Other ways to train a batch of XOR on a GPU: plain JAX, PyTorch and the runner by JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from runner.network.signature import HYPERPARAMETERS

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
T = np.array([0, 1, 1, 0], float)
RATE = 2.0
STEPS = 100

Work = Callable[[], float]
"""Does a piece of work, returns how many restart-steps it was."""


def jax_vmap(dtype: str, first: np.ndarray) -> Work:
    """Plain JAX: vmap of grad, in a fori_loop, compiled as a whole; starts are (9, n)."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)  # else float64 would be float32
    x, t, rate = (jnp.asarray(a, dtype) for a in (X, T, RATE))

    def loss(p):
        hidden = jax.nn.sigmoid(x @ p[:4].reshape(2, 2).T + p[4:6])
        z = hidden @ p[6:8] + p[8]
        return jnp.mean(jax.nn.softplus(z) - t * z)

    gradient = jax.vmap(jax.grad(loss))
    run = jax.jit(lambda p: jax.lax.fori_loop(0, STEPS, lambda _, q: q - rate * gradient(q), p))
    begun = jnp.asarray(first.T)

    def work() -> float:
        run(begun).block_until_ready()
        return float(STEPS * first.shape[1])

    return work


def runner_by_jax(dtype: str, first: np.ndarray) -> Work:
    """The runner's own graph through PyTensor's JAX backend; starts are (9, n)."""
    import gpu_cases

    from runner.engines.registry import compiled

    n = first.shape[1]
    whole = {"n_lanes": n, "n_steps": STEPS, "layout": "stacked"}
    signature = replace(gpu_cases.signature({}, dtype), **whole)
    advance = compiled("pytensor-jax", signature).advance
    hyper = np.zeros((len(HYPERPARAMETERS), n), dtype)
    hyper[0] = RATE
    targets = np.repeat(T[:, None], n, axis=1).astype(dtype)
    steps, limit = np.zeros(n, np.int32), np.full(n, STEPS, np.int32)

    def work() -> float:
        _, taken, _ = advance(first, steps, limit, hyper, targets)
        return float(np.asarray(taken).sum(dtype=np.int64))

    return work


def torch_batched(dtype: str, first: np.ndarray) -> Work:
    """PyTorch: restarts as a batch dimension, gradients by autograd; starts are (9, n)."""
    import torch

    if not torch.cuda.is_available():
        message = "torch sees no GPU"
        raise ImportError(message)
    n, where = first.shape[1], {"dtype": getattr(torch, dtype), "device": "cuda"}
    x, t = torch.tensor(X, **where), torch.tensor(T, **where)
    rows = first.T
    blocks = [rows[:, :4].reshape(n, 2, 2), rows[:, 4:6], rows[:, 6:8], rows[:, 8:]]

    def work() -> float:
        w, b, v, c = (torch.tensor(p.copy(), **where, requires_grad=True) for p in blocks)
        for _ in range(STEPS):
            hidden = torch.sigmoid(x @ w.transpose(1, 2) + b[:, None, :])
            z = (hidden @ v[:, :, None])[:, :, 0] + c
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                z, t.expand_as(z), reduction="none"
            )
            gradients = torch.autograd.grad(loss.mean(dim=1).sum(), (w, b, v, c))
            with torch.no_grad():
                for p, g in zip((w, b, v, c), gradients, strict=True):
                    p -= RATE * g
        torch.cuda.synchronize()
        return float(STEPS * n)

    return work
