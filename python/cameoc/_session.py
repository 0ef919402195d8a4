"""The interface of onnxruntime's InferenceSession, over compiled models.

    import cameoc as ort
    session = ort.InferenceSession("model.onnx", providers=["CPUExecutionProvider"])
    logits, = session.run(None, {"image": array})

Options that only say how ONNX Runtime should go about its work are accepted and change nothing.
"""

from __future__ import annotations

import concurrent.futures
import enum
import os
import pathlib
import tempfile
from typing import Any, Callable, Mapping, NamedTuple, Sequence

from ._binding import IOBinding, OrtValue
from ._compile import Source, compile
from ._errors import CameoError
from ._library import Pool
from ._model import Model
from ._ports import Port, check_names, tensor_type

_PROVIDER = "CPUExecutionProvider"
_NO_VERSION = 2**63 - 1  # what ONNX Runtime says of a file that has none


class GraphOptimizationLevel(enum.IntEnum):
    """How much ONNX Runtime would optimize; the compiler always does all."""

    ORT_DISABLE_ALL = 0
    ORT_ENABLE_BASIC = 1
    ORT_ENABLE_EXTENDED = 2
    ORT_ENABLE_LAYOUT = 3
    ORT_ENABLE_ALL = 99


class ExecutionMode(enum.IntEnum):
    """Whether ONNX Runtime would run nodes at the same time; kernels run one after the other here."""

    ORT_SEQUENTIAL = 0
    ORT_PARALLEL = 1


class SessionOptions:
    """Options of a session. What counts: `intra_op_num_threads` (0: one for each usable CPU), the overrides
    of free dimensions, and `compile_options`, those of cameoc.compile."""

    def __init__(self) -> None:
        self.intra_op_num_threads = 0
        self.inter_op_num_threads = 0
        self.graph_optimization_level = GraphOptimizationLevel.ORT_ENABLE_ALL
        self.execution_mode = ExecutionMode.ORT_SEQUENTIAL
        self.log_severity_level = 2
        self.log_verbosity_level = 0
        self.logid = ""
        self.enable_profiling = False
        self.enable_mem_pattern = True
        self.enable_cpu_mem_arena = True
        self.enable_mem_reuse = True
        self.use_deterministic_compute = False
        self.optimized_model_filepath = ""
        self.pool: Pool | None = None
        self.compile_options: dict[str, Any] = {}
        self._dims: dict[str, int] = {}
        self._entries: dict[str, str] = {}

    def add_free_dimension_override_by_name(self, name: str, size: int) -> None:
        """Gives a symbolic dimension a size."""
        self._dims[name] = size

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Keeps an entry for get_session_config_entry; none changes what a session does."""
        self._entries[key] = value

    def get_session_config_entry(self, key: str) -> str:
        """An entry added before."""
        if key not in self._entries:
            raise CameoError(f"there is no session config entry '{key}'")
        return self._entries[key]


class RunOptions:
    """Options of a run; there is nothing in them that a compiled model heeds."""

    def __init__(self) -> None:
        self.log_severity_level = 2
        self.log_verbosity_level = 0
        self.logid = ""
        self.terminate = False
        self.only_execute_path_to_fetches = False

    def add_run_config_entry(self, key: str, value: str) -> None:
        """Changes nothing."""


class NodeArg(NamedTuple):
    """An input or output, as ONNX Runtime describes it: type is e.g. "tensor(float)"."""

    name: str
    shape: list[int | str | None] | None
    type: str


class ModelMetadata(NamedTuple):
    """What the model's file says of itself."""

    producer_name: str
    graph_name: str
    domain: str
    description: str
    graph_description: str
    version: int
    custom_metadata_map: dict[str, str]


def _node_arg(port: Port) -> NodeArg:
    element = tensor_type(port.dtype)
    whole = {"tensor": element, "sequence": f"seq({element})", "optional": f"optional({element})"}
    return NodeArg(port.name, None if port.shape is None else list(port.shape), whole[port.kind])


def _opened(source: Source, options: SessionOptions) -> Model:
    """The model of a library, or of a model that is compiled for this machine now."""
    if isinstance(source, Model):
        return source
    threads = options.intra_op_num_threads or -1
    if isinstance(source, (str, os.PathLike)) and pathlib.Path(source).suffix == ".so":
        return Model(source, threads, pool=options.pool)
    dims = {**options.compile_options.get("dim", {}), **options._dims}
    with tempfile.TemporaryDirectory(prefix="cameoc-") as folder:
        # The library stays mapped when its file is gone.
        library = compile(source, folder + "/", **{**options.compile_options, "dim": dims})
        return Model(library, threads, pool=options.pool)


