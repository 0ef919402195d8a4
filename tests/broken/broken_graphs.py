"""Cases of graphs, types, attributes and functions that make no sense, or need what there is not."""
from cases import case, one, relu
from wire import *

# Graphs that do not hold together.


@case(2)
def no_outputs(folder):
    return model(graph([node("Relu", ["x"], ["y"])], [value("x", [2])], []))


@case(2)
def output_not_computed(folder):
    return model(graph([], [value("x", [2])], [value("y")]))


@case(2)
def missing_input(folder):
    return one("Relu", ["nowhere"])


@case(2)
def cycle(folder):
    nodes = [node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])]
    return model(graph(nodes, [value("x", [2])], [value("b")]))


@case(2)
def self_cycle(folder):
    return one("Add", ["x", "y"])


@case(2)
def duplicate_values(folder):
    nodes = [node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])]
    return model(graph(nodes, [value("x", [2])], [value("y")]))


@case(2)
def duplicate_inputs(folder):
    nodes = [node("Relu", ["x"], ["y"])]
    return model(graph(nodes, [value("x", [2]), value("x", [3])], [value("y")]))


@case(2)
def duplicate_initialisers(folder):
    two = [floats("w", [2], [1, 2])] * 2
    return model(graph([node("Add", ["x", "w"], ["y"])], [value("x", [2])], [value("y")], two))


@case(2)
def nameless_input(folder):
    return model(graph([node("Relu", ["x"], ["y"])], [value("", [2])], [value("y")]))


@case(2)
def line_break_in_name(folder):
    return model(graph([node("Relu", ["a\nb"], ["y"])], [value("a\nb", [2])], [value("y")]))


@case(2)
def invalid_utf8_name(folder):
    name = b"\xff\xfe"
    nodes = [field(1, name) + field(2, "y") + field(4, "Relu")]
    return model(graph(nodes, [field(1, name) + value("", [2])[2:]], [value("y")]))


@case(2)
def too_many_inputs(folder):
    return one("Relu", ["x", "x", "x"])


@case(2)
def too_many_outputs(folder):
    nodes = [node("Relu", ["x"], ["y", "z"])]
    return model(graph(nodes, [value("x", [2])], [value("y")]))


@case(2)
def node_without_operator(folder):
    return one("", ["x"])


@case(2)
def untyped_input(folder):
    return model(graph([node("Relu", ["x"], ["y"])], [field(1, "x")], [value("y")]))


# Sizes.


@case(2)
def negative_size(folder):
    return model(graph([node("Relu", ["x"], ["y"])], [value("x", [-3])], [value("y")]))


@case(2)
def huge_sizes(folder):
    dims = [1 << 62, 1 << 62]
    return model(graph([node("Relu", ["x"], ["y"])], [value("x", dims)], [value("y")]))


@case(2)
def hundred_dimensions(folder):
    return model(graph([node("Relu", ["x"], ["y"])], [value("x", [1] * 100)], [value("y")]))


@case(2)
def huge_expand(folder):
    return one("Expand", ["x", "s"], [ints("s", [1 << 40, 1 << 40, 2, 3])])


@case(2)
def huge_tile(folder):
    return one("Tile", ["x", "s"], [ints("s", [1 << 62, 1 << 62])])


@case(2)
def huge_pad(folder):
    return one("Pad", ["x", "s"], [ints("s", [(1 << 63) - 1] * 4)])


@case(2)
def negative_constant_of_shape(folder):
    return one("ConstantOfShape", ["s"], [ints("s", [-5])])


@case(2)
def impossible_reshape(folder):
    return one("Reshape", ["x", "s"], [ints("s", [4, 5])])


@case(2)
def two_unknowns_in_reshape(folder):
    return one("Reshape", ["x", "s"], [ints("s", [-1, -1])])


@case(2)
def mismatched_add(folder):
    return one("Add", ["x", "w"], [floats("w", [5], [0] * 5)])


@case(2)
def mismatched_matmul(folder):
    return one("MatMul", ["x", "w"], [floats("w", [5, 2], [0] * 10)])


@case(2)
def kernel_larger_than_image(folder):
    w = floats("w", [1, 3, 7, 7], [0] * 147)
    return one("Conv", ["x", "w"], [w], dims=[1, 3, 4, 4])


@case(2)
def zero_strides(folder):
    w = floats("w", [1, 3, 1, 1], [0] * 3)
    return one("Conv", ["x", "w"], [w], dims=[1, 3, 4, 4], strides=[0, 0])


@case(2)
def zero_groups(folder):
    w = floats("w", [1, 3, 1, 1], [0] * 3)
    return one("Conv", ["x", "w"], [w], dims=[1, 3, 4, 4], group=0)


@case(2)
def axis_outside(folder):
    return one("Softmax", ["x"], axis=7)


@case(2)
def axis_at_the_end_of_int64(folder):
    return one("Concat", ["x", "x"], axis=-(1 << 63))


@case(2)
def perm_with_repeats(folder):
    return one("Transpose", ["x"], perm=[0, 0])


@case(2)
def perm_of_huge_entries(folder):
    return one("Transpose", ["x"], perm=[1 << 40, -(1 << 63)])


@case(2)
def size_expression_bomb(folder):
    # Each axis is a sum of two sizes, and their product has a term for every choice.
    rank = 40
    shape = [f"a{i}" for i in range(rank)]
    inputs, nodes, last = [value("x", shape)], [], "x"
    for i in range(rank):
        shape[i] = f"b{i}"
        inputs.append(value(f"x{i}", shape))
        shape[i] = f"a{i}"
        nodes.append(node("Concat", [last, f"x{i}"], [f"y{i}"], axis=i))
        last = f"y{i}"
    nodes += [node("Flatten", [last], ["z"], axis=0), node("Nothing", ["z"], [])]
    return model(graph(nodes, inputs, [value("never")]))


