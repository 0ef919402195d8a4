"""The table of broken models, and the small models that most of them are damaged forms of.

Every case is a function that returns the model's bytes; its decorator says the exit status that
every command must end with (docs/cli.md). Cases that need files beside the model write them into
the folder they are given.
"""
from wire import graph, model, node, value

CASES = {}


def case(status):
    def register(make):
        CASES[make.__name__] = (status, make)
        return make

    return register


def relu(**options):
    """y = Relu(x)"""
    return model(graph([node("Relu", ["x"], ["y"])], [value("x", [2])], [value("y")]), **options)


def one(op, inputs, tensors=(), dims=(2, 3), **simple):
    """y = op(inputs) with input x."""
    nodes = [node(op, inputs, ["y"], **simple)]
    return model(graph(nodes, [value("x", list(dims))], [value("y")], tensors))


def weights(tensor_bytes):
    """y = x + w"""
    nodes = [node("Add", ["x", "w"], ["y"])]
    return model(graph(nodes, [value("x", [2])], [value("y")], [tensor_bytes]))
