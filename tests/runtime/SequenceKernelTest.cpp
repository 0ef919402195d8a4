// Sequences and optionals, in calls and as inputs and outputs of a model.
#include "KernelModel.h"

#include <gtest/gtest.h>

#include <cmath>

extern "C" {
int32_t cameo_kernel_identity(cameo_call *call);
int32_t cameo_kernel_optional(cameo_call *call);
int32_t cameo_kernel_optional_has_element(cameo_call *call);
int32_t cameo_kernel_optional_get_element(cameo_call *call);
int32_t cameo_kernel_sequence_empty(cameo_call *call);
int32_t cameo_kernel_sequence_construct(cameo_call *call);
int32_t cameo_kernel_sequence_at(cameo_call *call);
int32_t cameo_kernel_sequence_insert(cameo_call *call);
int32_t cameo_kernel_sequence_erase(cameo_call *call);
int32_t cameo_kernel_sequence_length(cameo_call *call);
int32_t cameo_kernel_concat_from_sequence(cameo_call *call);
int32_t cameo_kernel_split_to_sequence(cameo_call *call);
}

namespace cameo {
namespace {

struct SequenceKernelTest : testing::Test {
  Values v;
  cameo_value a = v.floats({2}, {1, 2}), b = v.floats({1, 1}, {3}), c = v.floats({}, {4});
  cameo_value abc = v.sequence({a, b, c}), words = v.strings({2}, {"x", "yz"}, false);

  std::string insert(const std::vector<int64_t> &position) {
    KernelModel model(cameo_kernel_sequence_insert);
    model.in(abc).in(v.floats({1}, {9}));
    if (!position.empty())
      model.in(v.ints({}, position));
    return model.out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE).run();
  }
  std::string erase(const std::vector<int64_t> &position) {
    KernelModel model(cameo_kernel_sequence_erase);
    model.in(abc);
    if (!position.empty())
      model.in(v.tensor<int32_t>({1}, {static_cast<int32_t>(position[0])}, CAMEO_INT32));
    return model.out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE).run();
  }
  std::string at(int64_t position, int32_t rank) {
    KernelModel model(cameo_kernel_sequence_at);
    return model.in(abc).in(v.ints({}, {position})).out(CAMEO_FLOAT32, rank).run();
  }
  std::string identity(const cameo_value &value, int32_t dtype) {
    int32_t rank = value.kind == CAMEO_TENSOR    ? value.as.tensor.rank
                   : value.kind == CAMEO_STRINGS ? value.as.strings.rank
                                                 : -1;
    return KernelModel(cameo_kernel_identity).in(value, dtype).out(dtype, rank, value.kind).run();
  }
};

TEST_F(SequenceKernelTest, identity) {
  for (const cameo_value &value : {a, b, c, abc, v.sequence({}), v.some(abc), v.some(a), v.none()})
    EXPECT_EQ(identity(value, CAMEO_FLOAT32), show(value));
  EXPECT_EQ(identity(words, CAMEO_STRING), "str[2] \"x\" \"yz\"");
  EXPECT_EQ(identity(v.sequence({words, words}), CAMEO_STRING),
            "(str[2] \"x\" \"yz\"; str[2] \"x\" \"yz\")");
  EXPECT_EQ(identity(v.strings({0, 3}, {}), CAMEO_STRING), "str[0,3]");
  EXPECT_EQ(identity(v.strings({1}, {std::string("a\0b", 3)}), CAMEO_STRING),
            std::string("str[1] \"a\0b\"", 12));
}

TEST_F(SequenceKernelTest, changes) {
  EXPECT_EQ(insert({}), "(f32[2] 1 2; f32[1,1] 3; f32[] 4; f32[1] 9)");
  EXPECT_EQ(insert({0}), "(f32[1] 9; f32[2] 1 2; f32[1,1] 3; f32[] 4)");
  EXPECT_EQ(insert({-1}), "(f32[2] 1 2; f32[1,1] 3; f32[1] 9; f32[] 4)");
  EXPECT_EQ(insert({3}), insert({}));
  EXPECT_EQ(insert({4}), "node 'node': position 4 is outside a sequence of length 3");
  EXPECT_EQ(insert({-4}), "node 'node': position -4 is outside a sequence of length 3");
  EXPECT_EQ(insert({INT64_MIN}), "node 'node': position ? is outside a sequence of length 3");
  EXPECT_EQ(erase({}), "(f32[2] 1 2; f32[1,1] 3)");
  EXPECT_EQ(erase({-3}), "(f32[1,1] 3; f32[] 4)");
  EXPECT_EQ(erase({3}), "node 'node': position 3 is outside a sequence of length 3");
  EXPECT_EQ(at(0, 1), "f32[2] 1 2");
  EXPECT_EQ(at(-1, 0), "f32[] 4");
  EXPECT_EQ(at(3, 0), "node 'node': position 3 is outside a sequence of length 3");
  EXPECT_EQ(at(0, 2), "node 'node': expected rank 2, got 1");
  abc = v.sequence({});
  EXPECT_EQ(insert({}), "(f32[1] 9)");
  EXPECT_EQ(erase({}), "node 'node': position -1 is outside a sequence of length 0");
  EXPECT_EQ(at(0, 1), "node 'node': position 0 is outside a sequence of length 0");
}

