"""Gives models seeded random weights of which every one matters.

Architectures start many parameters at zero, one or nearly nothing (heads, biases, layer scales),
and batch norms that have seen no data shrink or blow up the activations. With such weights a
compiler could drop a bias or a whole block and still print the right numbers. Here batch norms get
the statistics of data that flowed through the model, and constant parameters get values that show
in the outputs.

Scales and shifts of batch norms are drawn before the statistics are taken: each layer's statistics are then
those of what it is given later. Drawn afterwards, they leave later layers with statistics of other data, and
rounding errors grow from layer to layer until two correct implementations differ by 3e-3.
"""
import torch
from torch import nn


def settle_batch_norms(model, size, channels=3, batch=4):
    """Moves scales and shifts off 1 and 0, then sets running statistics from two random batches."""
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return
    for norm in norms:
        nn.init.uniform_(norm.weight, 0.6, 1.4)
        nn.init.normal_(norm.bias, 0, 0.2)
        norm.momentum = None  # a plain average over the batches
        norm.reset_running_stats()
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.eval()
    with torch.no_grad():
        for _ in range(2):
            model(torch.rand(batch, channels, size, size))


def is_lifeless(parameter):
    """True for a parameter of several elements that are all alike or all but zero."""
    if parameter.numel() < 2:
        return False
    spread = float(parameter.max() - parameter.min())
    return spread < 1e-6 or float(parameter.abs().max()) < 1e-3


@torch.no_grad()
def enliven(model):
    """Gives every lifeless parameter a range fitting its role; returns the model ready to infer."""
    for name, parameter in model.named_parameters():
        if not is_lifeless(parameter):
            continue
        if "layer_scale" in name or "gamma" in name:
            nn.init.uniform_(parameter, 0.1, 0.5)
        elif parameter.dim() >= 2:
            nn.init.normal_(parameter, 0, 0.02)
        elif name.endswith("weight"):
            nn.init.uniform_(parameter, 0.7, 1.3)
        else:
            nn.init.normal_(parameter, 0, 0.05)
    return model.eval()
