// The last line of defence of the exit status contract: what only our own bug can cause (a crash,
// an exception nobody caught) is status 4, with one line that says so. Handlers run on a stack of
// their own, because endless recursion is one of the bugs.
#include "frontend/MappedFile.h"
#include "tools/Command.h"

#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <unistd.h>

namespace cameo {

namespace {

/// Only async-signal-safe calls.
void writeError(const char *text) {
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

// A mapped file that another program made shorter has no bytes there any more.
void onBusError(const siginfo_t &info) {
  const char *name = MappedFile::nameAt(info.si_addr);
  if (!name)
    return;
  for (const char *text :
       {"error: '", name, "' became shorter, or its disk failed, while it was read\n"})
    writeError(text);
  ::_exit(Bad);
}

/// Of threads that crash at once, the first says so and ends the program, for which others wait.
void waitBehindOthers() {
  static std::atomic_flag isEnding;
  while (isEnding.test_and_set())
    ::pause();
}

void onSignal(int signal, siginfo_t *info, void *) {
  waitBehindOthers();
  if (signal == SIGBUS)
    onBusError(*info);
  writeError("error: internal error: cameo crashed (");
  writeError(signal == SIGSEGV  ? "SIGSEGV"
             : signal == SIGBUS ? "SIGBUS"
             : signal == SIGILL ? "SIGILL"
             : signal == SIGFPE ? "SIGFPE"
                                : "SIGABRT");
  writeError(")\nnote: this is a bug in cameo, please report it with the model\n");
  ::_exit(OurBug);
}

[[noreturn]] void onTerminate() {
  std::string message = "unknown exception";
  if (std::exception_ptr current = std::current_exception()) {
    try {
      std::rethrow_exception(current);
    } catch (const std::bad_alloc &) { // through code that no exception gets through, as LLVM's
      writeError(("error: " + notEnoughMemory().message + "\n").c_str());
      ::_exit(Bad);
    } catch (const std::exception &exception) {
      message = exception.what();
    } catch (...) {
    }
  }
  writeError(("error: internal error: " + message + "\n").c_str());
  ::_exit(OurBug);
}

} // namespace

void installCrashHandlers() {
  static std::array<char, 1 << 16> stack;
  stack_t alternative = {};
  alternative.ss_sp = stack.data();
  alternative.ss_size = stack.size();
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action = {};
  action.sa_sigaction = onSignal;
  action.sa_flags = SA_ONSTACK | SA_SIGINFO;
  ::sigfillset(&action.sa_mask); // a crash of the handler ends the program, rather than waiting
  for (int signal : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT})
    ::sigaction(signal, &action, nullptr);
  std::set_terminate(onTerminate);
}

} // namespace cameo
