// Runs that are ended: from another thread, from a signal handler, at a limit of iterations or
// time.
#include "Fixture.h"

#include <chrono>
#include <csignal>
#include <thread>

#include <sys/time.h>

using StopTest = cameo::Fixture;

TEST_F(StopTest, cancelledByAnotherThread) {
  create();
  mode = MODE_LOOP;
  for (int i : {0, 1, 2}) {
    std::thread other([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(20 * i));
      // Before the run has begun there is nothing to cancel.
      while (mode == MODE_LOOP) {
        cameo_cancel(context);
        std::this_thread::yield();
      }
    });
    EXPECT_EQ(run(), CAMEO_CANCELLED);
    EXPECT_EQ(error(), "the run was cancelled");
    mode = MODE_PLAIN;
    other.join();
    expectRight();
    mode = MODE_LOOP;
  }
}

TEST_F(StopTest, cancelledDuringAKernel) {
  create();
  int32_t status = runHeld([&] { cameo_cancel(context); });
  EXPECT_EQ(status, CAMEO_CANCELLED);
  EXPECT_STREQ(cameo_status_string(fake(), status), "cancelled");
  mode = MODE_PLAIN;
  expectRight();
}

static cameo_context *running;

TEST_F(StopTest, cancelledBySignalHandler) {
  create();
  mode = MODE_LOOP;
  running = context;
  signal(SIGALRM, [](int) { cameo_cancel(running); });
  // Again and again, should one come before the run.
  itimerval timer = {{0, 10000}, {0, 10000}};
  setitimer(ITIMER_REAL, &timer, nullptr);
  EXPECT_EQ(run(), CAMEO_CANCELLED);
  timer = {};
  setitimer(ITIMER_REAL, &timer, nullptr);
  signal(SIGALRM, SIG_DFL);
}

TEST_F(StopTest, nothingToCancel) {
  cameo_cancel(nullptr);
  create();
  cameo_cancel(context);
  expectRight();
  cameo_cancel(context);
  expectRight();
}

TEST_F(StopTest, iterations) {
  options.max_iterations = 1000;
  for (int32_t threads : {1, 3}) {
    options.threads = threads;
    mode = MODE_LOOP;
    EXPECT_EQ(run(), CAMEO_LIMIT);
    EXPECT_EQ(error(), "node 'Reshape_1': the run has come to its limit of 1000 iterations");
    mode = MODE_PLAIN;
    expectRight();
    resize(3, 5);
    cameo_destroy(context);
    context = nullptr;
  }
}

TEST_F(StopTest, seconds) {
  for (int32_t threads : {1, 3})
    for (int64_t endless : {MODE_LOOP, MODE_TEAM_LOOP}) {
      mode = endless;
      options.threads = threads;
      options.max_seconds = 0.05;
      resize(3, 5);
      auto start = std::chrono::steady_clock::now();
      EXPECT_EQ(run(), CAMEO_LIMIT);
      EXPECT_EQ(error(), "the run has come to its limit of 50 milliseconds");
      std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
      EXPECT_GE(taken.count(), 0.05);
      cameo_destroy(context);
      context = nullptr;
    }
}

TEST_F(StopTest, limitsThatAreNotReached) {
  options.max_iterations = 1;
  options.max_seconds = 1e300;
  expectRight();
}
