// A context of the hand-written model with buffers for its values.
#pragma once

#include "FakeModel.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace cameo {

struct Fixture : testing::Test {
  cameo_options options = cameo_default_options();
  cameo_context *context = nullptr;
  std::string message = std::string(200, '\0');
  std::vector<float> a, b;
  int64_t mode = MODE_PLAIN;
  int64_t dimsA[2] = {}, dimsB[2] = {};
  std::vector<float> y;
  std::vector<int64_t> hits;
  std::vector<double> facts = std::vector<double>(4);
  cameo_value in[3] = {}, out[3] = {};

  Fixture() {
    options.message = message.data();
    options.message_size = static_cast<int64_t>(message.size());
    resize(3, 5);
  }
  ~Fixture() override { cameo_destroy(context); }

  /// Inputs for n and m, and buffers for outputs of just the size needed, but 1 too much for hits.
  void resize(int64_t n, int64_t m) {
    a.resize(n * 4);
    b.resize(n * m);
    for (size_t i = 0; i < a.size(); i++)
      a[i] = static_cast<float>(i);
    for (size_t i = 0; i < b.size(); i++)
      b[i] = i % 3 == 0 ? 1.0f : -1.0f;
    dimsA[0] = dimsB[0] = n;
    dimsA[1] = 4;
    dimsB[1] = m;
    y.assign(n * 8, -1);
    hits.assign(b.size() / 3 + 1, -1);
    in[0].as.tensor = {a.data(), dimsA, 0, CAMEO_FLOAT32, 2};
    in[1].as.tensor = {b.data(), dimsB, 0, CAMEO_FLOAT32, 2};
    in[2].as.tensor = {&mode, nullptr, 8, CAMEO_INT64, 0};
    out[0].as.tensor = {y.data(), nullptr, static_cast<int64_t>(y.size() * 4), 0, 0};
    out[1].as.tensor = {hits.data(), nullptr, static_cast<int64_t>(hits.size() * 8), 0, 0};
    out[2].as.tensor = {facts.data(), nullptr, 32, CAMEO_FLOAT64, 0};
  }

  void create() { ASSERT_EQ(cameo_create(fake(), &options, &context), CAMEO_OK) << message; }

  int32_t run() {
    if (!context)
      create();
    return cameo_run(context, in, out);
  }
  std::string error() const { return cameo_last_error(context); }

  /// Runs and checks every output's values.
  /// A run on another thread that waits inside a kernel while `action` is called; its status.
  template <class Action> int32_t runHeld(const Action &action) {
    mode = MODE_HOLD;
    fakeHeld = fakeReleased = 0;
    int32_t status = -1;
    std::thread other([&] { status = run(); });
    while (!__atomic_load_n(&fakeHeld, __ATOMIC_SEQ_CST))
      std::this_thread::yield();
    action();
    __atomic_store_n(&fakeReleased, 1, __ATOMIC_SEQ_CST);
    other.join();
    return status;
  }

  void expectRight() {
    ASSERT_EQ(run(), CAMEO_OK) << error();
    int64_t n = dimsA[0];
    const cameo_tensor &yOut = out[0].as.tensor, &hitsOut = out[1].as.tensor;
    ASSERT_EQ(yOut.rank, 2);
    ASSERT_EQ(yOut.dims[0], 2 * n);
    ASSERT_EQ(yOut.dims[1], 4);
    const float *values = static_cast<const float *>(yOut.data);
    for (int64_t i = 0; i < n * 8; i++)
      ASSERT_EQ(values[i], a[i % (n * 4)] * static_cast<float>(i % 4 + 1)) << i;
    std::vector<int64_t> want;
    for (size_t i = 0; i < b.size(); i += 3)
      want.push_back(static_cast<int64_t>(i));
    ASSERT_EQ(hitsOut.dims[0], static_cast<int64_t>(want.size()));
    const int64_t *indices = static_cast<const int64_t *>(hitsOut.data);
    ASSERT_EQ(std::vector<int64_t>(indices, indices + want.size()), want);
    const double *seen = static_cast<const double *>(out[2].as.tensor.data);
    ASSERT_EQ(seen[FACT_ROUNDS], ROUNDS);
    ASSERT_EQ(seen[FACT_MODE], 1);
  }
};

} // namespace cameo
