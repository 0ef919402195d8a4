// Code that is generated in parts: which functions a part has, that the library does not depend on
// how many threads made it, and that it computes and exports what it would in one part.
#include "codegen/CodeParts.h"
#include "ir/Parser.h"
#include "tests/codegen/Harness.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sched.h>
#include <set>
#include <sstream>

namespace cameo::test {
namespace {

constexpr int kSteps = 60, kAdds = 50;
constexpr int64_t kMost = 16;

// y = x + kSteps * kAdds, a function for each step. Two of them would have the same symbol.
Program stepsProgram(int steps) {
  std::string functions, calls, last = "%v";
  for (int step = 0; step < steps; step++) {
    std::string name = step == 1 ? "step0.n" : "step" + std::to_string(step), sum = "%v";
    functions += "func @" + name + "(%v: f32) attrs {kind = \"kernel\"" +
                 (step == 0 ? ", node = \"n\"" : "") + "} {\n%one = const() {value = 1.0} : f32\n";
    for (int i = 0; i < kAdds; i++) {
      std::string next = "%s" + std::to_string(i);
      functions += next + " = add(" + sum + ", %one) : f32\n";
      sum = next;
    }
    functions += "return(" + sum + ")\n}\n";
    std::string result = "%r" + std::to_string(step);
    calls += result + " = call(" + last + ") {callee = \"" + name + "\"} : f32\n";
    last = result;
  }
  return textProgram({DType::F32}, {DType::F32}, 1,
                     "%v = load(%x0, %i) : f32\n" + calls + "store(" + last + ", %y0, %i)\n",
                     functions);
}

std::string emitted(const Program &program, const Target &target, const EmitOptions &options,
                    const std::string &path) {
  Result<std::vector<Spill>> done = emit(program, target, options, path);
  EXPECT_TRUE(done) << done.error().message;
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Every function is in one part, in the module's order, and no part is much longer than others.
TEST(Parts, HaveAllFunctions) {
  Program program = stepsProgram(kSteps);
  std::vector<CodePart> parts = divideCode(program.module, kMost);
  ASSERT_GT(parts.size(), 2U);
  ASSERT_LE(parts.size(), static_cast<size_t>(kMost));
  std::vector<const Func *> funcs;
  std::vector<int64_t> sizes;
  for (const CodePart &part : parts) {
    EXPECT_FALSE(part.isWhole);
    EXPECT_EQ(part.hasModel, &part == &parts.front());
    sizes.push_back(0);
    for (const Func *func : part.funcs) {
      funcs.push_back(func);
      sizes.back() += func->body.countOps();
    }
  }
  ASSERT_EQ(funcs.size(), program.module.funcs.size());
  for (size_t i = 0; i < funcs.size(); i++)
    EXPECT_EQ(funcs[i], program.module.funcs[i].get());
  auto [least, most] = std::minmax_element(sizes.begin(), sizes.end());
  EXPECT_LE(*most, *least + 4 * kAdds);
}

TEST(Parts, OneOfFewFunctions) {
  for (int steps : {0, 2}) {
    Program program = stepsProgram(steps);
    std::vector<CodePart> parts = divideCode(program.module, kMost);
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_TRUE(parts[0].isWhole && parts[0].hasModel);
    EXPECT_EQ(parts[0].funcs.size(), program.module.funcs.size());
  }
  Program program = stepsProgram(kSteps);
  EXPECT_EQ(divideCode(program.module, 1).size(), 1U);
  EXPECT_EQ(divideCode(Module(), kMost).size(), 1U);
}

// A long function takes the place of several parts.
TEST(Parts, AroundALongFunction) {
  std::string text = "module \"m\" {\n";
  for (int func = 0; func < 5; func++) {
    text += "func @f" + std::to_string(func) + "() attrs {kind = \"kernel\"} {\n";
    for (int i = 0; i < (func == 2 ? 9000 : 500); i++)
      text += "%v" + std::to_string(i) + " = const() {value = 1.0} : f32\n";
    text += "return()\n}\n";
  }
  Result<Module> module = parseModule(text + "}\n", "test");
  ASSERT_TRUE(module) << module.error().message;
  std::vector<CodePart> parts = divideCode(*module, kMost);
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_EQ(parts[1].funcs, std::vector{module->funcs[2].get()});
}

TEST(Parts, ComputeWhatOneDoes) {
  Program program = stepsProgram(kSteps);
  std::vector<std::byte> x = bytesOf(std::vector<float>{0, 1, -5});
  std::vector<float> expected = {kSteps * kAdds, kSteps * kAdds + 1, kSteps * kAdds - 5};
  for (const char *cpu : {"x86-64-v3", "armv8-a", "armv7-a", "rv64gc", "wasm32"}) {
    SCOPED_TRACE(cpu);
    Target target = targetOf(cpu);
    if (!canRun(target))
      continue;
    EXPECT_EQ(valuesOf<float>(runRows(program, target, {x}, 3, 2)[0]), expected);
  }
}

// With as many threads as there are processors, and with one.
TEST(Parts, AreTheSameOnEveryMachine) {
  Program program = stepsProgram(kSteps);
  ASSERT_GT(divideCode(program.module, kMost).size(), 2U);
  TempFolder folder;
  cpu_set_t all, first;
  ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
  int processor = 0;
  while (!CPU_ISSET(processor, &all))
    processor++;
  CPU_ZERO(&first);
  CPU_SET(processor, &first);
  for (OutputKind kind : {OutputKind::SharedLibrary, OutputKind::WasmModule}) {
    EmitOptions options;
    options.kind = kind;
    Target target = targetOf(kind == OutputKind::WasmModule ? "wasm32" : "x86-64-v3");
    std::string many = emitted(program, target, options, folder.path("m"));
    ASSERT_EQ(sched_setaffinity(0, sizeof first, &first), 0);
    std::string one = emitted(program, target, options, folder.path("m"));
    ASSERT_EQ(sched_setaffinity(0, sizeof all, &all), 0);
    EXPECT_FALSE(one.empty());
    EXPECT_TRUE(one == many);
  }
}

// Functions that other parts call are symbols of the library's own, under the names that profilers
// show.
TEST(Parts, ExportNothingMore) {
  TempFolder folder;
  std::string path = folder.path("m.so");
  ASSERT_FALSE(emitted(stepsProgram(kSteps), targetOf("x86-64-v3"), {}, path).empty());
  auto symbols = [&](const std::string &flags) {
    std::multiset<std::string> names;
    FILE *pipe = popen(("nm --defined-only " + flags + " '" + path + "'").c_str(), "r");
    char line[4096];
    while (fgets(line, sizeof line, pipe)) {
      std::istringstream words(line);
      std::string address, kind, name;
      words >> address >> kind >> name;
      names.insert(name);
    }
    EXPECT_EQ(pclose(pipe), 0);
    return names;
  };
  EXPECT_EQ(symbols("-D"),
            (std::multiset<std::string>{"cameo_model", "m", "m_of_model_0000000000000000"}));
  std::multiset<std::string> inside = symbols("");
  for (const char *name : {"fn.main", "fn.team", "fn.kernel", "fn.step0.n", "fn.step0.n_"})
    EXPECT_EQ(inside.count(name), 1U) << name;
  for (int step = 2; step < kSteps; step++)
    EXPECT_EQ(inside.count("fn.step" + std::to_string(step)), 1U) << step;
}

} // namespace
} // namespace cameo::test
