// Work in processes of their own: a bug, a signal or the memory limit ends the work and not the
// program, which sees to what the work leaves behind.
#pragma once

#include "ir/Result.h"

#include <functional>
#include <string>

namespace cameo {

/// How a process ended: by itself with a status, or by a signal.
struct ChildEnd {
  int status = 0;
  int signal = 0;
};

/// Runs `work` in a child process, whose exit status is what it returns, and waits for it. A signal
/// that asks the program to stop is passed on to the child. When that has ended, `cleanUp` is
/// called and the signal takes its course: the function does not return then.
Result<ChildEnd> runInChild(const std::function<int()> &work,
                            const std::function<void()> &cleanUp = {});

/// A job of runJobs that has ended.
struct JobEnd {
  size_t index = 0;
  ChildEnd end;
  std::string messages; // what it wrote to stderr
};

/// Does `work(0)` to `work(count - 1)` in child processes, `most` at a time, and calls `done` for
/// each that ends. What they write to stderr is kept, so that it stays together. Signals are passed
/// on to all; the function does not return then.
Result<void> runJobs(size_t count, size_t most, const std::function<int(size_t)> &work,
                     const std::function<void(const JobEnd &)> &done);

/// Runs a command by the shell, which reads nothing from stdin. What it writes to stdout and stderr
/// goes to the file `output`. Signals are passed on to all processes that the command starts.
Result<ChildEnd> runShell(const std::string &command, const std::string &output,
                          const std::function<void()> &cleanUp = {});

/// The text as one word for the shell.
std::string shellWord(const std::string &text);
/// The command line of this process, for the shell.
std::string ownCommandLine();

} // namespace cameo