TEST_F(SequenceKernelTest, constructAndLength) {
  KernelModel construct(cameo_kernel_sequence_construct);
  construct.in(a).in(c).in(a).out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE);
  EXPECT_EQ(construct.run(), "(f32[2] 1 2; f32[] 4; f32[2] 1 2)");
  KernelModel empty(cameo_kernel_sequence_empty);
  EXPECT_EQ(empty.out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE).run(), "()");
  KernelModel length(cameo_kernel_sequence_length);
  EXPECT_EQ(length.in(abc).out(CAMEO_INT64, 0).run(), "i64[] 3");
}

TEST_F(SequenceKernelTest, optionals) {
  auto has = [&](const cameo_value &value) {
    return KernelModel(cameo_kernel_optional_has_element).in(value).out(CAMEO_BOOL, 0).run();
  };
  EXPECT_EQ(has(v.some(a)), "bool[] 1");
  EXPECT_EQ(has(v.none()), "bool[] 0");
  EXPECT_EQ(has(a), "bool[] 1");
  EXPECT_EQ(KernelModel(cameo_kernel_optional_has_element).out(CAMEO_BOOL, 0).run(), "bool[] 0");
  auto get = [&](const cameo_value &value, int32_t rank, int32_t kind) {
    KernelModel model(cameo_kernel_optional_get_element);
    return model.in(value).out(CAMEO_FLOAT32, rank, kind).run();
  };
  EXPECT_EQ(get(v.some(a), 1, CAMEO_TENSOR), "f32[2] 1 2");
  EXPECT_EQ(get(v.some(abc), -1, CAMEO_SEQUENCE), show(abc));
  EXPECT_EQ(get(a, 1, CAMEO_TENSOR), "f32[2] 1 2");
  EXPECT_EQ(get(v.none(), 1, CAMEO_TENSOR), "node 'node': the optional is empty");
  EXPECT_EQ(get(v.some(abc), 1, CAMEO_TENSOR),
            "node 'node': the operator makes a value of another kind than the model says");
  auto wrap = [&](const cameo_value &value) {
    KernelModel model(cameo_kernel_optional);
    return model.in(value).out(CAMEO_FLOAT32, -1, CAMEO_OPTIONAL).run();
  };
  EXPECT_EQ(wrap(a), "some(f32[2] 1 2)");
  EXPECT_EQ(wrap(abc), "some(" + show(abc) + ")");
  KernelModel none(cameo_kernel_optional);
  EXPECT_EQ(none.absent().out(CAMEO_FLOAT32, -1, CAMEO_OPTIONAL).run(), "none");
}

TEST_F(SequenceKernelTest, splitToSequence) {
  auto x = v.floats({3, 2}, {1, 2, 3, 4, 5, 6});
  auto split = [&](int64_t axis, int64_t keep, const std::vector<cameo_value> &sizes) {
    KernelModel model(cameo_kernel_split_to_sequence);
    model.in(x);
    for (const cameo_value &value : sizes)
      model.in(value);
    model.attr("axis", axis).attr("keepdims", keep);
    return model.out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE).run();
  };
  EXPECT_EQ(split(0, 1, {}), "(f32[1,2] 1 2; f32[1,2] 3 4; f32[1,2] 5 6)");
  EXPECT_EQ(split(-1, 0, {}), "(f32[3] 1 3 5; f32[3] 2 4 6)");
  EXPECT_EQ(split(0, 0, {v.ints({}, {2})}), "(f32[2,2] 1 2 3 4; f32[1,2] 5 6)");
  EXPECT_EQ(split(0, 1, {v.ints({3}, {1, 0, 2})}), "(f32[1,2] 1 2; f32[0,2]; f32[2,2] 3 4 5 6)");
  EXPECT_EQ(split(0, 1, {v.ints({2}, {1, 1})}), "node 'node': the parts add up to 2, expected 3");
  EXPECT_EQ(split(0, 1, {v.ints({2}, {2, 2})}), "node 'node': the parts add up to ?, expected 3");
  EXPECT_EQ(split(0, 1, {v.ints({2}, {4, -1})}), "node 'node': the parts add up to ?, expected 3");
  EXPECT_EQ(split(0, 1, {v.ints({}, {0})}),
            "node 'node': value 0 is not allowed here, the limit is 1");
  EXPECT_EQ(split(2, 1, {}), "node 'node': axis 2 is out of range for rank 2");
  x = v.floats({0, 2}, {});
  EXPECT_EQ(split(0, 1, {}), "()");
  EXPECT_EQ(split(1, 1, {}), "(f32[0,1]; f32[0,1])");
  KernelModel texts(cameo_kernel_split_to_sequence);
  texts.in(v.strings({2, 2}, {"a", "b", "c", ""})).attr("axis", int64_t{1});
  EXPECT_EQ(texts.out(CAMEO_STRING, -1, CAMEO_SEQUENCE).run(),
            "(str[2,1] \"a\" \"c\"; str[2,1] \"b\" \"\")");
}

