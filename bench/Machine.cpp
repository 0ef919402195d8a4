// See Machine.h. Each figure is the best of several short turns, since caches and clocks are at
// their best now and then only. Work is divided by the time that its thread was running: other
// programs must not make a machine look slow.
#include "bench/Machine.h"

#include "bench/Peaks.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <functional>
#include <memory>
#include <thread>
#include <time.h>

namespace cameo {

namespace {

constexpr int kTurns = 5;
constexpr double kTurn = 20e-3;             // seconds
constexpr int64_t kPage = 4096;             // of bytes, what the loops want multiples of
constexpr int64_t kBeyondCaches = 4;        // times the last cache is memory
constexpr int64_t kMost = int64_t{1} << 29; // bytes
constexpr int64_t kCrossings = 2000;        // of a barrier

/// What the calling thread has run.
double threadSeconds() {
  timespec time = {};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Threads wait for each other without the system's help, as those of a library do.
class SpinBarrier {
public:
  explicit SpinBarrier(int32_t threads) : threads_(threads) {}
  void wait() {
    int32_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
      arrived_.store(0, std::memory_order_relaxed);
      round_.store(round + 1, std::memory_order_release);
      return;
    }
    // More threads than processors must not wait for one that does not run.
    for (int64_t spins = 0; round_.load(std::memory_order_acquire) == round; ++spins)
      if (spins > 10000)
        std::this_thread::yield();
  }

private:
  int32_t threads_;
  alignas(64) std::atomic<int32_t> arrived_{0};
  alignas(64) std::atomic<int32_t> round_{0};
};

/// The most work a second that threads get done together, each calling `work(thread, repetitions)`,
/// which returns how much that was.
double bestRate(int32_t threads, const std::function<double(int32_t, int64_t)> &work) {
  double best = 0;
  int64_t repetitions = 1;
  for (int turn = 0; turn < kTurns; ++turn) {
    SpinBarrier barrier(threads);
    std::vector<double> seconds(threads), done(threads);
    auto body = [&](int32_t thread) {
      barrier.wait();
      double start = threadSeconds();
      done[thread] = work(thread, repetitions);
      seconds[thread] = threadSeconds() - start;
    };
    std::vector<std::thread> others;
    for (int32_t thread = 1; thread < threads; ++thread)
      others.emplace_back(body, thread);
    body(0);
    for (std::thread &other : others)
      other.join();
    double taken = *std::max_element(seconds.begin(), seconds.end()), rate = 0;
    for (int32_t thread = 0; thread < threads; ++thread)
      rate += done[thread] / std::max(seconds[thread], 1e-9);
    if (taken > kTurn / 2)
      best = std::max(best, rate);
    else
      --turn; // too short to tell
    double factor = std::clamp(kTurn / std::max(taken, 1e-7), 0.5, 1000.0);
    repetitions =
        std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(repetitions) * factor));
  }
  return best;
}

double arithmetic(ArithmeticLoop loop, int32_t threads) {
  constexpr int64_t kSteps = 1000;
  return loop ? bestRate(threads, [&](int32_t, int64_t times) { return loop(times * kSteps); }) : 0;
}

struct FreeMemory {
  void operator()(char *memory) const { std::free(memory); }
};
using Memory = std::unique_ptr<char, FreeMemory>;

/// The rates where each thread goes through `bytes` bytes of its own again and again.
void measureLevel(MemoryLevel &level, int64_t bytes, const PeakLoops &loops, int32_t threads) {
  bytes = std::max(bytes / (2 * kPage), int64_t{1}) * 2 * kPage;
  std::vector<Memory> memory;
  for (int32_t thread = 0; thread < threads; ++thread) {
    memory.emplace_back(static_cast<char *>(std::aligned_alloc(kPage, bytes)));
    if (!memory.back())
      return;
    std::memset(memory.back().get(), 1, bytes);
  }
  auto rate = [&](const std::function<void(char *)> &pass) {
    return bestRate(threads, [&](int32_t thread, int64_t times) {
      for (int64_t i = 0; i < times; ++i)
        pass(memory[thread].get());
      return static_cast<double>(bytes * times);
    });
  };
  level.read = rate([&](char *p) { loops.read(p, bytes); });
  level.write = rate([&](char *p) { loops.write(p, bytes); });
  level.copy = rate([&](char *p) { loops.copy(p + bytes / 2, p, bytes / 2); });
}

