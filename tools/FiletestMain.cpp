// filetest FILE_OR_FOLDER...: runs tests written as IR text (Filetest.h) and prints what differs.
// With BLESS=1 in the environment, writes into the files what came out instead; review the diff.
// Exit status 1 if a case failed, 2 if a file is no test or cannot be read.
#include "tools/Filetest.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

using namespace cameo;
namespace fs = std::filesystem;

static std::vector<fs::path> testFiles(const fs::path &where) {
  if (!fs::is_directory(where))
    return {where};
  std::vector<fs::path> files;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(where))
    if (entry.path().extension() == ".cir")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

static int runFile(const fs::path &path, bool bless) {
  std::ifstream file(path, std::ios::binary);
  std::string text(std::istreambuf_iterator<char>(file), {});
  if (!file.is_open()) {
    std::fprintf(stderr, "error: cannot read %s\n", path.c_str());
    return 2;
  }
  Result<FiletestResult> result = runFiletest(path.filename(), text);
  if (!result) {
    std::fprintf(stderr, "error: %s\n", result.error().message.c_str());
    return 2;
  }
  if (bless && result->blessed != text) {
    std::ofstream(path, std::ios::binary) << result->blessed;
    std::printf("%s: blessed\n", path.c_str());
    return 0;
  }
  std::fputs(result->report.c_str(), stdout);
  if (result->failed)
    std::printf("%s: %lld of %lld cases failed\n", path.c_str(),
                static_cast<long long>(result->failed), static_cast<long long>(result->cases));
  return result->failed ? 1 : 0;
}

int main(int argc, char **argv) {
  const char *blessText = std::getenv("BLESS");
  bool bless = blessText && std::string(blessText) == "1";
  int status = 0;
  for (int i = 1; i < argc; i++)
    for (const fs::path &path : testFiles(argv[i]))
      status = std::max(status, runFile(path, bless));
  return status;
}
