"""Modules of the zoo that are not torchvision's as they come: small networks, heads, wrappers."""
import torch
from torch import nn

import torchvision_ops  # noqa: F401  (before torchvision)
import torchvision.models as tv
import torchvision.models.detection as detection
import torchvision.models.segmentation as segmentation

from weights import enliven, settle_batch_norms


class SimpleCnn(nn.Module):
    """Two convolutions and two fully connected layers over images of 32x32."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.AdaptiveAvgPool2d((4, 4)),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(1024, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)
        )

    def forward(self, image):
        return self.classifier(self.features(image))


class TinyNet(nn.Module):
    """10 numbers in, 5 out."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(10, 20)
        self.last = nn.Linear(20, 5)

    def forward(self, data):
        return self.last(torch.relu(self.hidden(data)))


class SmallResidual(nn.Module):
    """ResNet-18's parts in small: a stem, a block, a block that halves the image, a mean over it."""

    def __init__(self, channels=16):
        super().__init__()
        resnet = tv.resnet
        down = nn.Sequential(
            nn.Conv2d(channels, 2 * channels, 1, stride=2, bias=False),
            nn.BatchNorm2d(2 * channels),
        )
        self.stem = nn.Sequential(
            nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2, padding=1),
        )
        self.blocks = nn.Sequential(
            resnet.BasicBlock(channels, channels),
            resnet.BasicBlock(channels, 2 * channels, stride=2, downsample=down),
            nn.AdaptiveAvgPool2d(1),
        )
        self.last = nn.Linear(2 * channels, 10)

    def forward(self, image):
        return self.last(torch.flatten(self.blocks(self.stem(image)), 1))


class PatchEmbedding(nn.Module):
    """How a vision transformer begins: patches of 16x16 as a sequence, behind a class token."""

    def __init__(self, width=96, positions=None):
        super().__init__()
        self.project = nn.Conv2d(3, width, 16, stride=16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = positions and nn.Parameter(torch.zeros(1, positions + 1, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, image):
        patches = self.project(image).flatten(2).transpose(1, 2)
        sequence = torch.cat([self.token.expand(image.shape[0], -1, -1), patches], 1)
        if self.positions is not None:
            sequence = sequence + self.positions
        return self.norm(sequence)


class SpeciesSwin(nn.Module):
    """Swin-T with two outputs: logits of 300 species and the 768 features that they come from."""

    def __init__(self, species=300):
        super().__init__()
        self.backbone = tv.swin_t(weights=None)
        self.backbone.head = nn.Identity()
        self.species = nn.Linear(768, species)

    def forward(self, image):
        embedding = self.backbone(image)
        return self.species(embedding), embedding


class EmbeddingHead(nn.Module):
    """A linear classifier of a 768-dimensional embedding."""

    def __init__(self, classes):
        super().__init__()
        self.classifier = nn.Linear(768, classes)

    def forward(self, embedding):
        return self.classifier(embedding)


class MaskOnly(nn.Module):
    """A segmentation model whose only output is the mask."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        return self.model(image)["out"]


def regression():
    """ResNet-18 that answers three numbers."""
    model = tv.resnet18(weights=None)
    model.fc = nn.Linear(512, 3)
    return model


def anomaly():
    """ResNet-18 that answers one score between 0 and 1."""
    model = tv.resnet18(weights=None)
    model.fc = nn.Sequential(nn.Linear(512, 1), nn.Sigmoid())
    return model


def faster_rcnn():
    return detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, box_score_thresh=0.0
    )


def ssd_lite():
    return detection.ssdlite320_mobilenet_v3_large(weights=None, weights_backbone=None)


def settled_detector(model):
    """Only the backbone is settled: a detector in training wants targets."""
    settle_batch_norms(model.backbone, 320)
    return model.eval()


def lraspp():
    return segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None)


def of_timm(name):
    """A model of timm with all parameters alive."""
    import timm

    return enliven(timm.create_model(name, pretrained=False))


def dino_v2():
    return of_timm("vit_small_patch14_dinov2")


def dino_v3():
    return of_timm("vit_small_patch16_dinov3")
