// NonZero, Compress, Unique, NonMaxSuppression, Det and Identity.
#include "KernelModel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#ifdef __x86_64__
#include <immintrin.h>
#endif

extern "C" {
int32_t cameo_kernel_non_zero(cameo_call *call);
int32_t cameo_kernel_compress(cameo_call *call);
int32_t cameo_kernel_unique(cameo_call *call);
int32_t cameo_kernel_non_max_suppression(cameo_call *call);
int32_t cameo_kernel_det(cameo_call *call);
}

namespace cameo {
namespace {

struct KernelTest : testing::Test {
  Values v;

  std::string nonZero(const cameo_value &x) {
    return KernelModel(cameo_kernel_non_zero).in(x).out(CAMEO_INT64, 2).run();
  }
  std::string unique(const cameo_value &x, int32_t dtype, int64_t sorted = 1) {
    KernelModel model(cameo_kernel_unique);
    model.in(x).attr("sorted", sorted);
    model.out(dtype, 1, x.kind).out(CAMEO_INT64, 1).out(CAMEO_INT64, 1).out(CAMEO_INT64, 1);
    return model.run();
  }
};

/// Functions in C, the user's among them, are called with denormals.
TEST_F(KernelTest, denormals) {
  KernelModel model([](cameo_call *call) {
    auto *y = static_cast<double *>(cameo_call_tensor(call, 0, CAMEO_FLOAT64, 0, nullptr));
    volatile double least = 0x1p-1022, tiny = 0x1p-1060;
    *y = (least * 0.5 == 0x1p-1023) + 2 * (tiny * 0x1p100 == 0x1p-960);
    return 0;
  });
  EXPECT_EQ(model.out(CAMEO_FLOAT64, 0).run(), "f64[] 3");
}

TEST_F(KernelTest, nonZero) {
  EXPECT_EQ(nonZero(v.floats({2, 3}, {0, 1, -0.0f, NAN, 0, -2})), "i64[2,3] 0 1 1 1 0 2");
  EXPECT_EQ(nonZero(v.floats({0, 3}, {})), "i64[2,0]");
  EXPECT_EQ(nonZero(v.floats({}, {5})), "i64[0,1]");
  EXPECT_EQ(nonZero(v.floats({}, {0})), "i64[0,0]");
  EXPECT_EQ(nonZero(v.bools({1, 0, 2})), "i64[1,2] 0 2");
  EXPECT_EQ(nonZero(v.ints({3}, {INT64_MIN, 0, 1})), "i64[1,2] 0 2");
  EXPECT_EQ(nonZero(v.tensor<uint16_t>({3}, {0x8000, 1, 0}, CAMEO_FLOAT16)), "i64[1,1] 1");
  EXPECT_EQ(nonZero(v.tensor<uint16_t>({3}, {0x8000, 0, 0}, CAMEO_UINT16)), "i64[1,1] 0");
  EXPECT_EQ(nonZero(v.tensor<double>({3}, {-0.0, 1e-310, 0}, CAMEO_FLOAT64)), "i64[1,1] 1");
  EXPECT_EQ(nonZero(v.strings({1, 2}, {"", "a"})), "i64[2,1] 0 1");
}

/// More elements than are looked at together, in three dims.
TEST_F(KernelTest, nonZeroOfManyElements) {
  std::vector<float> x(7 * 11 * 13);
  std::string rows[3];
  int64_t count = 0;
  for (int64_t i = 0; i < std::ssize(x); i++) {
    x[i] = i % 5 == 0 || i > 900 ? 0.5f : 0;
    int64_t at[3] = {i / 143, i / 13 % 11, i % 13};
    for (int64_t d = 0; d < 3 && x[i] != 0; d++)
      rows[d] += " " + std::to_string(at[d]);
    count += x[i] != 0;
  }
  EXPECT_EQ(nonZero(v.floats({7, 11, 13}, x)),
            "i64[3," + std::to_string(count) + "]" + rows[0] + rows[1] + rows[2]);
}

TEST_F(KernelTest, compress) {
  auto x = v.ints({3, 2}, {1, 2, 3, 4, 5, 6});
  auto run = [&](const cameo_value &condition, int32_t rank, std::vector<int64_t> axis) {
    KernelModel model(cameo_kernel_compress);
    model.in(x).in(condition).out(CAMEO_INT64, rank);
    if (!axis.empty())
      model.attr("axis", axis[0]);
    return model.run();
  };
  EXPECT_EQ(run(v.bools({0, 1, 1}), 2, {0}), "i64[2,2] 3 4 5 6");
  EXPECT_EQ(run(v.bools({0, 1}), 2, {-1}), "i64[3,1] 2 4 6");
  EXPECT_EQ(run(v.bools({1, 0, 0, 0, 1}), 1, {}), "i64[2] 1 5");
  EXPECT_EQ(run(v.bools({0, 0, 0, 0, 0, 1, 1, 1}), 1, {}), "i64[1] 6");
  EXPECT_EQ(run(v.bools({}), 2, {1}), "i64[3,0]");
  EXPECT_EQ(run(v.bools({1}), 2, {2}), "node 'node': axis 2 is out of range for rank 2");
  EXPECT_EQ(run(v.tensor<uint8_t>({1, 1}, {1}, CAMEO_BOOL), 2, {0}),
            "node 'node': expected rank 1, got 2");
  x = v.strings({2, 2}, {"a", "bc", "", "d"});
  KernelModel model(cameo_kernel_compress);
  model.in(x).in(v.bools({0, 1})).attr("axis", int64_t{1}).out(CAMEO_STRING, 2, CAMEO_STRINGS);
  EXPECT_EQ(model.run(), "str[2,1] \"bc\" \"d\"");
}

TEST_F(KernelTest, unique) {
  EXPECT_EQ(unique(v.floats({6}, {2, 1, 1, 3, 4, 3}), CAMEO_FLOAT32),
            "f32[4] 1 2 3 4 | i64[4] 1 0 3 4 | i64[6] 1 0 0 2 3 2 | i64[4] 2 1 2 1");
  EXPECT_EQ(unique(v.floats({2, 3}, {2, 1, 1, 3, 4, 3}), CAMEO_FLOAT32, 0),
            "f32[4] 2 1 3 4 | i64[4] 0 1 3 4 | i64[6] 0 1 1 2 3 2 | i64[4] 1 2 2 1");
  EXPECT_EQ(unique(v.floats({4}, {NAN, 1, NAN, -INFINITY}), CAMEO_FLOAT32),
            "f32[3] -inf 1 nan | i64[3] 3 1 0 | i64[4] 2 1 2 0 | i64[3] 1 1 2");
  EXPECT_EQ(unique(v.floats({0}, {}), CAMEO_FLOAT32), "f32[0] | i64[0] | i64[0] | i64[0]");
  EXPECT_EQ(unique(v.floats({}, {7}), CAMEO_FLOAT32), "f32[1] 7 | i64[1] 0 | i64[1] 0 | i64[1] 1");
  EXPECT_EQ(unique(v.bools({2, 1, 0}), CAMEO_BOOL),
            "bool[2] 0 2 | i64[2] 2 0 | i64[3] 1 1 0 | i64[2] 1 2");
  EXPECT_EQ(unique(v.strings({4}, {"b", "", "ba", "b"}), CAMEO_STRING),
            "str[3] \"\" \"b\" \"ba\" | i64[3] 1 0 2 | i64[4] 1 0 2 1 | i64[3] 1 2 1");
  auto halves = v.tensor<uint16_t>({3}, {0xbc00, 0x3c00, 0xbc00}, CAMEO_FLOAT16); // -1 1 -1
  EXPECT_EQ(unique(halves, CAMEO_FLOAT16), "f16[2] -1 1 | i64[2] 0 1 | i64[3] 0 1 0 | i64[2] 2 1");
}

TEST_F(KernelTest, uniqueSlices) {
  KernelModel rows(cameo_kernel_unique);
  rows.in(v.ints({3, 2}, {1, 9, 0, 5, 1, 9})).attr("axis", int64_t{0});
  rows.out(CAMEO_INT64, 2).noOut().out(CAMEO_INT64, 1);
  EXPECT_EQ(rows.run(), "i64[2,2] 0 5 1 9 | i64[3] 1 0 1");
  KernelModel columns(cameo_kernel_unique);
  columns.in(v.ints({2, 3}, {1, 1, 0, 2, 2, 0}))
      .attr("axis", int64_t{-1})
      .attr("sorted", int64_t{0});
  columns.out(CAMEO_INT64, 2);
  EXPECT_EQ(columns.run(), "i64[2,2] 1 0 2 0");
  KernelModel empty(cameo_kernel_unique);
  empty.in(v.ints({3, 0}, {})).attr("axis", int64_t{0}).out(CAMEO_INT64, 2).out(CAMEO_INT64, 1);
  EXPECT_EQ(empty.run(), "i64[1,0] | i64[1] 0");
  KernelModel large(cameo_kernel_unique);
  std::vector<int64_t> many(5001);
  for (size_t i = 0; i < many.size(); i++)
    many[i] = static_cast<int64_t>(i * 7919 % 3);
  large.in(v.ints({5001}, many)).out(CAMEO_INT64, 1).out(CAMEO_INT64, 1);
  EXPECT_EQ(large.run(), "i64[3] 0 1 2 | i64[3] 0 " + std::string(many[1] == 1 ? "1 2" : "2 1"));
}

TEST_F(KernelTest, nonMaxSuppression) {
  auto boxes = v.floats({1, 6, 4}, {0, 0,  1, 1,  0, 0.1f,  1, 1.1f,  0, -0.1f, 1, 0.9f, //
                                    0, 10, 1, 11, 0, 10.1f, 1, 11.1f, 0, 100,   1, 101});
  auto scores = v.floats({1, 1, 6}, {0.9f, 0.75f, 0.6f, 0.95f, 0.5f, 0.3f});
  auto run = [&](const std::vector<cameo_value> &more, int64_t center = 0) {
    KernelModel model(cameo_kernel_non_max_suppression);
    model.in(boxes).in(scores);
    for (const cameo_value &value : more)
      model.in(value);
    return model.attr("center_point_box", center).out(CAMEO_INT64, 2).run();
  };
  auto three = v.ints({1}, {3});
  EXPECT_EQ(run({three, v.floats({1}, {0.5f}), v.floats({}, {0})}), "i64[3,3] 0 0 3 0 0 0 0 0 5");
  EXPECT_EQ(run({v.ints({}, {2}), v.floats({1}, {0.5f})}), "i64[2,3] 0 0 3 0 0 0");
  EXPECT_EQ(run({three, v.floats({1}, {0.5f}), v.floats({1}, {0.4f})}), "i64[2,3] 0 0 3 0 0 0");
  EXPECT_EQ(run({}), "i64[0,3]");
  EXPECT_EQ(run({v.ints({1}, {-5})}), "i64[0,3]");
  EXPECT_EQ(run({v.ints({0}, {}), v.floats({1}, {0.5f})}), "i64[0,3]");
  EXPECT_EQ(run({v.ints({2}, {1, 2})}), "node 'node': operand 2: expected one element, got 2");
  scores = v.floats({1, 2, 6}, {NAN, 0.75f, 0.6f, NAN, 0.5f, 0.3f, 1, 1, 1, 1, 1, 1});
  EXPECT_EQ(run({three, v.floats({1}, {0.5f})}), "i64[6,3] 0 0 1 0 0 4 0 0 5 0 1 0 0 1 3 0 1 5");
  scores = v.floats({1, 1, 5}, {1, 2, 3, 4, 5});
  EXPECT_EQ(run({three}), "node 'node': dims 6 and 5 differ, expected the same");
  boxes = v.floats({1, 2, 4}, {0.5f, 0.5f, 1, 1, 0.5f, 0.6f, 1, 1});
  scores = v.floats({1, 1, 2}, {0.1f, 0.2f});
  EXPECT_EQ(run({three, v.floats({1}, {0.5f})}, 1), "i64[1,3] 0 0 1");
  boxes = v.floats({0, 2, 4}, {});
  scores = v.floats({0, 1, 2}, {});
  EXPECT_EQ(run({three}), "i64[0,3]");
}

/// The survivors word by word: no order of comparisons, no bins.
std::string plainSuppression(const std::vector<float> &boxes, const std::vector<float> &scores,
                             float overlap) {
  std::vector<int64_t> order(scores.size()), kept;
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  auto area = [&](int64_t i) {
    const float *box = &boxes[4 * i];
    return (box[2] - box[0]) * (box[3] - box[1]);
  };
  auto overlaps = [&](int64_t i, int64_t k) {
    const float *a = &boxes[4 * i], *b = &boxes[4 * k];
    float height = std::min(a[2], b[2]) - std::max(a[0], b[0]);
    float width = std::min(a[3], b[3]) - std::max(a[1], b[1]);
    float common = height * width, total = area(i) + area(k);
    total -= common;
    return height > 0 && width > 0 && common / total > overlap;
  };
  for (int64_t i : order)
    if (std::none_of(kept.begin(), kept.end(), [&](int64_t k) { return overlaps(i, k); }))
      kept.push_back(i);
  std::string text = "i64[" + std::to_string(kept.size()) + ",3]";
  for (int64_t box : kept)
    text += " 0 0 " + std::to_string(box);
  return text;
}

/// Boxes and scores with few values, so that edges touch and scores tie, and what must survive.
struct Boxes {
  int64_t count;
  float overlap;
  std::vector<float> boxes = {}, scores = {};
  std::mt19937 random{5};

