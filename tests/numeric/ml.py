"""Families of operators of ai.onnx.ml, each a function that yields cases."""
import itertools

import numpy as np

from case import SYMBOL, Case

ML = dict(domain="ai.onnx.ml")
BATCHES = (3, 1, 7)


def floats(array):
    return [float(np.float32(x)) for x in np.asarray(array).ravel()]


def ml_scaling():
    """Scaler, Normalizer, Binarizer, Imputer and ArrayFeatureExtractor."""
    for k, (shape, dtype) in enumerate((([5, 7], "f32"), ([SYMBOL, 4], "f32"), ([9], "f32"), ([3, 6], "i64"), ([2, 3], "f64"))):
        case = Case(f"ml_scaling/{shape}{dtype}".replace(" ", ""), sizes=BATCHES if SYMBOL in shape else (None,))
        x = case.input(shape, dtype, -5, 5)
        for size in (1, shape[-1]):
            offset, scale = floats(case.random([size])), floats(case.random([size], "f32", 0.1, 3))
            case.output(case.op("Scaler", x, offset=offset, scale=scale, **ML))
        case.output(*[case.op("Normalizer", x, norm=norm, **ML) for norm in ("MAX", "L1", "L2")])
        columns = case.given(np.array([[shape[-1] - 1, 0, 0]], np.int64))
        case.output(case.op("ArrayFeatureExtractor", x, columns, **ML))
        if dtype != "i64":
            case.output(case.op("Binarizer", x, threshold=0.5, **ML))
        yield case
    case = Case("ml_scaling/zeros")
    x = case.given(np.array([[0, 0, 0], [1, -2, 3], [-1, -5, -2]], np.float32))
    yield case.output(*[case.op("Normalizer", x, norm=norm, **ML) for norm in ("MAX", "L1", "L2")])
    case = Case("ml_scaling/imputer")
    x = case.given(np.array([[1, np.nan, 3], [np.nan, 5, 2]], np.float32))
    for values in ([7.0], [7.0, 8.0, 9.0]):
        case.output(case.op("Imputer", x, imputed_value_floats=values, replaced_value_float=float("nan"), **ML))
        case.output(case.op("Imputer", x, imputed_value_floats=values, replaced_value_float=2.0, **ML))
    integers = case.given(np.array([[1, 2, 3]], np.int64))
    case.output(case.op("Imputer", integers, imputed_value_int64s=[7], replaced_value_int64=2, **ML))
    yield case


def ml_labels():
    """LabelEncoder of numbers: keys that occur, that do not, and twice."""
    keys = {"i64": dict(keys_int64s=[4, -1, 9, 4]), "f32": dict(keys_floats=[4.0, -1.0, 0.5, 4.0])}
    values = (dict(values_int64s=[5, 6, 7, 8]), dict(values_floats=[0.5, 0.25, 0.125, 1.0]))
    for (dtype, key), (k, value), shape in itertools.product(keys.items(), enumerate(values), ([12], [2, 1, 5], [SYMBOL, 3])):
        case = Case(f"ml_labels/{dtype}{k}{shape}".replace(" ", ""), sizes=BATCHES if SYMBOL in shape else (None,))
        x = case.input(shape, "i64", -1, 9)
        x = case.op("Cast", x, to="f32") if dtype == "f32" else x
        case.output(case.op("LabelEncoder", x, **key, **value, **ML))
        yield case.output(case.op("LabelEncoder", x, **key, **value, default_int64=33, default_float=3.5, **ML))


