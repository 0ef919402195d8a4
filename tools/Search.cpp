// See Search.h.
#include "tools/Search.h"

#include <algorithm>

namespace cameo {

Result<int64_t> firstFailing(int64_t count, const std::function<Result<bool>(int64_t)> &fails) {
  int64_t good = 0, bad = count;
  while (bad - good > 1) {
    int64_t middle = good + (bad - good) / 2;
    (TRY(fails(middle)) ? bad : good) = middle;
  }
  return bad;
}

Result<std::vector<int64_t>>
reduceParts(std::vector<int64_t> parts,
            const std::function<Result<bool>(const std::vector<int64_t> &)> &fails) {
  for (size_t run = std::max<size_t>(parts.size() / 2, 1); run > 0;) {
    bool shorter = false;
    for (size_t end = parts.size(); end > 0;) {
      size_t begin = end - std::min(run, end);
      std::vector<int64_t> rest(parts.begin(), parts.begin() + begin);
      rest.insert(rest.end(), parts.begin() + end, parts.end());
      if (TRY(fails(rest))) {
        parts = std::move(rest);
        shorter = true;
      }
      end = begin;
    }
    // What could not go alone may be able to now that others are gone.
    if (run > 1 || !shorter)
      run /= 2;
  }
  return parts;
}

} // namespace cameo
