"""Makes torchvision importable beside a PyTorch that its binary operators were not built for.

Import this before torchvision. Importing torchvision fails unless the operators `nms` and `qnms`
have schemas, and its detection models call `nms` and `roi_align`. Declaring the schemas and giving
CPU kernels in Python is enough to run and export every model of the zoo: nothing is compiled, and
torchvision can be installed with --no-deps. Where torchvision's own operators load, this module
leaves everything as it is.
"""
import importlib.util
import pathlib
import sys

import torch

NMS = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
ROI_ALIGN = (
    "(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width,"
    " int sampling_ratio, bool aligned) -> Tensor"
)


def nms(boxes, scores, threshold):
    """Indices of the boxes kept by greedy non-maximum suppression, best score first."""
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    order = scores.argsort(descending=True, stable=True)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        origin = torch.maximum(boxes[best, :2], boxes[order, :2])
        corner = torch.minimum(boxes[best, 2:], boxes[order, 2:])
        common = (corner - origin).clamp(min=0).prod(1)
        order = order[common <= threshold * (area[best] + area[order] - common)]
    return torch.tensor(kept, dtype=torch.long)


def roi_align(*arguments):
    """torchvision's own version of the operator in PyTorch, run without torch.compile."""
    from torchvision.ops.roi_align import _roi_align

    return getattr(_roi_align, "__wrapped__", _roi_align)(*arguments)


def has_ops():
    """Stands in for torchvision's function; TorchScript reads it, so it cannot be a lambda."""
    return True


def own_operators_load():
    """Whether torchvision's compiled operators work with this PyTorch."""
    spec = importlib.util.find_spec("torchvision")
    if spec is None:
        raise SystemExit("torchvision is not installed: pip install --no-deps torchvision")
    for library in pathlib.Path(spec.origin).parent.glob("_C*.so"):
        try:
            torch.ops.load_library(str(library))
            return True
        except OSError:
            pass
    return False


def install():
    """Declares the operators, imports torchvision and tells its modules that they have them.

    Returns the registrations, which last as long as the returned object; None when not needed.
    """
    if own_operators_load():
        return None
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms" + NMS)
    library.define("qnms" + NMS)
    library.define("roi_align" + ROI_ALIGN)
    library.impl("nms", nms, "CPU")
    library.impl("roi_align", roi_align, "CPU")
    importlib.import_module("torchvision")
    for name, module in list(sys.modules.items()):
        if name.startswith("torchvision.") and hasattr(module, "_has_ops"):
            module._has_ops = has_ops
    return library


REGISTRATIONS = install()
