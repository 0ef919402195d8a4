#!/usr/bin/env python3
"""Pictures as of a camera, gray ones and coloured ones by turns, of images of 8x8 floats from 0 to 1.

  pictures.py INPUTS.npy FOLDER COUNT      writes FOLDER/0.ppm ...
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tools"))
import onnx_text as onnx

SIDE, WIDE, HIGH = 8, 12, 10  # a pixel of the image becomes so many of the picture's


def picture(pixels, channels):
    width, height = SIDE * WIDE, SIDE * HIGH
    data = bytes(round(255 * pixels[y // HIGH * SIDE + x // WIDE])
                 for y in range(height) for x in range(width) for _ in range(channels))
    return b"P%d\n%d %d\n255\n" % (6 if channels == 3 else 5, width, height) + data


def main():
    inputs, folder, count = sys.argv[1:]
    with open(inputs, "rb") as file:
        values = onnx.read_npy(file.read())
    for i in range(int(count)):
        with open(os.path.join(folder, "%d.ppm" % i), "wb") as file:
            file.write(picture(values[i * SIDE * SIDE:(i + 1) * SIDE * SIDE], 3 if i % 2 else 1))


if __name__ == "__main__":
    main()
