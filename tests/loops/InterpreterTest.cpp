// The loop interpreter on functions written by hand: what it computes, and what it refuses.
#include "ir/Parser.h"
#include "ir/eval/graph/Elements.h"
#include "ir/eval/loop/LoopInterpreter.h"

#include <gtest/gtest.h>

namespace cameo {
namespace {

/// A program of one input x and one output y of N elements. `team` are the ops of its only team
/// function, where %n is N and %x and %y are the addresses; `more` are further functions.
Program programOf(DType dtype, const std::string &team, const std::string &more = "") {
  std::string pointer = "ptr<" + std::string(dtypeName(dtype)) + ">";
  std::string text = R"(module "m" {
func @sizes() attrs {kind = "sizes"} {
  %0 = const() {value = 0} : i32
  return(%0)
}
func @workspace(%threads: index) attrs {kind = "workspace"} {
  %own = const() {value = 64} : index
  %all = mul(%threads, %own) : index
  %shared = const() {value = 256} : index
  %bytes = add(%shared, %all) : index
  return(%bytes)
}
func @main() attrs {kind = "main"} {
  team() {callee = "run"}
  return()
}
func @run() attrs {kind = "team"} {
  %n = dim() {index = 0} : index
  %c0 = const() {value = 0} : index
  %c1 = const() {value = 1} : index
)" + ("  %x = input() {index = 0} : " + pointer + "\n") +
                     ("  %y = output() {index = 0} : " + pointer + "\n") + team +
                     "  return()\n}\n" + more + "}\n";
  Result<Module> module = parseModule(text, "test");
  EXPECT_TRUE(module) << module.error().message;
  Program program;
  program.module = std::move(*module);
  program.symbols = {"N"};
  program.numDims = 1;
  program.nodeNames.add("node1");
  Port port{"x", dtype, {{-1, 0}}};
  program.inputs = {port};
  port.name = "y";
  program.outputs = {port};
  return program;
}

Result<std::vector<RuntimeValue>> run(const Program &program, const std::vector<double> &x,
                                      const char *cpu = "x86-64-v3", uint64_t seed = 0) {
  DType dtype = program.inputs[0].dtype;
  std::vector<std::byte> bytes(x.size() * dtypeBytes(dtype));
  for (size_t i = 0; i < x.size(); i++)
    storeDouble(dtype, bytes.data() + i * dtypeBytes(dtype), x[i]);
  Tensor tensor = *Tensor::view(makeConst(dtype, {std::ssize(x)}, std::move(bytes)));
  LoopOptions options;
  options.seed = seed;
  return interpret(program, *namedTarget("x86_64-linux-gnu", cpu), {tensor}, options);
}

std::vector<double> numbers(const Result<std::vector<RuntimeValue>> &result) {
  EXPECT_TRUE(result) << result.error().message;
  std::vector<double> values;
  for (int64_t i = 0; result && i < (*result)[0].tensor().size(); i++)
    values.push_back(eval::load<double>((*result)[0].tensor(), i));
  return values;
}

/// Expects an error whose message has both parts.
void expectRefused(const Program &program, const std::string &where, const std::string &what) {
  Result<std::vector<RuntimeValue>> result = run(program, {1, 2, 3, 4, 5});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find(where), std::string::npos) << result.error().message;
  EXPECT_NE(result.error().message.find(what), std::string::npos) << result.error().message;
}

/// y[i] is what `ops` make of %v, as %r.
Program elementwise(DType dtype, const std::string &ops) {
  std::string type(dtypeName(dtype));
  return programOf(dtype, "  parallel(%n) ^(%i: index, %end: index) {\n  %v = load(%x, %i) : " +
                              type + "\n" + ops + "  store(%r, %y, %i)\n  yield()\n  }\n");
}

TEST(LoopInterpreter, IntegersWrapAndDivideAsDefined) {
  Program div = elementwise(DType::I8, "%z = const() {value = 0} : i8\n%r = div(%v, %z) : i8\n");
  EXPECT_EQ(numbers(run(div, {-128, 5})), (std::vector<double>{0, 0}));
  Program minus = elementwise(DType::I8, "%m = const() {value = -1} : i8\n%q = div(%v, %m) : i8\n"
                                         "%o = rem(%v, %m) : i8\n%r = add(%q, %o) : i8\n");
  EXPECT_EQ(numbers(run(minus, {-128, 5})), (std::vector<double>{-128, -5}));
  Program shl = elementwise(DType::I8, "%k = const() {value = 8} : i8\n%a = shr(%v, %k) : i8\n"
                                       "%b = shl(%v, %k) : i8\n%r = sub(%a, %b) : i8\n");
  EXPECT_EQ(numbers(run(shl, {-3, 3})), (std::vector<double>{-1, 0}));
  Program mul = elementwise(DType::U16, "%r = mul(%v, %v) : u16\n");
  EXPECT_EQ(numbers(run(mul, {257, 3})), (std::vector<double>{513, 9}));
}

TEST(LoopInterpreter, CastsSaturateAndNanIsKept) {
  Program cast = elementwise(DType::F32, "%k = cast(%v) : i8\n%r = cast(%k) : f32\n");
  EXPECT_EQ(numbers(run(cast, {300, -300, -1.9, NAN})), (std::vector<double>{127, -128, -1, 0}));
  Program max = elementwise(DType::F32, "%z = const() {value = 0.0} : f32\n"
                                        "%r = max(%z, %v) : f32\n");
  EXPECT_TRUE(std::isnan(numbers(run(max, {NAN}))[0]));
  Program half = elementwise(DType::F32, "%h = cast(%v) : f16\n%r = cast(%h) : f32\n");
  EXPECT_EQ(numbers(run(half, {2049, 1e6})), (std::vector<double>{2048, INFINITY}));
}

// (1 + 2^-12)^2 - (1 + 2^-11) is 2^-24: all of it is lost when the product is rounded first.
TEST(LoopInterpreter, MadRoundsOnceWhereTheTargetIsFused) {
  Program mad = elementwise(DType::F32, "%c = const() {value = -1.00048828125} : f32\n"
                                        "%r = mad(%v, %v, %c) : f32\n");
  std::vector<double> x = {1 + std::ldexp(1, -12)};
  EXPECT_EQ(numbers(run(mad, x)), (std::vector<double>{std::ldexp(1, -24)}));
  EXPECT_EQ(numbers(run(mad, x, "x86-64-v2")), (std::vector<double>{0}));
}

// Lanes 0, 1 with 2, 3, and so on; the middle of five is left over.
TEST(LoopInterpreter, VectorsAndMasks) {
  Program program = programOf(DType::F32, R"(
  parallel(%n) ^(%i: index, %end: index) {
    %last = sub(%n, %c1) : index
    %only = cmp(%i, %c0) {pred = "eq"} : bool
    if(%only) ^ {
      %mask = lane_mask(%n) : vec<16xbool>
      %v = load(%x, %c0, %mask) : vec<16xf32>
      %s = reduce_lanes(%v) {op = "add"} : f32
      %r = splat(%s) : vec<16xf32>
      store(%r, %y, %c0, %mask)
      yield()
    }
    yield()
  }
)");
  EXPECT_EQ(numbers(run(program, {1, 2, 3, 4, 5})), (std::vector<double>(5, 15)));
}

TEST(LoopInterpreter, RefusesAccessesOutside) {
  std::string body = "  parallel(%n) ^(%i: index, %end: index) {\n";
  expectRefused(programOf(DType::F32, body + R"(
    %v = load(%x, %end) : f32
    store(%v, %y, %i)
    yield()
  })"),
                "function 'run', %v = load(%x, %end) : f32: at element 5 of ptr<f32>",
                "bytes 20 to 23 are outside of input 'x', which has 20");
  expectRefused(programOf(DType::F32, body + R"(
    %v = load(%x, %i) : vec<4xf32>
    %w = reduce_lanes(%v) {op = "max"} : f32
    store(%w, %y, %i)
    yield()
  })"),
                "load", "are outside of input 'x'");
  expectRefused(programOf(DType::F32, body + R"(
    %v = load(%x, %i) : f32
    store(%v, %x, %i)
    yield()
  })"),
                "store(%v, %x, %i)", "input 'x' must not be written");
}

