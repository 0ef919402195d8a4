// C kernels on tensors without elements whose other dims are enormous: products of such dims do not
// fit, and nothing may be walked, reserved or written for them. A call ends at once, with a result
// or a fault.
#include "KernelModel.h"

#include <chrono>
#include <gtest/gtest.h>

extern "C" {
int32_t cameo_kernel_identity(cameo_call *call);
int32_t cameo_kernel_sequence_construct(cameo_call *call);
int32_t cameo_kernel_concat_from_sequence(cameo_call *call);
int32_t cameo_kernel_split_to_sequence(cameo_call *call);
int32_t cameo_kernel_non_zero(cameo_call *call);
int32_t cameo_kernel_compress(cameo_call *call);
int32_t cameo_kernel_unique(cameo_call *call);
int32_t cameo_kernel_reduce(cameo_call *call);
int32_t cameo_kernel_non_max_suppression(cameo_call *call);
int32_t cameo_kernel_string_concat(cameo_call *call);
int32_t cameo_kernel_string_split(cameo_call *call);
int32_t cameo_kernel_regex_full_match(cameo_call *call);
}

namespace cameo {
namespace {

using Dims = std::vector<int64_t>;

const Dims shapes[] = {{0},
                       {int64_t{1} << 61, 0},
                       {0, int64_t{1} << 61},
                       {int64_t{1} << 62, 0},
                       {INT64_MAX, 0},
                       {int64_t{1} << 40, 0, int64_t{1} << 40},
                       {0, int64_t{1} << 62, int64_t{1} << 62},
                       {int64_t{1} << 32, int64_t{1} << 32, 0},
                       {3, int64_t{1} << 62, 0},
                       {int64_t{1} << 62, 3, 0, 2}};

struct HostileKernelTest : testing::Test {
  Values v;
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();

  ~HostileKernelTest() override {
    std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    EXPECT_LT(taken.count(), 20);
  }

