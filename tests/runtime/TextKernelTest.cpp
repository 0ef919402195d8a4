// Strings, and reductions with axes of the run.
#include "KernelModel.h"

#include <gtest/gtest.h>

#include <cmath>

extern "C" {
int32_t cameo_kernel_reduce(cameo_call *call);
int32_t cameo_kernel_regex_full_match(cameo_call *call);
int32_t cameo_kernel_string_concat(cameo_call *call);
int32_t cameo_kernel_string_constant(cameo_call *call);
int32_t cameo_kernel_string_normalizer(cameo_call *call);
int32_t cameo_kernel_string_split(cameo_call *call);
}

namespace cameo {
namespace {

struct TextKernelTest : testing::Test {
  Values v;

  std::string concat(const cameo_value &a, const cameo_value &b, int32_t rank) {
    KernelModel model(cameo_kernel_string_concat);
    return model.in(a).in(b).out(CAMEO_STRING, rank, CAMEO_STRINGS).run();
  }
  std::string split(const cameo_value &x, const char *delimiter, std::vector<int64_t> limit = {}) {
    KernelModel model(cameo_kernel_string_split);
    model.in(x).attr("delimiter", delimiter);
    if (!limit.empty())
      model.attr("maxsplit", limit[0]);
    int32_t rank = x.as.strings.rank;
    return model.out(CAMEO_STRING, rank + 1, CAMEO_STRINGS).out(CAMEO_INT64, rank).run();
  }
  std::string reduce(const char *kind, const cameo_value &x, const std::vector<int64_t> &axes,
                     int32_t rank, int64_t keep = 0, int64_t noop = 0) {
    KernelModel model(cameo_kernel_reduce);
    model.in(x).in(v.ints({static_cast<int64_t>(axes.size())}, axes));
    model.attr("kind", kind).attr("keepdims", keep).attr("noop_with_empty_axes", noop);
    return model.out(x.as.tensor.dtype, rank).run();
  }
};

TEST_F(TextKernelTest, concat) {
  auto x = v.strings({2}, {"a", "bc"}, false), y = v.strings({2}, {"", "d"});
  EXPECT_EQ(concat(x, y, 1), "str[2] \"a\" \"bcd\"");
  EXPECT_EQ(concat(v.strings({2, 1}, {"p", "q"}), x, 2), "str[2,2] \"pa\" \"pbc\" \"qa\" \"qbc\"");
  EXPECT_EQ(concat(x, v.strings({}, {"!"}), 1), "str[2] \"a!\" \"bc!\"");
  EXPECT_EQ(concat(x, v.strings({0, 1}, {}), 2), "str[0,2]");
  EXPECT_EQ(concat(x, v.strings({3}, {"", "", ""}), 1),
            "node 'node': dims 2 and 3 do not broadcast");
}

TEST_F(TextKernelTest, split) {
  auto x = v.strings({2}, {"a.b.c", "hello"});
  EXPECT_EQ(split(x, "."), "str[2,3] \"a\" \"b\" \"c\" \"hello\" \"\" \"\" | i64[2] 3 1");
  EXPECT_EQ(split(x, ".", {1}), "str[2,2] \"a\" \"b.c\" \"hello\" \"\" | i64[2] 2 1");
  EXPECT_EQ(split(x, ".", {0}), "str[2,1] \"a.b.c\" \"hello\" | i64[2] 1 1");
  EXPECT_EQ(split(v.strings({1}, {"--a--"}), "--"), "str[1,3] \"\" \"a\" \"\" | i64[1] 3");
  EXPECT_EQ(split(v.strings({1}, {" a\t b "}), ""), "str[1,2] \"a\" \"b\" | i64[1] 2");
  EXPECT_EQ(split(v.strings({1}, {" a b  c "}), "", {1}), "str[1,2] \"a\" \"b  c \" | i64[1] 2");
  EXPECT_EQ(split(v.strings({2}, {"", "  "}), ""), "str[2,0] | i64[2] 0 0");
  EXPECT_EQ(split(v.strings({1}, {""}), ","), "str[1,1] \"\" | i64[1] 1");
  EXPECT_EQ(split(v.strings({0}, {}), ","), "str[0,0] | i64[0]");
  EXPECT_EQ(split(v.strings({}, {"a,b"}), ","), "str[2] \"a\" \"b\" | i64[] 2");
}

TEST_F(TextKernelTest, normalizer) {
  auto run = [&](const cameo_value &x, const char *action, int64_t exact,
                 const std::vector<const char *> &stop) {
    KernelModel model(cameo_kernel_string_normalizer);
    model.in(x).attr("case_change_action", action).attr("is_case_sensitive", exact);
    model.attr("stopwords", stop);
    return model.out(CAMEO_STRING, x.as.strings.rank, CAMEO_STRINGS).run();
  };
  auto x = v.strings({3}, {"Monday", "tuesday", "\xc3\x89t\xc3\xa9"});
  EXPECT_EQ(run(x, "UPPER", 1, {"tuesday"}), "str[2] \"MONDAY\" \"\xc3\x89T\xc3\x89\"");
  EXPECT_EQ(run(x, "LOWER", 0, {"MONDAY"}), "str[2] \"tuesday\" \"\xc3\xa9t\xc3\xa9\"");
  EXPECT_EQ(run(x, "NONE", 1, {"monday"}), show(x));
  EXPECT_EQ(run(v.strings({1, 2}, {"a", "A"}), "NONE", 0, {"a"}), "str[1,1] \"\"");
  EXPECT_EQ(run(v.strings({1}, {"\xff\xc3"}), "UPPER", 1, {}), "str[1] \"\xc3\xbf\xc3\x83\"");
  EXPECT_EQ(run(v.strings({2, 1}, {"a", "A"}), "NONE", 0, {}),
            "node 'node': expected shape [count] or [1,count]");
}

TEST_F(TextKernelTest, regex) {
  auto match = [&](const std::vector<std::string> &texts, const std::vector<int64_t> &code) {
    KernelModel model(cameo_kernel_regex_full_match);
    auto x = v.strings({static_cast<int64_t>(texts.size())}, texts);
    return model.in(x).attr("code", code).out(CAMEO_BOOL, 1).run();
  };
  // a[^b-d]*
  std::vector<int64_t> set = {4, 0, 0, 0, 1,  1,  0,   1,   3,   0,  1,
                              1, 2, 1, 0, -2, -2, 'a', 'a', 'b', 'd'};
  EXPECT_EQ(match({"", "a", "axe", "ab", "xa", "a\xc3\xa9"}, set), "bool[6] 0 1 1 0 0 1");
  // begin, boundary, a, boundary, end
  std::vector<int64_t> anchors = {5, 2, 0, 0, 0, 4, 0, 0, 0, 0,   0,  0,
                                  1, 4, 0, 0, 0, 3, 0, 0, 0, 'a', 'a'};
  EXPECT_EQ(match({"a", "aa", ""}, anchors), "bool[3] 1 0 0");
  EXPECT_EQ(match({"", "a"}, {0}), "bool[2] 1 0");
}

TEST_F(TextKernelTest, constant) {
  KernelModel model(cameo_kernel_string_constant);
  model.attr("value", std::vector<const char *>{"a", "", "bc", "d"});
  model.attr("shape", std::vector<int64_t>{2, 2}).out(CAMEO_STRING, 2, CAMEO_STRINGS);
  EXPECT_EQ(model.run(), "str[2,2] \"a\" \"\" \"bc\" \"d\"");
}

TEST_F(TextKernelTest, reduce) {
  auto x = v.floats({2, 3}, {1, -2, 3, 4, 5, -6});
  EXPECT_EQ(reduce("sum", x, {0}, 1), "f32[3] 5 3 -3");
  EXPECT_EQ(reduce("sum", x, {-1}, 2, 1), "f32[2,1] 2 3");
  EXPECT_EQ(reduce("mean", x, {}, 0), "f32[] 0.833333");
  EXPECT_EQ(reduce("max", x, {1, 0}, 0), "f32[] 5");
  EXPECT_EQ(reduce("min", x, {1}, 1), "f32[2] -2 -6");
  EXPECT_EQ(reduce("prod", x, {1}, 1), "f32[2] -6 -120");
  EXPECT_EQ(reduce("l1", x, {1}, 1), "f32[2] 6 15");
  EXPECT_EQ(reduce("sum_square", x, {1}, 1), "f32[2] 14 77");
  EXPECT_EQ(reduce("l2", v.floats({2}, {3, 4}), {0}, 0), "f32[] 5");
  EXPECT_EQ(reduce("log_sum", v.floats({2}, {1, 0}), {0}, 0), "f32[] 0");
  EXPECT_EQ(reduce("log_sum_exp", v.floats({2}, {1000, 1000}), {0}, 0), "f32[] 1000.69");
  EXPECT_EQ(reduce("sum", x, {}, 2, 0, 1), "f32[2,3] 1 -2 3 4 5 -6");
  EXPECT_EQ(reduce("sum_square", x, {}, 2, 0, 1), "f32[2,3] 1 4 9 16 25 36");
  EXPECT_EQ(reduce("max", v.floats({3}, {1, NAN, 2}), {0}, 0), "f32[] nan");
  EXPECT_EQ(reduce("max", v.floats({2, 0}, {}), {1}, 1), "f32[2] -inf -inf");
  EXPECT_EQ(reduce("min", v.tensor<int8_t>({0}, {}, CAMEO_INT8), {0}, 0), "i8[] 127");
  EXPECT_EQ(reduce("max", v.tensor<uint32_t>({2}, {1, 4000000000}, CAMEO_UINT32), {0}, 0),
            "u32[] 4000000000");
  EXPECT_EQ(reduce("sum", v.tensor<int32_t>({2}, {INT32_MAX, 1}, CAMEO_INT32), {0}, 0),
            "i32[] -2147483648");
  EXPECT_EQ(reduce("mean", v.tensor<int32_t>({2}, {-3, -4}, CAMEO_INT32), {0}, 0), "i32[] -3");
  EXPECT_EQ(reduce("min", v.bools({1, 0, 1}), {0}, 0), "bool[] 0");
  EXPECT_EQ(reduce("sum", v.tensor<uint16_t>({2}, {0x3c00, 0x3c00}, CAMEO_FLOAT16), {0}, 0),
            "f16[] 2");
  EXPECT_EQ(reduce("sum", v.floats({0, 3}, {}), {0}, 1), "f32[3] 0 0 0");
  EXPECT_EQ(reduce("sum", x, {2}, 1), "node 'node': axis 2 is out of range for rank 2");
  EXPECT_EQ(reduce("sum", x, {0, -2}, 1), "node 'node': an axis is named twice");
}

} // namespace
} // namespace cameo
