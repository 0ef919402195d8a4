// See Cases.h.
#include "tests/loops/Cases.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

namespace cameo {

std::vector<LoopCase> loopCases() {
  constexpr std::string_view kSeparator = "\n// -----", kRun = "// run:";
  std::vector<LoopCase> cases;
  for (const auto &entry : std::filesystem::directory_iterator(CAMEO_SOURCE "/tests/loops")) {
    if (entry.path().extension() != ".cir")
      continue;
    std::ifstream file(entry.path());
    std::string text(std::istreambuf_iterator<char>(file), {});
    for (size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
      end = text.find(kSeparator, begin);
      LoopCase next{entry.path(), text.substr(begin, end - begin), {}};
      std::istringstream lines(next.text);
      for (std::string line; std::getline(lines, line);)
        if (line.starts_with(kRun))
          next.runs.push_back(line.substr(kRun.size()));
      cases.push_back(std::move(next));
    }
  }
  return cases;
}

} // namespace cameo
