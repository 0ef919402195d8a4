// Reads a handwritten digit in a picture from a camera, with the compiled model of examples/digits:
// what OpenCV's cvtColor, resize and blobFromImage do, and a run through cameo.hpp.
//
//     cmake -S examples/cpp -B build/digits && cmake --build build/digits
//     build/digits/digits PICTURE.ppm...
//
// or without CMake, where cameo.h and cameo.hpp are in runtime/include:
//
//     build/bin/cameo compile examples/digits/digits.onnx
//     c++ -std=c++17 -I. -Iruntime/include examples/cpp/main.cpp digits.so -Wl,-rpath,'$ORIGIN'
//
// A picture is a binary PGM or PPM of 8 bits, of any size, white on black; with OpenCV it would be
// a cv::Mat, whose rows are views just like these.
#include "digits.h"

#include <cameo.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kSide = 8;

/// Rows of pixels of `channels` bytes.
struct Image {
  int width = 0, height = 0, channels = 0;
  std::vector<uint8_t> pixels;
  uint8_t at(int y, int x, int c) const { return pixels[(size_t(y) * width + x) * channels + c]; }
};

Image readImage(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::string magic;
  int greatest = 0;
  Image image;
  file >> magic >> image.width >> image.height >> greatest;
  file.get();
  image.channels = magic == "P6" ? 3 : 1;
  if (!file || (magic != "P5" && magic != "P6") || greatest != 255 || image.width < 1 ||
      image.height < 1 || image.width > 1 << 14 || image.height > 1 << 14)
    throw std::runtime_error(path + " is not a PGM or PPM file of 8 bits");
  image.pixels.resize(size_t(image.width) * image.height * image.channels);
  if (!file.read(reinterpret_cast<char *>(image.pixels.data()), image.pixels.size()))
    throw std::runtime_error(path + " ends too early");
  return image;
}

/// One channel, weighed as the eye does.
Image toGray(const Image &image) {
  if (image.channels == 1)
    return image;
  Image gray{image.width, image.height, 1, {}};
  for (size_t i = 0; i < image.pixels.size(); i += 3) {
    const uint8_t *rgb = &image.pixels[i];
    gray.pixels.push_back(uint8_t(std::lround(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2])));
  }
  return gray;
}

/// Mean of the pixels that each new one covers, as INTER_AREA; floats in the order [channel][y][x],
/// times `scale`.
std::vector<float> toBlob(const Image &image, int side, float scale) {
  std::vector<float> blob;
  for (int c = 0; c < image.channels; c++)
    for (int y = 0; y < side; y++)
      for (int x = 0; x < side; x++) {
        int top = y * image.height / side, left = x * image.width / side;
        int bottom = std::max(top + 1, (y + 1) * image.height / side);
        int right = std::max(left + 1, (x + 1) * image.width / side);
        float sum = 0;
        for (int v = top; v < bottom; v++)
          for (int u = left; u < right; u++)
            sum += image.at(v, u, c);
        blob.push_back(sum * scale / float((bottom - top) * (right - left)));
      }
  return blob;
}

} // namespace

int main(int argc, char **argv) {
  try {
    std::vector<float> blobs;
    for (int i = 1; i < argc; i++) {
      std::vector<float> blob = toBlob(toGray(readImage(argv[i])), kSide, 1 / 255.0f);
      blobs.insert(blobs.end(), blob.begin(), blob.end());
    }
    cameo::Context context(digits(), cameo::Options().threads(1));
    cameo::Outputs outputs =
        context.run({{"image", cameo::tensor(blobs, {argc - 1, 1, kSide, kSide})}});
    cameo::Span<const float> logits = outputs["logits"].data<float>();
    size_t classes = size_t(outputs["logits"].dims()[1]);
    for (size_t i = 0; i < logits.size(); i += classes) {
      const float *row = &logits[i];
      std::printf("this is a %td\n", std::max_element(row, row + classes) - row);
    }
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
