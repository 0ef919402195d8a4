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

Result<void> inParallel(int64_t count, const std::function<Result<void>(int64_t)> &work) {
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::optional<Error> error;
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
      else
        error = done.error();
    }
  };
  std::vector<std::thread> helpers;
  int64_t wanted = std::min<int64_t>(count, std::thread::hardware_concurrency()) - 1;
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
    return *error;
  return {};
}

} // namespace cameo
