// Memory, control and team ops: what they do, and what they do not touch.
#include "ir/Parser.h"
#include "runtime/abi.h"
#include "tests/codegen/Harness.h"

#include <cstring>
#include <numeric>
#include <sys/mman.h>
#include <unistd.h>

namespace cameo::test {
namespace {

const char *const kCpus[] = {"x86-64-v1", "x86-64-v3", "native"};

template <class T> std::vector<T> iota(int64_t count) {
  std::vector<T> values(count);
  std::iota(values.begin(), values.end(), T{1});
  return values;
}

// Memory that ends at a page that cannot be touched.
class GuardedBuffer {
public:
  explicit GuardedBuffer(int64_t bytes) : bytes_(bytes) {
    page_ = sysconf(_SC_PAGESIZE);
    base_ = static_cast<char *>(
        mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + page_, page_, PROT_NONE);
  }
  ~GuardedBuffer() { munmap(base_, 2 * page_); }
  template <class T> T *data() { return reinterpret_cast<T *>(base_ + page_ - bytes_); }

private:
  int64_t bytes_, page_ = 0;
  char *base_ = nullptr;
};

template <class T> void checkMasked(DType dtype, int64_t lanes, const std::string &cpu) {
  std::string type = typeText(dtype, lanes);
  Program program = textProgram(
      {dtype}, {dtype}, lanes,
      "%n = sub(%end, %i) : index\n%m = lane_mask(%n) : " + typeText(DType::Bool, lanes) +
          "\n%v = load(%x0, %i, %m) : " + type + "\n%r = add(%v, %v) : " + type +
          "\nstore(%r, %y0, %i, %m)\n");
  TempFolder folder;
  std::string path = folder.path("m.so");
  ASSERT_TRUE(emit(program, targetOf(cpu), {}, path));
  Library library(path);
  Context context(library);
  for (int64_t count = 1; count <= 2 * lanes; count += count < 4 ? 1 : 5) {
    int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    GuardedBuffer x(bytes), y(bytes);
    for (int64_t i = 0; i < count; i++)
      x.data<T>()[i] = static_cast<T>(i + 1);
    std::vector<int64_t> dims = {count}, outDims = {0};
    std::vector<cameo_value> in = {tensor(dtype, x.data<T>(), dims, bytes)};
    std::vector<cameo_value> out = {tensor(dtype, y.data<T>(), outDims, bytes)};
    ASSERT_EQ(context.run(in, out), CAMEO_OK) << context.error();
    for (int64_t i = 0; i < count; i++)
      ASSERT_EQ(y.data<T>()[i], static_cast<T>(2 * (i + 1))) << cpu << " " << type << " " << count;
  }
}

TEST(Memory, MaskedAccessesTouchNothingElse) {
  for (const char *cpu : kCpus) {
    checkMasked<float>(DType::F32, 16, cpu);
    checkMasked<float>(DType::F32, 4, cpu);
    checkMasked<int8_t>(DType::I8, 64, cpu);
    checkMasked<int8_t>(DType::U8, 16, cpu);
    checkMasked<int64_t>(DType::I64, 8, cpu);
    checkMasked<int16_t>(DType::I16, 32, cpu);
  }
}

TEST(Memory, Gather) {
  for (const char *cpu : kCpus)
    for (DType dtype : {DType::I32, DType::I8, DType::I64})
      for (const char *index : {"i32", "i64"}) {
        std::string type = typeText(dtype, 8);
        std::string wide = std::string("vec<8x") + index + ">";
        // Reversed, and with the upper half masked off.
        Program program = textProgram(
            {dtype}, {dtype, dtype}, 8,
            "%k = iota() : " + wide + "\n%seven = const() {value = 7} : " + wide +
                "\n%j = sub(%seven, %k) : " + wide + "\n%p = offset(%x0, %i) : ptr<" +
                std::string(dtypeName(dtype)) + ">\n%v = gather_load(%p, %j) : " + type +
                "\nstore(%v, %y0, %i)\n%four = const() {value = 4} : index\n"
                "%m = lane_mask(%four) : vec<8xbool>\n%w = gather_load(%p, %j, %m) : " +
                type + "\nstore(%w, %y1, %i)\n");
        std::vector<int64_t> wideX = iota<int64_t>(16);
        std::vector<std::byte> x;
        for (int64_t value : wideX) {
          auto *bytes = reinterpret_cast<std::byte *>(&value);
          x.insert(x.end(), bytes, bytes + dtypeBytes(dtype));
        }
        auto results = runRows(program, targetOf(cpu), {x}, 16);
        for (int64_t i = 0; i < 16; i++)
          for (int r = 0; r < 2; r++) {
            int64_t want = r && i % 8 >= 4 ? 0 : i / 8 * 8 + 8 - i % 8, got = 0;
            std::memcpy(&got, &results[r][i * dtypeBytes(dtype)], dtypeBytes(dtype));
            ASSERT_EQ(got, want) << cpu << type << index << i;
          }
      }
}

TEST(Memory, ReduceLanesPairwise) {
  std::vector<float> x = {1e8f, 1, -1e8f, 2, 3, 4, 5, 6};
  std::string ops = "%v = load(%x0, %i) : vec<8xf32>\n";
  const char *const names[] = {"add", "mul", "min", "max"};
  for (int n = 0; n < 4; n++) {
    std::string k = std::to_string(n);
    ops += "%r" + k + " = reduce_lanes(%v) {op = \"" + names[n] + "\"} : f32\nstore(%r" + k +
           ", %y" + k + ", %i)\n";
  }
  for (const char *cpu : kCpus) {
    Program program = textProgram({DType::F32}, std::vector<DType>(4, DType::F32), 8, ops);
    auto results = runRows(program, targetOf(cpu), {bytesOf(x)}, 8);
    float sum = ((x[0] + x[4]) + (x[2] + x[6])) + ((x[1] + x[5]) + (x[3] + x[7]));
    EXPECT_EQ(valuesOf<float>(results[0])[0], sum);
    EXPECT_EQ(valuesOf<float>(results[1])[0], -1e16f * 720);
    EXPECT_EQ(valuesOf<float>(results[2])[0], -1e8f);
    EXPECT_EQ(valuesOf<float>(results[3])[0], 1e8f);
  }
}

TEST(Memory, ShufflesLanesOfTwoVectors) {
  const std::string ops = R"(
%four = const() {value = 4} : index
%j = add(%i, %four) : index
%a = load(%x0, %i) : vec<4xf32>
%b = load(%x0, %j) : vec<4xf32>
%r = shuffle(%a, %b) {lanes = [0, 4, 1, 5, 3, 3, 7, 2]} : vec<8xf32>
store(%r, %y0, %i)
)";
  for (const char *cpu : kCpus) {
    Program program = textProgram({DType::F32}, {DType::F32}, 8, ops);
    auto results = runRows(program, targetOf(cpu), {bytesOf(iota<float>(8))}, 8);
    EXPECT_EQ(valuesOf<float>(results[0]), (std::vector<float>{1, 5, 2, 6, 4, 4, 8, 3}));
  }
}

// Collatz steps: while, if, calls with several results, and recursion-free helpers.
TEST(Control, WhileIfCall) {
  const char *const more = R"(
func @next(%n: i64) {
  %two = const() {value = 2} : i64
  %three = const() {value = 3} : i64
  %one = const() {value = 1} : i64
  %r = rem(%n, %two) : i64
  %odd = cmp(%r, %one) {pred = "eq"} : bool
  %v, %big = if(%odd) : i64, bool ^ {
    %t = mad(%n, %three, %one) : i64
    yield(%t, %odd)
  } ^ {
    %h = div(%n, %two) : i64
    yield(%h, %odd)
  }
  return(%v, %big)
}
)";
  Program program = textProgram({DType::I64}, {DType::I64, DType::I64}, 1, R"(
  %x = load(%x0, %i) : i64
  %zero = const() {value = 0} : i64
  %one = const() {value = 1} : i64
  %n, %steps, %odds = while(%x, %zero, %zero) : i64, i64, i64 ^(%a: i64, %b: i64, %c: i64) {
    %go = cmp(%a, %one) {pred = "ne"} : bool
    yield(%go, %a, %b, %c)
  } ^(%a: i64, %b: i64, %c: i64) {
    %v, %odd = call(%a) {callee = "next"} : i64, bool
    %s = add(%b, %one) : i64
    %o = cast(%odd) : i64
    %d = add(%c, %o) : i64
    yield(%v, %s, %d)
  }
  store(%steps, %y0, %i)
  store(%odds, %y1, %i)
)",
                                more);
  std::vector<int64_t> x = {1, 2, 7, 27, 97};
  auto results = runRows(program, targetOf("native"), {bytesOf(x)}, x.size(), 2);
  EXPECT_EQ(valuesOf<int64_t>(results[0]), (std::vector<int64_t>{0, 1, 16, 111, 118}));
  EXPECT_EQ(valuesOf<int64_t>(results[1]), (std::vector<int64_t>{0, 0, 5, 41, 43}));
}

