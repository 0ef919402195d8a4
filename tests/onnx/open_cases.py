"""Runs the ONNX project's test cases with the sizes of their inputs left open.

usage: open_cases.py DIR [--sample [N]] [--only REGEX] [--form NAME]

DIR is what make_cases.py wrote. What compiles with fixed sizes compiles with open ones, and gives the
same numbers: each case of passing.txt that passes compiled runs again with every dim of every input a
symbol of its own ("all"), with one dim after the other a symbol (its input's number and axis,
"one.0.1"), and with one input after the other of unknown rank ("rank.0"), while the sizes that the model
states for other values are left out. The data stays the case's own. --sample takes one form of each case,
or of one of N, chosen by the case's name.
open_refused.txt beside this file has the cases that may be refused: a pattern of names and the reason, a line
each. Any other that fails is an error, and so are other numbers than the case's, whatever is listed; a
pattern none of whose cases was refused is pointed out.
"""
import pathlib
import sys

import case_forms

REFUSED = pathlib.Path(__file__).resolve().with_name("open_refused.txt")
ALL = "all"


def tensor_type(kind):
    """The tensor type inside sequences and optionals."""
    while kind.WhichOneof("value") in ("sequence_type", "optional_type"):
        kind = getattr(kind, kind.WhichOneof("value")).elem_type
    return kind.tensor_type


def forms_of(model):
    """Names of all forms of a model."""
    dims = [
        f"one.{number}.{axis}"
        for number, port in enumerate(case_forms.given_inputs(model))
        for axis in range(len(tensor_type(port.type).shape.dim))
    ]
    ranks = [f"rank.{number}" for number, _ in enumerate(case_forms.given_inputs(model))]
    return [*([ALL] if dims else []), *dims, *ranks]


def make(model, form, folder, scratch):
    """Makes the dims that a form names symbols, and forgets what is stated of all other values."""
    for number, port in enumerate(case_forms.given_inputs(model)):
        for axis, dim in enumerate(tensor_type(port.type).shape.dim):
            if form in (ALL, f"one.{number}.{axis}"):
                dim.dim_param = f"d{number}_{axis}"
        if form == f"rank.{number}":
            tensor_type(port.type).ClearField("shape")
    del model.graph.value_info[:]
    for port in model.graph.output:
        tensor_type(port.type).ClearField("shape")
    return folder


if __name__ == "__main__":
    sys.exit(case_forms.main(sys.modules[__name__]))
