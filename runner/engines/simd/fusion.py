"""Which variables of a nested graph are computed together, and which may overwrite which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.tensor.basic import Alloc, Split
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.math import Dot
from pytensor.tensor.subtensor import Subtensor

from runner.engines.simd.memory import static_shape
from runner.engines.simd.type_aliases import Node, Variable


class Fusion:
    """Finds which variables of a graph need not lie in memory.

    Parameters
    ----------
    graph : FunctionGraph
        Its variables have static shapes.
    """

    def __init__(self, graph: FunctionGraph) -> None:
        self._clients = graph.clients
        made = [x for node in graph.toposort() for x in node.outputs]
        self.inline = {x for x in made if self._is_inline(x)}
        """Elementwise variables that are computed where they are used: once, number by number."""
        self.parts = {x for x in made if self._is_part(x)}
        """Products of matrices that are written along with the elementwise variable they are in."""

    def leaves(self, variable: Variable) -> list[Variable]:
        """The variables that a number of an elementwise variable is computed from.

        Constants that are single numbers are left out.
        """
        leaves: dict[Variable, None] = {}

        def collect(x: Variable) -> None:
            if x is variable or x in self.inline:
                for y in x.owner.inputs:
                    collect(y)
            elif not (isinstance(x, Constant) and x.data.size == 1):
                leaves[x] = None

        collect(variable)
        return list(leaves)

    def waiting(self, nodes: Sequence[Node], outputs: Mapping[Variable, object]) -> list[Node]:
        """Those of some nodes that may be written after all others, in order.

        They are elementwise outputs that nothing needs but others of them.
        """
        last = [n for n in nodes if n.outputs[0] in outputs and isinstance(n.op, Elemwise)]
        while True:
            roots = {node.outputs[0] for node in last}
            kept = [node for node in last if self._users(node.outputs[0]) <= roots]
            if len(kept) == len(last):
                return last
            last = kept

    def reads(self, variable: Variable) -> set[Variable]:
        """The variables whose numbers are read to compute an elementwise variable."""
        return {source(x) for leaf in self.leaves(variable) for x in self._operands(leaf)}

    def spoils(self, variable: Variable, old: Variable) -> bool:
        """Whether writing an elementwise variable over another loses numbers that it still reads.

        That is so where it reads numbers of the other one at other places than its own.
        """
        return any(
            source(x) is old and (x is not old or leaf in self.parts)
            for leaf in self.leaves(variable)
            for x in self._operands(leaf)
        )

    def _operands(self, leaf: Variable) -> Sequence[Variable]:
        """What is read for a leaf: the factors of a product that is not written yet, or itself."""
        inputs: Sequence[Variable] = leaf.owner.inputs if leaf in self.parts else [leaf]
        return inputs

    def _client(self, variable: Variable) -> Node | None:
        """The only node that a variable goes to; None if there are more, or it is an output."""
        clients = self._clients[variable]
        node = clients[0][0] if len(clients) == 1 else None
        return node if node is not None and node.outputs else None

    def _is_inline(self, variable: Variable) -> bool:
        client = self._client(variable)
        if client is None or not isinstance(variable.owner.op, Elemwise):
            return False
        if isinstance(client.op, CAReduce):
            return True
        same = static_shape(client.outputs[0]) == static_shape(variable)
        return isinstance(client.op, Elemwise) and same

    def _is_part(self, product: Variable) -> bool:
        client = self._client(product)
        if client is None or not isinstance(product.owner.op, Dot):
            return False
        if not isinstance(client.op, Elemwise):
            return False
        (out,) = client.outputs
        same = static_shape(out) == static_shape(product)
        return same and isinstance(self._root(out).owner.op, Elemwise)

    def _root(self, variable: Variable) -> Variable:
        """The variable that another one is computed along with."""
        while variable in self.inline:
            client: Node = self._client(variable)
            (variable,) = client.outputs
        return variable

    def _users(self, variable: Variable) -> set[Variable]:
        """The variables that are computed from one, or from what is computed along with them."""
        users = [user for user, _ in self._clients[variable]]
        return {self._root(x) for user in users for x in user.outputs}


def source(variable: Variable) -> Variable:
    """The variable whose numbers another one shares."""
    shares = DimShuffle | Subtensor | Split | Alloc
    while variable.owner is not None and isinstance(variable.owner.op, shares):
        variable = variable.owner.inputs[0]
    return variable
