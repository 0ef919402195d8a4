#!/usr/bin/env python3
"""`--preprocess`: a library and the reference interpreter take a picture's bytes and compute what a few lines of Python do.

  preprocess_test.py --cameo build/bin/cameo [unittest arguments]
"""
import math, os, random, subprocess, sys, unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import onnx_text as onnx
from folder import FolderCase, command_line

try:
    from PIL import Image
except ImportError:
    Image = None

CAMEO = ""
FLOAT16 = 10


def relu(dims, dtype=onnx.FLOAT):
    return onnx.model([onnx.node("Relu", ["x"], ["y"])], [onnx.value_info("x", dims, dtype)], [onnx.value_info("y", dims, dtype)])


def picture(height, width, channels, seed=1):
    """picture[y][x][c]"""
    numbers = random.Random(seed)
    return [[[numbers.randrange(256) for _ in range(channels)] for _ in range(width)] for _ in range(height)]


def flat(rows):
    return [value for row in rows for pixel in row for value in pixel]


def sample(plane, height, width):
    """A plane of numbers in another size: bilinear, centres of pixels on each other."""
    def places(count, new):
        for i in range(new):
            at = min(max((i + 0.5) * count / new - 0.5, 0), count - 1)
            low = min(math.floor(at), count - 1)
            yield low, min(low + 1, count - 1), at - low
    return [[(plane[a][c] * (1 - v) + plane[b][c] * v) * (1 - u) + (plane[a][d] * (1 - v) + plane[b][d] * v) * u
             for c, d, u in places(len(plane[0]), width)] for a, b, v in places(len(plane), height)]


def pillow(plane, height, width):
    """The same by Pillow, which makes a smaller picture of averages. Its mode F does not round to bytes."""
    image = Image.new("F", (len(plane[0]), len(plane)))
    image.putdata([value for row in plane for value in row])
    values = list(image.resize((width, height), Image.Resampling.BILINEAR).get_flattened_data())
    return [values[y * width:(y + 1) * width] for y in range(height)]


