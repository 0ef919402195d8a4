"""Trains the species example and writes its models beside this file.

usage: train.py          (needs torch, numpy and onnx; two minutes on one core)

  backbone.onnx     a picture to 64 features and the logits of its species
  heads/NAME.onnx   features to the logits of the states of one species
  detector.onnx     features to their Mahalanobis distance from the nearest species, and whether that is a leaf's

What a program needs to know of them is in their metadata_props: the backbone's `species`, and of each head its
`species` and `states`.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from leaves import NAMES, SPECIES, leaves
from onnx import TensorProto, helper, numpy_helper
from torch import nn

HERE = Path(__file__).resolve().parent
FEATURES = 64


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        layers, inputs = [], 3
        for outputs, stride in ((16, 1), (32, 2), (64, 2), (FEATURES, 2)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1), nn.BatchNorm2d(outputs), nn.ReLU()]
            inputs = outputs
        self.body = nn.Sequential(*layers)
        self.species = nn.Linear(FEATURES, len(NAMES))

    def forward(self, image):
        features = self.body(image).mean((2, 3))
        return features, self.species(features)


def train(backbone, heads, pictures, species, states):
    """Species and states together: a feature that only the states need must be there as well."""
    parameters = [*backbone.parameters(), *heads.parameters()]
    steps = 30 * (len(pictures) // 64)
    adam = torch.optim.AdamW(parameters, 3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, 6e-3, steps)
    loss = nn.CrossEntropyLoss()
    for step in range(steps):
        batch = torch.randint(len(pictures), (64,))
        features, logits = backbone(pictures[batch])
        total = loss(logits, species[batch])
        for number, head in enumerate(heads):
            mine = species[batch] == number
            if mine.any():
                total = total + loss(head(features[mine]), states[batch][mine]) * mine.float().mean() * 2
        adam.zero_grad()
        total.backward()
        adam.step()
        schedule.step()


def save(model, path, **properties):
    helper.set_model_props(model, properties)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def model_of(nodes, inputs, outputs, constants):
    def ports(given):
        return [helper.make_tensor_value_info(name, kind, ["batch", *dims]) for name, kind, dims in given]

    made = [numpy_helper.from_array(value.astype(np.float32), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "species", ports(inputs), ports(outputs), made)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


def save_head(name, head):
    states = SPECIES[name][1]
    constants = {"weight": head.weight.detach().numpy(), "bias": head.bias.detach().numpy()}
    gemm = helper.make_node("Gemm", ["features", "weight", "bias"], ["logits"], "head", transB=1)
    ports = [("features", TensorProto.FLOAT, [FEATURES])], [("logits", TensorProto.FLOAT, [len(states)])]
    save(model_of([gemm], *ports, constants), HERE / "heads" / f"{name}.onnx", species=name, states=",".join(states))


def save_detector(features, species, held_out):
    """The distance is that of a normal distribution around each species' mean with a covariance that all share. A
    leaf is what is not farther away than 99 of 100 leaves that the training has not seen."""
    means = np.stack([features[species == number].mean(0) for number in range(len(NAMES))])
    centred = features - means[species]
    covariance = centred.T @ centred / len(features) + 1e-4 * np.eye(FEATURES)
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    distances = np.square((held_out[:, None] - means) @ root).sum(2).min(1)
    constants = {"means": means, "root": root, "limit": np.array([np.quantile(distances, 0.99)])}
    nodes = [
        helper.make_node("Unsqueeze", ["features", "one"], ["rows"], "rows"),
        helper.make_node("Sub", ["rows", "means"], ["centred"], "centre"),
        helper.make_node("MatMul", ["centred", "root"], ["white"], "whiten"),
        helper.make_node("ReduceSumSquare", ["white", "two"], ["squares"], "squares", keepdims=0),
        helper.make_node("ReduceMin", ["squares", "one"], ["distance"], "nearest", keepdims=0),
        helper.make_node("LessOrEqual", ["distance", "limit"], ["is_leaf"], "decide"),
    ]
    outputs = [("distance", TensorProto.FLOAT, []), ("is_leaf", TensorProto.BOOL, [])]
    model = model_of(nodes, [("features", TensorProto.FLOAT, [FEATURES])], outputs, constants)
    for name, axis in (("one", 1), ("two", 2)):
        model.graph.initializer.append(numpy_helper.from_array(np.array([axis], np.int64), name))
    save(model, HERE / "detector.onnx")


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    pictures, species, states = leaves(4000, seed=1)
    backbone = Backbone()
    heads = nn.ModuleList(nn.Linear(FEATURES, len(SPECIES[name][1])) for name in NAMES)
    train(backbone, heads, torch.tensor(pictures), torch.tensor(species), torch.tensor(states))
    backbone.eval()
    (HERE / "heads").mkdir(exist_ok=True)
    path = HERE / "backbone.onnx"
    torch.onnx.export(
        backbone, (torch.tensor(pictures[:1]),), path, input_names=["image"], output_names=["features", "species"],
        dynamic_axes={name: {0: "batch"} for name in ("image", "features", "species")}, dynamo=False,
    )
    save(onnx.load(path), path, species=",".join(NAMES))
    for name, head in zip(NAMES, heads):
        save_head(name, head)
    with torch.no_grad():
        features, held_out = (backbone(torch.tensor(x))[0].numpy() for x in (pictures, leaves(1000, seed=2)[0]))
    save_detector(features, species, held_out)


if __name__ == "__main__":
    main()