std::string firstLine(const std::filesystem::path &path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// `0-1,4`: three.
int32_t countInList(const std::string &list) {
  int32_t count = 0;
  for (size_t at = 0; at < list.size();) {
    size_t end = std::min(list.find(',', at), list.size());
    int first = 0, last = 0;
    int found = std::sscanf(list.substr(at, end - at).c_str(), "%d-%d", &first, &last);
    count += found == 2 ? last - first + 1 : found;
    at = end + 1;
  }
  return std::max(count, 1);
}

/// The caches of data as the system describes them, and memory.
std::vector<MemoryLevel> levelsOf(int32_t threads) {
  std::vector<MemoryLevel> levels;
  for (int index = 0;; ++index) {
    std::filesystem::path folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}", index);
    std::string type = firstLine(folder / "type");
    if (type.empty())
      break;
    long long size = 0;
    char unit = 0;
    if (type == "Instruction" ||
        std::sscanf(firstLine(folder / "size").c_str(), "%lld%c", &size, &unit) < 1 || size <= 0)
      continue;
    size <<= unit == 'K' ? 10 : unit == 'M' ? 20 : 0;
    int32_t sharers = countInList(firstLine(folder / "shared_cpu_list"));
    int64_t copies = (threads + sharers - 1) / sharers;
    levels.push_back({.name = "L" + firstLine(folder / "level"), .capacity = size * copies});
  }
  levels.push_back({.name = "memory"});
  return levels;
}

} // namespace

std::string cpuName() {
  std::vector<std::string> ids;
  std::string model;
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line) && !line.empty();) {
    size_t colon = line.find(':');
    if (colon == std::string::npos)
      continue;
    std::string key = line.substr(0, line.find_last_not_of(" \t", colon - 1) + 1);
    std::string value = colon + 2 <= line.size() ? line.substr(colon + 2) : "";
    for (const char *wanted : {"vendor_id", "cpu family", "model", "stepping", "CPU implementer",
                               "CPU variant", "CPU part", "uarch"})
      if (key == wanted)
        ids.push_back(value);
    if (key == "model name")
      model = value + ", ";
  }
  return fmt::format("{}{}{}{} CPUs", fmt::join(ids, " "), ids.empty() ? "" : ", ", model,
                     std::max(1U, std::thread::hardware_concurrency()));
}

MachineLimits measureMachine(int32_t threads) {
  PeakLoops loops = peakLoops();
  MachineLimits limits{.cpu = cpuName(), .threads = threads, .levels = levelsOf(threads)};
  limits.f32 = arithmetic(loops.f32, threads);
  limits.bf16 = arithmetic(loops.bf16, threads);
  limits.int8 = arithmetic(loops.int8, threads);
  int64_t last = int64_t{1} << 24;
  for (MemoryLevel &level : limits.levels) {
    // Half of a cache stays in it; a few times the last one does not.
    bool isCache = level.capacity > 0;
    int64_t bytes = isCache ? level.capacity / 2 : std::min(last * kBeyondCaches, kMost);
    measureLevel(level, bytes / threads, loops, threads);
    last = level.capacity;
  }
  SpinBarrier barrier(threads);
  limits.barrier = 1 / bestRate(threads, [&](int32_t, int64_t times) {
                     for (int64_t i = 0; i < times * kCrossings; ++i)
                       barrier.wait();
                     return static_cast<double>(times * kCrossings) / threads;
                   });
  return limits;
}

} // namespace cameo
