// See Parallel.h.
#include "support/Parallel.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace cameo {

int64_t numProcessors() { return std::max<int64_t>(1, std::thread::hardware_concurrency()); }

Result<void> inParallel(int64_t count, const std::function<Result<void>(int64_t)> &work,
                        int64_t threads) {
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::optional<std::pair<int64_t, Error>> error; // of the first call that has one
  std::exception_ptr exception;
  auto take = [&] {
    for (int64_t i = next++; i < count; i = next++) {
      Result<void> done;
      std::exception_ptr thrown;
      try {
        done = work(i);
      } catch (...) {
        thrown = std::current_exception();
      }
      if (done && !thrown)
        continue;
      next = count;
      std::lock_guard lock(mutex);
      if (thrown)
        exception = thrown;
      else if (!error || i < error->first)
        error.emplace(i, done.error());
    }
  };
  std::vector<std::thread> helpers;
  int64_t wanted = std::min(count, threads) - 1;
  try {
    for (int64_t i = 0; i < wanted; i++)
      helpers.emplace_back(take);
  } catch (const std::system_error &) { // as many as the system lets run
  }
  take();
  for (std::thread &helper : helpers)
    helper.join();
  if (exception)
    std::rethrow_exception(exception);
  if (error)
    return error->second;
  return {};
}

} // namespace cameo