// A program whose functions are all given; input and output 0 are i64[N].
Program wholeProgram(const std::string &text, int64_t numDims = 1) {
  Program program = textProgram({DType::I64}, {DType::I64}, 1, "");
  Result<Module> module = parseModule("module \"m\" {\n" + text + "}\n", "test");
  EXPECT_TRUE(module) << module.error().message;
  program.module = std::move(*module);
  program.numDims = numDims;
  program.nodeNames.add("first");
  program.nodeNames.add("second");
  return program;
}

const char *const kSizes = R"(
func @sizes() attrs {kind = "sizes"} {
  %0 = const() {value = 0} : i32
  return(%0)
}
func @workspace(%threads: index) attrs {kind = "workspace"} {
  %s = const() {value = 8192} : index
  return(%s)
}
)";

// Units write their elements to the workspace, whoever does them; behind a barrier one thread adds
// them up.
TEST(Team, ParallelBarrierSingle) {
  Program program = wholeProgram(std::string(kSizes) + R"(
func @main() attrs {kind = "main"} {
  team() {callee = "sum"}
}
func @sum() attrs {kind = "team"} {
  %arena = arena() : ptr<u8>
  %p = retype(%arena) : ptr<i64>
  %zero = const() {value = 0} : index
  %one = const() {value = 1} : index
  %x = input() {index = 0} : ptr<i64>
  %z = const() {value = 0} : i64
  %n = dim() {index = 0} : index
  parallel(%n) ^(%begin: index, %end: index) {
    for(%begin, %end, %one) ^(%i: index) {
      %v = load(%x, %i) : i64
      store(%v, %p, %i)
      yield()
    }
    yield()
  }
  barrier()
  single() ^ {
    %y = output() {index = 0} : ptr<i64>
    %total = for(%zero, %n, %one, %z) : i64 ^(%i: index, %s: i64) {
      %v = load(%p, %i) : i64
      %r = add(%s, %v) : i64
      yield(%r)
    }
    for(%zero, %n, %one) ^(%i: index) {
      store(%total, %y, %i)
      yield()
    }
    yield()
  }
  return()
}
)");
  for (int64_t count : {1, 2, 3, 5, 1000})
    for (int threads : {1, 2, 3, 4}) {
      std::vector<int64_t> x = iota<int64_t>(count);
      auto y =
          valuesOf<int64_t>(runRows(program, targetOf("native"), {bytesOf(x)}, count, threads)[0]);
      EXPECT_EQ(y, std::vector<int64_t>(count, count * (count + 1) / 2)) << threads;
    }
}

