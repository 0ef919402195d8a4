// See WasmLinker.h. The binary format: WebAssembly Core Specification 2.0, chapter 5.
#include "codegen/WasmLinker.h"

#include "codegen/ModelObject.h"
#include "codegen/Weights.h"

#include <llvm/Support/LEB128.h>

namespace cameo {
namespace {

enum Section : uint8_t { kImports = 2, kData = 11, kDataCount = 12 };
constexpr size_t kPreamble = 8;

// Reads a module; what is not in the format is our bug.
class Reader {
public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }
  std::string_view take(size_t size) {
    ICE_UNLESS(size <= rest_.size(), "the module is cut off");
    std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t number() {
    auto *begin = reinterpret_cast<const uint8_t *>(rest_.data());
    unsigned size = 0;
    const char *error = nullptr;
    uint64_t value = llvm::decodeULEB128(begin, &size, begin + rest_.size(), &error);
    ICE_UNLESS(!error, "the module has a broken number");
    rest_.remove_prefix(size);
    return value;
  }

private:
  std::string_view rest_;
};

std::string encoded(uint64_t value) {
  uint8_t bytes[16];
  return {reinterpret_cast<char *>(bytes), llvm::encodeULEB128(value, bytes)};
}

// The header of an active data segment of memory 0 at a constant address: i32.const, end.
std::string segmentHeader(int64_t address, int64_t size) {
  uint8_t bytes[16];
  unsigned length = llvm::encodeSLEB128(address, bytes);
  return std::string("\0\x41", 2) + std::string(reinterpret_cast<char *>(bytes), length) + "\x0b" +
         encoded(size);
}

// The section of data segments with one more, whose contents are the weights.
Result<void> writeData(std::string_view payload, const Program &program, OutputFile &output) {
  Reader reader(payload);
  std::string count = encoded(reader.number() + 1);
  std::string header = segmentHeader(kWasmWeightsAddress, program.weightBytes);
  std::string_view segments = reader.rest();
  TRY(output.append(std::string(1, kData) +
                    encoded(count.size() + segments.size() + header.size() + program.weightBytes) +
                    count));
  TRY(output.append(segments));
  TRY(output.append(header));
  TRY(appendBlobs(program, output));
  return {};
}

Result<void> writeModule(std::string_view module, const Program &program, OutputFile &output) {
  Reader reader(module);
  TRY(output.append(reader.take(kPreamble)));
  bool written = program.weightBytes == 0;
  while (!reader.done()) {
    std::string_view begin = reader.rest();
    auto id = static_cast<uint8_t>(reader.take(1)[0]);
    std::string_view payload = reader.take(reader.number());
    ICE_UNLESS(id != kImports, "the module imports something");
    if (id == kData && !written) {
      TRY(writeData(payload, program, output));
      written = true;
    } else if (id == kDataCount && program.weightBytes > 0) {
      std::string count = encoded(Reader(payload).number() + 1);
      TRY(output.append(std::string(1, kDataCount) + encoded(count.size()) + count));
    } else {
      TRY(output.append(begin.substr(0, begin.size() - reader.rest().size())));
    }
  }
  ICE_UNLESS(written, "the module has no data");
  return {};
}

} // namespace

Result<void> linkWasm(const LinkJob &job, const Program &program, OutputFile &output) {
  int64_t slack = program.weightBytes ? kWeightsSlack : 0;
  int64_t base = (kWasmWeightsAddress + program.weightBytes + slack + 63) / 64 * 64;
  OutputFile linked(job.output, job.shown);
  TRY(linked.create());
  LldOutput out(linked.temporary());
  std::vector<std::string> args = {"wasm-ld",
                                   "--no-entry",
                                   "--threads=1",
                                   "--strip-all",
                                   "--stack-first",
                                   "-z",
                                   "stack-size=" + std::to_string(kWasmWeightsAddress),
                                   "--global-base=" + std::to_string(base),
                                   "-o",
                                   out.path()};
  std::vector<std::unique_ptr<OutputFile>> objects = TRY(writeObjects(job, args));
  TRY(runLld(args, job.shown));
  TRY(linked.reopen());
  std::string module(TRY(linked.size()), '\0');
  TRY(linked.read(0, module.data(), module.size()));
  return writeModule(module, program, output);
}

} // namespace cameo
