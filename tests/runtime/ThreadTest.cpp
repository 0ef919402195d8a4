// Teams: results alike for any number of threads, forks, shared pools, the caller's float mode.
#include "Fixture.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

using ThreadTest = cameo::Fixture;

TEST_F(ThreadTest, teams) {
  for (int32_t threads : {0, 1, 2, 3, 4, 9}) {
    options.threads = threads;
    for (int64_t n : {0, 1, 50, 3}) {
      resize(n, 5);
      for (int i = 0; i < 20; i++)
        expectRight();
      EXPECT_EQ(facts[FACT_THREADS], threads ? threads : 1);
    }
    mode = MODE_TEAM_FAIL;
    EXPECT_EQ(run(), CAMEO_RUN_FAILED);
    mode = MODE_PLAIN;
    expectRight();
    resize(3, 5);
    cameo_destroy(context);
    context = nullptr;
  }
}

TEST_F(ThreadTest, threadsForEachCpu) {
  options.threads = -1;
  expectRight();
  EXPECT_GE(facts[FACT_THREADS], 1);
}

/// Whether every other thread of the process sleeps.
static bool othersSleep() {
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    if (task.path().filename() == std::to_string(gettid()))
      continue;
    std::string stat;
    std::getline(std::ifstream(task.path() / "stat"), stat);
    if (stat.find(") S ") == std::string::npos)
      return false;
  }
  return true;
}

/// A fork copies the locks of AddressSanitizer's allocator as they are. A thread that starts late
/// may hold one, and then the child would wait for it for ever.
static pid_t forkAmongSleepers() {
  while (!othersSleep())
    std::this_thread::yield();
  return ::fork();
}