int runOnce(const Program &program, std::vector<int64_t> x, std::string &message) {
  TempFolder folder;
  std::string path = folder.path("m.so");
  Result<std::vector<Spill>> emitted = emit(program, targetOf("native"), {}, path);
  EXPECT_TRUE(emitted);
  Library library(path);
  Context context(library, 2);
  std::vector<int64_t> y(x.size()), dims = {int64_t(x.size())}, outDims = {0};
  int64_t bytes = 8 * dims[0];
  std::vector<cameo_value> in = {tensor(DType::I64, x.data(), dims, bytes)};
  std::vector<cameo_value> out = {tensor(DType::I64, y.data(), outDims, bytes)};
  int status = context.run(in, out);
  message = context.error();
  return status;
}

TEST(Team, FailIsReportedWithTheNode) {
  Program program = wholeProgram(std::string(kSizes) + R"(
func @main() attrs {kind = "main"} {
  team() {callee = "check"}
  return()
}
func @check() attrs {kind = "team"} {
  %n = dim() {index = 0} : index
  %x = input() {index = 0} : ptr<i64>
  parallel(%n) ^(%begin: index, %end: index) {
    %v = load(%x, %begin) : i64
    %z = const() {value = 0} : i64
    %bad = cmp(%v, %z) {pred = "lt"} : bool
    if(%bad) ^ {
      fail(%v, %n) {code = "index_range", node = 1}
      yield()
    }
    yield()
  }
  return()
}
)");
  std::string message;
  EXPECT_EQ(runOnce(program, {1, 2}, message), CAMEO_OK);
  EXPECT_EQ(runOnce(program, {-7, 2}, message), CAMEO_RUN_FAILED);
  EXPECT_EQ(message, "node 'second': index -7 is out of range for an axis of size 2");
}

