// What a generated library is to the outside: symbols, weights in all their places, static linking,
// headers, errors when files cannot be written.
#include "codegen/Names.h"
#include "codegen/Target.h"
#include "tests/codegen/Harness.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cameo::test {
namespace {

constexpr int64_t kBefore = 3 << 18; // elements of the second blob before those that are read
constexpr int64_t kWeightBytes = 4 * kBefore + 144;

// y = x + the last four weights of the second blob, which is made in several parts.
Program weightProgram(float first) {
  Program program = textProgram(
      {DType::F32}, {DType::F32}, 4,
      "%bytes = weights() : ptr<u8>\n%w = retype(%bytes) : ptr<f32>\n"
      "%at = const() {value = 786464} : index\n%v = load(%x0, %i) : vec<4xf32>\n"
      "%a = load(%w, %at) : vec<4xf32>\n%r = add(%v, %a) : vec<4xf32>\nstore(%r, %y0, %i)\n");
  auto write = [first](std::span<std::byte> bytes, int64_t from) {
    for (int64_t at = 0; at < std::ssize(bytes); at += 4) {
      float value = first + static_cast<float>((from + at) / 4 % kBefore);
      std::memcpy(&bytes[at], &value, 4);
    }
  };
  program.weights = {{"unused", 0, 20, {4, write}}, {"w", 128, 4 * kBefore + 16, {16, write}}};
  program.weightBytes = kWeightBytes;
  return program;
}

std::string shell(const std::string &command, int *status = nullptr) {
  std::string text;
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  char buffer[4096];
  while (size_t n = fread(buffer, 1, sizeof buffer, pipe))
    text.append(buffer, n);
  int code = pclose(pipe);
  if (status)
    *status = code;
  else
    EXPECT_EQ(code, 0) << command << "\n" << text;
  return text;
}

void checkRun(const Library &library, float first) {
  Context context(library, 2);
  std::vector<float> x = {0, 0, 0, 0, 100, 100, 100, 100}, y(8);
  std::vector<int64_t> dims = {8}, outDims = {0};
  std::vector<cameo_value> in = {tensor(DType::F32, x.data(), dims, 32)};
  std::vector<cameo_value> out = {tensor(DType::F32, y.data(), outDims, 32)};
  ASSERT_EQ(context.run(in, out), CAMEO_OK) << context.error();
  for (size_t i = 0; i < 8; i++)
    EXPECT_EQ(y[i], x[i] + first + static_cast<float>(i % 4));
}

TEST(Library, WeightsOfASharedLibrary) {
  TempFolder folder;
  std::string path = folder.path("my model.so");
  ASSERT_TRUE(emit(weightProgram(5), targetOf(""), {}, path));
  Library library(path);
  EXPECT_STREQ(library.model()->name, "my_model");
  EXPECT_EQ(library.model()->weights_size, kWeightBytes);
  checkRun(library, 5);
  std::string symbols = shell("nm -D '" + path + "'");
  std::istringstream lines(symbols);
  for (std::string line; std::getline(lines, line);) {
    bool defined = line.find(" U ") == std::string::npos && line.find(" w ") == std::string::npos;
    EXPECT_TRUE(!defined || line.ends_with(" my_model") || line.ends_with(" cameo_model") ||
                line.ends_with(" my_model_of_model_0000000000000000"))
        << line;
  }
  EXPECT_NE(shell("readelf -d '" + path + "'").find("[libc.so.6]"), std::string::npos);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("")), {}), 3);
}

// The system maps a file in huge pages where addresses and places in the file agree modulo such a
// page.
TEST(Library, WeightsMayBeMappedInHugePages) {
  constexpr uint64_t kHugePage = 2 << 20;
  TempFolder folder;
  ASSERT_TRUE(emit(weightProgram(5), targetOf(""), {}, folder.path("m.so")));
  std::ifstream file(folder.path("m.so"), std::ios::binary);
  Elf64_Ehdr header;
  file.read(reinterpret_cast<char *>(&header), sizeof header);
  file.seekg(static_cast<int64_t>(header.e_phoff));
  std::vector<Elf64_Phdr> segments(header.e_phnum);
  file.read(reinterpret_cast<char *>(segments.data()),
            static_cast<int64_t>(segments.size() * sizeof(Elf64_Phdr)));
  auto weights = std::find_if(segments.begin(), segments.end(), [](const Elf64_Phdr &segment) {
    return segment.p_type == PT_LOAD && segment.p_filesz >= kWeightBytes;
  });
  ASSERT_NE(weights, segments.end());
  EXPECT_EQ(weights->p_align, kHugePage);
  EXPECT_EQ(weights->p_offset % kHugePage, weights->p_vaddr % kHugePage);
  EXPECT_LT(weights->p_offset, kHugePage); // not padded to a whole one
}