TEST_F(SequenceKernelTest, concatFromSequence) {
  auto x = v.floats({2, 1}, {1, 2}), y = v.floats({2, 2}, {3, 4, 5, 6});
  auto join = [&](const std::vector<cameo_value> &items, int64_t axis, int64_t stack,
                  int32_t rank) {
    KernelModel model(cameo_kernel_concat_from_sequence);
    model.in(v.sequence(items)).attr("axis", axis).attr("new_axis", stack);
    return model.out(CAMEO_FLOAT32, rank).run();
  };
  EXPECT_EQ(join({x, y}, 1, 0, 2), "f32[2,3] 1 3 4 2 5 6");
  EXPECT_EQ(join({x, y, x}, -1, 0, 2), "f32[2,4] 1 3 4 1 2 5 6 2");
  EXPECT_EQ(join({y, y}, 0, 0, 2), "f32[4,2] 3 4 5 6 3 4 5 6");
  EXPECT_EQ(join({y, y}, 1, 1, 3), "f32[2,2,2] 3 4 3 4 5 6 5 6");
  EXPECT_EQ(join({y, y}, -1, 1, 3), "f32[2,2,2] 3 3 4 4 5 5 6 6");
  EXPECT_EQ(join({c, c}, 0, 1, 1), "f32[2] 4 4");
  EXPECT_EQ(join({c, c}, 0, 0, 1), "node 'node': axis 0 is out of range for rank 0");
  EXPECT_EQ(join({x, y}, 0, 0, 2), "node 'node': dims 2 and 1 differ, expected the same");
  EXPECT_EQ(join({x, a}, 0, 0, 2), "node 'node': expected rank 2, got 1");
  EXPECT_EQ(join({}, 0, 0, 2), "node 'node': the sequence is empty");
  EXPECT_EQ(join({v.floats({0, 2}, {}), y}, 0, 0, 2), "f32[2,2] 3 4 5 6");
  KernelModel texts(cameo_kernel_concat_from_sequence);
  texts.in(v.sequence({words, words}), CAMEO_STRING).attr("axis", int64_t{1});
  texts.attr("new_axis", int64_t{1}).out(CAMEO_STRING, 2, CAMEO_STRINGS);
  EXPECT_EQ(texts.run(), "str[2,2] \"x\" \"x\" \"yz\" \"yz\"");
}

