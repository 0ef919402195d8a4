// What this machine can do at most: arithmetic, memory traffic from each level of the caches, and
// how long its threads wait for each other. Measured, never looked up; kept in a file, since it
// takes a second.
#pragma once

#include "ir/Result.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace cameo {

/// A cache, or the memory behind all of them.
struct MemoryLevel {
  std::string name;     // `L1`, `L2`, `memory`
  int64_t capacity = 0; // bytes that all threads have of it together; 0: no end
  /// Bytes a second of all threads together when they only read, only write, and copy (reads and
  /// writes counted).
  double read = 0, write = 0, copy = 0;
};

struct MachineLimits {
  std::string cpu; // see cpuName
  int32_t threads = 1;
  /// Operations a second of all threads together, a multiplication and an addition counting as two:
  /// of f32, and products of bf16 and of bytes; 0 without such instructions.
  double f32 = 0, bf16 = 0, int8 = 0;
  std::vector<MemoryLevel> levels; // the nearest first
  double barrier = 0;              // seconds until all threads know that all are there
};

/// What tells this processor from others, in a line: `AuthenticAMD 26 2 1, AMD EPYC, 2 CPUs`.
std::string cpuName();

/// Measures now.
MachineLimits measureMachine(int32_t threads);

/// From the file of earlier measurements, if it has this processor and number of threads and
/// `again` is not set; else measured, and written there. A file that cannot be read or written is a
/// sentence in `notes`, no error.
MachineLimits machineLimits(int32_t threads, bool again, std::vector<std::string> &notes,
                            MachineLimits (*measure)(int32_t threads) = measureMachine);

/// The file: `cameo/machine.json` in $XDG_CACHE_HOME, or ~/.cache; "" if there is neither.
std::string machineFile();

nlohmann::ordered_json toJson(const MachineLimits &limits);
/// The reverse; errors name what is missing.
Result<MachineLimits> limitsFromJson(const nlohmann::ordered_json &json);

} // namespace cameo