  /// A tensor of this shape, and the same of strings.
  std::vector<cameo_value> both(const Dims &dims) {
    return {v.floats(dims, {}), v.strings(dims, {})};
  }
  static int32_t dtypeOf(const cameo_value &x) {
    return x.kind == CAMEO_STRINGS ? CAMEO_STRING : CAMEO_FLOAT32;
  }
  /// Where an operator lists what is along an axis: numbers that some machine has memory for are
  /// left out.
  static bool isListed(int64_t size) { return size < 1000 || size >= int64_t{1} << 61; }
  static int32_t rankOf(const Dims &dims) { return static_cast<int32_t>(dims.size()); }
};

/// What is made has no elements, or it is said why it cannot be made.
void expectEmpty(const std::string &result) {
  bool made = result.find('[') != std::string::npos || result[0] == '(';
  bool refused = result.find("does not fit 64 bits") != std::string::npos ||
                 result.find("bytes of memory") != std::string::npos;
  EXPECT_TRUE(made || refused) << result;
}

TEST_F(HostileKernelTest, splitToSequence) {
  for (const Dims &dims : shapes)
    for (const cameo_value &x : both(dims))
      for (int64_t axis = 0; axis < rankOf(dims); axis++) {
        auto split = [&](const std::vector<cameo_value> &sizes) {
          KernelModel model(cameo_kernel_split_to_sequence);
          model.in(x);
          for (const cameo_value &size : sizes)
            model.in(size);
          model.attr("axis", axis);
          return model.out(dtypeOf(x), -1, CAMEO_SEQUENCE).run();
        };
        if (isListed(dims[axis]))
          expectEmpty(split({}));
        expectEmpty(split({v.ints({}, {INT64_MAX})}));
        expectEmpty(split({v.ints({2}, {dims[axis] / 2, dims[axis] - dims[axis] / 2})}));
      }
  KernelModel model(cameo_kernel_split_to_sequence);
  EXPECT_EQ(
      model.in(v.floats({int64_t{1} << 61, 0}, {})).out(CAMEO_FLOAT32, -1, CAMEO_SEQUENCE).run(),
      "node 'node': a tensor's size does not fit 64 bits");
}

TEST_F(HostileKernelTest, concatFromSequence) {
  for (const Dims &dims : shapes)
    for (const cameo_value &x : both(dims))
      for (int64_t stack : {0, 1})
        for (int64_t axis = 0; axis < rankOf(dims) + stack; axis++) {
          KernelModel model(cameo_kernel_concat_from_sequence);
          model.in(v.sequence({x, x}), dtypeOf(x)).attr("axis", axis).attr("new_axis", stack);
          expectEmpty(
              model.out(dtypeOf(x), rankOf(dims) + static_cast<int32_t>(stack), x.kind).run());
        }
}

TEST_F(HostileKernelTest, picks) {
  for (const Dims &dims : shapes)
    for (const cameo_value &x : both(dims)) {
      expectEmpty(KernelModel(cameo_kernel_non_zero).in(x).out(CAMEO_INT64, 2).run());
      for (int64_t axis = 0; axis < rankOf(dims); axis++) {
        expectEmpty(KernelModel(cameo_kernel_compress)
                        .in(x)
                        .in(v.bools({1, 0, 1}))
                        .attr("axis", std::vector<int64_t>{axis})
                        .out(dtypeOf(x), rankOf(dims), x.kind)
                        .run());
        if (!isListed(dims[axis]))
          continue;
        expectEmpty(KernelModel(cameo_kernel_unique)
                        .in(x)
                        .attr("axis", std::vector<int64_t>{axis})
                        .out(dtypeOf(x), rankOf(dims), x.kind)
                        .out(CAMEO_INT64, 1)
                        .out(CAMEO_INT64, 1)
                        .out(CAMEO_INT64, 1)
                        .run());
      }
      expectEmpty(KernelModel(cameo_kernel_unique)
                      .in(x)
                      .out(dtypeOf(x), 1, x.kind)
                      .noOut()
                      .noOut()
                      .noOut()
                      .run());
    }
}

TEST_F(HostileKernelTest, reductions) {
  for (const Dims &dims : shapes)
    for (const char *kind : {"sum", "max", "log_sum_exp"})
      for (int64_t axis = 0; axis < rankOf(dims); axis++)
        expectEmpty(KernelModel(cameo_kernel_reduce)
                        .in(v.floats(dims, {}))
                        .in(v.ints({1}, {axis}))
                        .attr("kind", kind)
                        .out(CAMEO_FLOAT32, rankOf(dims))
                        .run());
}

TEST_F(HostileKernelTest, strings) {
  for (const Dims &dims : shapes) {
    cameo_value x = v.strings(dims, {}), one = v.strings({1}, {"x"});
    expectEmpty(KernelModel(cameo_kernel_string_concat)
                    .in(x)
                    .in(one)
                    .out(CAMEO_STRING, rankOf(dims), CAMEO_STRINGS)
                    .run());
    expectEmpty(KernelModel(cameo_kernel_string_split)
                    .in(x)
                    .out(CAMEO_STRING, rankOf(dims) + 1, CAMEO_STRINGS)
                    .out(CAMEO_INT64, rankOf(dims))
                    .run());
    expectEmpty(KernelModel(cameo_kernel_regex_full_match)
                    .in(x)
                    .attr("code", std::vector<int64_t>{0})
                    .out(CAMEO_BOOL, rankOf(dims))
                    .run());
  }
}

TEST_F(HostileKernelTest, boxesWithoutNumber) {
  const int64_t many = int64_t{1} << 62;
  auto suppress = [&](int64_t batches, int64_t classes, int64_t boxes) {
    return KernelModel(cameo_kernel_non_max_suppression)
        .in(v.floats({batches, boxes, 4}, {}))
        .in(v.floats({batches, classes, boxes}, {}))
        .in(v.ints({}, {10}))
        .out(CAMEO_INT64, 2)
        .run();
  };
  EXPECT_EQ(suppress(many, many, 0), "i64[0,3]");
  EXPECT_EQ(suppress(many, 0, 0), "i64[0,3]");
  EXPECT_EQ(suppress(0, many, 0), "i64[0,3]");
  expectEmpty(suppress(0, 0, many));
}

TEST_F(HostileKernelTest, valuesThatAreCopied) {
  for (const Dims &dims : shapes)
    for (const cameo_value &x : both(dims)) {
      expectEmpty(
          KernelModel(cameo_kernel_identity).in(x).out(dtypeOf(x), rankOf(dims), x.kind).run());
      expectEmpty(KernelModel(cameo_kernel_sequence_construct)
                      .in(x)
                      .in(x)
                      .out(dtypeOf(x), -1, CAMEO_SEQUENCE)
                      .run());
    }
}

} // namespace
} // namespace cameo
