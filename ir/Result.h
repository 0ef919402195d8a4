// The two kinds of error, never mixed. What a user can cause (a bad model, input or flag, an
// unsupported op) is an `Error` returned in a `Result`; what only our own bug can cause is an
// `ICE`, which says where and ends the process with status 4. Errors cross folders as values, never
// as exceptions.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace cameo {

/// The exit statuses of the command line (docs/cli.md) an error leads to.
enum class ErrorKind { BadInput = 2, Unsupported = 3 };

/// One sentence, lower case, without a full stop: the user's name for the thing, expected and got.
/// `notes` are further lines, e.g. every other unsupported node.
struct Error {
  ErrorKind kind = ErrorKind::BadInput;
  std::string message;
  std::vector<std::string> notes;
};

inline Error badInput(std::string message) { return {ErrorKind::BadInput, std::move(message), {}}; }
inline Error unsupported(std::string message) {
  return {ErrorKind::Unsupported, std::move(message), {}};
}

/// A value or an Error.
template <class T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() & { return std::get<0>(state_); }
  const T &operator*() const & { return std::get<0>(state_); }
  T &&operator*() && { return std::get<0>(std::move(state_)); }
  T *operator->() { return &std::get<0>(state_); }
  Error &error() { return std::get<1>(state_); }
  const Error &error() const { return std::get<1>(state_); }

private:
  std::variant<T, Error> state_;
};

/// Success, or an Error.
template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  void operator*() const {}
  Error &error() { return *error_; }
  const Error &error() const { return *error_; }

private:
  std::optional<Error> error_;
};

/// Ends the process with exit status 4 after naming the place and the broken expectation.
[[noreturn]] void internalError(const char *file, int line, const std::string &message);

} // namespace cameo

#define ICE(message) ::cameo::internalError(__FILE__, __LINE__, (message))
#define ICE_UNLESS(condition, message)                                                             \
  do {                                                                                             \
    if (!(condition))                                                                              \
      ICE(message);                                                                                \
  } while (false)

/// Yields the value of a Result, moved out of it, or returns its Error from the enclosing function.
/// Never inside a braced list: GCC 12 does not destroy the elements before it on that return.
#define TRY(expression)                                                                            \
  (__extension__({                                                                                 \
    auto tryResult = (expression);                                                                 \
    if (!tryResult)                                                                                \
      return std::move(tryResult.error());                                                         \
    *std::move(tryResult);                                                                         \
  }))