// The workspace may be loaded from a little before and behind; buffers in it no more than that.
TEST(LoopInterpreter, RefusesToLeaveBuffersOfTheWorkspace) {
  auto program = [](const char *from) {
    return programOf(DType::F32, std::string(R"(
  %begin = const() {value = 128} : index
  %bytes = const() {value = 8} : index
  %t = arena(%begin, %bytes) : ptr<f32>
  %at = const() {value = )") + from + R"(} : index
  parallel(%n) ^(%i: index, %end: index) {
    %w = load(%t, %at) : f32
    %z = const() {value = 0.0} : f32
    store(%z, %y, %i)
    yield()
  }
)");
  };
  EXPECT_EQ(numbers(run(program("-16"), {1})), (std::vector<double>{0}));
  EXPECT_EQ(numbers(run(program("17"), {1})), (std::vector<double>{0}));
  expectRefused(program("-17"), "load(%t, %at)", "bytes -68 to -65 are outside of the workspace");
  expectRefused(program("18"), "load(%t, %at)", "bytes 72 to 75 are outside of the workspace");
}

TEST(LoopInterpreter, RefusesBrokenPromisesOfAlignment) {
  expectRefused(programOf(DType::F32, R"(
  parallel(%n) ^(%i: index, %end: index) {
    %v = load(%x, %i) {align = 16} : f32
    store(%v, %y, %i)
    yield()
  })"),
                "align = 16", "is no multiple of 16");
}

TEST(LoopInterpreter, RefusesUnitsThatTouchEachOther) {
  std::string body = "  parallel(%n) ^(%i: index, %end: index) {\n    %v = load(%x, %i) : f32\n";
  expectRefused(programOf(DType::F32, body + R"(
    store(%v, %y, %c0)
    yield()
  })"),
                "store(%v, %y, %c0)", "writes what is written by unit");
  expectRefused(programOf(DType::F32, body + R"(
    store(%v, %y, %i)
    %w = load(%y, %c0) : f32
    yield()
  })"),
                "", "without a barrier between them");
  std::string two = body + "    store(%v, %y, %i)\n    yield()\n  }\n";
  std::string second = R"(
  parallel(%n) ^(%j: index, %stop: index) {
    %w = load(%y, %j) : f32
    yield()
  })";
  expectRefused(programOf(DType::F32, two + second), "load(%y, %j)",
                "reads what is written by unit");
  EXPECT_TRUE(run(programOf(DType::F32, two + "  barrier()\n" + second), {1, 2, 3}));
}