def expected(rows, size, mean=(0,), std=(1,), scale=1 / 255, bgr=False, crop=None, resized=sample):
    """max(0, what the model gets), by channels, rows and columns."""
    channels = range(len(rows[0][0]))
    result = []
    for c in channels:
        source = len(channels) - 1 - c if bgr else c
        plane = resized([[pixel[source] for pixel in row] for row in rows], *size)
        if crop:
            top, left = ((side - kept) // 2 for side, kept in zip((len(plane), len(plane[0])), crop))
            plane = [row[left:left + crop[1]] for row in plane[top:top + crop[0]]]
        result += [max(0, (value * scale - mean[c % len(mean)]) / std[c % len(std)]) for row in plane for value in row]
    return result


class Preprocess(FolderCase):
    def cameo(self, *args, status=0):
        run = subprocess.run([CAMEO, *args], cwd=self.dir, capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, status, (args, run.stdout, run.stderr))
        return run.stdout + run.stderr

    def check(self, spec, dims, data, want):
        """Whether library and interpreter give these numbers for bytes of these dims."""
        self.write("x.npy", onnx.npy(dims, data, onnx.UINT8))
        for program in ["m.so"], ["m.onnx", "--preprocess", spec]:
            self.cameo("run", *program, "--input", "x=x.npy", "--output-dir", "out")
            with open(self.path("out/output_0_y.npy"), "rb") as file:
                got = onnx.read_npy(file.read())
            self.assertEqual(len(got), len(want))
            for a, b in zip(got, want):
                self.assertAlmostEqual(a, b, delta=2e-5 * max(1, abs(b)))

    def compile(self, spec, model, *flags):
        self.write("m.onnx", model)
        self.cameo("compile", "m.onnx", "--preprocess", spec, *flags)

    def test_bytes(self):
        self.compile("x=u8hwc", relu([1, 3, 5, 4]))
        rows = picture(5, 4, 3)
        self.check("x=u8hwc", [1, 5, 4, 3], flat(rows), expected(rows, (5, 4)))

    def test_numbers_for_channels(self):
        spec = "x=u8hwc,bgr,mean=0.485,0.456,0.406,std=0.229,0.224,0.225"
        self.compile(spec, relu(["n", 3, "h", "w"]))
        for height, width in (3, 7), (6, 2):
            rows = picture(height, width, 3)
            self.check(spec, [1, height, width, 3], flat(rows),
                       expected(rows, (height, width), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225), bgr=True))

    def test_channels_first(self):
        spec = "x=u8chw,scale=1,mean=127.5,std=2"
        self.compile(spec, relu([1, 2, 4, 4]))
        rows = picture(4, 4, 2)
        data = [rows[y][x][c] for c in range(2) for y in range(4) for x in range(4)]
        self.check(spec, [1, 2, 4, 4], data, expected(rows, (4, 4), (127.5,), (2,), scale=1))

    def test_resize(self):
        spec = "x=u8hwc,resize=6x4"
        self.compile(spec, relu(["batch", 3, "h", "w"]), "--shape", "x=1x3x6x4")
        for height, width in (3, 3), (12, 8), (6, 4), (1, 1), (17, 31):
            rows = picture(height, width, 3)
            self.write("x.npy", onnx.npy([1, height, width, 3], flat(rows), onnx.UINT8))
            self.cameo("run", "m.so", "--input", "x=x.npy", "--output-dir", "out")
            with open(self.path("out/output_0_y.npy"), "rb") as file:
                for a, b in zip(onnx.read_npy(file.read()), expected(rows, (6, 4)), strict=True):
                    self.assertAlmostEqual(a, b, delta=1e-5)

    def test_resize_from_a_known_size(self):
        spec = "x=u8hwc,size=9x10,resize=5,mean=0.5"
        self.compile(spec, relu([1, 1, 5, 5]))
        rows = picture(9, 10, 1)
        self.check(spec, [1, 9, 10, 1], flat(rows), expected(rows, (5, 5), (0.5,)))

    def test_crop(self):
        """The usual preparation for ImageNet: the shorter side becomes 8, and the middle 6x4 of that counts."""
        spec = "x=u8hwc,resize=8,crop=6x4,mean=0.5"
        self.compile(spec, relu([1, 3, 6, 4]))
        for size, scaled in ((9, 12), (8, 10)), ((16, 8), (16, 8)), ((8, 8), (8, 8)), ((5, 31), (8, 49)):
            rows = picture(*size, 3)
            self.check(spec, [1, *size, 3], flat(rows), expected(rows, scaled, (0.5,), crop=(6, 4)))

    def test_crop_of_known_sizes(self):
        for spec, scaled in (("size=9x12,resize=8,crop=6x4", (8, 10)), ("size=9x12,resize=7x9,crop=6x4", (7, 9)),
                             ("resize=7x9,crop=6x4", (7, 9)), ("size=9x12,crop=6x4", (9, 12)), ("crop=6x4", (9, 12))):
            with self.subTest(spec):
                self.compile("x=u8hwc," + spec, relu([1, 3, 6, 4]))
                rows = picture(9, 12, 3)
                self.check("x=u8hwc," + spec, [1, 9, 12, 3], flat(rows), expected(rows, scaled, crop=(6, 4)))

    def test_crop_of_a_picture_that_is_too_small(self):
        self.compile("x=u8hwc,crop=6x4", relu([1, 3, 6, 4]))
        for size in (5, 4), (6, 3), (1, 1):
            self.write("x.npy", onnx.npy([1, *size, 3], flat(picture(*size, 3)), onnx.UINT8))
            self.assertIn("error: ", self.cameo("run", "m.so", "--input", "x=x.npy", status=2))

    @unittest.skipUnless(Image, "there is no Pillow")
    def test_antialias(self):
        for spec, size, scaled in (("resize=8,antialias,crop=6x4", (31, 40), (8, 10)), ("resize=8,antialias,crop=6x4", (64, 19), (26, 8)),
                                   ("resize=8,antialias,crop=6x4", (5, 6), (8, 9)), ("antialias,resize=6x4", (31, 40), (6, 4))):
            with self.subTest(spec=spec, size=size):
                self.compile("x=u8hwc," + spec, relu([1, 3, 6, 4]))
                rows = picture(*size, 3)
                self.check("x=u8hwc," + spec, [1, *size, 3], flat(rows), expected(rows, scaled, crop=(6, 4), resized=pillow))

    def test_half_floats(self):
        spec = "x=u8hwc"
        self.compile(spec, relu([1, 3, 2, 2], FLOAT16))
        self.assertIn("PASS", self.cameo("compare", "m.onnx", "--preprocess", spec))

    def test_what_the_header_says(self):
        self.compile("x=u8hwc,resize=5", relu([2, 3, 5, 5]))
        with open(self.path("m.h"), encoding="utf-8") as file:
            self.assertIn("x  u8[2, x_height, x_width, 3]", file.read())

    def test_compare_and_bench(self):
        self.write("m.onnx", relu([1, 3, 8, 8]))
        spec = "x=u8hwc,size=12x16,resize=8,mean=0.1"
        self.assertIn("PASS", self.cameo("compare", "m.onnx", "--preprocess", spec))
        self.assertIn("p50", self.cameo("bench", "m.onnx", "--preprocess", spec, "--seconds", "0.1"))

    def test_errors(self):
        self.write("m.onnx", relu([1, 3, 8, "w"]))
        self.write("flat.onnx", relu([1, 3]))
        self.write("fixed.onnx", relu([1, 3, 8, 8]))
        self.write("whole.onnx", relu([1, 3, 8, 8], onnx.INT32))
        for model, spec, words in (
                ("m", "x", "expected INPUT=u8hwc or INPUT=u8chw"), ("m", "x=u8", "expected INPUT=u8hwc"),
                ("m", "x=u8hwcx", "expected INPUT=u8hwc"), ("m", "x=u8hwc,blur=2", "got 'blur=2'"),
                ("m", "x=u8hwc,mean=a", "got 'mean=a'"), ("m", "x=u8hwc,mean=", "got 'mean='"), ("m", "x=u8hwc,mean=1,,2", "got ''"),
                ("m", "x=u8hwc,resize=0", "got 'resize=0'"), ("m", "x=u8hwc,resize=4,5", "got '5'"), ("m", "x=u8hwc,std=0", "std is 0"),
                ("m", "x=u8hwc,mean=inf", "got 'mean=inf'"), ("m", "x=u8hwc,scale=1,2", "got '2'"), ("m", "x=u8hwc,scale=0", "scale is 0"),
                ("m", "x=u8hwc,mean=1,2", "has 3 channels, mean has 2 numbers"), ("m", "z=u8hwc", "input 'z' is none of the model's"),
                ("m", "x=u8hwc,crop=0", "got 'crop=0'"), ("m", "x=u8hwc,antialias", "antialias is of a resize"),
                ("m", "x=u8hwc,resize=16,crop=8", "not of 8x8 pixels"),
                ("fixed", "x=u8hwc,size=8x7,crop=8", "crop=8x8 of a picture of 8x7"),
                ("m", "x=u8hwc,resize=8", "not of 8x8 pixels; --shape fixes what is open"),
                ("flat", "x=u8hwc", "expected floats [batch, channels, height, width]"), ("whole", "x=u8hwc", "expected floats")):
            text = self.cameo("compile", model + ".onnx", "--preprocess", spec, status=2)
            self.assertIn(words, text)


if __name__ == "__main__":
    options = command_line()
    CAMEO = options.cameo
    unittest.main(argv=options.rest)
