// The shape of hot loops: matrix micro-kernels written in loop IR keep their accumulators in
// registers. Looks at LLVM's assembly for x86-64-v4 and x86-64-v3, which needs no such CPU.
#include "ir/Parser.h"
#include "tests/codegen/Harness.h"

#include <fmt/format.h>
#include <fstream>
#include <regex>
#include <sstream>

namespace cameo::test {
namespace {

// c[m][n] = a[m][k] * b[k][n] for a tile of m rows and `vectors` vectors, as the kernel emitters
// write it: row pointers' offsets and accumulators carried, no unrolling.
std::string microKernel(int64_t m, int64_t vectors, int64_t lanes) {
  std::string v = fmt::format("vec<{}xf32>", lanes), text, init, types, args, yields;
  text = "func @micro(%a: ptr<f32>, %lda: index, %b: ptr<f32>, %panel: index, %c: ptr<f32>, "
         "%ldc: index, %k: index) attrs {kind = \"micro\"} {\n"
         "%zero = const() {value = 0} : index\n%one = const() {value = 1} : index\n"
         "%z = const() {value = 0.0f} : " +
         v + "\n";
  text += fmt::format("%lanes = const() {{value = {}}} : index\n", lanes);
  for (int64_t i = 0; i < m; i++) {
    text += fmt::format("%n{0} = const() {{value = {0}}} : index\n", i);
    text +=
        fmt::format("%o{0} = mul(%n{0}, %lda) : index\n%p{0} = offset(%a, %o{0}) : ptr<f32>\n", i);
  }
  for (int64_t j = 0; j < vectors; j++) {
    text += fmt::format("%m{0} = const() {{value = {0}}} : index\n", j);
    text += fmt::format(
        "%q{0} = mul(%m{0}, %panel) : index\n%b{0} = offset(%b, %q{0}) : ptr<f32>\n", j);
  }
  std::string results;
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < vectors; j++) {
      results += fmt::format("{}%r{}_{}", i + j ? ", " : "", i, j);
      init += ", %z";
      types += (i + j ? ", " : "") + v;
      args += fmt::format(", %s{}_{}: {}", i, j, v);
      yields += fmt::format("{}%t{}_{}", i + j ? ", " : "", i, j);
    }
  text +=
      results + " = for(%zero, %k, %one" + init + ") : " + types + " ^(%kk: index" + args + ") {\n";
  text += "%at = mul(%kk, %lanes) : index\n";
  for (int64_t j = 0; j < vectors; j++)
    text += fmt::format("%w{0} = load(%b{0}, %at) {{align = {1}}} : {2}\n", j, 4 * lanes, v);
  for (int64_t i = 0; i < m; i++) {
    text += fmt::format("%x{0} = load(%p{0}, %kk) : f32\n%y{0} = splat(%x{0}) : {1}\n", i, v);
    for (int64_t j = 0; j < vectors; j++)
      text += fmt::format("%t{0}_{1} = mad(%y{0}, %w{1}, %s{0}_{1}) : {2}\n", i, j, v);
  }
  text += "yield(" + yields + ")\n}\n";
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < vectors; j++) {
      text += fmt::format("%e{0}_{1} = mul(%n{0}, %ldc) : index\n", i, j);
      text += fmt::format("%f{0}_{1} = mul(%m{1}, %lanes) : index\n", i, j);
      text += fmt::format("%g{0}_{1} = add(%e{0}_{1}, %f{0}_{1}) : index\n", i, j);
      text += fmt::format("store(%r{0}_{1}, %c, %g{0}_{1})\n", i, j);
    }
  return text + "return()\n}\n";
}

Program microProgram(int64_t m, int64_t vectors, int64_t lanes) {
  return textProgram({DType::F32}, {DType::F32}, 1,
                     "call(%x0, %i, %x0, %i, %y0, %i, %i) {callee = \"micro\"}\n",
                     microKernel(m, vectors, lanes));
}

// The lines of the innermost loop: from the last label before the last backward jump.
std::vector<std::string> hotLoop(const std::string &assembly, const std::string &function) {
  std::istringstream lines(assembly.substr(assembly.find("\n" + function + ":")));
  std::vector<std::string> loop;
  std::regex label("^(\\.LBB[0-9_]+):.*"), jump("^\tj[a-z]+\t(\\.LBB[0-9_]+)");
  std::string current;
  std::smatch match;
  for (std::string line; std::getline(lines, line) && line.find(".Lfunc_end") != 0;) {
    if (std::regex_match(line, match, label)) {
      current = match[1];
      loop.clear();
    } else if (std::regex_search(line, match, jump) && match[1] == current) {
      return loop;
    }
    loop.push_back(line);
  }
  ADD_FAILURE() << "no loop in " << function;
  return {};
}

int64_t count(const std::vector<std::string> &lines, const std::string &pattern) {
  std::regex regex(pattern);
  return std::count_if(lines.begin(), lines.end(),
                       [&](const std::string &line) { return std::regex_search(line, regex); });
}

void checkMicro(const char *cpu, int64_t m, int64_t vectors, int64_t lanes) {
  TempFolder folder;
  EmitOptions options;
  options.kind = OutputKind::Assembly;
  Target target = *namedTarget("x86_64-linux-gnu", cpu);
  ASSERT_TRUE(emit(microProgram(m, vectors, lanes), target, options, folder.path("m.s")));
  std::ifstream file(folder.path("m.s"));
  std::string assembly(std::istreambuf_iterator<char>(file), {});
  std::vector<std::string> loop = hotLoop(assembly, "fn.micro");
  std::string where = fmt::format("{} {}x{}", cpu, m, vectors * lanes);
  EXPECT_EQ(count(loop, "vfmadd"), m * vectors) << where;
  EXPECT_EQ(count(loop, "\tv?mov.*%[xyz]mm[0-9]+, .*\\(%rsp|\\(%rbp"), 0) << where << " spills";
  EXPECT_EQ(count(loop, "\tvmov[au]p.*%[xyz]mm[0-9]+, %[xyz]mm"), 0) << where << " copies";
  EXPECT_LE(static_cast<int64_t>(loop.size()), m * vectors + 2 * m + vectors + 6) << where;
}

TEST(Kernel, AccumulatorsStayInRegisters) {
  for (auto [m, vectors] : {std::pair{14, 2}, {12, 2}, {9, 3}, {6, 4}, {28, 1}})
    checkMicro("x86-64-v4", m, vectors, 16);
  for (auto [m, vectors] : {std::pair{6, 2}, {4, 3}})
    checkMicro("x86-64-v3", m, vectors, 8);
}

} // namespace
} // namespace cameo::test