// What a caller may get wrong in a value is an error.
TEST_F(SequenceKernelTest, malformedInputs) {
  auto reject = [&](const cameo_value &declared, const cameo_value &given, int32_t dtype) {
    KernelModel model(cameo_kernel_identity);
    model.in(declared, dtype).out(dtype, declared.kind == CAMEO_STRINGS ? 1 : -1, declared.kind);
    model.inputs[0] = given;
    return model.run();
  };
  auto sequence = [&](const cameo_value &item) {
    return reject(abc, v.sequence({a, item}), CAMEO_FLOAT32);
  };
  EXPECT_EQ(sequence(v.ints({1}, {1})), "input 'x': item 1: expected float32, got int64");
  EXPECT_EQ(sequence(words), "input 'x': item 1: expected float32, got strings");
  EXPECT_EQ(sequence(abc), "input 'x': item 1: expected a tensor");
  EXPECT_EQ(sequence(v.none()), "input 'x': item 1: expected a tensor");
  cameo_value bad = a;
  bad.as.tensor.data = nullptr;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: no data given");
  bad = a;
  bad.as.tensor.dims = nullptr;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: no dims given");
  bad = a;
  bad.as.tensor.rank = 1 << 30;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: expected a rank of at most 64, got 1073741824");
  bad.as.tensor.rank = -1;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: expected a rank of at most 64, got -1");
  bad = a;
  bad.as.tensor.capacity = 7;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: has 7 bytes, its dims need 8");
  bad = a;
  bad.as.tensor.data = static_cast<char *>(a.as.tensor.data) + 1;
  EXPECT_EQ(sequence(bad), "input 'x': item 1: the data is not aligned to its elements");
  EXPECT_EQ(sequence(v.floats({-1}, {})), "input 'x': item 1: dim 0 is -1");
  int64_t half = int64_t{1} << 40;
  EXPECT_EQ(sequence(v.floats({half, half}, {})), "input 'x': item 1: the size overflows");
  bad = abc;
  bad.as.sequence.count = -1;
  EXPECT_EQ(reject(abc, bad, CAMEO_FLOAT32), "input 'x': the number of items is -1");
  bad.as.sequence = {nullptr, 1};
  EXPECT_EQ(reject(abc, bad, CAMEO_FLOAT32), "input 'x': no items given");
  EXPECT_EQ(reject(abc, a, CAMEO_FLOAT32), "input 'x': expected a sequence");
  EXPECT_EQ(reject(v.none(), v.some(v.none()), CAMEO_FLOAT32), "input 'x': expected a tensor");
  bad.kind = CAMEO_MAP;
  EXPECT_EQ(reject(v.none(), v.some(bad), CAMEO_FLOAT32), "input 'x': expected a tensor");
  bad = words;
  bad.as.strings.data = nullptr;
  EXPECT_EQ(reject(words, bad, CAMEO_STRING), "input 'x': no data given");
  EXPECT_EQ(reject(words, v.strings({1, 2}, {"a", "b"}), CAMEO_STRING),
            "input 'x': expected rank 1, got 2");
  const char *pointers[] = {"a", nullptr};
  bad = words;
  bad.as.strings.data = pointers;
  EXPECT_EQ(reject(words, bad, CAMEO_STRING), "input 'x': string 1 is not given");
  int64_t lengths[] = {1, -1};
  bad = words;
  bad.as.strings.lengths = lengths;
  EXPECT_EQ(reject(words, bad, CAMEO_STRING), "input 'x': string 1 has a negative length");
  EXPECT_EQ(reject(words, words, CAMEO_STRING), "str[2] \"x\" \"yz\"");
}

// Outputs that are no tensors stay during the next run and may be its inputs.
TEST_F(SequenceKernelTest, outputsAsInputs) {
  KernelModel model(cameo_kernel_sequence_insert);
  model.in(abc).in(c).out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE);
  cameo_context *context = model.context();
  cameo_value out = {};
  out.kind = CAMEO_TENSOR;
  EXPECT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_WRONG_KIND);
  out.kind = CAMEO_SEQUENCE;
  for (int i = 0; i < 20; i++) {
    ASSERT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_OK);
    model.inputs[0] = out;
  }
  EXPECT_EQ(out.as.sequence.count, 23);
  EXPECT_EQ(show(out.as.sequence.items[0]), show(a));
  EXPECT_EQ(show(out.as.sequence.items[22]), show(c));
  // What is in it is shared, what was there is not.
  EXPECT_NE(out.as.sequence.items[0].as.tensor.data, a.as.tensor.data);
  cameo_destroy(context);
}

// A failed run leaves nothing behind that the next one would trip over.
TEST_F(SequenceKernelTest, runsAfterFaults) {
  KernelModel model(cameo_kernel_sequence_at);
  auto position = v.ints({}, {7});
  model.in(abc).in(position).out(CAMEO_FLOAT32, 1);
  cameo_context *context = model.context();
  cameo_value out = {};
  auto *index = static_cast<int64_t *>(position.as.tensor.data);
  for (int i = 0; i < 3; i++) {
    *index = 7;
    EXPECT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_RUN_FAILED);
    *index = 0;
    ASSERT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_OK);
    EXPECT_EQ(show(out), show(a));
  }
  // Buffers of the caller: too small, then large enough.
  float room[4] = {};
  out.as.tensor.data = room;
  out.as.tensor.capacity = 4;
  EXPECT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_TOO_SMALL);
  EXPECT_EQ(out.as.tensor.dims[0], 2);
  out.as.tensor.capacity = 8;
  EXPECT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_OK);
  EXPECT_EQ(room[1], 2);
  out.as.tensor.data = a.as.tensor.data; // overlaps no input that is a tensor, but is read before
  EXPECT_EQ(cameo_run(context, model.inputs.data(), &out), CAMEO_OK);
  cameo_destroy(context);
}

} // namespace
} // namespace cameo