TEST(Library, SameProgramGivesTheSameBytes) {
  TempFolder folder;
  auto bytes = [&] {
    std::string path = folder.path("m.so");
    EXPECT_TRUE(emit(weightProgram(5), targetOf("x86-64-v3"), {}, path));
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  EXPECT_EQ(bytes(), bytes());
}

const char *const kDriver = R"(
#include "a.h"
#include "b.h"
#include <stdio.h>
static int run(const cameo_model *model) {
  cameo_context *context;
  char message[200] = "";
  cameo_options options = cameo_default_options();
  options.message = message;
  options.message_size = sizeof message;
  options.threads = 2;
  if (cameo_create(model, &options, &context)) { puts(message); return 1; }
  float x[8] = {0};
  int64_t dims[1] = {8};
  cameo_value in[1] = {{0}}, out[1] = {{0}};
  in[0].as.tensor.data = x;
  in[0].as.tensor.dims = dims;
  in[0].as.tensor.dtype = CAMEO_FLOAT32;
  in[0].as.tensor.rank = 1;
  if (cameo_run(context, in, out)) { puts(cameo_last_error(context)); return 1; }
  float *y = (float *)out[0].as.tensor.data;
  printf("%s %g %g\n", model->name, y[0], y[7]);
  cameo_destroy(context);
  return 0;
}
int main(void) { return run(a()) + run(b()); }
)";

void write(const std::string &path, const std::string &text) { std::ofstream(path) << text; }

TEST(Library, TwoModelsInOneProgram) {
  for (OutputKind kind : {OutputKind::Object, OutputKind::StaticLibrary})
    for (int64_t limit : {int64_t{0}, int64_t{1} << 30}) {
      TempFolder folder;
      bool archive = kind == OutputKind::StaticLibrary;
      EmitOptions options;
      options.kind = kind;
      options.maxStaticWeights = limit;
      std::string files;
      for (const char *name : {"a", "b"}) {
        std::string file = archive ? std::string("lib") + name + ".a" : std::string(name) + ".o";
        options.name = name;
        Result<std::vector<Spill>> emitted = emit(weightProgram(static_cast<float>(name[0])),
                                                  targetOf(""), options, folder.path(file));
        ASSERT_TRUE(emitted) << emitted.error().message;
        std::string header = archive ? std::string("lib") + name + ".h" : std::string(name) + ".h";
        if (archive)
          std::filesystem::rename(folder.path(header), folder.path(std::string(name) + ".h"));
        files += " " + folder.path(file);
      }
      write(folder.path("main.c"), kDriver);
      shell("cc -Wall -Wextra -Werror -std=c11 " + folder.path("main.c") + files + " -o " +
            folder.path("main") + " -lpthread");
      EXPECT_EQ(shell(folder.path("main")), "a 97 100\nb 98 101\n");
    }
}

TEST(Library, HeaderOfStrangeNames) {
  Program program = weightProgram(1);
  program.inputs[0].name = "in*/put\n\"1\"";
  program.outputs[0].name = "in*/put\n\"1\"";
  program.symbols[0] = "*/ N";
  TempFolder folder;
  EmitOptions options;
  options.kind = OutputKind::Header;
  options.name = "int";
  ASSERT_TRUE(emit(program, targetOf(""), options, folder.path("int.h")));
  options.kind = OutputKind::SharedLibrary;
  ASSERT_TRUE(emit(program, targetOf(""), options, folder.path("x.so")));
  write(folder.path("m.c"), "#include \"int.h\"\nint main(void) { return !m_int(); }\n");
  shell("cc -Wall -Wextra -Werror -fsyntax-only " + folder.path("m.c"));
  shell("c++ -Wall -Wextra -Werror -fsyntax-only -x c++ " + folder.path("m.c"));
  Library library(folder.path("x.so"));
  EXPECT_STREQ(library.model()->inputs[0].name, "in*/put\n\"1\"");
  EXPECT_STREQ(library.model()->dim_names[0], "*/ N");
}

TEST(Library, Identifiers) {
  EXPECT_EQ(modelIdentifier("resnet-50.v1"), "resnet_50_v1");
  EXPECT_EQ(modelIdentifier("3d"), "_3d");
  EXPECT_EQ(modelIdentifier("ünï"), "m___n__");
  EXPECT_EQ(modelIdentifier(""), "model");
  EXPECT_EQ(modelIdentifier("main"), "m_main");
  EXPECT_EQ(modelIdentifier("cameo_model"), "m_cameo_model");
}

void checkRows(const Target &target, const std::string &path) {
  Program program = weightProgram(5);
  std::vector<float> x = {0, 0, 0, 0, 100, 100, 100, 100};
  std::vector<float> y =
      valuesOf<float>(runLibrary(program, target, path, {bytesOf(x)}, x.size())[0]);
  for (size_t i = 0; i < x.size(); i++)
    EXPECT_EQ(y[i], x[i] + 5 + static_cast<float>(i % 4)) << target.cpu;
}

