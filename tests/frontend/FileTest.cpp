// Files that are no models: truncated, garbled, too deep, too many parts.
#include "Models.h"

#include "frontend/ModelFile.h"

#include <sys/stat.h>

namespace cameo::test {
namespace {

/// A field of a message: tag, length, contents.
std::string field(int number, const std::string &contents) {
  std::string bytes(1, static_cast<char>(number << 3 | 2));
  for (size_t length = contents.size();; length >>= 7) {
    bytes += static_cast<char>(length >= 0x80 ? length | 0x80 : length);
    if (length < 0x80)
      return bytes + contents;
  }
}

Model sample() {
  Model model(17);
  model.graph.input("x", {"2", "2"}).output("y");
  model.graph.tensor("w", 1, {2, 2}).set_raw_data(std::string(16, '\1'));
  model.graph.node("Add", {"x", "w"}, {"y"});
  return model;
}

TEST(File, EveryTruncationIsAnError) {
  std::string bytes = sample().proto.SerializeAsString();
  TempFolder folder;
  for (size_t size = 0; size < bytes.size(); size++) {
    std::string head = bytes.substr(0, size);
    // Only what the model needs at its end may be cut: the opset import comes last.
    Result<std::unique_ptr<Module>> module = importModel(folder.write("m.onnx", head));
    EXPECT_FALSE(module) << size;
  }
}

TEST(File, EveryFlippedBitIsHarmless) {
  std::string bytes = sample().proto.SerializeAsString();
  TempFolder folder;
  for (size_t bit = 0; bit < bytes.size() * 8; bit++) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    Result<std::unique_ptr<Module>> module = importModel(folder.write("m.onnx", flipped));
    if (!module) {
      EXPECT_EQ(module.error().message.find('\n'), std::string::npos);
    }
  }
}

TEST(File, OtherFilesAreNamed) {
  struct Case {
    const char *name, *kind;
    std::string bytes;
  };
  const std::vector<Case> cases = {
      {"net.onnx", "a compiled library", std::string("\x7f") + "ELF\2\1\1" + std::string(60, '\0')},
      {"net.onnx", "a WebAssembly module", std::string("\0asm\1\0\0\0", 8)},
      {"net.onnx", "a PyTorch checkpoint", "PK\3\4" + std::string(26, '\0') + "best/data.pkl"},
      {"net.pt2", "'cameo export'", "PK\3\4" + std::string(26, '\0') + "net/version"},
      {"net.pth", "a PyTorch checkpoint", "\x80\2\x8a\nl"},
      {"net.zip", "a zip archive", "PK\3\4" + std::string(26, '\0') + "net.onnx"},
      {"net.tflite", "a TensorFlow Lite model", std::string("\x1c\0\0\0TFL3\0\0", 10)},
      {"net.safetensors", "a safetensors file", std::string("\x40\0\0\0\0\0\0\0{\"w\":", 13)},
      {"net.onnx", "a text file", "<!DOCTYPE html>\n<html>Not found</html>\n"},
  };
  TempFolder folder;
  for (const Case &entry : cases) {
    Result<std::unique_ptr<Module>> module = importModel(folder.write(entry.name, entry.bytes));
    ASSERT_FALSE(module) << entry.kind;
    EXPECT_NE(module.error().message.find(entry.kind), std::string::npos) << module.error().message;
  }
}

TEST(File, ReducedModelHasNoWeights) {
  std::string bytes = sample().proto.SerializeAsString();
  Result<std::string> reduced = reduceModel(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(reduced);
  onnx::ModelProto model;
  ASSERT_TRUE(model.ParseFromString(*reduced));
  const onnx::TensorProto &w = model.graph().initializer(0);
  EXPECT_FALSE(w.has_raw_data());
  EXPECT_EQ(w.raw_length(), 16u);
  EXPECT_EQ(bytes.substr(w.raw_offset(), 16), std::string(16, '\1'));
}

TEST(File, PlacesInTheFileCannotBeForged) {
  Model model = sample();
  onnx::TensorProto &w = *model.graph.proto->mutable_initializer(0);
  w.clear_raw_data();
  w.set_raw_offset(0);
  w.set_raw_length(16);
  EXPECT_EQ(model.error(), "tensor 'w': shape [2,2] needs 4 elements, got 0");
}

TEST(File, Depth) {
  std::string graph;
  for (int i = 0; i < 1000; i++)
    graph = field(1, field(5, field(6, graph)));
  TempFolder folder;
  Result<std::unique_ptr<Module>> module =
      importModel(folder.write("m.onnx", "\x08\x08" + field(7, graph)));
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().message, "the model nests deeper than 100 levels");
}

TEST(File, NumberOfParts) {
  std::string nodes;
  for (int i = 0; i < 3'000'000; i++)
    nodes += std::string("\x0a\0", 2);
  TempFolder folder;
  Result<std::unique_ptr<Module>> module =
      importModel(folder.write("m.onnx", "\x08\x08" + field(7, nodes)));
  ASSERT_FALSE(module);
  EXPECT_NE(module.error().message.find("has too many nodes"), std::string::npos);
}

TEST(File, WhatIsNoModel) {
  TempFolder folder;
  auto error = [&](const std::filesystem::path &path) {
    Result<std::unique_ptr<Module>> module = importModel(path);
    EXPECT_FALSE(module);
    return module ? "" : module.error().message;
  };
  EXPECT_NE(error(folder.write("empty.onnx", "")).find("is empty"), std::string::npos);
  EXPECT_NE(error(folder.write("text.onnx", "hello, world")).find("not an ONNX model"),
            std::string::npos);
  EXPECT_NE(error(folder.path / "gone.onnx").find("cannot open"), std::string::npos);
  EXPECT_NE(error(folder.path).find("is not a regular file"), std::string::npos);
  ASSERT_EQ(mkfifo((folder.path / "pipe").c_str(), 0600), 0);
  EXPECT_NE(error(folder.path / "pipe").find("is not a regular file"), std::string::npos);
}

} // namespace
} // namespace cameo::test
