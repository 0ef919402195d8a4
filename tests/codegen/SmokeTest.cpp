// A program end to end: emitted, linked, loaded, run with one and more threads.
#include "tests/codegen/Harness.h"

#include <numeric>

namespace cameo::test {
namespace {

// y = x * 2 + 1, one element at a time.
Program scaleProgram() {
  return rowProgram(
      {DType::F32}, {DType::F32},
      [](LoopBuilder &k, std::vector<Value *> pointers, Value *begin, Value *end) {
        k.region(OpKind::LoopFor, {begin, end, k.index(1)}, {Type::index()}, {}, [&](Block &body) {
          Type f32 = Type::scalar(DType::F32);
          Value *x = k.load(f32, pointers[0], body.arg(0));
          Value *two = k.op(OpKind::ScalarConst, {}, f32, attr("value", 2.0));
          Value *one = k.op(OpKind::ScalarConst, {}, f32, attr("value", 1.0));
          k.store(k.op(OpKind::ScalarMad, {x, two, one}, f32), pointers[1], body.arg(0));
          return std::vector<Value *>();
        });
      });
}

TEST(Smoke, RunsWithAnyNumberOfThreads) {
  std::vector<float> x(1001);
  std::iota(x.begin(), x.end(), -500.0f);
  Program program = scaleProgram();
  for (const char *cpu : {"x86-64-v1", "native", "armv8-a", "armv7-a", "rv64gc"})
    for (int threads = canRun(targetOf(cpu)) ? 1 : 5; threads <= 4; threads++) {
      std::vector<std::byte> y =
          runRows(program, targetOf(cpu), {bytesOf(x)}, x.size(), threads)[0];
      for (size_t i = 0; i < x.size(); i++)
        ASSERT_EQ(valuesOf<float>(y)[i], x[i] * 2 + 1);
    }
}

} // namespace
} // namespace cameo::test
