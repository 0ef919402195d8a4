"""Families of operators of ONNX Runtime's domain com.microsoft, each a function that yields cases. Quantized ones are in
quantized.py."""
import itertools

from case import SYMBOL, Case

MICROSOFT = dict(domain="com.microsoft")
BATCHES = (3, 1, 7)
ACTIVATIONS = (
    (None, None),
    ("Relu", None),
    ("Tanh", None),
    ("Sigmoid", None),
    ("HardSwish", None),
    ("LeakyRelu", [0.1]),
    ("Clip", [-0.2, 0.3]),
    ("HardSigmoid", [0.3, 0.4]),
)


def fused_conv():
    """Convolutions with every activation, with and without a tensor added before it."""
    for k, ((name, parameters), added) in enumerate(itertools.product(ACTIVATIONS, (False, True))):
        case = Case(f"fused_conv/{name}{'_added' if added else ''}")
        attributes = dict(kernel_shape=[3, 3], pads=[1, 1, 1, 1], group=(1, 5)[k % 2], **MICROSOFT)
        if name:
            attributes["activation"] = name
        if parameters:
            attributes["activation_params"] = parameters
        x = case.input([2, 5, 6, 7])
        w = case.weight(case.random([10, 5 // attributes["group"], 3, 3], "f32", -0.4, 0.4))
        bias = case.weight(case.random([10])) if k % 3 else None
        z = case.input([2, 10, 6, 7]) if added else None
        yield case.output(case.op("FusedConv", x, w, bias, z, **attributes))
    for rank in (1, 3):
        case = Case(f"fused_conv/{rank}d", sizes=BATCHES)
        x = case.input([SYMBOL, 3, *[8, 5, 4][:rank]])
        w = case.weight(case.random([4, 3, *[3] * rank], "f32", -0.4, 0.4))
        y = case.op("FusedConv", x, w, activation="Relu", strides=[2] * rank, auto_pad="SAME_UPPER", **MICROSOFT)
        yield case.output(y)


def fused_products():
    """FusedGemm with every activation; FusedMatMul with every order of axes."""
    given = {
        "Relu": {},
        "Sigmoid": {},
        "Tanh": {},
        "Softplus": {},
        "Softsign": {},
        "LeakyRelu": dict(alpha=0.2),
        "Elu": dict(alpha=0.7),
        "Celu": dict(alpha=0.6),
        "ThresholdedRelu": dict(alpha=0.3),
        "Selu": dict(alpha=1.2, gamma=0.8),
        "HardSigmoid": dict(alpha=0.3, beta=0.4),
    }
    for k, (name, parameters) in enumerate(given.items()):
        case = Case(f"fused_products/gemm{name}")
        a, b = case.input([[3, 17], [17, 3]][k % 2]), case.tensor(k % 3, [[17, 5], [5, 17]][k // 2 % 2])
        c = case.tensor(True, [5]) if k % 4 else None
        names = {f"activation_{parameter}": value for parameter, value in parameters.items()}
        attributes = dict(transA=k % 2, transB=k // 2 % 2, alpha=0.5 + k % 2, beta=1.0 + k % 3, **names, **MICROSOFT)
        yield case.output(case.op("FusedGemm", a, b, c, activation=name, **attributes))
    for k, flags in enumerate(itertools.product((0, 1), repeat=4)):
        names = ("transA", "transB", "transBatchA", "transBatchB")
        case = Case("fused_products/matmul" + "".join(map(str, flags)))
        rows, depth, columns, batches = 3, 5, 17, 2
        shapes = []
        for (last, batch), (first, second) in zip((flags[::2], flags[1::2]), ((rows, depth), (depth, columns))):
            first, second = (second, first) if last else (first, second)
            shapes.append([first, batches, second] if batch else [batches, first, second])
        a, b = case.input(shapes[0]), case.tensor(k % 3 == 0, shapes[1])
        alpha = (1.0, 0.125)[k % 2]
        yield case.output(case.op("FusedMatMul", a, b, alpha=alpha, **dict(zip(names, flags)), **MICROSOFT))
    for a_shape, b_shape, flags in (
        ([2, 3, 5, 4], [2, 3, 7, 4], dict(transB=1)),
        ([5, 2, 3, 4], [2, 3, 4, 6], dict(transBatchA=1)),
        ([4], [4, 3], dict(transA=1)),
        ([3, 4], [4], dict(transB=1, alpha=2.0)),
    ):
        case = Case(f"fused_products/matmul{a_shape}{b_shape}".replace(" ", ""))
        yield case.output(case.op("FusedMatMul", case.input(a_shape), case.input(b_shape), **flags, **MICROSOFT))
    case = Case("fused_products/matmul_open", sizes=BATCHES)
    a, b = case.input([SYMBOL, 4, 5]), case.input([SYMBOL, 6, 5])
    case.output(case.op("FusedMatMul", a, b, transB=1, alpha=0.3, **MICROSOFT))
    yield case.output(case.op("TransposeMatMul", a, b, transB=1, **MICROSOFT))


def fused_activations():
    """Activations by themselves and behind a bias."""
    for shape in ([17], [3, 33], [2, 5, 64]):
        case = Case(f"fused_activations/{shape}".replace(" ", ""))
        x, bias = case.input(shape, "f32", -4, 4), case.tensor(True, shape[-1:])
        case.output(case.op("Gelu", x, **MICROSOFT), case.op("BiasGelu", x, bias, **MICROSOFT))
        case.output(case.op("FastGelu", x, **MICROSOFT), case.op("FastGelu", x, bias, **MICROSOFT))
        case.output(case.op("QuickGelu", x, **MICROSOFT), case.op("QuickGelu", x, alpha=-0.7, **MICROSOFT))
        yield case
    case = Case("fused_activations/open", sizes=BATCHES)
    x, bias = case.input([SYMBOL, 5, 12], "f32", -4, 4), case.input([12])
    yield case.output(case.op("BiasGelu", x, bias, **MICROSOFT), case.op("FastGelu", x, bias, **MICROSOFT))


def skip_norms():
    """Normalizations behind a sum, all their inputs and outputs."""
    for k, (shape, skip) in enumerate(
        (
            ([2, 5, 8], [2, 5, 8]),
            ([3, 7, 33], [1, 7, 33]),
            ([2, 3, 17], [3, 17]),
            ([5, 64], [5, 64]),
            ([1, 1, 130], [1, 1, 130]),
        )
    ):
        for shifted, biased in itertools.product((False, True), repeat=2):
            size = shape[-1:]
            case = Case(f"skip_norms/{shape}{skip}{shifted:d}{biased:d}".replace(" ", ""))
            x, other, scale = case.input(shape), case.input(skip), case.tensor(k % 2, size)
            shift = case.tensor(True, size) if shifted else None
            bias = case.tensor(True, size) if biased else None
            attributes = dict(epsilon=(1e-12, 1e-5, 1e-2)[k % 3], **MICROSOFT)
            results = case.op("SkipLayerNormalization", x, other, scale, shift, bias, results=4, **attributes)
            case.output(*results)
            if skip == shape:  # the only form that it has
                case.output(*case.op("SkipSimplifiedLayerNormalization", x, other, scale, bias, results=4, **attributes))
            yield case
    for axis in (-1, 1, 0):
        case = Case(f"skip_norms/simplified{axis}")
        x, scale = case.input([2, 5, 7], "f32", -3, 3), case.tensor(True, [2, 5, 7][axis:])
        yield case.output(case.op("SimplifiedLayerNormalization", x, scale, axis=axis, epsilon=1e-5))
    case = Case("skip_norms/open", sizes=BATCHES)
    x, other, scale = case.input([SYMBOL, 5, 24]), case.input([SYMBOL, 5, 24]), case.tensor(True, [24])
    case.output(case.op("SkipLayerNormalization", x, other, scale, **MICROSOFT))
    case.output(case.op("SkipSimplifiedLayerNormalization", x, other, scale, **MICROSOFT))
    yield case.output(case.op("SimplifiedLayerNormalization", x, scale))


def embeddings():
    """Words, positions and segments with a normalization, and lengths of what a mask lets through."""
    for k, (segments, masked, positions) in enumerate(itertools.product((True, False), repeat=3)):
        for batch in (2, SYMBOL):
            case = Case(f"embeddings/{segments:d}{masked:d}{positions:d}{batch}", sizes=BATCHES if batch == SYMBOL else (None,))
            size, length = 24, 5
            tables = [case.tensor(True, [rows, size]) for rows in (40, 11, 2)]
            words = case.input([batch, length], "i32", 0, 39)
            kinds = case.input([batch, length], "i32", 0, 1) if segments else None
            mask = case.input([batch, length], "i32", 0, 1) if masked else None
            where = case.input([batch, length] if k % 4 < 2 else [1, length], "i32", 0, 10) if positions else None
            operands = [words, kinds, tables[0], tables[1], tables[2] if segments else None]
            operands += [case.tensor(True, [size]), case.tensor(True, [size]), mask, where]
            yield case.output(
                *case.op("EmbedLayerNormalization", *operands, results=3, epsilon=(1e-12, 1e-3)[k % 2], **MICROSOFT)
            )


def own_forms():
    """Operators that ONNX has had since, under the same name."""
    case = Case("own_forms/trilu")
    x = case.input([2, 5, 7])
    case.output(case.op("Trilu", x, **MICROSOFT), case.op("Trilu", x, case.weight(2, "i64"), upper=0, **MICROSOFT))
    yield case
    case = Case("own_forms/gather")
    x, index = case.input([3, 4, 5]), case.given(case.random([6, 2], "i64", 0, 2))
    yield case.output(case.op("GatherND", x, index, **MICROSOFT))
    for k, pads in enumerate(([0, 0, 0, 0], [1, 0, 1, 1])):
        case = Case(f"own_forms/nhwc_pool{k}", exact=True)
        x = case.input([2, 6, 7, 5], ("u8", "i8")[k], -128, 255)
        yield case.output(case.op("NhwcMaxPool", x, kernel_shape=[2, 3], strides=[1, 2], pads=pads, **MICROSOFT))


FAMILIES = dict(
    fused_conv=fused_conv,
    fused_products=fused_products,
    fused_activations=fused_activations,
    skip_norms=skip_norms,
    embeddings=embeddings,
    own_forms=own_forms,
)