def ml_linear():
    """Linear models: every transform that is supported, one class and several."""
    for k, (transform, count) in enumerate(itertools.product(("NONE", "LOGISTIC", "SOFTMAX"), (1, 2, 3))):
        for batch in (4, SYMBOL):
            case = Case(f"ml_linear/{transform}{count}{batch}", sizes=BATCHES if batch == SYMBOL else (None,))
            dtype = ("f32", "i64", "f64")[k // 3]
            x = case.input([batch, 5], dtype, -3, 3)
            coefficients, intercepts = floats(case.random([count, 5])), floats(case.random([count]))
            if dtype != "i64" and (count > 1 or transform == "NONE"):  # which ONNX Runtime lacks
                y = case.op("LinearRegressor", x, coefficients=coefficients, intercepts=intercepts, targets=count, post_transform=transform, **ML)
                case.output(y)
            if count > 1 or transform != "SOFTMAX":
                labels = [4, 7] if count == 1 else [4, 7, -2][:count]
                y = case.op("LinearClassifier", x, results=2, coefficients=coefficients, intercepts=intercepts, classlabels_ints=labels,
                            post_transform=transform, **ML)
                case.output(*y)
            if case.outputs:
                yield case


def forest(rng, trees, features, depth, targets, mode="BRANCH_LEQ", positive=False):
    """Trees of which some branches end early, every leaf with a weight for each target."""
    nodes = dict(treeids=[], nodeids=[], featureids=[], values=[], modes=[], truenodeids=[], falsenodeids=[])
    leaves = dict(treeids=[], nodeids=[], ids=[], weights=[])

    def grow(tree, level, numbers):
        number = next(numbers)
        row = len(nodes["nodeids"])
        is_leaf = level == depth or (level > 0 and rng.integers(4) == 0)
        value = float(np.float32(rng.integers(-2, 3) if mode in ("BRANCH_EQ", "BRANCH_NEQ") else rng.uniform(-2, 2)))
        for name, entry in zip(nodes, (tree, number, 0 if is_leaf else int(rng.integers(features)), value, "LEAF" if is_leaf else mode, 0, 0)):
            nodes[name].append(entry)
        if is_leaf:
            for target in range(targets):
                weight = float(np.float32(rng.uniform(0 if positive else -1, 1)))
                for name, entry in zip(leaves, (tree, number, target, weight)):
                    leaves[name].append(entry)
            return number
        nodes["truenodeids"][row] = grow(tree, level + 1, numbers)
        nodes["falsenodeids"][row] = grow(tree, level + 1, numbers)
        return number

    for tree in range(trees):
        grow(tree, 0, itertools.count())
    return {f"nodes_{name}": entries for name, entries in nodes.items()}, leaves


def ml_trees():
    """Ensembles of trees: modes, missing values, sums and others over trees, one class and several."""
    modes = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")
    for k, mode in enumerate(modes):
        for aggregate in ("SUM", "AVERAGE", "MIN", "MAX"):
            batch = (6, SYMBOL)[k % 2]
            targets = 1 + k % 3
            case = Case(f"ml_trees/{mode}{aggregate}", sizes=BATCHES if batch == SYMBOL else (None,))
            nodes, leaves = forest(case.rng, 5, 4, 4, targets, mode)
            dtype = ("f32", "f64", "f32")[k % 3]
            x = case.input([batch, 4], dtype, -2, 2)
            if dtype == "f32" and batch != SYMBOL:
                case.runs[0][x][::2, 1] = np.nan
                nodes["nodes_missing_value_tracks_true"] = [int(case.rng.integers(2)) for _ in nodes["nodes_modes"]]
            if k % 2:
                nodes["base_values"] = floats(case.random([targets]))
            leaves = {f"target_{name}": entries for name, entries in leaves.items()}
            y = case.op("TreeEnsembleRegressor", x, n_targets=targets, aggregate_function=aggregate, **nodes, **leaves, **ML)
            yield case.output(y)
    for k, transform in enumerate(("NONE", "LOGISTIC", "SOFTMAX")):
        for classes, positive in ((1, False), (1, True), (3, False), (5, True)):
            case = Case(f"ml_trees/{transform}{classes}{positive:d}", sizes=BATCHES)
            nodes, leaves = forest(case.rng, 7, 6, 5, classes, positive=positive)
            if positive and classes == 1:
                leaves["weights"] = [float(np.float32(weight / 7)) for weight in leaves["weights"]]
            leaves = {f"class_{name}": entries for name, entries in leaves.items()}
            labels = [3, 8] if classes == 1 else list(range(10, 10 + classes))
            x = case.input([SYMBOL, 6], "f32", -2, 2)
            y = case.op("TreeEnsembleClassifier", x, results=2, classlabels_int64s=labels, post_transform=transform, **nodes, **leaves, **ML)
            yield case.output(*y)


FAMILIES = dict(ml_scaling=ml_scaling, ml_labels=ml_labels, ml_linear=ml_linear, ml_trees=ml_trees)
