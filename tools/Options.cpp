// See Options.h.
#include "tools/Options.h"

#include "support/Nearest.h"

#include <fmt/ranges.h>

namespace cameo {
namespace {

/// The parts of texts with commas between them; an empty part is an error of the option.
std::vector<std::string> partsOf(const std::string &names, const std::vector<std::string> &texts) {
  std::vector<std::string> parts;
  for (const std::string &text : texts)
    for (size_t begin = 0; begin <= text.size();) {
      size_t end = std::min(text.find(',', begin), text.size());
      if (end == begin)
        throw CLI::ValidationError(
            names, fmt::format("expected words between the commas, got '{}'", text));
      parts.push_back(text.substr(begin, end - begin));
      begin = end + 1;
    }
  return parts;
}

} // namespace

std::string noneOf(std::string_view what, const std::vector<std::string> &words) {
  return fmt::format("expected {}{}, got '{}'{}", words.size() > 1 ? "one of " : "",
                     fmt::join(words, ", "), what, didYouMean(what, words));
}

CLI::Validator oneOf(std::vector<std::string> words) {
  return CLI::Validator(
      [words = std::move(words)](std::string &text) {
        bool isOne = std::find(words.begin(), words.end(), text) != words.end();
        return isOne ? "" : noneOf(text, words);
      },
      "");
}

CLI::Option *addWords(CLI::App &command, const std::string &names, std::vector<std::string> &values,
                      const std::string &help) {
  return command
      .add_option_function<std::vector<std::string>>(
          names,
          [names, &values](const std::vector<std::string> &texts) {
            values = partsOf(names, texts);
          },
          help)
      ->allow_extra_args(false);
}

CLI::Option *addCounts(CLI::App &command, const std::string &names, std::vector<int32_t> &values,
                       int32_t most, const std::string &help) {
  CLI::Option *option =
      command
          .add_option_function<std::vector<std::string>>(
              names,
              [names, most, &values](const std::vector<std::string> &texts) {
                values.clear();
                for (const std::string &part : partsOf(names, texts)) {
                  if (std::string wrong = wrongNumber(part, 1, most); !wrong.empty())
                    throw CLI::ValidationError(names, wrong);
                  values.push_back(*parseNumber<int32_t>(part));
                }
              },
              help)
          ->type_name("N,...")
          ->allow_extra_args(false);
  if (!values.empty())
    option->default_str(fmt::format("{}", fmt::join(values, ",")));
  return option;
}

Result<void> checkUnused(const CLI::App &command, const std::vector<std::string> &options,
                         const std::string &library) {
  for (const CLI::Option *option : command.get_options()) {
    std::string name = option->get_name();
    bool isOne = std::find(options.begin(), options.end(), name) != options.end() ||
                 option->get_group() == kDeveloperGroup;
    if (isOne && option->count() > 0)
      return badInput(fmt::format("{}: '{}' is compiled already", name, library));
  }
  return {};
}

void addThreadsOption(CLI::App &command, int32_t &threads) {
  command.add_option("--threads", threads, "Threads of compiled code")
      ->type_name("N")
      ->capture_default_str()
      ->check(number(1, kMostThreads));
}

void addSeedOption(CLI::App &command, uint64_t &seed, const std::string &what) {
  command.add_option("--seed", seed, "Seed of " + what)
      ->type_name("N")
      ->capture_default_str()
      ->check(number<uint64_t>());
}

} // namespace cameo
