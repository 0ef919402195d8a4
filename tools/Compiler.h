// A model file to artifacts on disk: import, lowering, code generation. Each compilation runs in a
// child process and writes into a folder of its own, whose files are moved into place when all are
// complete: whatever happens to one model (a bug, a signal, the memory limit), no other is hurt and
// no partial file is left.
#pragma once

#include "codegen/Codegen.h"
#include "support/Temporary.h"
#include "tools/ModelOptions.h"
#include "tools/PassOptions.h"

#include <filesystem>
#include <map>

namespace cameo {

enum class EmitKind { So, A, O, Wasm, Ll, Asm, Ir, Header, Deps };
/// `so`, `a` ... as in --emit; nothing for other texts.
std::optional<EmitKind> emitKindFromName(std::string_view name);
/// All of them.
std::vector<std::string> emitKindNames();
/// With the dot: `.so`.
std::string_view emitExtension(EmitKind kind);
/// The kind a file name's extension means.
std::optional<EmitKind> emitKindFromPath(const std::filesystem::path &path);
/// What the code generator makes of it; nothing for IR and headers.
std::optional<OutputKind> outputKind(EmitKind kind);

struct TargetOptions {
  std::string target = "host";
  std::string cpu; // "": native for the host, else the architecture's default
  std::string precision = "fp32";
  std::string winograd = "auto";
  std::string optimize = "balanced";
};
/// Adds --target, --cpu, --precision, --winograd and --optimize.
void addTargetOptions(CLI::App &command, TargetOptions &options);
/// Fails if an option was given that says how to compile, although there is a library (or "") that
/// is compiled. --precision stays: it also says how numbers are judged.
Result<void> checkUnusedTarget(const CLI::App &command, const std::string &library);
/// What --precision says.
DType precisionOf(const TargetOptions &options);
/// These options as text, with the names of the target and the CPU that they stand for here.
std::string targetFlags(const TargetOptions &options);
/// The context of passes for these options.
Result<PassContext> passContext(const TargetOptions &options);

struct CompileRequest {
  /// A model, or IR text, which goes through the passes that it still needs.
  std::string model;
  ModelOptions sizes;
  TargetOptions target;
  PassManagerOptions passes;
  /// Of the entry function; the model file's stem when empty.
  std::string name;
  std::vector<EmitKind> emit = {EmitKind::So, EmitKind::Header};
  /// Artifacts are FOLDER/STEM with the kind's extension.
  std::filesystem::path folder = ".";
  std::string stem;
  /// Make inner values outputs too (Taps.h).
  bool taps = false;
  /// Make the times of kernels an output (lowering/program/Profile.h).
  bool profile = false;
  /// Plans of kernels that were found by measuring (Tuner.h).
  std::map<std::string, AttrDict> plans;
  /// Of IR text: take constants whose elements are not in it as zeros.
  bool zeroWeights = false;
  /// Say what was chosen for size (WeightReport.h).
  bool reportsWeights = false;
};

/// The context of passes of a compilation.
Result<PassContext> passContext(const CompileRequest &request);

/// The model as it goes into a bundle, under the name request.stem. Thread-safe.
Result<BundleModel> lowerModel(const CompileRequest &request, const PassObserver &observer);

/// What makes files, in a child process and in a folder of its own.
struct MakeRequest {
  /// What is compiled, for messages; options as text (targetFlags).
  std::string what, targetFlags;
  /// Where the files go when they are complete.
  std::filesystem::path folder;
  /// Writes the files to the folder that it is given.
  std::function<Result<void>(const PassObserver &, const std::filesystem::path &)> make = {};
};

/// Reports errors itself. Returns the exit status, and in `files` what was made.
int makeInChild(const MakeRequest &request, std::vector<std::filesystem::path> &files);
/// Makes the folder that --output names, if it is not there.
Result<void> makeOutputFolder(const std::filesystem::path &folder);
/// `net.so (97.8 MB), net.h`
std::string describeFiles(const std::vector<std::filesystem::path> &files);
/// makeInChild for a model.
int compileInChild(const CompileRequest &request, std::vector<std::filesystem::path> &files);

/// Fails unless the target is of the host's architecture.
Result<void> checkRunsHere(const Target &target);

/// The same to a library in a temporary folder, whose path goes to `library`; it is to be run, so
/// the target must be of the host's architecture.
int compileTemporary(CompileRequest request, const TemporaryFolder &folder, std::string &library,
                     const std::string &stem = "model");

} // namespace cameo
