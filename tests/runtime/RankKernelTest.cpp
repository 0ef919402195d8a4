// Tensors of a rank that only the run knows: kernels, inputs and outputs.
#include "KernelModel.h"

#include <gtest/gtest.h>

extern "C" {
int32_t cameo_kernel_identity(cameo_call *call);
int32_t cameo_kernel_rank(cameo_call *call);
int32_t cameo_kernel_expect(cameo_call *call);
int32_t cameo_kernel_squeeze(cameo_call *call);
}

namespace cameo {
namespace {

struct RankKernelTest : testing::Test {
  Values v;
  cameo_value x = v.floats({1, 2}, {3, 4});

  /// Runs once with an output as given; the status, and what the output holds then.
  std::string into(KernelModel &model, cameo_value output) {
    cameo_context *context = model.context();
    int32_t status = cameo_run(context, model.inputs.data(), &output);
    std::string text = status ? std::string(cameo_last_error(context)) : show(output);
    cameo_destroy(context);
    return text;
  }
};

TEST_F(RankKernelTest, rank) {
  auto rank = [](const cameo_value &x) {
    return KernelModel(cameo_kernel_rank).inOfAnyRank(x).out(CAMEO_INT64, 0).run();
  };
  EXPECT_EQ(rank(x), "i64[] 2");
  EXPECT_EQ(rank(v.floats({}, {3})), "i64[] 0");
  EXPECT_EQ(rank(v.strings({1, 0, 1}, {})), "i64[] 3");
  EXPECT_EQ(rank(v.floats(std::vector<int64_t>(64, 1), {3})), "i64[] 64");
  EXPECT_EQ(rank(v.floats(std::vector<int64_t>(65, 1), {3})),
            "input 'x': expected a rank of at most 64, got 65");
}

TEST_F(RankKernelTest, expect) {
  auto expect = [](const cameo_value &x, const std::vector<int64_t> &shape, int32_t rank) {
    KernelModel model(cameo_kernel_expect);
    model.inOfAnyRank(x).attr("shape", shape).attr("expected", "two dims");
    bool strings = x.kind == CAMEO_STRINGS;
    return model.out(strings ? CAMEO_STRING : CAMEO_FLOAT32, rank, x.kind).run();
  };
  EXPECT_EQ(expect(x, {-1, -1}, 2), "f32[1,2] 3 4");
  EXPECT_EQ(expect(x, {-1}, 1), "node 'node': expected two dims, got rank 2");
  EXPECT_EQ(expect(v.floats({}, {1}), {-1, -1}, 2), "node 'node': expected two dims, got rank 0");
  EXPECT_EQ(expect(v.strings({1}, {"a"}), {-1}, 1), "str[1] \"a\"");
}

TEST_F(RankKernelTest, squeeze) {
  auto squeeze = [](const cameo_value &x) {
    bool strings = x.kind == CAMEO_STRINGS;
    KernelModel model(cameo_kernel_squeeze);
    return model.inOfAnyRank(x).out(strings ? CAMEO_STRING : CAMEO_FLOAT32, -1, x.kind).run();
  };
  EXPECT_EQ(squeeze(x), "f32[2] 3 4");
  EXPECT_EQ(squeeze(v.floats({1, 1}, {5})), "f32[] 5");
  EXPECT_EQ(squeeze(v.floats({2, 1, 0}, {})), "f32[2,0]");
  EXPECT_EQ(squeeze(v.strings({2, 1}, {"a", "b"})), "str[2] \"a\" \"b\"");
}

TEST_F(RankKernelTest, inputs) {
  auto pass = [](const cameo_value &x) {
    return KernelModel(cameo_kernel_identity).inOfAnyRank(x).out(CAMEO_FLOAT32, -1).run();
  };
  EXPECT_EQ(pass(x), "f32[1,2] 3 4");
  cameo_value wrong = x;
  wrong.as.tensor.rank = -1;
  EXPECT_EQ(pass(wrong), "input 'x': expected a rank of at most 64, got -1");
  wrong = x;
  wrong.as.tensor.dims = nullptr;
  EXPECT_EQ(pass(wrong), "input 'x': no dims given");
  wrong = x;
  wrong.as.tensor.capacity = 4;
  EXPECT_EQ(pass(wrong), "input 'x': has 4 bytes, its dims need 8");
  wrong = x;
  wrong.as.tensor.data = nullptr;
  EXPECT_EQ(pass(wrong), "input 'x': no data given");
  EXPECT_EQ(pass(v.floats({INT64_MAX, 2}, {})), "input 'x': the size overflows");
}

TEST_F(RankKernelTest, outputsOfTheCaller) {
  KernelModel model(cameo_kernel_identity);
  model.inOfAnyRank(x).out(CAMEO_FLOAT32, -1);
  int64_t dims[3] = {7, 7, 7};
  float data[2] = {0, 0};
  cameo_value output = {};
  output.as.tensor.dims = dims;
  output.as.tensor.rank = 3;
  EXPECT_EQ(into(model, output), "f32[1,2] 3 4");
  EXPECT_EQ(dims[2], 7);
  output.as.tensor.rank = 1;
  EXPECT_EQ(into(model, output), "output 'y': the rank is 2, dims has less room");
  output.as.tensor.rank = 2;
  output.as.tensor.data = data;
  output.as.tensor.capacity = 8;
  EXPECT_EQ(into(model, output), "f32[1,2] 3 4");
  EXPECT_EQ(data[1], 4);
  output.as.tensor.capacity = 4;
  EXPECT_EQ(into(model, output), "output 'y': has room for 4 bytes, expected 8");
}

TEST_F(RankKernelTest, outputsThatGoThroughAgain) {
  KernelModel model(cameo_kernel_identity);
  model.inOfAnyRank(x).out(CAMEO_FLOAT32, -1);
  cameo_context *context = model.context();
  cameo_value output = {};
  cameo_value inputs[] = {x, v.floats({2, 1, 2}, {1, 2, 3, 4}), v.floats({}, {5}), x};
  const char *expected[] = {"f32[1,2] 3 4", "f32[2,1,2] 1 2 3 4", "f32[] 5", "f32[1,2] 3 4"};
  for (size_t i = 0; i < 4; i++) {
    ASSERT_EQ(cameo_run(context, &inputs[i], &output), CAMEO_OK) << cameo_last_error(context);
    EXPECT_EQ(show(output), expected[i]);
  }
  // Memory of the run before is no input of the next one.
  cameo_value before = output;
  EXPECT_EQ(cameo_run(context, &before, &output), CAMEO_INVALID_ARGUMENT);
  cameo_destroy(context);
}

} // namespace
} // namespace cameo
