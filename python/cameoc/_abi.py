"""The structures of runtime/include/cameo.h and cameo_bundle.h, ABI version 2, for ctypes."""

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    Union,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_uint32,
    c_uint64,
    c_void_p,
)

ABI_VERSION = 2
MODEL_SYMBOL = "cameo_model"
BUNDLE_SYMBOL = "cameo_bundle"
TENSOR = 0
STRINGS = 1
SEQUENCE = 2
OPTIONAL = 4
HUGE_PAGES = 1
POISON = 2
VERIFY = 4


class Tensor(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("dims", c_void_p),
        ("capacity", c_int64),
        ("dtype", c_int32),
        ("rank", c_int32),
    ]


class Strings(Structure):
    _fields_ = [
        ("data", c_void_p),
        ("lengths", c_void_p),
        ("dims", c_void_p),
        ("rank", c_int32),
        ("reserved", c_int32),
    ]


class Sequence(Structure):
    _fields_ = [("items", c_void_p), ("count", c_int64)]


class _Contents(Union):
    _fields_ = [
        ("tensor", Tensor),
        ("strings", Strings),
        ("sequence", Sequence),
        ("pointer", c_void_p),  # of an optional
        ("space", c_int64 * 5),
    ]


class Value(Structure):
    _fields_ = [("kind", c_int32), ("reserved", c_int32), ("contents", _Contents)]


class Io(Structure):
    _fields_ = [
        ("name", c_char_p),
        ("dims", POINTER(c_int64)),
        ("kind", c_int32),
        ("dtype", c_int32),
        ("rank", c_int32),
        ("boxed", c_int32),
    ]


class Options(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("threads", c_int32),
        ("reserved", c_int32),
        ("pool", c_void_p),
        ("workspace", c_void_p),
        ("workspace_size", c_int64),
        ("weights_path", c_char_p),
        ("weights", c_void_p),
        ("read_weights", c_void_p),
        ("user", c_void_p),
        ("seed", c_uint64),
        ("message", c_char_p),
        ("message_size", c_int64),
        ("max_iterations", c_int64),
        ("max_seconds", c_double),
    ]


class Api(Structure):
    _fields_ = [
        ("create", CFUNCTYPE(c_int32, c_void_p, POINTER(Options), POINTER(c_void_p))),
        ("run", CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)),
        ("destroy", CFUNCTYPE(None, c_void_p)),
        ("last_error", CFUNCTYPE(c_char_p, c_void_p)),
        ("status_string", CFUNCTYPE(c_char_p, c_int32)),
        ("workspace_size", CFUNCTYPE(c_int64, c_void_p, POINTER(c_int64), c_int32)),
        ("pool_create", CFUNCTYPE(c_int32, c_int32, POINTER(c_void_p))),
        ("cancel", CFUNCTYPE(None, c_void_p)),
    ]


class Model(Structure):
    _fields_ = [
        ("abi_version", c_uint32),
        ("struct_size", c_uint32),
        ("name", c_char_p),
        ("metadata", c_char_p),
        ("cpu", c_char_p),
        ("inputs", POINTER(Io)),
        ("outputs", POINTER(Io)),
        ("dim_names", POINTER(c_char_p)),
        ("num_inputs", c_int32),
        ("num_outputs", c_int32),
        ("num_symbols", c_int32),
        ("num_dims", c_int32),
        ("weights_size", c_int64),
        ("api", POINTER(Api)),
        ("code", c_void_p),
    ]


class BundleProperty(Structure):
    _fields_ = [("key", c_char_p), ("value", c_char_p), ("model", c_int32), ("reserved", c_int32)]


class Bundle(Structure):
    _fields_ = [
        ("abi_version", c_uint32),
        ("struct_size", c_uint32),
        ("name", c_char_p),
        ("models", POINTER(POINTER(Model))),
        ("properties", POINTER(BundleProperty)),
        ("num_models", c_int32),
        ("num_properties", c_int32),
    ]
