// Shapes, slices, borders, indices: semantics at the edges, and that nothing reads past a tensor.
#include "tests/ir/eval/EvalTesting.h"

namespace cameo::test {
namespace {

TEST(EvalMovement, SliceClampsAndSteps) {
  ConstRef x = f32({5}, {0, 1, 2, 3, 4});
  auto slice = [&](int64_t start, int64_t end, int64_t step) {
    return run(OpKind::Slice, {x, list({start}), list({end}), list({0}), list({step})});
  };
  expectTensor(slice(1, INT64_MAX, 2), 0, {2}, {1, 3});
  expectTensor(slice(-1, INT64_MIN, -2), 0, {3}, {4, 2, 0});
  expectTensor(slice(100, 0, -1), 0, {4}, {4, 3, 2, 1});
  expectTensor(slice(3, 1, 1), 0, {0}, {});
  expectTensor(slice(-100, -200, -1), 0, {1}, {0});
  expectTensor(slice(0, 5, INT64_MAX), 0, {1}, {0});
  expectTensor(slice(4, INT64_MIN, INT64_MIN), 0, {1}, {4});
  expectError(slice(0, 5, 0), "step is 0");
}

TEST(EvalMovement, PadModes) {
  ConstRef x = f32({3}, {1, 2, 3});
  auto pad = [&](const char *mode, int64_t begin, int64_t end) {
    return run(OpKind::Pad, {x, list({begin, end})}, attrs({{"mode", text(mode)}}));
  };
  expectTensor(pad("constant", 1, 2), 0, {6}, {0, 1, 2, 3, 0, 0});
  expectTensor(pad("edge", 2, 1), 0, {6}, {1, 1, 1, 2, 3, 3});
  expectTensor(pad("reflect", 5, 3), 0, {11}, {2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2});
  expectTensor(pad("wrap", 4, 2), 0, {9}, {3, 1, 2, 3, 1, 2, 3, 1, 2});
  expectTensor(pad("constant", -1, 1), 0, {3}, {2, 3, 0});
  expectTensor(pad("wrap", -1, 2), 0, {4}, {2, 3, 2, 3});
  expectError(pad("constant", -2, -2), "cannot pad");
  expectError(pad("constant", INT64_MAX, 1), "out of range");
}

TEST(EvalMovement, IndicesAreChecked) {
  ConstRef x = f32({2, 2}, {1, 2, 3, 4});
  expectTensor(run(OpKind::Gather, {x, i64({}, {-1})}), 0, {2}, {3, 4});
  expectError(run(OpKind::Gather, {x, list({2})}), "index 2 is outside");
  expectError(run(OpKind::GatherElements, {x, i64({1, 1}, {-3})}), "index -3 is outside");
  expectError(run(OpKind::GatherND, {x, i64({1, 2}, {0, 2})}), "index 2 is outside");
  expectError(run(OpKind::ScatterND, {x, i64({1, 2}, {5, 0}), f32({1}, {9})}),
              "index 5 is outside");
  expectError(run(OpKind::ScatterElements, {x, i64({1, 1}, {7}), f32({1, 1}, {9})}),
              "index 7 is outside");
  expectTensor(run(OpKind::ScatterElements, {x, i64({2, 1}, {0, 0}), f32({2, 1}, {10, 20})},
                   attrs({{"axis", int64_t{1}}, {"reduction", text("add")}})),
               0, {2, 2}, {11, 2, 23, 4});
  expectTensor(run(OpKind::OneHot, {i64({3}, {-1, 5, 0}), i64({}, {2}), f32({2}, {0, 1})}), 0,
               {3, 2}, {0, 1, 0, 0, 1, 0});
}

TEST(EvalMovement, ReshapeAndExpandRefuseMisfits) {
  ConstRef x = f32({2, 3}, {1, 2, 3, 4, 5, 6});
  expectTensor(run(OpKind::Reshape, {x, list({0, -1, 1})}), 0, {2, 3, 1}, {1, 2, 3, 4, 5, 6});
  expectError(run(OpKind::Reshape, {x, list({4, -1})}), "cannot reshape");
  expectError(run(OpKind::Reshape, {x, list({-1, -1})}), "more than one -1");
  expectError(run(OpKind::Reshape, {x, list({-5})}), "cannot reshape");
  expectError(run(OpKind::Expand, {x, list({2, 4})}), "cannot expand");
  expectTensor(
      run(OpKind::Reshape, {f32({0, 3}, {}), list({3, 0})}, attrs({{"allowzero", int64_t{1}}})), 0,
      {3, 0}, {});
}

TEST(EvalMovement, SortsWithNaNOnTopAndTiesByIndex) {
  ConstRef x = f32({5}, {2, kNaN, 3, 2, 1});
  Result<std::vector<Tensor>> top = run(OpKind::TopK, {x, list({3})}, {}, 2);
  expectTensor(top, 0, {3}, {kNaN, 3, 2});
  expectTensor(top, 1, {3}, {1, 2, 0});
  expectError(run(OpKind::TopK, {x, list({6})}, {}, 2), "k = 6");
  Result<std::vector<Tensor>> unique =
      run(OpKind::Unique, {f32({4}, {2, 1, 2, 0})}, attrs({{"sorted", int64_t{0}}}), 4);
  expectTensor(unique, 0, {3}, {2, 1, 0});
  expectTensor(unique, 1, {3}, {0, 1, 3});
  expectTensor(unique, 2, {4}, {0, 1, 0, 2});
  expectTensor(unique, 3, {3}, {2, 1, 1});
  expectTensor(run(OpKind::ArgMax, {f32({4}, {1, 5, 5, 0})},
                   attrs({{"keepdims", int64_t{0}}, {"select_last_index", int64_t{1}}})),
               0, {}, {2});
}

TEST(EvalMovement, ResizeConventions) {
  ConstRef x = f32({1, 1, 4}, {1, 2, 3, 4}), scales = f32({3}, {1, 1, 0.5});
  auto resize = [&](const char *mode, const char *transform) {
    return run(OpKind::Resize, {x, nullptr, scales},
               attrs({{"mode", text(mode)}, {"coordinate_transformation_mode", text(transform)}}));
  };
  expectTensor(resize("linear", "half_pixel"), 0, {1, 1, 2}, {1.5, 3.5});
  expectTensor(resize("linear", "align_corners"), 0, {1, 1, 2}, {1, 4});
  expectTensor(resize("nearest", "asymmetric"), 0, {1, 1, 2}, {1, 3});
  expectTensor(resize("nearest", "half_pixel"), 0, {1, 1, 2}, {1, 3});
  expectError(run(OpKind::Resize, {x, nullptr, f32({3}, {1, 1, 1e14})}), "budget");
}

TEST(EvalMovement, ReductionsOfNothing) {
  ConstRef x = f32({0, 2}, {});
  AttrDict drop = attrs({{"keepdims", int64_t{0}}});
  expectTensor(run(OpKind::ReduceSum, {x, list({0})}, drop), 0, {2}, {0, 0});
  expectTensor(run(OpKind::ReduceProd, {x, list({0})}, drop), 0, {2}, {1, 1});
  expectTensor(run(OpKind::ReduceMax, {x, list({0})}, drop), 0, {2}, {-kInf, -kInf});
  expectTensor(run(OpKind::ReduceMean, {x, list({0})}, drop), 0, {2}, {kNaN, kNaN});
  expectTensor(run(OpKind::ReduceMean, {f32({2}, {1, 3}), list({})},
                   attrs({{"noop_with_empty_axes", int64_t{1}}})),
               0, {2}, {1, 3});
}

TEST(EvalMovement, HostileSizesAreErrors) {
  EvalOptions small;
  small.memoryLimit = 1 << 20;
  small.workLimit = 1 << 24;
  int64_t huge = int64_t{1} << 40;
  expectError(run(OpKind::ConstantOfShape, {list({huge, huge})}, {}, 1, small), "cannot have");
  expectError(run(OpKind::ConstantOfShape, {list({huge})}, {}, 1, small), "memory budget");
  expectError(run(OpKind::ConstantOfShape, {list({-1})}, {}, 1, small), "cannot have");
  expectError(run(OpKind::Range, {f32({}, {0}), f32({}, {1e30}), f32({}, {1})}, {}, 1, small),
              "too many");
  expectError(run(OpKind::Range, {f32({}, {0}), f32({}, {1}), f32({}, {0})}, {}, 1, small),
              "delta is 0");
  expectError(run(OpKind::Tile, {f32({2}, {1, 2}), list({INT64_MAX})}, {}, 1, small),
              "out of range");
  expectError(run(OpKind::Expand, {f32({1}, {1}), list({huge, huge})}, {}, 1, small),
              "cannot have");
  expectError(run(OpKind::OneHot, {list({1}), i64({}, {huge}), f32({2}, {0, 1})}, {}, 1, small),
              "memory budget");
}

} // namespace
} // namespace cameo::test
