// See Child.h.
#include "tools/Child.h"

#include "support/File.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace cameo {

namespace {

constexpr std::array<int, 3> interruptions = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t interruption = 0;
/// As `kill` takes it: a child, or the negative number of its process group; 0 when there is none.
volatile pid_t running = 0;

void onInterruption(int signal) {
  interruption = signal;
  if (running != 0)
    ::kill(running, signal);
}

/// While one lives, interruptions go to the child that `fork` makes; after, they take their course.
class Interruptions {
public:
  Interruptions() {
    struct sigaction action = {};
    action.sa_handler = onInterruption;
    for (size_t i = 0; i < interruptions.size(); ++i)
      ::sigaction(interruptions[i], &action, &before_[i]);
  }
  ~Interruptions() {
    running = 0;
    restore();
    if (interruption)
      ::raise(interruption);
  }
  Interruptions(const Interruptions &) = delete;
  Interruptions &operator=(const Interruptions &) = delete;

  /// In the child interruptions are as they were before. A child that will start others is a
  /// process group with them, so that interruptions end all.
  pid_t fork(bool isGroup) {
    // A signal between the fork and the assignment must not get lost.
    sigset_t blocked, old;
    sigemptyset(&blocked);
    for (int signal : interruptions)
      sigaddset(&blocked, signal);
    ::sigprocmask(SIG_BLOCK, &blocked, &old);
    pid_t child = ::fork();
    if (child == 0)
      restore();
    // Both do it, as either may go on first.
    if (isGroup)
      ::setpgid(child, child);
    running = child > 0 && isGroup ? -child : child;
    ::sigprocmask(SIG_SETMASK, &old, nullptr);
    return child;
  }

private:
  void restore() {
    for (size_t i = 0; i < interruptions.size(); ++i)
      ::sigaction(interruptions[i], &before_[i], nullptr);
  }
  std::array<struct sigaction, interruptions.size()> before_ = {};
};

ChildEnd waitFor(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status))
    return {WEXITSTATUS(status), 0};
  return {0, WTERMSIG(status)};
}

/// The rest of a child that becomes the shell. Returns only if it cannot.
int becomeShell(const std::string &command, const std::string &output) {
  int in = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  int out = ::open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (in < 0 || out < 0 || ::dup2(in, STDIN_FILENO) < 0 || ::dup2(out, STDOUT_FILENO) < 0 ||
      ::dup2(out, STDERR_FILENO) < 0)
    return 127;
  // The program ignores these; commands expect what is usual.
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  return 127;
}

Result<ChildEnd> run(const std::function<int()> &work, bool isGroup,
                     const std::function<void()> &cleanUp) {
  std::fflush(stdout);
  Interruptions handled;
  pid_t child = handled.fork(isGroup);
  if (child < 0)
    return badInput(fmt::format("cannot fork: {}", std::strerror(errno)));
  if (child == 0) {
    // The result is of use to the parent alone.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    int status = work();
    std::fflush(stdout);
    // No destructors and exit handlers: the process is the parent's copy.
    ::_exit(status);
  }
  ChildEnd end = waitFor(child);
  if (interruption && cleanUp)
    cleanUp(); // the process ends here
  return end;
}

} // namespace

Result<ChildEnd> runInChild(const std::function<int()> &work,
                            const std::function<void()> &cleanUp) {
  return run(work, false, cleanUp);
}

Result<ChildEnd> runShell(const std::string &command, const std::string &output,
                          const std::function<void()> &cleanUp) {
  return run([&] { return becomeShell(command, output); }, true, cleanUp);
}

std::string shellWord(const std::string &text) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
      "-_./,:=+@%";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos)
    return text;
  std::string word = "'";
  for (char c : text)
    word += c == '\'' ? "'\\''" : std::string(1, c);
  return word + "'";
}

std::string ownCommandLine() {
  Result<std::vector<std::byte>> bytes = readFile("/proc/self/cmdline");
  if (!bytes)
    return "cameo";
  std::string line;
  std::string_view rest(reinterpret_cast<const char *>(bytes->data()), bytes->size());
  while (!rest.empty()) {
    size_t end = std::min(rest.find('\0'), rest.size());
    line += (line.empty() ? "" : " ") + shellWord(std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return line;
}

} // namespace cameo
