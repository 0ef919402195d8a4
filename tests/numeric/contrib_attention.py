"""Families of attention layers of com.microsoft, each a function that yields cases."""
import numpy as np

from case import SYMBOL, Case

MICROSOFT = dict(domain="com.microsoft")
BATCHES = (3, 1, 2)
# What a mask of a batch of 2 may look like; T is the number of keys.
MASKS = ("none", "keys", "queries", "ends", "ranges", "hidden")


def mask_of(case, form, batch, queries, keys):
    """A mask, of which each query can look at some key, but for `hidden`."""
    if form == "none":
        return None
    if form == "ends":
        return case.given(case.random([batch], "i32", 1, keys))
    if form == "ranges":
        starts = case.random([batch], "i32", 0, keys // 2)
        return case.given(np.concatenate([case.random([batch], "i32", keys // 2 + 1, keys), starts]).astype(np.int32))
    shape = [batch, queries, keys] if form == "queries" else [batch, keys]
    mask = case.random(shape, "i32", 0, 1)
    if form == "hidden":
        mask[0] = 0
    else:
        mask[..., 0] = 1
    return case.given(mask)


def multi_head():
    """MultiHeadAttention: every mask, biases, caches, keys of other lengths and with their heads first."""
    k = 0
    for form in MASKS:
        if form == "ranges":
            continue  # Attention's alone
        for past in (0, 3):
            for filled in (False, True):
                k += 1
                heads, size, value_size, queries = (2, 3, 1)[k % 3], (4, 5, 16)[k % 3], (4, 7, 16)[k % 3], (5, 1, 7)[k % 3]
                value_size = size if past else value_size  # all that ONNX Runtime takes with a cache
                keys = queries if past else (queries, 6)[k % 2]
                case = Case(f"multi_head/{form}{past}{filled:d}")
                q, key = case.input([2, queries, heads * size]), case.input([2, keys, heads * size])
                value = case.input([2, keys, heads * value_size])
                width = 2 * heads * size + heads * value_size
                bias = case.tensor(k % 4 > 1, [width]) if filled else None
                scores = case.input([(1, 2)[k % 2], (heads, 1)[k % 4 // 2], queries, past + keys]) if filled else None
                cache = [case.input([2, heads, past, n]) if past else None for n in (size, value_size)]
                attributes = dict(num_heads=heads, **MICROSOFT)
                # A sum with the usual -10000 rounds what tells the keys of a hidden row apart.
                if form == "hidden" or k % 3 == 0:
                    attributes["mask_filter_value"] = -3.0
                if filled:
                    attributes["scale"] = 0.3
                if keys == queries and k % 5 == 0:
                    attributes["unidirectional"] = 1
                mask = mask_of(case, form, 2, queries, past + keys)
                operands = [q, key, value, bias, mask, scores, *cache]
                y = case.op("MultiHeadAttention", *operands, results=3 if past else 1, **attributes)
                yield case.output(*(y if past else [y]))
    for form in ("none", "keys"):
        case = Case(f"multi_head/heads_first_{form}")
        q, mask = case.input([2, 5, 12]), mask_of(case, form, 2, 5, 7)
        key, value = case.input([2, 3, 7, 4]), case.input([2, 3, 7, 4])
        yield case.output(case.op("MultiHeadAttention", q, key, value, None, mask, num_heads=3, **MICROSOFT))
    case = Case("multi_head/open", sizes=BATCHES)
    q, key, value = (case.input([SYMBOL, 6, 16]) for _ in range(3))
    mask = case.input([SYMBOL, 6], "i32", 1, 1)
    case.output(case.op("MultiHeadAttention", q, key, value, num_heads=4, unidirectional=1, **MICROSOFT))
    yield case.output(case.op("MultiHeadAttention", q, key, value, None, mask, num_heads=4, **MICROSOFT))


def projected():
    """Attention with its projections, in floats and in bytes."""
    k = 0
    for form in MASKS:
        for past in (0, 3):
            k += 1
            heads, size, inputs, queries = (2, 3, 1)[k % 3], (4, 5, 16)[k % 3], (6, 17, 24)[k % 3], (5, 1, 7)[k // 2 % 3]
            width = heads * size
            attributes = dict(num_heads=heads, unidirectional=k % 4 // 3, **MICROSOFT)
            if form == "hidden" or k % 3 == 0:
                attributes["mask_filter_value"] = -3.0
            if k % 5 == 0:
                attributes["scale"] = 0.3
            for quantized in (False, True):
                case = Case(f"projected/{form}{past}{'bytes' if quantized else ''}")
                cache = case.input([2, 2, heads, past, size]) if past else None
                mask, bias = mask_of(case, form, 2, queries, past + queries), case.tensor(True, [3 * width])
                results = 2 if past else 1
                if quantized:
                    columns = 3 * width if k % 2 else None
                    x, w = case.input([2, queries, inputs], "u8", 0, 255), case.tensor(True, [inputs, 3 * width], "i8", -128, 127)
                    scales = case.weight(0.01, "f32"), case.weight(case.random([columns] if columns else [], "f32", 0.005, 0.02))
                    zeros = case.weight(130, "u8"), case.weight(np.zeros(columns or ()), "i8")
                    y = case.op("QAttention", x, w, bias, *scales, mask, *zeros, cache, results=results, **attributes)
                else:
                    x, w = case.input([2, queries, inputs]), case.tensor(k % 3, [inputs, 3 * width])
                    scores = case.input([1, heads, queries, past + queries]) if k % 4 == 1 and not past else None
                    y = case.op("Attention", x, w, bias, mask, cache, scores, results=results, **attributes)
                yield case.output(*(y if past else [y]))
    case = Case("projected/sizes")
    x, w, bias = case.input([2, 5, 7]), case.tensor(True, [7, 8 + 8 + 12]), case.tensor(True, [28])
    yield case.output(case.op("Attention", x, w, bias, num_heads=2, qkv_hidden_sizes=[8, 8, 12], **MICROSOFT))
    case = Case("projected/open", sizes=BATCHES)
    x, w, bias = case.input([SYMBOL, 6, 16]), case.tensor(True, [16, 48]), case.tensor(True, [48])
    mask, ends = case.input([SYMBOL, 6], "i32", 1, 1), case.input([SYMBOL], "i32", 1, 6)
    case.output(case.op("Attention", x, w, bias, mask, num_heads=4, **MICROSOFT))
    yield case.output(case.op("Attention", x, w, bias, ends, num_heads=4, unidirectional=1, **MICROSOFT))
    case = Case("projected/one_mask_for_all_keys")
    x, w, bias = case.input([2, 5, 8]), case.tensor(True, [8, 24]), case.tensor(True, [24])
    mask = case.given(np.zeros([2, 1], np.int32))
    yield case.output(case.op("Attention", x, w, bias, mask, num_heads=2, mask_filter_value=-3.0, **MICROSOFT))


def group_query():
    """GroupQueryAttention: prompts and single tokens, caches that grow and that have room, rotary positions, windows."""
    forms = (  # name, batch, tokens, room of the cache, tokens in it, the longest entry
        ("prompt", 2, 5, None, [0, 0], 5),
        ("prompt_in_cache", 2, 3, 6, [0, 0], 3),
        ("grown", 2, 1, 6, [6, 6], 7),
        ("ragged", 3, 1, 6, [2, 6, 0], 7),
        ("room", 2, 1, 9, [2, 5], 6),
        ("chunk", 1, 4, 6, [6], 10),
        ("empty_cache", 1, 5, 0, [0], 5),
    )
    variants = (
        {},
        dict(do_rotary=1),
        dict(do_rotary=1, rotary_interleaved=1, scale=0.2),
        dict(local_window_size=2),
        dict(softcap=0.7),
    )
    for k, (name, batch, tokens, room, before, longest) in enumerate(forms):
        for j, variant in enumerate(variants):
            case = Case(f"group_query/{name}{j}")
            heads, groups, size = ((4, 2), (6, 1), (3, 3))[(k + j) % 3] + (16,)
            shapes = [[batch, tokens, n * size] for n in (heads, groups, groups)]
            if (k + j) % 4 == 1:
                projections = [case.input([batch, tokens, (heads + 2 * groups) * size]), None, None]
            else:
                projections = [case.input(shape) for shape in shapes]
            cache = [None if room is None else case.input([batch, groups, room, size]) for _ in "kv"]
            ends = case.given(np.array(before, np.int32) + np.int32(tokens - 1))
            total = case.given(np.array(longest, np.int32)) if k % 2 else case.weight(longest, "i32")
            rotary = [case.tensor(True, [16, size // 2]) for _ in range(2)] if variant.get("do_rotary") else [None, None]
            scores = case.input([(1, batch)[k % 2], (heads, 1)[j % 2], tokens, longest]) if j % 3 == 0 else None
            operands = [*projections, *cache, ends, total, *rotary, None, scores]
            attributes = dict(num_heads=heads, kv_num_heads=groups, **variant, **MICROSOFT)
            yield case.output(*case.op("GroupQueryAttention", *operands, results=3, **attributes))
    case = Case("group_query/positions")
    projections = [case.input([2, 1, n * 16]) for n in (4, 2, 2)]
    cache = [case.input([2, 2, 6, 16]) for _ in "kv"]
    ends, total, where = (case.given(np.array(x, dtype)) for x, dtype in (([3, 6], np.int32), ([7], np.int32), ([[3], [6]], np.int64)))
    rotary = [case.tensor(True, [16, 8]) for _ in range(2)]
    y = case.op("GroupQueryAttention", *projections, *cache, ends, total, *rotary, where, results=3, num_heads=4, kv_num_heads=2, do_rotary=1, **MICROSOFT)
    yield case.output(*y)
    case = Case("group_query/open", sizes=(2, 5, 1))
    # One entry; the cache has N tokens.
    projections = [case.input([1, 1, n * 16]) for n in (4, 2, 2)]
    cache = [case.input([1, 2, SYMBOL, 16]) for _ in "kv"]
    ends, total = case.input([1], "i32", 0, 0), case.input([], "i32", 0, 0)
    for run, size in zip(case.runs, case.sizes):
        run[ends], run[total] = np.array([size], np.int32), np.array(size + 1, np.int32)
    y = case.op("GroupQueryAttention", *projections, *cache, ends, total, results=3, num_heads=4, kv_num_heads=2, **MICROSOFT)
    yield case.output(*y)


def rotary():
    """RotaryEmbedding: sequences and heads first, positions of each token and one to begin with."""
    for k, (heads, size, rotated) in enumerate(((2, 16, 16), (3, 8, 4), (1, 32, 32))):
        for interleaved, first in ((0, False), (1, True), (0, True)):
            for heads_first in (False, True):
                case = Case(f"rotary/{heads}x{size}of{rotated}{interleaved}{first:d}{heads_first:d}")
                x = case.input([2, heads, 5, size] if heads_first else [2, 5, heads * size])
                tables = [case.tensor(True, [11, rotated // 2]) for _ in range(2)]
                where = case.given(np.array([3], np.int64)) if first else case.input([2, 5], "i64", 0, 10)
                attributes = dict(interleaved=interleaved, **MICROSOFT)
                if rotated != size:
                    attributes.update(num_heads=heads, rotary_embedding_dim=rotated)
                yield case.output(case.op("RotaryEmbedding", x, where, *tables, **attributes))
    case = Case("rotary/open", sizes=BATCHES)
    x, where = case.input([SYMBOL, 5, 32]), case.input([1], "i64", 0, 5)
    yield case.output(case.op("RotaryEmbedding", x, where, *[case.tensor(True, [11, 8]) for _ in range(2)], **MICROSOFT))


FAMILIES = dict(multi_head=multi_head, projected=projected, group_query=group_query, rotary=rotary)
