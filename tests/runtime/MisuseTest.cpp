// Every function of cameo.h with what its contract forbids: a status, never a crash. A row changes
// one thing in a call that works otherwise.
#include "Fixture.h"

#include <cmath>
#include <functional>
#include <limits>

namespace cameo {
namespace {

constexpr int64_t most = std::numeric_limits<int64_t>::max();

int32_t runNothing(cameo_pool *, void (*)(void *, int32_t, int32_t), void *) { return CAMEO_OK; }
int32_t runFails(cameo_pool *, void (*)(void *, int32_t, int32_t), void *) { return CAMEO_BUSY; }
int32_t runTooMany(cameo_pool *pool, void (*task)(void *, int32_t, int32_t), void *argument) {
  task(argument, 0, pool->threads + 1);
  return CAMEO_OK;
}
int32_t runNegative(cameo_pool *, void (*task)(void *, int32_t, int32_t), void *argument) {
  task(argument, -1, 1);
  return CAMEO_OK;
}
int32_t runAlone(cameo_pool *, void (*task)(void *, int32_t, int32_t), void *argument) {
  task(argument, 0, 1);
  return CAMEO_OK;
}
void meet(cameo_pool *, int32_t) {}

struct MisuseTest : Fixture {
  cameo_pool pool = {1, 0, runAlone, meet, nullptr};
  int32_t created() {
    int32_t status = cameo_create(fake(), &options, &context);
    EXPECT_EQ(status != CAMEO_OK, context == nullptr);
    return status;
  }
};

struct OptionRow {
  const char *what;
  std::function<void(cameo_options &, cameo_pool &)> change;
  int32_t status;
  const char *message;
};

const OptionRow optionRows[] = {
    {"no size", [](auto &o, auto &) { o.struct_size = 0; }, CAMEO_INVALID_ARGUMENT, ""},
    {"half a size", [](auto &o, auto &) { o.struct_size = 20; }, CAMEO_INVALID_ARGUMENT, ""},
    {"a later version's size", [](auto &o, auto &) { o.struct_size += 64; }, CAMEO_OK, ""},
    {"unknown flag", [](auto &o, auto &) { o.flags = 1u << 31; }, CAMEO_INVALID_ARGUMENT,
     "flags: there are bits that stand for nothing"},
    {"too many threads", [](auto &o, auto &) { o.threads = 1025; }, CAMEO_INVALID_ARGUMENT,
     "threads: expected at most 1024, got 1025"},
    {"most threads", [](auto &o, auto &) { o.threads = INT32_MAX; }, CAMEO_INVALID_ARGUMENT,
     "threads: expected at most 1024, got 2147483647"},
    {"negative workspace",
     [](auto &o, auto &) {
       o.workspace = &o;
       o.workspace_size = -1;
     },
     CAMEO_INVALID_ARGUMENT, "workspace_size is negative"},
    {"two sources of weights",
     [](auto &o, auto &) {
       o.weights = &o;
       o.weights_path = "w";
     },
     CAMEO_INVALID_ARGUMENT, "expected at most one of weights_path, weights and read_weights"},
    {"unaligned weights",
     [](auto &o, auto &) { o.weights = reinterpret_cast<char *>(uintptr_t{4100}); },
     CAMEO_INVALID_ARGUMENT, "the weights are not aligned to 64 bytes"},
    {"a folder of weights", [](auto &o, auto &) { o.weights_path = "/"; }, CAMEO_NO_WEIGHTS,
     "weights file '/' was not found"},
    {"negative iterations", [](auto &o, auto &) { o.max_iterations = -1; }, CAMEO_INVALID_ARGUMENT,
     "max_iterations is negative"},
    {"negative seconds", [](auto &o, auto &) { o.max_seconds = -1; }, CAMEO_INVALID_ARGUMENT,
     "max_seconds is no number from 0 on"},
    {"seconds that are no number", [](auto &o, auto &) { o.max_seconds = NAN; },
     CAMEO_INVALID_ARGUMENT, "max_seconds is no number from 0 on"},
    {"endless seconds", [](auto &o, auto &) { o.max_seconds = INFINITY; }, CAMEO_OK, ""},
    {"pool of 0", [](auto &o, auto &p) { o.pool = &p, p.threads = 0; }, CAMEO_INVALID_ARGUMENT,
     "pool: expected 1 to 1024 threads, got 0"},
    {"pool of -1", [](auto &o, auto &p) { o.pool = &p, p.threads = -1; }, CAMEO_INVALID_ARGUMENT,
     "pool: expected 1 to 1024 threads, got -1"},
    {"pool of 2^31 - 1", [](auto &o, auto &p) { o.pool = &p, p.threads = INT32_MAX; },
     CAMEO_INVALID_ARGUMENT, "pool: expected 1 to 1024 threads, got 2147483647"},
    {"pool without run", [](auto &o, auto &p) { o.pool = &p, p.run = nullptr; },
     CAMEO_INVALID_ARGUMENT, "pool: 'run' is NULL"},
    {"pool without barrier", [](auto &o, auto &p) { o.pool = &p, p.barrier = nullptr; }, CAMEO_OK,
     ""},
    {"a good pool", [](auto &o, auto &p) { o.pool = &p; }, CAMEO_OK, ""},
};

TEST_F(MisuseTest, options) {
  for (const OptionRow &row : optionRows) {
    SCOPED_TRACE(row.what);
    cameo_options before = options;
    cameo_pool good = pool;
    message.assign(200, '\0');
    row.change(options, pool);
    EXPECT_EQ(created(), row.status);
    EXPECT_STREQ(message.c_str(), row.message);
    cameo_destroy(context);
    context = nullptr;
    options = before;
    pool = good;
  }
}

TEST_F(MisuseTest, messages) {
  options.threads = 5000;
  for (int64_t room : {int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{2}, most}) {
    options.message_size = room;
    EXPECT_EQ(created(), CAMEO_INVALID_ARGUMENT);
    EXPECT_EQ(message[0] != 0, room > 1) << room;
  }
  options.message = nullptr;
  EXPECT_EQ(created(), CAMEO_INVALID_ARGUMENT);
}

TEST_F(MisuseTest, poolsThatDoNotKeepTheirPromise) {
  struct Row {
    int32_t (*run)(cameo_pool *, void (*)(void *, int32_t, int32_t), void *);
    int32_t status;
  };
  for (Row row : {Row{runNothing, CAMEO_NO_THREADS}, Row{runFails, CAMEO_BUSY},
                  Row{runTooMany, CAMEO_NO_THREADS}, Row{runNegative, CAMEO_NO_THREADS},
                  Row{runAlone, CAMEO_OK}}) {
    pool.run = row.run;
    options.pool = &pool;
    EXPECT_EQ(run(), row.status) << error();
    EXPECT_EQ(error().empty(), row.status == CAMEO_OK);
    cameo_destroy(context);
    context = nullptr;
    resize(3, 5);
  }
}

TEST_F(MisuseTest, nothing) {
  cameo_pool *made = &pool;
  cameo_model other = *fake();
  other.abi_version = 1;
  int64_t symbols[2] = {1, 1};
  EXPECT_EQ(cameo_create(nullptr, &options, &context), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_create(fake(), &options, nullptr), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_create(&other, &options, &context), CAMEO_WRONG_VERSION);
  EXPECT_EQ(cameo_run(nullptr, in, out), CAMEO_INVALID_ARGUMENT);
  EXPECT_STREQ(cameo_last_error(nullptr), "no context");
  EXPECT_STREQ(cameo_status_string(nullptr, CAMEO_BUSY), "unknown status");
  EXPECT_STREQ(cameo_status_string(fake(), -1), "unknown status");
  EXPECT_STREQ(cameo_status_string(fake(), INT32_MIN), "unknown status");
  EXPECT_EQ(cameo_workspace_size(nullptr, symbols, 1), -CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_workspace_size(&other, symbols, 1), -CAMEO_WRONG_VERSION);
  EXPECT_EQ(cameo_pool_create(nullptr, 1, &made), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(cameo_pool_create(fake(), 1, nullptr), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_pool_create(&other, 1, &made), CAMEO_WRONG_VERSION);
  EXPECT_EQ(cameo_pool_create(fake(), 1025, &made), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(made, nullptr);
  cameo_destroy(nullptr);
  cameo_cancel(nullptr);
  cameo_pool_destroy(nullptr);
  cameo_pool_destroy(&pool); /* which has no `destroy` */
}

TEST_F(MisuseTest, workspaceSizes) {
  struct Row {
    int64_t n, m;
    int32_t threads;
    bool fits;
  };
  for (Row row : {Row{1, 1, 1, true}, Row{0, 0, 1024, true}, Row{-1, 1, 1, false},
                  Row{1, INT64_MIN, 1, false}, Row{1, 1, 0, false}, Row{1, 1, -1, false},
                  Row{1, 1, 1025, false}, Row{most, most, 1, false}, Row{most, 0, 1, false},
                  Row{int64_t{1} << 62, 1, 1, false}}) {
    int64_t symbols[2] = {row.n, row.m};
    EXPECT_EQ(cameo_workspace_size(fake(), symbols, row.threads) > 0, row.fits) << row.n;
  }
  EXPECT_EQ(cameo_workspace_size(fake(), nullptr, 1), -CAMEO_INVALID_ARGUMENT);
}

/// Each row spoils one value of a run; the run after it, with good values, is right.
struct RunRow {
  const char *what;
  std::function<void(cameo_value *in, cameo_value *out)> change;
  int32_t status;
};

const RunRow runRows[] = {
    {"input of no kind", [](auto *in, auto *) { in[0].kind = 77; }, CAMEO_WRONG_KIND},
    {"input that is a map", [](auto *in, auto *) { in[0].kind = CAMEO_MAP; }, CAMEO_WRONG_KIND},
    {"negative dtype", [](auto *in, auto *) { in[0].as.tensor.dtype = -5; }, CAMEO_WRONG_DTYPE},
    {"unknown dtype", [](auto *in, auto *) { in[0].as.tensor.dtype = 999; }, CAMEO_WRONG_DTYPE},
    {"negative rank", [](auto *in, auto *) { in[0].as.tensor.rank = -2; }, CAMEO_WRONG_RANK},
    {"most rank", [](auto *in, auto *) { in[0].as.tensor.rank = INT32_MAX; }, CAMEO_WRONG_RANK},
    {"no dims", [](auto *in, auto *) { in[0].as.tensor.dims = nullptr; }, CAMEO_INVALID_ARGUMENT},
    {"no data", [](auto *in, auto *) { in[1].as.tensor.data = nullptr; }, CAMEO_INVALID_ARGUMENT},
    {"negative capacity", [](auto *in, auto *) { in[0].as.tensor.capacity = INT64_MIN; },
     CAMEO_INVALID_ARGUMENT},
    {"small capacity", [](auto *in, auto *) { in[0].as.tensor.capacity = 1; },
     CAMEO_INVALID_ARGUMENT},
    {"output of no kind", [](auto *, auto *out) { out[0].kind = -1; }, CAMEO_WRONG_KIND},
    {"output of another dtype", [](auto *, auto *out) { out[0].as.tensor.dtype = 12345; },
     CAMEO_WRONG_DTYPE},
    {"output without room for dims",
     [](auto *, auto *out) {
       static int64_t room;
       out[0].as.tensor.dims = &room;
       out[0].as.tensor.rank = -1;
     },
     CAMEO_WRONG_RANK},
    {"output with negative room", [](auto *, auto *out) { out[0].as.tensor.capacity = -1; },
     CAMEO_TOO_SMALL},
    {"boxed output with negative room", [](auto *, auto *out) { out[1].as.tensor.capacity = -1; },
     CAMEO_TOO_SMALL},
    {"unaligned output",
     [](auto *, auto *out) {
       out[0].as.tensor.data = static_cast<char *>(out[0].as.tensor.data) + 1;
     },
     CAMEO_INVALID_ARGUMENT},
    {"an output twice", [](auto *, auto *out) { out[2].as.tensor.data = out[0].as.tensor.data; },
     CAMEO_INVALID_ARGUMENT},
    {"an output that is an input",
     [](auto *in, auto *out) { out[0].as.tensor.data = in[0].as.tensor.data; },
     CAMEO_INVALID_ARGUMENT},
};

TEST_F(MisuseTest, runs) {
  create();
  for (const RunRow &row : runRows) {
    SCOPED_TRACE(row.what);
    resize(3, 5);
    row.change(in, out);
    EXPECT_EQ(run(), row.status) << error();
    EXPECT_NE(error(), "");
    for (cameo_value *value : {in, out})
      for (int i = 0; i < 3; i++)
        value[i] = {};
    resize(3, 5);
    expectRight();
  }
  EXPECT_EQ(cameo_run(context, nullptr, out), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_run(context, in, nullptr), CAMEO_INVALID_ARGUMENT);
}

TEST_F(MisuseTest, dimsOfEverySize) {
  create();
  for (int64_t n : {int64_t{-1}, INT64_MIN, most, most / 2, int64_t{1} << 62, int64_t{1} << 61,
                    int64_t{1} << 32, int64_t{1} << 31})
    for (int64_t m : {int64_t{-1}, int64_t{0}, int64_t{5}, most, int64_t{1} << 62}) {
      dimsA[0] = dimsB[0] = n;
      dimsB[1] = m;
      EXPECT_NE(run(), CAMEO_OK) << n << " " << m;
      EXPECT_NE(error(), "");
    }
  resize(3, 5);
  expectRight();
}

} // namespace
} // namespace cameo
