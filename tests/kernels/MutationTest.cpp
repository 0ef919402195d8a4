// Faults planted in the text of planned kernel-level modules, one at a time, of the kinds that
// passes are prone to: a stride, an offset or a buffer's size that is off by one, a window or a
// slice that is, a halo that is too narrow, weights packed in another way than their reader takes,
// a buffer in whose place another is written while it is alive. The kernel interpreter must refuse
// each, or give other numbers than the graph interpreter, unless the verifier refuses it.
#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/Verifier.h"
#include "lowering/PassManager.h"
#include "lowering/build/ControlFlow.h"
#include "tools/RunCase.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <map>
#include <regex>

namespace cameo {
namespace {

struct Subject {
  const char *name, *line, *text;
};

const Subject kSubjects[] = {
    {"conv", "", R"(func @main(%x: f32[1,5,6,7]) results("y") {
       %w = Constant() {value = #w : f32[19,5,3,3]}
       %v = Constant() {value = #v : f32[4,19,1,1]}
       %r = Relu(%x)
       %c = Conv(%r, %w) {pads = [1, 1, 1, 1]}
       %y = Conv(%c, %v)
       return(%y)
     })"},
    {"strided", "", R"(func @main(%x: f32[2,8,9,6]) results("y") {
       %w = Constant() {value = #w : f32[4,4,3,2]}
       %r = Tanh(%x)
       %c = Conv(%r, %w) {pads = [2, 1, 0, 0], strides = [2, 1], group = 2}
       %y = MaxPool(%c) {kernel_shape = [2, 2], pads = [1, 0, 0, 1]}
       return(%y)
     })"},
    {"integers", "M=13", R"(func @main(%x: u8[M,36], %a: i8[2,36]) results("y", "z", "t") {
       %w = Constant() {value = #w : i8[36,37]}
       %v = Constant() {value = #v : i8[36,21]}
       %zero = Constant() {value = dense<u8[]: 7>}
       %y = MatMulInteger(%x, %w, %zero)
       %z = MatMulInteger(%a, %v)
       %u = Constant() {value = #u : u8[36,5]}
       %t = MatMulInteger(%x, %u, %zero)
       return(%y, %z, %t)
     })"},
    {"views", "N=3", R"(func @main(%x: f32[N,8,5], %u: f32[N,3,5]) results("y", "z") {
       %s = Constant() {value = dense<i64[1]: 2>}
       %e = Constant() {value = dense<i64[1]: 7>}
       %axis = Constant() {value = dense<i64[1]: 1>}
       %r = Relu(%x)
       %part = Slice(%r, %s, %e, %axis)
       %t = Transpose(%part) {perm = [0, 2, 1]}
       %y = Exp(%t)
       %v = Neg(%u)
       %p = Neg(%part)
       %z = Concat(%v, %p) {axis = 1}
       return(%y, %z)
     })"},
    {"chain", "N=5", R"(func @main(%x: f32[N,21], %b: f32[21]) results("y") {
       %last = Constant() {value = dense<i64[1]: 1>}
       %first = Constant() {value = dense<i64[1]: 0>}
       %w = Constant() {value = #w : f32[21,21]}
       %p = MatMul(%x, %w)
       %s = Softmax(%p)
       %m = ReduceMax(%p, %last)
       %n = LayerNormalization(%p, %b)
       %c = ReduceSum(%n, %first)
       %q = Mul(%s, %c)
       %y = Add(%q, %m)
       return(%y)
     })"},
};

/// A subject, planned, and its constants, whose bytes are not in the text.
struct Planned {
  Module reference;
  Target target;
  RunLine line;
  std::string text;
  std::map<std::string, ConstRef> constants;
};

Planned plan(const Subject &subject) {
  std::string text = std::string("module \"m\" {\n") + subject.text + "\n}";
  Planned planned{*parseModule(text, subject.name), {}, *parseRunLine(subject.line), {}, {}};
  Module module = *parseModule(text, subject.name);
  fillConstants(planned.reference);
  fillConstants(module);
  planned.target = *namedTarget("x86_64-linux-gnu", "x86-64-v4+vnni");
  PassContext context;
  context.target = planned.target;
  EXPECT_TRUE(runPasses(module, context, pipeline(), allPasses()));
  for (Op *op : opsOf(module.main()))
    if (op->kind() == OpKind::Constant)
      planned.constants[op->attrs.getConst("value")->name] = op->attrs.getConst("value");
  planned.text = print(module);
  return planned;
}

/// What is wrong with the text of a planned module; "" if nothing.
std::string report(Planned &planned, const std::string &text) {
  Result<Module> module = parseModule(text, "planted");
  EXPECT_TRUE(module) << module.error().message << "\n" << text;
  if (Result<void> verified = verify(*module); !verified)
    return verified.error().message;
  for (Op *op : opsOf(module->main()))
    if (op->kind() == OpKind::Constant)
      op->attrs.set("value", planned.constants.at(op->attrs.getConst("value")->name));
  Result<void> ran = runAsIs(*module, planned.target, planned.reference, planned.line);

  return ran ? "" : ran.error().message;
}

/// Plants a fault of some size in a place of a text: what stands there instead.
using Plant = std::function<std::string(const std::string &there, int64_t size)>;

/// A part of a text.
struct Place {
  size_t begin, length;
};

std::vector<Place> placesOf(const std::string &text, const std::string &pattern, size_t group) {
  std::vector<Place> places;
  std::regex regex(pattern);
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    places.push_back(
        {static_cast<size_t>(match->position(group)), static_cast<size_t>(match->length(group))});
  return places;
}

/// The numbers in lists that a pattern's first group matches.
std::vector<Place> numbersIn(const std::string &text, const std::string &pattern) {
  std::vector<Place> numbers;
  for (const Place &list : placesOf(text, pattern, 1))
    for (Place number : placesOf(text.substr(list.begin, list.length), "[^, ]+", 0))
      numbers.push_back({list.begin + number.begin, number.length});
  return numbers;
}

std::string plus(const std::string &there, int64_t size) {
  return there + (size < 0 ? "-" : "+") + std::to_string(std::abs(size));
}

/// Plants a fault in each place, and expects it to be found unless a large one makes no difference
/// either: the stride of a dim of 1.
void expectFound(const std::function<std::vector<Place>(const std::string &)> &places,
                 const Plant &plant, int64_t size, int64_t large, int64_t least) {
  int64_t found = 0;
  for (const Subject &subject : kSubjects) {
    Planned planned = plan(subject);
    ASSERT_EQ(report(planned, planned.text), "") << planned.text;
    for (const Place &place : places(planned.text)) {
      auto reported = [&](int64_t by) {
        std::string text = planned.text;
        std::string there = text.substr(place.begin, place.length);
        text.replace(place.begin, place.length, plant(there, by));
        return report(planned, text);
      };
      bool isFound = !reported(size).empty();
      found += isFound;
      if (!isFound) {
        EXPECT_EQ(reported(large), "")
            << subject.name << ": not found in "
            << planned.text.substr(planned.text.rfind('\n', place.begin),
                                   planned.text.find('\n', place.begin) -
                                       planned.text.rfind('\n', place.begin));
      }
    }
  }
  EXPECT_GE(found, least);
  testing::Test::RecordProperty("found", std::to_string(found));
}

TEST(KernelMutation, Stride) {
  expectFound(
      [](const std::string &text) { return numbersIn(text, "@ #[^\\[]*\\[[^;]*;([^\\]]*)\\]"); },
      plus, 1, 1000, 60);
}

TEST(KernelMutation, Offset) {
  expectFound([](const std::string &text) { return placesOf(text, "@ #[^\\[]*\\[([^;]*)", 1); },
              plus, 1, 1000, 40);
}

TEST(KernelMutation, BufferOneElementShort) {
  expectFound(
      [](const std::string &text) {
        return placesOf(text, "= (?:arena|input \\d+|output \\d+): \\w+\\[([^\\]]*)\\]", 1);
      },
      plus, -1, -2, 15);
}

// Where windows and slices begin.
TEST(KernelMutation, Window) {
  expectFound(
      [](const std::string &text) {
        std::vector<Place> places = numbersIn(text, "pads_begin = <([^>]*)>");
        for (const Place &place : numbersIn(text, "starts = <([^>]*)>"))
          places.push_back(place);
        return places;
      },
      plus, 1, 2, 9);
}

TEST(KernelMutation, HaloTooNarrow) {
  auto places = [](const std::string &text) {
    std::vector<Place> places = numbersIn(text, "lo = \\[([^\\]]*)\\]");
    for (const Place &place : numbersIn(text, "hi = <([^>]*)>"))
      places.push_back(place);
    std::erase_if(places, [&](const Place &place) { return text[place.begin] == '0'; });
    return places;
  };
  expectFound(
      places,
      [](const std::string &there, int64_t size) {
        return std::to_string(std::stoll(there) - size);
      },
      1, 1, 4);
}

TEST(KernelMutation, HaloNotFilled) {
  expectFound(
      [](const std::string &text) { return placesOf(text, "\\n *(fill_halo[^\\n]*)\\n", 1); },
      [](const std::string &, int64_t) { return ""; }, 1, 1, 2);
}

TEST(KernelMutation, Interleave) {
  expectFound([](const std::string &text) { return placesOf(text, "interleave = (\\d+)", 1); },
              [](const std::string &there, int64_t size) {
                return std::to_string(std::stoll(there) / (2 * size));
              },
              1, 2, 4);
}

TEST(KernelMutation, Sign) {
  expectFound([](const std::string &text) { return placesOf(text, "flip_sign = (1)", 1); },
              [](const std::string &, int64_t) { return "0"; }, 1, 1, 1);
}

/// The first and the last op that touches a buffer.
using Lifetime = std::pair<int64_t, int64_t>;

std::map<int64_t, Lifetime> lifetimesOf(Func &func) {
  std::map<int64_t, Lifetime> lifetimes;
  int64_t number = 0;
  for (Op *op : opsOf(func)) {
    auto touch = [&](const Value *value) {
      if (!value || !value->layout)
        return;
      auto [entry, isNew] = lifetimes.try_emplace(value->layout->buffer, number, number);
      entry->second.second = number;
    };
    for (const Value *operand : op->operands())
      touch(operand);
    for (const std::unique_ptr<Value> &result : op->results())
      touch(result.get());
    number++;
  }
  return lifetimes;
}

// As if one of two buffers had been let go before the other is written.
TEST(KernelMutation, FreedTooEarly) {
  int64_t found = 0;
  for (const Subject &subject : kSubjects) {
    Planned planned = plan(subject);
    Module module = *parseModule(planned.text, subject.name);
    Func &func = module.main();
    std::map<int64_t, Lifetime> lifetimes = lifetimesOf(func);
    for (const auto &[a, livesA] : lifetimes)
      for (const auto &[b, livesB] : lifetimes) {
        const Buffer &bufferA = func.buffers[a];
        Buffer &bufferB = func.buffers[b];
        bool areBoth = bufferA.space == Buffer::Space::Arena && bufferB.space == bufferA.space;
        if (a == b || !areBoth || livesA.second < livesB.first || livesB.second < livesA.first)
          continue;
        Dim before = bufferB.offset;
        bufferB.offset = bufferA.offset;
        std::string message = report(planned, print(module));
        EXPECT_NE(message, "") << subject.name << ": #" << bufferB.name << " where #"
                               << bufferA.name << " is";
        found += !message.empty();
        bufferB.offset = before;
      }
  }
  EXPECT_GE(found, 6);
  RecordProperty("found", std::to_string(found));
}

} // namespace
} // namespace cameo