// Weights in libraries of both ELF classes and in objects that a linker takes.
TEST(Library, WeightsOnOtherArchitectures) {
  for (const char *cpu : {"armv8-a", "armv7-a", "rv64gc", "wasm32+simd128"}) {
    Target target = targetOf(cpu);
    if (!canRun(target))
      continue;
    TempFolder folder;
    EmitOptions options;
    options.name = "m";
    options.kind = target.isWasm() ? OutputKind::WasmModule : OutputKind::SharedLibrary;
    ASSERT_TRUE(emit(weightProgram(5), target, options, folder.path("m")));
    checkRows(target, folder.path("m"));
    if (target.isWasm())
      continue;
    for (OutputKind kind : {OutputKind::Object, OutputKind::StaticLibrary}) {
      options.kind = kind;
      ASSERT_TRUE(emit(weightProgram(5), target, options, folder.path("m.o")));
      shell("ld.lld-19 -shared -u m --defsym=cameo_model=m -o " + folder.path("m.so") + " " +
            folder.path("m.o"));
      checkRows(target, folder.path("m.so"));
    }
  }
}

TEST(Library, KindsAndSizesThatATargetLacks) {
  TempFolder folder;
  EmitOptions options;
  options.kind = OutputKind::WasmModule;
  EXPECT_FALSE(emit(weightProgram(1), targetOf("x86-64-v3"), options, folder.path("m")));
  for (OutputKind kind :
       {OutputKind::SharedLibrary, OutputKind::StaticLibrary, OutputKind::Object}) {
    options.kind = kind;
    EXPECT_FALSE(emit(weightProgram(1), targetOf("wasm32"), options, folder.path("m")));
  }
  Program far =
      textProgram({DType::F32}, {DType::F32}, 4,
                  "%bytes = weights() : ptr<u8>\n%at = const() {value = 2147483648} : index\n"
                  "%w = offset(%bytes, %at) : ptr<u8>\n%b = load(%w, %i) : vec<4xu8>\n"
                  "%f = cast(%b) : vec<4xf32>\nstore(%f, %y0, %i)\n");
  Program large = weightProgram(1);
  large.weightBytes = int64_t{3} << 30;
  for (const Program *program : {&far, &large}) {
    Result<std::vector<Spill>> result = emit(*program, targetOf("armv7-a"), {}, folder.path("m"));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("32-bit addresses"), std::string::npos);
  }
}

TEST(Library, SizesOverflowWhereTheTargetsIndexEnds) {
  for (const char *cpu : {"x86-64-v3", "armv7-a", "rv64gc", "wasm32+simd128"}) {
    if (!canRun(targetOf(cpu)))
      continue;
    Program program = textProgram({DType::I32, DType::I32}, {DType::I32, DType::I32}, 1,
                                  "%a = load(%x0, %i) : i32\n%b = load(%x1, %i) : i32\n"
                                  "%p = cast(%a) : index\n%q = cast(%b) : index\n"
                                  "%r, %o = checked_mul(%p, %q) : index, bool\n"
                                  "%c = cast(%r) : i32\n%d = cast(%o) : i32\n"
                                  "store(%c, %y0, %i)\nstore(%d, %y1, %i)\n");
    std::vector<int32_t> a = {3, -1, 65536, 46341, 2147483647, -2147483647};
    std::vector<int32_t> b = {5, 7, 65536, 46341, 1, 2};
    auto results = runRows(program, targetOf(cpu), {bytesOf(a), bytesOf(b)}, a.size());
    bool narrow = targetOf(cpu).indexBytes == 4;
    for (size_t i = 0; i < a.size(); i++) {
      int64_t product = int64_t{a[i]} * b[i];
      EXPECT_EQ(valuesOf<int32_t>(results[0])[i], static_cast<int32_t>(product)) << cpu;
      EXPECT_EQ(valuesOf<int32_t>(results[1])[i],
                narrow && product != static_cast<int32_t>(product))
          << cpu << " " << product;
    }
  }
}

TEST(Library, FilesThatCannotBeWritten) {
  TempFolder folder;
  Program program = weightProgram(1);
  for (OutputKind kind : {OutputKind::SharedLibrary, OutputKind::Object, OutputKind::StaticLibrary,
                          OutputKind::LlvmIr, OutputKind::Header}) {
    EmitOptions options;
    options.kind = kind;
    Result<std::vector<Spill>> result = emit(program, targetOf(""), options, folder.path("none/x"));
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("none/x': No such file"), std::string::npos);
    std::filesystem::create_directory(folder.path("folder"));
    EXPECT_FALSE(emit(program, targetOf(""), options, folder.path("folder")));
  }
  int files = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder.path("")))
    files += entry.path().filename() != "folder";
  EXPECT_EQ(files, 0);
}

TEST(Library, Metadata) {
  Program program = weightProgram(1);
  program.metadata = {{"producer", "te\"st"}, {"bad", "\xff"}};
  TempFolder folder;
  ASSERT_TRUE(emit(program, targetOf("x86-64-v1"), {}, folder.path("m.so")));
  Library library(folder.path("m.so"));
  EXPECT_STREQ(library.model()->metadata,
               "{\"bad\":\"\xef\xbf\xbd\",\"producer\":\"te\\\"st\",\"cameo\":{\"target\":"
               "\"x86_64-unknown-linux-gnu\",\"cpu\":\"x86-64-v1\"}}");
  EXPECT_STREQ(library.model()->cpu, "x86-64-v1");
}

} // namespace
} // namespace cameo::test