# Attributes and element types.


@case(2)
def attribute_of_wrong_kind(folder):
    return one("Softmax", ["x"], axis="one")


@case(2)
def attribute_twice(folder):
    return one("Softmax", ["x"], attributes=[attribute("axis", 0), attribute("axis", 1)])


@case(2)
def unknown_attribute(folder):
    return one("Relu", ["x"], volume=11)


@case(2)
def reference_outside_function(folder):
    return one("Softmax", ["x"], attributes=[field(1, "axis") + field(21, "a") + field(20, 2)])


@case(2)
def missing_attribute(folder):
    return one("Concat", ["x", "x"])


@case(2)
def mixed_element_types(folder):
    inputs = [value("x", [2]), value("i", [2], INT64)]
    return model(graph([node("Add", ["x", "i"], ["y"])], inputs, [value("y")]))


@case(2)
def declared_output_of_other_type(folder):
    nodes = [node("Relu", ["x"], ["y"])]
    return model(graph(nodes, [value("x", [2])], [value("y", [2], INT64)]))


@case(2)
def element_type_99(folder):
    nodes = [node("Relu", ["x"], ["y"])]
    return model(graph(nodes, [value("x", [2], 99)], [value("y")]))


@case(3)
def float8_input(folder):
    nodes = [node("Identity", ["x"], ["y"])]
    return model(graph(nodes, [value("x", [2], 17)], [value("y")]))


# Functions and subgraphs.


@case(2)
def recursive_function(folder):
    f = function("f", ["a"], ["b"], [node("f", ["a"], ["b"], domain="local")])
    nodes = [node("f", ["x"], ["y"], domain="local")]
    return model(graph(nodes, [value("x", [2])], [value("y")]), functions=[f])


@case(2)
def function_bomb(folder):
    def doubling(name, callee):
        calls = [node(callee, ["a"], ["t"], domain="local"), node(callee, ["t"], ["b"], domain="local")]
        return function(name, ["a"], ["b"], calls)

    functions = [doubling(f"f{i}", f"f{i + 1}") for i in range(16)]
    functions.append(function("f16", ["a"], ["b"], [node("Relu", ["a"], ["b"])]))
    nodes = [node("f0", ["x"], ["y"], domain="local")]
    return model(graph(nodes, [value("x", [2])], [value("y")]), functions=functions)


@case(2)
def function_bomb_of_attributes(folder):
    big = node("Constant", [], ["b"], value_ints=[0] * 200_000)
    f = function("f", ["a"], ["b"], [big])
    nodes = [node("f", ["x"], [f"y{i}"], domain="local") for i in range(5000)]
    return model(graph(nodes, [value("x", [2])], [value("y0")]), functions=[f])


@case(2)
def if_without_else(folder):
    then = graph([node("Relu", ["x"], ["a"])], [], [value("a")])
    nodes = [node("If", ["c"], ["y"], then_branch=then)]
    return model(graph(nodes, [value("c", [], BOOL), value("x", [2])], [value("y")]))


@case(2)
def branches_of_other_counts(folder):
    then = graph([node("Relu", ["x"], ["a"])], [], [value("a")])
    other = graph([], [], [])
    nodes = [node("If", ["c"], ["y"], then_branch=then, else_branch=other)]
    return model(graph(nodes, [value("c", [], BOOL), value("x", [2])], [value("y")]))


@case(2)
def loop_body_without_outputs(folder):
    body = graph([], [value("i", [], INT64), value("c", [], BOOL), value("v", [2])], [])
    nodes = [node("Loop", ["", "", "x"], ["y"], body=body)]
    return model(graph(nodes, [value("x", [2])], [value("y")]))


@case(2)
def loop_that_changes_type(folder):
    inputs = [value("i", [], INT64), value("c", [], BOOL), value("v", [2])]
    body = graph([node("Cast", ["v"], ["w"], to=INT64)], inputs, [value("c"), value("w")])
    nodes = [node("Loop", ["", "", "x"], ["y"], body=body)]
    return model(graph(nodes, [value("x", [2])], [value("y")]))


@case(2)
def scan_of_too_many(folder):
    body = graph([node("Relu", ["a"], ["b"])], [value("a", [3])], [value("b")])
    nodes = [node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1 << 40)]
    return model(graph(nodes, [value("x", [2, 3])], [value("y")]))


# Versions, and what is not supported.


@case(3)
def opset_of_the_future(folder):
    return relu(opset=999)


@case(2)
def opset_zero(folder):
    return relu(opset=0)


@case(3)
def ir_version_of_the_future(folder):
    return relu(ir_version=999)


@case(3)
def unknown_operator(folder):
    return one("Frobnicate", ["x"])


@case(3)
def unknown_domain(folder):
    return one("Relu", ["x"], domain="com.example")


@case(3)
def many_unknown_operators(folder):
    nodes = [node(f"Op{i}", ["x"], [f"y{i}"]) for i in range(20_000)]
    return model(graph(nodes, [value("x", [2])], [value("y0")]))


@case(3)
def unknown_inside_unknown(folder):
    inner = graph([node("Foo", ["x"], ["a"])], [], [value("a")])
    nodes = [
        node("Bar", ["x"], ["c"]),
        node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
    ]
    return model(graph(nodes, [value("x", [2])], [value("y")]))