class InferenceSession:
    """A model to be run as with onnxruntime: an ONNX file, its bytes or a ModelProto, which is compiled
    first, a library compiled before, or a Model, of a bundle for instance. Safe to use from many threads at once."""

    def __init__(
        self,
        path_or_bytes: Source,
        sess_options: SessionOptions | None = None,
        providers: Sequence[Any] | None = None,
        provider_options: Sequence[Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self._options = sess_options or SessionOptions()
        self._source = path_or_bytes
        self._model = _opened(path_or_bytes, self._options)
        self._executor = concurrent.futures.ThreadPoolExecutor()
        self._inputs = [_node_arg(port) for port in self._model.inputs]
        self._outputs = [_node_arg(port) for port in self._model.outputs]

    def get_inputs(self) -> list[NodeArg]:
        """The inputs, in the model's order."""
        return self._inputs

    def get_outputs(self) -> list[NodeArg]:
        """The outputs, in the model's order."""
        return self._outputs

    def get_overridable_initializers(self) -> list[NodeArg]:
        """None: initializers are compiled in."""
        return []

    def get_modelmeta(self) -> ModelMetadata:
        """What the model's file says of itself."""
        given = dict(self._model.metadata)
        given.pop("cameo", None)
        custom = {
            key.removeprefix("property."): value
            for key, value in given.items()
            if key.startswith("property.")
        }
        return ModelMetadata(
            given.get("producer_name", ""),
            given.get("graph_name", ""),
            given.get("domain", ""),
            given.get("doc_string", ""),
            given.get("graph_doc_string", ""),
            int(given.get("model_version", _NO_VERSION)),
            custom,
        )

    def get_session_options(self) -> SessionOptions:
        """The options that the session was made with."""
        return self._options

    def get_providers(self) -> list[str]:
        """The processor is the only one."""
        return [_PROVIDER]

    def get_provider_options(self) -> dict[str, dict[str, str]]:
        """There are none."""
        return {_PROVIDER: {}}

    def set_providers(self, providers: Sequence[Any], provider_options: Any = None) -> None:
        """Changes nothing: the processor is the only one."""

    def run(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        run_options: RunOptions | None = None,
    ) -> list[Any]:
        """Runs the model; returns the outputs of these names, or all in the model's order."""
        known = [output.name for output in self._outputs]
        wanted = known if not output_names else list(output_names)
        check_names("output", known, wanted)
        feed = {
            name: value.numpy() if isinstance(value, OrtValue) else value
            for name, value in input_feed.items()
        }
        results = self._model.run(feed)
        return [results[name] for name in wanted]

    def run_with_ort_values(
        self,
        output_names: Sequence[str] | None,
        input_dict_ort_values: Mapping[str, OrtValue],
        run_options: RunOptions | None = None,
    ) -> list[OrtValue]:
        """As run, with OrtValues in and out."""
        return [OrtValue(value) for value in self.run(output_names, input_dict_ort_values)]

    def run_async(
        self,
        output_names: Sequence[str] | None,
        input_feed: Mapping[str, Any],
        callback: Callable[[list[Any], Any, str], None],
        user_data: Any,
        run_options: RunOptions | None = None,
    ) -> None:
        """Runs in another thread, which then calls callback(results, user_data, error): error is "" unless
        the run failed, and the results then are []."""

        def work() -> None:
            try:
                results, error = self.run(output_names, input_feed, run_options), ""
            except CameoError as caught:
                results, error = [], str(caught)
            callback(results, user_data, error)

        self._executor.submit(work)

    def io_binding(self) -> IOBinding:
        """Inputs and outputs to be bound to arrays once, for many runs."""
        return IOBinding(self)

    def run_with_iobinding(self, iobinding: IOBinding, run_options: RunOptions | None = None) -> None:
        """Runs with what is bound; results are in the binding."""
        iobinding._run(self._model)

    def __reduce__(self) -> tuple[Any, ...]:
        return InferenceSession, (self._source, self._options)


def get_available_providers() -> list[str]:
    """The processor is the only one."""
    return [_PROVIDER]


get_all_providers = get_available_providers


def get_device() -> str:
    """Where models run."""
    return "CPU"


def set_default_logger_severity(severity: int) -> None:
    """Changes nothing: there is no logger."""
