// Kinds of options that several commands have: their checks say what was expected and what came.
#pragma once

#include "ir/Result.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <type_traits>

namespace cameo {

/// The number that the text is, if it is one.
template <class T> std::optional<T> parseNumber(std::string_view text) {
  T value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return std::nullopt;
  return value;
}

/// What is wrong with a number that must be from `least` to `most`; "" if nothing.
template <class T> std::string wrongNumber(std::string_view text, T least, T most) {
  std::optional<T> value = parseNumber<T>(text);
  if (value && *value >= least && *value <= most)
    return "";
  std::string range = fmt::format("from {}", least);
  range += most < std::numeric_limits<T>::max() ? fmt::format(" to {}", most) : " on";
  return fmt::format("expected a {}number {}, got '{}'", std::is_integral_v<T> ? "whole " : "",
                     range, text);
}

/// The check of an option whose value is a number.
template <class T> CLI::Validator number(T least = 0, T most = std::numeric_limits<T>::max()) {
  return CLI::Validator([least, most](std::string &text) { return wrongNumber(text, least, most); },
                        "");
}

/// The check of an option whose value is one of these words.
CLI::Validator oneOf(std::vector<std::string> words);

/// `what` is none of the words, and which was meant.
std::string noneOf(std::string_view what, const std::vector<std::string> &words);

/// Adds an option whose value is words with commas between them. It may be repeated.
CLI::Option *addWords(CLI::App &command, const std::string &names, std::vector<std::string> &values,
                      const std::string &help);
/// The same of numbers from 1 to `most`, which replace those that `values` has.
CLI::Option *addCounts(CLI::App &command, const std::string &names, std::vector<int32_t> &values,
                       int32_t most, const std::string &help);

/// Fails if one of the options was given that would change nothing, as `library` is compiled:
/// these, and those for developers.
Result<void> checkUnused(const CLI::App &command, const std::vector<std::string> &options,
                         const std::string &library);

/// The group of options for developers.
constexpr const char *kDeveloperGroup = "For developers of Cameo";

/// The most threads that a library takes, and so does an option.
constexpr int32_t kMostThreads = 1024;
/// Adds --threads with one number.
void addThreadsOption(CLI::App &command, int32_t &threads);
/// Adds --seed.
void addSeedOption(CLI::App &command, uint64_t &seed, const std::string &what);

} // namespace cameo
