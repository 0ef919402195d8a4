// Which limit of a machine holds a kernel, and how far it may get.
#include "tools/Roofline.h"

#include <gtest/gtest.h>

using namespace cameo;

namespace {

/// 100 operations of f32 a second; 10 bytes a second from memory, 40 from a cache of 1000 bytes.
MachineLimits machine() {
  return {.cpu = "",
          .threads = 1,
          .f32 = 100,
          .bf16 = 200,
          .int8 = 400,
          .levels = {{"L1", 1000, 40, 20, 40}, {"memory", 0, 10, 5, 10}},
          .barrier = 0};
}

TEST(Roofline, ArithmeticInItsType) {
  KernelCost cost{.flops = 1000, .products = 1000};
  for (auto [arithmetic, seconds, name] : {std::tuple{Arithmetic::F32, 10.0, "f32"},
                                           {Arithmetic::Bf16, 5.0, "bf16"},
                                           {Arithmetic::Int8, 2.5, "int8"}}) {
    cost.arithmetic = arithmetic;
    Bound bound = boundOf(cost, 0, machine());
    EXPECT_EQ(bound.seconds, seconds);
    EXPECT_EQ(bound.limit, name);
    EXPECT_EQ(bound.reached(2 * seconds), 0.5);
  }
}

TEST(Roofline, WinogradIsBoundByItsOwnProducts) {
  Bound bound = boundOf({.flops = 1000, .products = 250, .isWinograd = true}, 0, machine());
  EXPECT_EQ(bound.seconds, 2.5);
  EXPECT_EQ(bound.limit, "winograd");
}

TEST(Roofline, OperationsOnElementsTakeHalfOfAMultiplyAdd) {
  Bound bound = boundOf({.elementOps = 100}, 0, machine());
  EXPECT_EQ(bound.seconds, 2);
  EXPECT_EQ(bound.limit, "ops");
}

TEST(Roofline, MemoryIsThatWhichHoldsTheKernel) {
  Bound near = boundOf({.readBytes = 400, .writtenBytes = 200}, 0, machine());
  EXPECT_EQ(near.limit, "L1");
  EXPECT_EQ(near.seconds, 400 / 40.0 + 200 / 40.0); // copied, and 200 more read
  Bound far = boundOf({.readBytes = 4000}, 0, machine());
  EXPECT_EQ(far.limit, "memory");
  EXPECT_EQ(far.seconds, 400);
}

TEST(Roofline, WeightsComeFromWhereTheRunFits) {
  KernelCost cost{.weightBytes = 400, .readBytes = 40};
  EXPECT_EQ(boundOf(cost, 900, machine()).seconds, 11);
  Bound bound = boundOf(cost, 2000, machine());
  EXPECT_EQ(bound.seconds, 41);
  EXPECT_EQ(bound.limit, "memory");
}

TEST(Roofline, WhatIsNotKnownBoundsNothing) {
  MachineLimits limits = machine();
  limits.int8 = 0;
  Bound bound = boundOf({.flops = 10, .products = 10, .arithmetic = Arithmetic::Int8}, 0, limits);
  EXPECT_EQ(bound.seconds, 0);
  EXPECT_EQ(bound.reached(1), 0);
}

} // namespace
