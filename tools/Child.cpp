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
#include <map>
#include <sys/mman.h>
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
  static constexpr pid_t kOwn = -1, kNew = 0;
  Interruptions(const Interruptions &) = delete;
  Interruptions &operator=(const Interruptions &) = delete;

  /// In the child interruptions are as they were before. A child that will start others is a
  /// process group with them, so that interruptions end all. `group` is kOwn, kNew, or the number
  /// of a group that has members.
  pid_t fork(pid_t group) {
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
    if (group != kOwn)
      ::setpgid(child, group == kNew ? child : group);
    if (child > 0)
      running = group == kOwn ? child : group == kNew ? -child : -group;
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

/// Waits for the child, or for any when that is -1; sets it to the one that ended.
ChildEnd waitFor(pid_t &child) {
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(child, &status, 0)) < 0 && errno == EINTR) {
  }
  child = ended;
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

/// The rest of a child.
[[noreturn]] void become(const std::function<int()> &work) {
  // The result is of use to the parent alone.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int status = work();
  std::fflush(stdout);
  // No destructors and exit handlers: the process is the parent's copy.
  ::_exit(status);
}

/// The bytes of a file that has been written, which is then closed.
std::string takeContent(int file) {
  std::string content;
  std::array<char, 4096> part;
  ::lseek(file, 0, SEEK_SET);
  for (ssize_t count; (count = ::read(file, part.data(), part.size())) > 0;)
    content.append(part.data(), static_cast<size_t>(count));
  ::close(file);
  return content;
}

/// The children of runJobs that have not ended.
class Jobs {
public:
  bool isEmpty() const { return jobs_.empty(); }
  size_t size() const { return jobs_.size(); }

  Result<void> start(size_t index, const std::function<int(size_t)> &work) {
    int messages = ::memfd_create("messages", MFD_CLOEXEC);
    pid_t child = messages < 0 ? -1 : handled_.fork(group_);
    if (child < 0) {
      Error error = badInput(fmt::format("cannot start a process: {}", std::strerror(errno)));
      ::close(messages);
      return error;
    }
    if (child == 0)
      become([&] {
        ::dup2(messages, STDERR_FILENO);
        return work(index);
      });
    group_ = group_ == Interruptions::kNew ? child : group_;
    jobs_[child] = {index, messages};
    return {};
  }

  /// Waits for the next to end.
  JobEnd finishOne() {
    pid_t child = -1;
    ChildEnd end = waitFor(child);
    auto found = jobs_.find(child);
    ICE_UNLESS(found != jobs_.end(), "a child that is no job ended");
    JobEnd ended = {found->second.index, end, takeContent(found->second.messages)};
    jobs_.erase(found);
    if (jobs_.empty())
      group_ = Interruptions::kNew; // there is none any more
    return ended;
  }

private:
  struct Job {
    size_t index;
    int messages;
  };
  Interruptions handled_;
  pid_t group_ = Interruptions::kNew;
  std::map<pid_t, Job> jobs_;
};

Result<ChildEnd> run(const std::function<int()> &work, bool isGroup,
                     const std::function<void()> &cleanUp) {
  std::fflush(stdout);
  Interruptions handled;
  pid_t child = handled.fork(isGroup ? Interruptions::kNew : Interruptions::kOwn);
  if (child < 0)
    return badInput(fmt::format("cannot fork: {}", std::strerror(errno)));
  if (child == 0)
    become(work);
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

Result<void> runJobs(size_t count, size_t most, const std::function<int(size_t)> &work,
                     const std::function<void(const JobEnd &)> &done) {
  std::fflush(stdout);
  Jobs jobs;
  Result<void> started;
  for (size_t next = 0; next < count || !jobs.isEmpty();) {
    bool isLast = next == count || interruption || !started;
    if (!isLast && jobs.size() < most)
      started = jobs.start(next++, work);
    else if (!jobs.isEmpty())
      done(jobs.finishOne());
    else
      break;
  }
  return started;
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
