"""Type aliases for two libraries that mypy cannot see into, PyTensor and llvmlite."""

from __future__ import annotations

from typing import Any, TypeAlias

Variable: TypeAlias = Any
"""A tensor variable of PyTensor's; ``variable.type`` has its dtype and static shape."""

Node: TypeAlias = Any
"""An operation of PyTensor's graph, with its inputs and outputs: an ``Apply``."""

Op: TypeAlias = Any
"""What a node does: an ``Op`` of PyTensor's, or the scalar operation of an elementwise one."""

Value: TypeAlias = Any
"""A value of the program that is written for LLVM: an ``ir.Value``."""

Pointer: TypeAlias = Any
"""A value that is an address."""

Builder: TypeAlias = Any
"""What instructions are appended with: an ``ir.IRBuilder``."""

Block: TypeAlias = Any
"""A basic block of the program: instructions that run one after the other."""
