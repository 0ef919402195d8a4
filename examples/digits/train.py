"""Trains the digits example and writes digits.onnx, inputs.npy and labels.npy beside this file.

usage: train.py          (needs torch, scikit-learn, numpy and onnx; a minute on one core)

The data are scikit-learn's 1,797 scanned digits of 8x8 pixels, scaled from 0..16 to 0..1. The
first 1,497 train the network; the last 300 are written as test data: they are only measured, never
trained on.
"""
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

HERE = Path(__file__).resolve().parent
TRAIN = 1497
EPOCHS = 60


def block(inputs, outputs):
    """A 3x3 convolution that keeps the size, with batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def make_network():
    """Nx1x8x8 pixels to Nx10 logits; 27 thousand parameters."""
    return nn.Sequential(
        block(1, 16),
        block(16, 32),
        nn.MaxPool2d(2),
        block(32, 32),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 2 * 2, 96),
        nn.ReLU(),
        nn.Linear(96, 10),
    )


def shifted(images):
    """The images moved by up to one pixel each way, so that a digit's place matters less."""
    rows, columns = np.random.randint(-1, 2, 2)
    return torch.roll(images, (int(rows), int(columns)), (2, 3))


def train(network, images, labels):
    """Adam with a cosine schedule over shuffled batches of 64."""
    optimizer = torch.optim.Adam(network.parameters(), 3e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    network.train()
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(shifted(images[batch])), labels[batch]).backward()
            optimizer.step()
        schedule.step()
    network.eval()


def main():
    torch.manual_seed(0)
    np.random.seed(0)
    data = load_digits()
    images = torch.tensor(data.images / 16, dtype=torch.float32).unsqueeze(1)
    labels = torch.tensor(data.target)
    network = make_network()
    train(network, images[:TRAIN], labels[:TRAIN])
    with torch.no_grad():
        correct = (network(images[TRAIN:]).argmax(1) == labels[TRAIN:]).sum().item()
    print(f"test accuracy: {correct} of {len(labels) - TRAIN}")
    np.save(HERE / "inputs.npy", images[TRAIN:].numpy())
    np.save(HERE / "labels.npy", labels[TRAIN:].numpy())
    # PRESERVE keeps the batch norms in the file; by default they are folded into the convolutions.
    torch.onnx.export(
        network,
        (images[:1],),
        str(HERE / "digits.onnx"),
        input_names=["image"],
        output_names=["logits"],
        dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}},
        opset_version=17,
        training=torch.onnx.TrainingMode.PRESERVE,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