TEST(LoopInterpreter, RefusesMemoryOfOtherThreads) {
  auto program = [](const char *share) {
    return programOf(DType::F32, std::string(R"(
  %arena = arena() : ptr<u8>
  %shared = const() {value = 256} : index
  parallel(%n) ^(%i: index, %end: index) {
    %own = const() {value = )") + share +
                                     R"(} : index
    %t = thread() : index
    %past = mul(%t, %own) : index
    %at = add(%shared, %past) : index
    %p = offset(%arena, %at) : ptr<u8>
    %q = retype(%p) : ptr<f32>
    %v = load(%x, %i) : f32
    store(%v, %q, %c0)
    %w = load(%q, %c0) : f32
    store(%w, %y, %i)
    yield()
  }
)");
  };
  EXPECT_EQ(numbers(run(program("64"), {1, 2, 3, 4, 5})), (std::vector<double>{1, 2, 3, 4, 5}));
  expectRefused(program("32"), "store(%v, %q, %c0)", "of the workspace are not memory of thread");
}

TEST(LoopInterpreter, RefusesOutputsThatAreNotWritten) {
  expectRefused(programOf(DType::F32, R"(
  %less = sub(%n, %c1) : index
  parallel(%less) ^(%i: index, %end: index) {
    %v = load(%x, %i) : f32
    store(%v, %y, %i)
    yield()
  })"),
                "element 4 of output 'y'", "was not written");
}

TEST(LoopInterpreter, ScratchIsOfOneCall) {
  std::string team = R"(
  parallel(%n) ^(%i: index, %end: index) {
    call(%x, %y, %i) {callee = "kernel"}
    yield()
  })";
  auto kernel = [](const char *at) {
    return std::string(
               R"(func @kernel(%x: ptr<f32>, %y: ptr<f32>, %i: index) attrs {kind = "kernel"} {
  %s = scratch() {count = 2} : ptr<f32>
  %at = const() {value = )") +
           at + R"(} : index
  %v = load(%x, %i) : f32
  store(%v, %s, %at)
  %w = load(%s, %at) : f32
  store(%w, %y, %i)
  return()
}
)";
  };
  EXPECT_EQ(numbers(run(programOf(DType::F32, team, kernel("1")), {7, 8})),
            (std::vector<double>{7, 8}));
  expectRefused(programOf(DType::F32, team, kernel("2")), "function 'kernel'",
                "outside of scratch memory, which has 8");
}

TEST(LoopInterpreter, FaultsAreWhatTheRuntimeSays) {
  expectRefused(programOf(DType::F32, R"(
  parallel(%n) ^(%i: index, %end: index) {
    fail(%i, %n) {code = "index_range", node = 0}
    %v = load(%x, %i) : f32
    store(%v, %y, %i)
    yield()
  })"),
                "node 'node1': index", "is out of range for an axis of size 5");
}

} // namespace
} // namespace cameo
