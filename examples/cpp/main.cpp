// Reads handwritten digits with the compiled model of examples/digits, from C++.
//
//     build/bin/cameo compile examples/digits/digits.onnx
//     c++ -std=c++20 -I. -Iruntime/include examples/cpp/main.cpp digits.so -Wl,-rpath,'$ORIGIN'
//     ./a.out examples/digits/inputs.npy
//
// The file holds float32 images of 8x8 pixels; the program draws each of the first ones (ten, or as
// many as the second argument says) and prints what the model takes it for. The names of inputs,
// their dims and types are in digits.h and in the model object.
#include "digits.h"

#include <cameo.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int64_t kSide = 8, kPixels = kSide * kSide, kClasses = 10;

/// A context that is destroyed with its owner; failures become exceptions.
class Network {
public:
  explicit Network(const cameo_model *model) {
    std::array<char, 256> message{};
    cameo_options options = cameo_default_options();
    options.message = message.data();
    options.message_size = message.size();
    cameo_context *context = nullptr;
    if (cameo_create(model, &options, &context) != CAMEO_OK)
      throw std::runtime_error(message.data());
    context_.reset(context);
  }

  /// Scores of the ten digits for each image: `images` holds count*64 numbers.
  std::vector<float> run(std::span<float> images, int64_t count) {
    std::array<int64_t, 4> inputDims = {count, 1, kSide, kSide};
    std::array<int64_t, 2> outputDims = {};
    std::vector<float> scores(count * kClasses);
    cameo_value input{}, output{};
    input.as.tensor = {images.data(), inputDims.data(), 0, CAMEO_FLOAT32, 4};
    output.as.tensor = {scores.data(), outputDims.data(),
                        static_cast<int64_t>(scores.size() * sizeof(float)), CAMEO_FLOAT32, 2};
    if (cameo_run(context_.get(), &input, &output) != CAMEO_OK)
      throw std::runtime_error(cameo_last_error(context_.get()));
    return scores;
  }

private:
  struct Destroy {
    void operator()(cameo_context *context) const { cameo_destroy(context); }
  };
  std::unique_ptr<cameo_context, Destroy> context_;
};

/// The first `count` images of a .npy file; fewer when there are not so many.
std::vector<float> readImages(const std::string &path, int64_t count) {
  std::ifstream file(path, std::ios::binary);
  std::array<unsigned char, 10> head{};
  file.read(reinterpret_cast<char *>(head.data()), head.size());
  if (!file || head[0] != 0x93)
    throw std::runtime_error(path + " is not a .npy file");
  file.seekg(10 + head[8] + 256 * head[9]);
  std::vector<float> images(count * kPixels);
  file.read(reinterpret_cast<char *>(images.data()), images.size() * sizeof(float));
  images.resize(file.gcount() / sizeof(float) / kPixels * kPixels);
  return images;
}

void draw(std::span<const float> image) {
  constexpr std::string_view shades = " .:-=+*#%@";
  for (int64_t row = 0; row < kSide; row++) {
    for (float pixel : image.subspan(row * kSide, kSide)) {
      char shade = shades[std::clamp<int64_t>(static_cast<int64_t>(pixel * 9), 0, 9)];
      std::printf("%c%c", shade, shade);
    }
    std::printf("\n");
  }
}

} // namespace

int main(int argc, char **argv) {
  try {
    if (argc < 2)
      throw std::runtime_error("usage: a.out IMAGES.npy [COUNT]");
    int64_t wanted = argc > 2 ? std::atoll(argv[2]) : 10;
    std::vector<float> images = readImages(argv[1], std::clamp<int64_t>(wanted, 1, 1 << 20));
    int64_t count = images.size() / kPixels;
    std::vector<float> scores = Network(digits()).run(images, count);
    for (int64_t i = 0; i < count; i++) {
      draw(std::span(images).subspan(i * kPixels, kPixels));
      auto row = scores.begin() + i * kClasses;
      std::printf("this is a %td\n\n", std::max_element(row, row + kClasses) - row);
    }
    return 0;
  } catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
