// Tensor data in all its forms, and where it may come from.
#include "Models.h"

#include "ir/Attr.h"

#include <unistd.h>

namespace cameo::test {
namespace {

/// y = Identity(w) with an initialiser w.
struct Weights : Model {
  Weights(int type, const std::vector<int64_t> &dims) : Model(17) {
    graph.output("y");
    graph.node("Identity", {"w"}, {"y"});
    w = &graph.tensor("w", type, dims);
  }
  onnx::TensorProto *w;

  ConstRef data() const {
    std::unique_ptr<Module> module = ok();
    return find(module->main().body, "Constant").attrs.getConst("value");
  }
};

void external(onnx::TensorProto &tensor, const std::string &key, const std::string &value) {
  tensor.set_data_location(1);
  onnx::StringStringEntryProto *entry = tensor.add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

std::string bytesOf(std::vector<float> values) {
  return {reinterpret_cast<const char *>(values.data()), values.size() * sizeof(float)};
}

/// y = DequantizeLinear(w, 1) with a 4-bit initialiser w of the elements -8, 7, 1, or 8, 7, 1.
struct FourBits : Model {
  explicit FourBits(int type) : Model(21) {
    graph.output("y");
    graph.tensor("scale", 1, {}).add_float_data(1);
    w = &graph.tensor("w", type, {3});
    w->set_raw_data("\x78\x01");
    graph.node("DequantizeLinear", {"w", "scale"}, {"y"});
  }
  onnx::TensorProto *w;

  std::vector<int64_t> values() const {
    std::unique_ptr<Module> module = ok();
    return contents(find(module->main().body, "DequantizeLinear").operand(0));
  }
};

TEST(Tensors, FourBitsAreReadForDequantization) {
  EXPECT_EQ(FourBits(22).values(), (std::vector<int64_t>{-8, 7, 1}));
  FourBits typed(21);
  typed.w->clear_raw_data();
  typed.w->add_int32_data(0x78);
  typed.w->add_int32_data(0x01);
  EXPECT_EQ(typed.values(), (std::vector<int64_t>{8, 7, 1}));
}

TEST(Tensors, FourBitsAreRefusedElsewhere) {
  // As a zero point of QuantizeLinear, they would say to which range it saturates.
  FourBits other(22);
  other.graph.node("QuantizeLinear", {"y", "scale", "w"}, {"z"});
  EXPECT_NE(other.error().find("element type int4 is not supported"), std::string::npos);
  FourBits output(22);
  output.graph.output("w");
  EXPECT_NE(output.error().find("element type int4 is not supported"), std::string::npos);
  FourBits damaged(22);
  damaged.w->set_raw_data("\x78");
  EXPECT_NE(damaged.error().find("needs 2 bytes, got 1"), std::string::npos);
}

TEST(Tensors, TypedFields) {
  Weights floats(1, {2});
  floats.w->add_float_data(1.5);
  floats.w->add_float_data(-2);
  EXPECT_EQ(constFloat(*floats.data(), 0), 1.5);
  Weights halves(10, {1});
  halves.w->add_int32_data(0x3e00);
  EXPECT_EQ(constFloat(*halves.data(), 0), 1.5);
  Weights bytes(3, {2});
  bytes.w->add_int32_data(-5);
  bytes.w->add_int32_data(7);
  EXPECT_EQ(constInts(*bytes.data()), (std::vector<int64_t>{-5, 7}));
  Weights wide(12, {1});
  wide.w->add_uint64_data(4000000000u);
  EXPECT_EQ(constInts(*wide.data()), std::vector<int64_t>{4000000000});
  Weights doubles(11, {1});
  doubles.w->add_double_data(0.1);
  EXPECT_EQ(constFloat(*doubles.data(), 0), 0.1);
  Weights strings(8, {2});
  strings.w->add_string_data("a");
  strings.w->add_string_data("b");
  EXPECT_EQ(strings.data()->strings, (std::vector<std::string>{"a", "b"}));
}

TEST(Tensors, RawDataIsNotCopied) {
  Weights model(1, {2});
  model.w->set_raw_data(bytesOf({1, 2}));
  ConstRef data = model.data(); // outlives the module
  EXPECT_EQ(constFloat(*data, 1), 2);
  EXPECT_EQ(data->name, "w");
}

TEST(Tensors, BoolsAreZeroOrOne) {
  Weights model(9, {3});
  model.w->set_raw_data(std::string("\0\1\7", 3));
  EXPECT_EQ(constInts(*model.data()), (std::vector<int64_t>{0, 1, 1}));
}

TEST(Tensors, WrongSizes) {
  Weights raw(1, {2, 2});
  raw.w->set_raw_data(bytesOf({1, 2}));
  EXPECT_EQ(raw.error(), "tensor 'w': shape [2,2] needs 16 bytes, got 8");
  Weights typed(1, {2, 2});
  typed.w->add_float_data(1);
  EXPECT_EQ(typed.error(), "tensor 'w': shape [2,2] needs 4 elements, got 1");
  EXPECT_EQ(Weights(1, {-2}).error(), "tensor 'w': shape [-2] has a negative dimension");
  EXPECT_EQ(Weights(1, {1 << 30, 1 << 30, 1 << 30}).error(),
            "tensor 'w': shape [1073741824,1073741824,1073741824] is too large");
  EXPECT_EQ(Weights(99, {1}).error(), "tensor 'w': there is no element type with number 99");
  EXPECT_EQ(Weights(17, {1}).error(), "tensor 'w': element type float8e4m3fn is not supported");
}

TEST(Tensors, ConstantNodes) {
  Model model(13);
  model.graph.output("y");
  onnx::NodeProto &node = model.graph.node("Constant", {}, {"y"});
  setInts(node, "value_ints", {4, 5});
  EXPECT_EQ(resultType(*model.ok()), "i64[2]");
  node.clear_attribute();
  setFloat(node, "value_float", 1);
  EXPECT_EQ(resultType(*model.ok()), "f32[]");
  node.clear_attribute();
  setFloats(node, "value_floats", {1});
  EXPECT_EQ(resultType(*model.ok()), "f32[1]");
  node.clear_attribute();
  setInt(node, "value_int", 1);
  EXPECT_EQ(resultType(*model.ok()), "i64[]");
  node.clear_attribute();
  setString(node, "value_string", "s");
  EXPECT_EQ(resultType(*model.ok()), "str[]");
  node.clear_attribute();
  setInt(node, "value_float", 1);
  EXPECT_EQ(model.error(), "node 'Constant_0' (Constant): attribute 'value_float' is not a value");
}

onnx::SparseTensorProto &addSparse(Model &model, const std::vector<int64_t> &indices,
                                   const std::vector<int64_t> &shapeOfIndices) {
  onnx::SparseTensorProto *sparse = model.graph.proto->add_sparse_initializer();
  sparse->mutable_values()->set_name("w");
  sparse->mutable_values()->set_data_type(1);
  sparse->mutable_values()->add_dims(2);
  sparse->mutable_values()->set_raw_data(bytesOf({5, 6}));
  sparse->mutable_indices()->set_data_type(7);
  sparse->mutable_indices()->mutable_dims()->Add(shapeOfIndices.begin(), shapeOfIndices.end());
  sparse->mutable_indices()->mutable_int64_data()->Add(indices.begin(), indices.end());
  sparse->add_dims(2);
  sparse->add_dims(3);
  return *sparse;
}

struct Sparse : Model {
  Sparse() : Model(17) {
    graph.output("y");
    graph.node("Identity", {"w"}, {"y"});
  }
  std::vector<int64_t> dense() const {
    std::unique_ptr<Module> module = ok();
    return contents(find(module->main().body, "Constant").result());
  }
};

TEST(Tensors, Sparse) {
  Sparse linear;
  addSparse(linear, {1, 5}, {2});
  EXPECT_EQ(linear.dense(), (std::vector<int64_t>{0, 5, 0, 0, 0, 6}));
  Sparse tuples;
  addSparse(tuples, {0, 2, 1, 0}, {2, 2});
  EXPECT_EQ(tuples.dense(), (std::vector<int64_t>{0, 0, 5, 6, 0, 0}));
  Sparse outside;
  addSparse(outside, {0, 2, 0, 3}, {2, 2});
  EXPECT_EQ(outside.error(), "sparse tensor 'w': index 1 is outside shape [2,3]");
  Sparse huge;
  addSparse(huge, {0, 1}, {2}).set_dims(0, int64_t{1} << 40);
  EXPECT_NE(huge.error().find("too large to be made dense"), std::string::npos);
}

class External : public testing::Test {
protected:
  External() : model(1, {2}) { folder.write("data.bin", "skip" + bytesOf({3, 4})); }

  Result<std::unique_ptr<Module>> import() {
    return importModel(folder.write("model.onnx", model.proto.SerializeAsString()));
  }
  std::string error() {
    Result<std::unique_ptr<Module>> module = import();
    EXPECT_FALSE(module);
    return module ? "" : module.error().message;
  }

  TempFolder folder;
  Weights model;
};

TEST_F(External, IsRead) {
  external(*model.w, "location", "data.bin");
  external(*model.w, "offset", "4");
  external(*model.w, "length", "8");
  Result<std::unique_ptr<Module>> module = import();
  ASSERT_TRUE(module) << module.error().message;
  EXPECT_EQ(contents(find((*module)->main().body, "Constant").result()),
            (std::vector<int64_t>{3, 4}));
}

TEST_F(External, StaysInTheFolder) {
  external(*model.w, "location", "../data.bin");
  EXPECT_EQ(error(), "tensor 'w': external data file '../data.bin' is outside the model's folder");
  model.w->mutable_external_data(0)->set_value((folder.path / "data.bin").string());
  EXPECT_NE(error().find("is outside the model's folder"), std::string::npos);
  model.w->mutable_external_data(0)->set_value("x/../../data.bin");
  EXPECT_NE(error().find("is outside the model's folder"), std::string::npos);
}

TEST_F(External, LinksAreRefused) {
  external(*model.w, "location", "link");
  ASSERT_EQ(symlink("data.bin", (folder.path / "link").c_str()), 0);
  EXPECT_NE(error().find("is a symbolic link"), std::string::npos);
  ASSERT_EQ(unlink((folder.path / "link").c_str()), 0);
  ASSERT_EQ(link((folder.path / "data.bin").c_str(), (folder.path / "link").c_str()), 0);
  EXPECT_NE(error().find("has further hard links"), std::string::npos);
}

TEST_F(External, WhatIsNoFile) {
  external(*model.w, "location", "gone.bin");
  EXPECT_NE(error().find("cannot open external data file 'gone.bin'"), std::string::npos);
  model.w->mutable_external_data(0)->set_value(".");
  EXPECT_NE(error().find("is not a regular file"), std::string::npos);
  model.w->clear_external_data();
  EXPECT_EQ(error(), "tensor 'w': external data has no location");
}

TEST_F(External, RangeIsChecked) {
  external(*model.w, "location", "data.bin");
  external(*model.w, "offset", "8");
  EXPECT_EQ(error(), "tensor 'w': external data: 8 bytes at offset 8 are past the end of its file "
                     "of 12 bytes");
  model.w->mutable_external_data(1)->set_value("18446744073709551615");
  EXPECT_NE(error().find("is not a byte count"), std::string::npos);
  model.w->mutable_external_data(1)->set_value("-4");
  EXPECT_NE(error().find("is not a byte count"), std::string::npos);
  model.w->mutable_external_data(1)->set_value("4");
  external(*model.w, "length", "4");
  EXPECT_EQ(error(), "tensor 'w': shape [2] needs 8 bytes, got 4");
}

} // namespace
} // namespace cameo::test
