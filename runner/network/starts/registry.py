"""Distributions of random starts by their names in the experiment file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from runner.network.starts.base import Distribution
from runner.network.starts.constant import Constant
from runner.network.starts.glorot_uniform import GlorotUniform
from runner.network.starts.he_normal import HeNormal
from runner.network.starts.nguyen_widrow import NguyenWidrow
from runner.network.starts.normal import Normal
from runner.network.starts.pytorch import PyTorch
from runner.network.starts.scikit_learn import ScikitLearn
from runner.network.starts.uniform import Uniform

DISTRIBUTIONS: Final[Mapping[str, Distribution]] = {
    "uniform": Uniform(),
    "normal": Normal(),
    "glorot-uniform": GlorotUniform(),
    "he-normal": HeNormal(),
    "nguyen-widrow": NguyenWidrow(),
    "pytorch": PyTorch(),
    "keras": GlorotUniform(),
    "scikit-learn": ScikitLearn(),
    "constant": Constant(),
}
"""Every distribution; starts on a grid are in `runner.network.slices`."""