// Sizes: entry 1 is 2^61 * N, which overflows from N = 4 on; N = 3 fails by name.
TEST(Team, SizesThatFail) {
  Program program = wholeProgram(R"(
func @sizes() attrs {kind = "sizes"} {
  %n = dim() {index = 0} : index
  %big = const() {value = 2305843009213693952} : index
  %three = const() {value = 3} : index
  %r, %over = checked_mul(%n, %big) : index, bool
  set_dim(%r) {index = 1}
  %is = cmp(%n, %three) {pred = "eq"} : bool
  if(%is) ^ {
    fail(%n) {code = "no_memory", node = 0}
    yield()
  }
  %bad = or(%is, %over) : bool
  %code = cast(%bad) : i32
  return(%code)
}
func @workspace(%threads: index) attrs {kind = "workspace"} {
  %s = dim() {index = 0} : index
  return(%s)
}
func @main() attrs {kind = "main"} {
  return()
}
)",
                                 2);
  std::string message;
  EXPECT_EQ(runOnce(program, {1, 2}, message), CAMEO_OK) << message;
  EXPECT_NE(runOnce(program, {1, 2, 3}, message), CAMEO_OK);
  EXPECT_EQ(message, "node 'first': cannot get 3 bytes of memory");
  EXPECT_NE(runOnce(program, {1, 2, 3, 4}, message), CAMEO_OK);
  EXPECT_NE(message.find("size"), std::string::npos) << message;
}

// Scratch is the function's own: each call starts with what it stored itself.
TEST(Memory, Scratch) {
  Program program = textProgram({DType::I32}, {DType::I32}, 4, R"(
  %s = scratch() {count = 100} : ptr<i32>
  %t = scratch() {count = 16} : ptr<i32>
  %zero = const() {value = 0} : index
  %three = const() {value = 3} : index
  %v = load(%x0, %i) : vec<4xi32>
  store(%v, %s, %three) {align = 4}
  %w = load(%s, %three) : vec<4xi32>
  store(%w, %t, %zero) {align = 64}
  %one = const() {value = 1} : index
  %e = load(%t, %one) : i32
  %r = splat(%e) : vec<4xi32>
  store(%r, %y0, %i)
)");
  std::vector<int32_t> x = iota<int32_t>(8);
  auto results = runRows(program, targetOf("native"), {bytesOf(x)}, 8);
  EXPECT_EQ(valuesOf<int32_t>(results[0]), (std::vector<int32_t>{2, 2, 2, 2, 6, 6, 6, 6}));
}

} // namespace
} // namespace cameo::test