  float below(uint32_t bound) { return static_cast<float>(random() % bound); }

  /// `apart`: between classes, of which there are 20 in one heap.
  void fill(float apart) {
    for (int64_t i = 0; i < count; i++) {
      float offset = apart * below(20), y = below(300) + offset, x = below(300) + offset;
      boxes.insert(boxes.end(), {y, x, y + below(40), x + below(40)});
      scores.push_back((below(500) - 100) / 8);
    }
    for (float &score : scores)
      score = score == 1 ? -0.0f : score; // ties with 0
  }

  std::string run(int32_t threads, int64_t most = INT64_MAX, cameo_pool *pool = nullptr) const {
    Values v;
    KernelModel model(cameo_kernel_non_max_suppression);
    model.threads = threads;
    model.pool = pool;
    model.in(v.floats({1, count, 4}, boxes)).in(v.floats({1, 1, count}, scores));
    model.in(v.ints({1}, {most})).in(v.floats({1}, {overlap}));
    return model.out(CAMEO_INT64, 2).run();
  }
};

/// Enough boxes for many bins: in one heap, moved apart by class, and with some that are empty or
/// endless.
TEST_F(KernelTest, nonMaxSuppressionOfMany) {
  for (float apart : {0.0f, 1000.0f, -1e-3f})
    for (float overlap : {-0.5f, 0.0f, 0.3f, 0.7f, 0.95f}) {
      Boxes of{1500, overlap};
      of.fill(apart);
      EXPECT_EQ(of.run(1), plainSuppression(of.boxes, of.scores, overlap));
      of.boxes[4 * 17 + 3] = INFINITY;
      of.boxes[4 * 99 + 1] = -INFINITY;
      EXPECT_EQ(of.run(1), plainSuppression(of.boxes, of.scores, overlap));
    }
}

/// Enough for threads to share: classes that touch, lie apart, or cannot be divided.
TEST_F(KernelTest, nonMaxSuppressionByThreads) {
  for (float apart : {0.0f, 338.0f, 339.0f, 1000.0f, -1000.0f}) {
    Boxes of{9000, 0.5f};
    of.fill(apart);
    std::string all = plainSuppression(of.boxes, of.scores, of.overlap);
    std::string few = of.run(1, 700);
    for (int32_t threads : {1, 2, 3, 8, 20}) {
      EXPECT_EQ(of.run(threads), all) << apart << ", " << threads;
      EXPECT_EQ(of.run(threads, 700), few) << apart << ", " << threads;
    }
    of.boxes[4 * 17 + 3] = INFINITY;
    of.boxes[4 * 99 + 1] = -INFINITY;
    of.boxes[4 * 4500 + 1] = NAN;
    EXPECT_EQ(of.run(3), of.run(1)) << apart;
  }
}

#ifdef __x86_64__
/// A lent pool runs in the caller's float mode where a kernel shares its work, too.
TEST_F(KernelTest, floatModeOfALentPool) {
  static unsigned before, after;
  cameo_pool pool = {};
  pool.threads = 2;
  pool.run = [](cameo_pool *, void (*task)(void *, int32_t, int32_t), void *argument) {
    before = _mm_getcsr();
    task(argument, 0, 2);
    after = _mm_getcsr();
    return int32_t(CAMEO_OK);
  };
  Boxes of{9000, 0.5f};
  of.fill(1000);
  std::string expected = of.run(1);
  constexpr unsigned odd = 0xff80; // to zero, denormal results flushed
  unsigned own = _mm_getcsr();
  _mm_setcsr(odd);
  std::string found = of.run(2, INT64_MAX, &pool);
  unsigned left = _mm_getcsr();
  _mm_setcsr(own);
  EXPECT_EQ(found, expected);
  EXPECT_EQ(before, odd);
  EXPECT_EQ(after, odd);
  EXPECT_EQ(left, odd);
}
#endif

TEST_F(KernelTest, det) {
  auto run = [](const cameo_value &x, int32_t rank, int32_t dtype = CAMEO_FLOAT32) {
    return KernelModel(cameo_kernel_det).in(x).out(dtype, rank).run();
  };
  EXPECT_EQ(run(v.floats({2, 2, 2}, {1, 2, 3, 4, 0, 2, 2, 0}), 1), "f32[2] -2 -4");
  EXPECT_EQ(run(v.floats({1, 1}, {7}), 0), "f32[] 7");
  EXPECT_EQ(run(v.floats({3, 3}, {0, 0, 2, 0, 3, 0, 4, 0, 0}), 0), "f32[] -24");
  EXPECT_EQ(run(v.floats({2, 2}, {1, 2, 2, 4}), 0), "f32[] 0");
  EXPECT_EQ(run(v.floats({2, 0, 0}, {}), 1), "f32[2] 1 1");
  EXPECT_EQ(run(v.floats({0, 3, 3}, {}), 1), "f32[0]");
  EXPECT_EQ(run(v.tensor<double>({2, 2}, {NAN, 0, 0, 1}, CAMEO_FLOAT64), 0, CAMEO_FLOAT64),
            "f64[] nan");
  EXPECT_EQ(
      run(v.tensor<uint16_t>({2, 2}, {0x4000, 0, 0, 0x4200}, CAMEO_FLOAT16), 0, CAMEO_FLOAT16),
      "f16[] 6");
  EXPECT_EQ(run(v.floats({2, 3}, {}), 0), "node 'node': dims 2 and 3 differ, expected the same");
  EXPECT_EQ(run(v.floats({2}, {}), 0), "node 'node': expected rank 2, got 1");
}

} // namespace
} // namespace cameo
