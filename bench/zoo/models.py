"""The table of models: what each is, its inputs and outputs, and how it is exported.

A model is a row `Model(name, build, inputs, outputs, ...)`. `build` makes the PyTorch module with
seeded weights; nothing is downloaded.
"""
from dataclasses import dataclass, field
from typing import Callable

import torch
from torch import nn

import torchvision_ops  # noqa: F401  (before torchvision)
import torchvision.models as tv

import networks
from weights import enliven, settle_batch_norms

CLASSIFIERS = """resnet18 resnet34 resnet50 resnet101 resnet152
    efficientnet_b0 efficientnet_b1 efficientnet_b2 efficientnet_b3
    mobilenet_v2 mobilenet_v3_small mobilenet_v3_large vgg11 vgg13 vgg16 vgg19
    densenet121 densenet161 densenet169 densenet201
    vit_b_16 vit_b_32 vit_l_16 convnext_tiny convnext_small convnext_base swin_t""".split()
SIZES = {"efficientnet_b1": 240, "efficientnet_b2": 288, "efficientnet_b3": 300}
SYMBOLIC = ("resnet18", "efficientnet_b0", "vit_b_16")


@dataclass(frozen=True)
class Model:
    """One row: `shape` is that of the example input. A symbolic model has its batch left open, or what
    `open_dims` says: dims of every input, and of every output, by axis.
    """

    name: str
    build: Callable[[], nn.Module]
    shape: tuple
    inputs: tuple = ("input",)
    outputs: tuple = ("output",)
    symbolic: bool = False
    open_dims: tuple = ({0: "batch"}, {0: "batch"})
    seed: int = 0
    opset: int = 17
    listed: bool = False  # the module takes a list of images, as torchvision's detectors do
    options: dict = field(default_factory=dict)  # further arguments of torch.onnx.export

    def example(self):
        """Arguments of forward. Two images where the batch is open: a 1 could become a constant."""
        batch = 2 if self.symbolic and len(self.shape) == 4 else self.shape[0]
        data = torch.rand(batch, *self.shape[1:])
        return ([data[0]],) if self.listed else (data,)

    def dynamic_axes(self):
        if not self.symbolic:
            return None
        of_inputs, of_outputs = self.open_dims
        return {
            **{name: of_inputs for name in self.inputs},
            **{name: of_outputs for name in self.outputs},
        }


def settled(module, size):
    """The module with batch norms settled on images of this size and all parameters alive."""
    settle_batch_norms(module, size)
    return enliven(module)


def classifiers():
    """torchvision's classification models, three of them also with a symbolic batch."""
    for name in CLASSIFIERS:
        size = SIZES.get(name, 224)
        build = lambda name=name, size=size: settled(getattr(tv, name)(weights=None), size)
        yield Model(name, build, (1, 3, size, size))
        if name in SYMBOLIC:
            yield Model(name + "_dyn", build, (1, 3, size, size), symbolic=True)


def small_models():
    """Networks of a few layers, exported with the older opset 11."""
    yield Model("simple_cnn", lambda: enliven(networks.SimpleCnn()), (1, 3, 32, 32), opset=11)
    yield Model(
        "tiny_net", lambda: enliven(networks.TinyNet()), (1, 10), symbolic=True, opset=11
    )


def heads():
    """Two-output, regression and anomaly models, and classifiers of an embedding."""
    image = (1, 3, 224, 224)
    yield Model(
        "swin_species",
        lambda: enliven(networks.SpeciesSwin()),
        image,
        ("image",),
        ("species_logits", "embedding"),
        symbolic=True,
    )
    for classes in (4, 12, 38):
        yield Model(
            f"disease_head_{classes}",
            lambda classes=classes: enliven(networks.EmbeddingHead(classes)),
            (1, 768),
            ("embedding",),
            ("disease_logits",),
            symbolic=True,
            seed=classes,
        )
    for name, head in (("regression", networks.regression), ("anomaly", networks.anomaly)):
        build = lambda head=head: settled(head(), 224)
        yield Model(f"resnet18_{name}", build, image, symbolic=True)


def open_sizes():
    """Networks for images of any size, by both of PyTorch's exporters."""
    graph = dict(dynamo=True, external_data=False)
    image = {0: "batch", 2: "height", 3: "width"}
    sizes = dict(symbolic=True, open_dims=(image, {0: "batch"}))
    build = lambda: settled(networks.SmallResidual(), 64)
    yield Model("residual_any", build, (1, 3, 64, 80), **sizes)
    yield Model("residual_any_dynamo", build, (1, 3, 64, 80), **sizes, opset=18, options=graph)
    sizes = dict(symbolic=True, open_dims=(image, {0: "batch", 1: "tokens"}))
    build = lambda: enliven(networks.PatchEmbedding())
    yield Model("patches_any", build, (1, 3, 64, 80), **sizes)
    yield Model("patches_any_dynamo", build, (1, 3, 64, 80), **sizes, opset=18, options=graph)
    # 24 patches in whatever arrangement, because of the position embedding
    patches = ({0: "batch", 2: "height24", 3: "width24"}, {0: "batch"})
    build = lambda: enliven(networks.PatchEmbedding(positions=24))
    yield Model("patches_24", build, (1, 3, 64, 96), symbolic=True, open_dims=patches)


def dense_models():
    """Detection and segmentation."""
    for name, make, outputs in (
        ("fasterrcnn_mobilenet_320", networks.faster_rcnn, ("boxes", "labels", "scores")),
        ("ssdlite320", networks.ssd_lite, ("boxes", "scores", "labels")),
    ):
        build = lambda make=make: networks.settled_detector(make())
        yield Model(name, build, (1, 3, 320, 320), ("image",), outputs, listed=True)
    build = lambda: settled(networks.MaskOnly(networks.lraspp()), 256)
    yield Model("lraspp_mobilenet", build, (1, 3, 512, 512))


def transformers_of_timm():
    """Self-supervised backbones; the package timm is needed for these two only."""
    yield Model("dinov2_vits14_518", networks.dino_v2, (1, 3, 518, 518))
    graph = dict(dynamo=True, external_data=False)
    yield Model("dinov3_vits16_512", networks.dino_v3, (1, 3, 512, 512), opset=18, options=graph)


def all_models():
    """Every row by name, in the order of the table."""
    groups = (
        classifiers, small_models, heads, open_sizes, dense_models, transformers_of_timm
    )
    return {model.name: model for group in groups for model in group()}
