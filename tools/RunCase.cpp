// See RunCase.h.
#include "tools/RunCase.h"

#include "bench/Deviation.h"
#include "bench/Random.h"
#include "ir/Half.h"
#include "ir/eval/AnyLevel.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "lowering/PassManager.h"
#include "lowering/program/ToLoops.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>

namespace cameo {
namespace {

constexpr std::string_view kArrow = "->";
constexpr std::string_view kError = "error: ";
// Orders of units and threads that a run is repeated with.
constexpr uint64_t kSeeds[] = {1, 2};

std::string_view takeWord(std::string_view &text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

Result<std::vector<double>> parseNumbers(std::string_view text) {
  std::vector<double> numbers;
  while (!text.empty()) {
    std::string_view number = text.substr(0, text.find(','));
    double value = 0;
    std::from_chars_result end = std::from_chars(number.begin(), number.end(), value);
    if (end.ec != std::errc() || end.ptr != number.end())
      return badInput(fmt::format("expected a number, got '{}'", number));
    numbers.push_back(value);
    text.remove_prefix(std::min(number.size() + 1, text.size()));
  }
  return numbers;
}

/// A tensor of elements that `element(i)` gives.
Tensor makeTensor(DType dtype, const std::vector<int64_t> &dims, int64_t count,
                  const std::function<double(int64_t)> &element) {
  std::vector<std::byte> bytes(count * dtypeBytes(dtype));
  for (int64_t i = 0; i < count; i++)
    storeDouble(dtype, bytes.data() + i * dtypeBytes(dtype), element(i));
  return *Tensor::view(makeConst(dtype, dims, std::move(bytes)));
}

/// Element `i` of what is random under this name.
double randomElement(DType dtype, const std::string &name, int64_t i) {
  uint64_t bits = randomBits(0, std::hash<std::string>()(name), static_cast<uint64_t>(i));
  if (isFloat(dtype))
    return static_cast<double>(bits % 4096) / 1024 - 2;
  if (dtype == DType::Bool)
    return static_cast<double>(bits % 2);
  return static_cast<double>(bits % 20) - (isSignedInt(dtype) ? 10 : 0);
}

Result<Tensor> tensorFor(const std::string &name, const Type &type, const RunLine &line) {
  if (!type.isRanked() || type.dtype() == DType::String)
    return unsupported(fmt::format("'{}' is no tensor of numbers of known rank", name));
  std::vector<int64_t> dims;
  for (const Dim &dim : type.shape()) {
    std::optional<int64_t> size =
        dim.evaluate([&](const std::string &symbol) -> std::optional<int64_t> {
          auto known = line.given.find(symbol);
          if (known == line.given.end() || known->second.size() != 1)
            return std::nullopt;
          return static_cast<int64_t>(known->second[0]);
        });
    if (!size)
      return badInput(fmt::format("'{}': the size {} is not given", name, dim.str()));
    dims.push_back(*size);
  }
  int64_t count = *checkedNumElements(dims);
  auto given = line.given.find(name);
  if (given == line.given.end())
    return makeTensor(type.dtype(), dims, count,
                      [&](int64_t i) { return randomElement(type.dtype(), name, i); });
  if (std::ssize(given->second) != count)
    return badInput(
        fmt::format("'{}': expected {} elements, got {}", name, count, given->second.size()));
  return makeTensor(type.dtype(), dims, count, [&](int64_t i) { return given->second[i]; });
}

/// A value for each input: what the line gives, else random elements, floats in [-2, 2) and
/// integers in [-10, 10) as far as their type has these.
Result<std::vector<RuntimeValue>> inputsFor(Func &func, const RunLine &line) {
  std::vector<RuntimeValue> inputs;
  for (const std::unique_ptr<Value> &arg : func.body.args())
    inputs.emplace_back(TRY(tensorFor(arg->name, arg->type, line)));
  return inputs;
}

Result<void> compare(const std::string &name, const Tensor &want, const Tensor &got) {
  Deviation deviation = measure(want, got);
  if (deviation.comparable() && deviation.verdict == Verdict::Pass)
    return {};
  if (!deviation.comparable())
    return badInput(fmt::format("output '{}': {}", name, deviation.reason));
  return badInput(fmt::format(
      "output '{}' of {}{} differs: element {} is {}, expected {}; {} more are not numbers", name,
      dtypeName(want.dtype), dimsText(want.dims), deviation.worst, deviation.gotWorst,
      deviation.wantWorst, deviation.mismatches));
}

/// Where the line says nothing of an output, `want` has it, if there is a reference.
Result<void> compareAll(const std::vector<std::string> &names, const RunLine &line,
                        const std::vector<RuntimeValue> &want,
                        const std::vector<RuntimeValue> &got) {
  for (size_t i = 0; i < got.size(); i++) {
    const Tensor &y = got[i].tensor();
    if (auto expected = line.expected.find(names[i]); expected != line.expected.end()) {
      if (std::ssize(expected->second) != y.size())
        return badInput(fmt::format("output '{}': expected {} elements, got {}", names[i],
                                    expected->second.size(), y.size()));
      TRY(compare(names[i],
                  makeTensor(y.dtype, y.dims, y.size(),
                             [&](int64_t element) { return expected->second[element]; }),
                  y));
    } else if (i < want.size()) {
      TRY(compare(names[i], want[i].tensor(), y));
    } else {
      return badInput(fmt::format("output '{}': the line does not say what it is", names[i]));
    }
  }
  return {};
}

/// A run's inputs, and what the case's own module makes of them; nothing where it must fail.
struct Expectation {
  std::vector<RuntimeValue> inputs, outputs;
};

Result<Expectation> expectationOf(Module &reference, const Target &target, const RunLine &line) {
  Expectation expectation{TRY(inputsFor(reference.main(), line)), {}};
  if (line.error.empty())
    expectation.outputs = TRY(interpretAnyLevel(reference, target, expectation.inputs));
  return expectation;
}

/// Whether a run ended as the line says. The graph interpreter has words of its own for errors.
Result<void> judge(const Result<std::vector<RuntimeValue>> &got, bool isGraph,
                   const Expectation &expectation, Module &reference, const RunLine &line) {
  if (!got) {
    bool isExpected = isGraph || got.error().message.find(line.error) != std::string::npos;
    return line.error.empty() || !isExpected ? Result<void>(got.error()) : Result<void>();
  }
  if (!line.error.empty())
    return badInput(fmt::format("expected the error '{}', got none", line.error));
  return compareAll(reference.main().resultNames, line, expectation.outputs, *got);
}

Result<void> runAsIs(Module &module, const Target &target, const Expectation &expectation,
                     Module &reference, const RunLine &line) {
  return judge(interpretAnyLevel(module, target, expectation.inputs), !isKernelLevel(module),
               expectation, reference, line);
}

Result<void> runLoops(const Program &program, const Target &target, const Expectation &expectation,
                      Module &reference, const RunLine &line, LoopObserver *observer) {
  for (uint64_t seed : kSeeds) {
    LoopOptions options;
    options.seed = seed;
    options.observer = observer;
    TRY(judge(interpret(program, target, expectation.inputs, options), false, expectation,
              reference, line));
  }
  return {};
}

} // namespace

Result<RunLine> parseRunLine(std::string_view text) {
  RunLine line;
  bool isExpected = false;
  for (std::string_view rest = text;;) {
    std::string_view word = takeWord(rest);
    if (word.empty())
      return line;
    if (word == kArrow) {
      isExpected = true;
      rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
      if (!rest.starts_with(kError))
        continue;
      line.error = rest.substr(kError.size());
      return line;
    }
    size_t equals = word.find('=');
    if (equals == std::string_view::npos)
      return badInput(fmt::format("expected NAME=NUMBERS, got '{}'", word));
    auto &names = isExpected ? line.expected : line.given;
    names[std::string(word.substr(0, equals))] = TRY(parseNumbers(word.substr(equals + 1)));
  }
}

void fillConstants(Module &module) {
  constexpr int64_t kMostInText = 16;
  for (const std::unique_ptr<Func> &func : module.funcs)
    for (const std::unique_ptr<Op> &op : func->body.ops()) {
      ConstRef data = op->kind() == OpKind::Constant ? op->attrs.getConst("value") : nullptr;
      if (!data || data->numElements() <= kMostInText)
        continue;
      Tensor filled = makeTensor(data->dtype, data->dims, data->numElements(), [&](int64_t i) {
        return randomElement(data->dtype, data->name, i);
      });
      op->attrs.set("value",
                    makeConst(data->dtype, data->dims,
                              {filled.data(), filled.data() + filled.numBytes()}, data->name));
    }
}

Result<Program> lowerToLoops(Module &module, PassContext &context) {
  TRY(runPasses(module, context, remainingPipeline(module), allPasses()));
  return toLoops(module, context);
}

Result<void> runAsIs(Module &module, const Target &target, Module &reference, const RunLine &line) {
  return runAsIs(module, target, TRY(expectationOf(reference, target, line)), reference, line);
}

Result<void> runDown(Module &module, PassContext &context, Module &reference, const RunLine &line) {
  Expectation expectation = TRY(expectationOf(reference, context.target, line));
  auto run = [&](const std::string &where) -> Result<void> {
    Result<void> ran = runAsIs(module, context.target, expectation, reference, line);
    return ran ? ran : Result<void>(badInput(where + ran.error().message));
  };
  TRY(run(""));
  for (const PipelineStep &step : remainingPipeline(module)) {
    PassReport report = TRY(runPasses(module, context, {&step, 1}, allPasses()));
    if (report.records.front().changed)
      TRY(run(fmt::format("behind {}: ", step.pass)));
  }
  return runLoops(TRY(toLoops(module, context)), context.target, expectation, reference, line,
                  nullptr);
}

Result<void> runProgram(const Program &program, Module &reference, const Target &target,
                        const RunLine &line, LoopObserver *observer) {
  return runLoops(program, target, TRY(expectationOf(reference, target, line)), reference, line,
                  observer);
}

} // namespace cameo