TEST_F(ThreadTest, fork) {
  options.threads = 3;
  expectRight();
  pid_t child = forkAmongSleepers();
  if (child == 0) {
    expectRight();
    expectRight();
    cameo_destroy(context);
    _exit(HasFatalFailure() ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  expectRight();
  child = forkAmongSleepers();
  if (child == 0) {
    cameo_destroy(context); /* without a run */
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

static pid_t handledBy;

TEST_F(ThreadTest, signalsGoToTheProgram) {
  options.threads = 3;
  expectRight();
  signal(SIGUSR1, [](int) { handledBy = gettid(); });
  for (int i = 0; i < 20; i++) {
    handledBy = 0;
    kill(getpid(), SIGUSR1);
    while (!*static_cast<volatile pid_t *>(&handledBy))
      std::this_thread::yield();
    ASSERT_EQ(handledBy, getpid());
  }
  signal(SIGUSR1, SIG_DFL);
}

TEST_F(ThreadTest, sharedPool) {
  cameo_pool *pool = nullptr;
  ASSERT_EQ(cameo_pool_create(fake(), 3, &pool), CAMEO_OK);
  struct Local : cameo::Fixture {
    void TestBody() override {}
    void work() {
      for (int i = 0; i < 50; i++)
        expectRight();
      EXPECT_EQ(facts[FACT_THREADS], 3);
    }
  } a, b;
  a.options.pool = b.options.pool = pool;
  std::thread one([&a] { a.work(); }), two([&b] { b.work(); });
  one.join();
  two.join();
  for (Local *local : {&a, &b}) {
    cameo_destroy(local->context);
    local->context = nullptr;
  }
  cameo_pool_destroy(pool);
}

TEST_F(ThreadTest, poolOfTheCaller) {
  cameo_pool pool = {};
  pool.threads = 2;
  pool.run = [](cameo_pool *, void (*task)(void *, int32_t, int32_t), void *argument) {
    std::thread other(task, argument, 1, 2);
    task(argument, 0, 2);
    other.join();
    return int32_t(CAMEO_OK);
  };
  options.pool = &pool;
  expectRight();
  EXPECT_EQ(facts[FACT_THREADS], 2);
  pool.run = [](cameo_pool *, void (*)(void *, int32_t, int32_t), void *) {
    return int32_t(CAMEO_NO_THREADS);
  };
  EXPECT_EQ(run(), CAMEO_NO_THREADS);
  EXPECT_EQ(error(), "cannot start 2 threads");
}

/// A team with little to do is not started.
TEST_F(ThreadTest, littleWorkIsDoneAlone) {
  cameo_pool pool = {};
  pool.threads = 2;
  pool.run = [](cameo_pool *, void (*)(void *, int32_t, int32_t), void *) {
    return int32_t(CAMEO_NO_THREADS);
  };
  options.pool = &pool;
  EXPECT_EQ(run(), CAMEO_NO_THREADS);
  mode = MODE_SMALL;
  expectRight();
  EXPECT_EQ(facts[FACT_THREADS], 1);
}

/// A thread that the system lets run late, early or never holds up nobody.
TEST_F(ThreadTest, nobodyWaitsForAThreadThatDoesNotRun) {
  using Task = void (*)(void *, int32_t, int32_t);
  cameo_pool pool = {};
  pool.threads = 3;
  options.pool = &pool;
  for (auto run : {+[](cameo_pool *, Task task, void *argument) {
                     for (int32_t thread : {0, 2, 1})
                       task(argument, thread, 3);
                     return int32_t(CAMEO_OK);
                   },
                   +[](cameo_pool *, Task task, void *argument) {
                     for (int32_t thread : {1, 0, 2})
                       task(argument, thread, 3);
                     return int32_t(CAMEO_OK);
                   },
                   +[](cameo_pool *, Task task, void *argument) {
                     task(argument, 0, 3);
                     return int32_t(CAMEO_OK);
                   }}) {
    pool.run = run;
    for (int64_t n : {0, 1, 2, 50, 3}) {
      resize(n, 5);
      expectRight();
    }
  }
}

#ifdef __x86_64__
/// MXCSR for its lifetime, to be found as it was left.
class FloatMode {
public:
  explicit FloatMode(unsigned mode) : before_(_mm_getcsr()) { _mm_setcsr(mode); }
  ~FloatMode() { _mm_setcsr(before_); }

private:
  unsigned before_;
};

constexpr unsigned kOddMode = 0xff80; // to zero, denormal results flushed

/// However a run ends, the caller's floating-point mode is what it was.
TEST_F(ThreadTest, floatModeOfTheCaller) {
  options.threads = 2;
  options.max_iterations = 3;
  create();
  FloatMode odd(kOddMode);
  expectRight();
  EXPECT_EQ(_mm_getcsr(), kOddMode);
  for (auto [way, status] :
       {std::pair(MODE_FAIL, CAMEO_RUN_FAILED), std::pair(MODE_TEAM_FAIL, CAMEO_RUN_FAILED),
        std::pair(MODE_LOOP, CAMEO_LIMIT), std::pair(MODE_SMALL, CAMEO_OK)}) {
    mode = way;
    EXPECT_EQ(run(), status);
    EXPECT_EQ(_mm_getcsr(), kOddMode) << way;
  }
  in[0].as.tensor.rank = 1;
  EXPECT_EQ(run(), CAMEO_WRONG_RANK);
  EXPECT_EQ(_mm_getcsr(), kOddMode);
}

/// A lent pool, which may have the caller's thread do other things, runs in the caller's mode.
TEST_F(ThreadTest, floatModeOfALentPool) {
  static unsigned before, after;
  cameo_pool pool = {};
  pool.threads = 2;
  pool.run = [](cameo_pool *, void (*task)(void *, int32_t, int32_t), void *argument) {
    before = _mm_getcsr();
    task(argument, 0, 2);
    after = _mm_getcsr();
    return int32_t(CAMEO_OK);
  };
  options.pool = &pool;
  create();
  FloatMode odd(kOddMode);
  expectRight();
  EXPECT_EQ(before, kOddMode);
  EXPECT_EQ(after, kOddMode);
}
#endif

TEST_F(ThreadTest, idleThreadsSleep) {
  options.threads = 2;
  expectRight();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  clock_t before = clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_LT(clock() - before, CLOCKS_PER_SEC / 100);
}
