// Runs of one thread: values checked, symbols bound, memory given or taken, messages.
#include "Fixture.h"

#include <limits>
#include <thread>

using RunTest = cameo::Fixture;

TEST_F(RunTest, computes) {
  expectRight();
  expectRight();
  EXPECT_EQ(error(), "");
}

TEST_F(RunTest, sizesFromNothingToLarge) {
  for (int64_t n : {0, 1, 3, 100000, 2}) {
    resize(n, n % 4);
    expectRight();
  }
}

TEST_F(RunTest, rejectsInputs) {
  mode = MODE_PLAIN;
  in[0].as.tensor.dtype = CAMEO_FLOAT16;
  EXPECT_EQ(run(), CAMEO_WRONG_DTYPE);
  EXPECT_EQ(error(), "input 'a': expected float32, got float16");
  resize(3, 5);
  in[1].as.tensor.rank = 3;
  EXPECT_EQ(run(), CAMEO_WRONG_RANK);
  EXPECT_EQ(error(), "input 'b': expected rank 2, got 3");
  resize(3, 5);
  dimsA[1] = 5;
  EXPECT_EQ(run(), CAMEO_WRONG_SHAPE);
  EXPECT_EQ(error(), "input 'a': expected dim 1 to be 4, got 5");
  resize(3, 5);
  dimsB[0] = 2;
  EXPECT_EQ(run(), CAMEO_WRONG_SHAPE);
  EXPECT_EQ(error(), "input 'b': expected dim 0 to be 3, the size of 'n' in another place, got 2");
  resize(3, 5);
  dimsB[1] = -1;
  EXPECT_EQ(run(), CAMEO_WRONG_SHAPE);
  EXPECT_EQ(error(), "input 'b': dim 1 is -1");
  resize(3, 5);
  in[0].as.tensor.data = nullptr;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "input 'a': no data given");
  in[0].as.tensor.data = reinterpret_cast<char *>(a.data()) + 1;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "input 'a': the data is not aligned to its elements");
  resize(3, 5);
  in[1].as.tensor.capacity = 59;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "input 'b': has 59 bytes, its dims need 60");
  in[1].kind = CAMEO_SEQUENCE;
  EXPECT_EQ(run(), CAMEO_WRONG_KIND);
  in[1].kind = CAMEO_TENSOR;
  in[1].as.tensor.dims = nullptr;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_run(context, nullptr, out), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_run(nullptr, in, out), CAMEO_INVALID_ARGUMENT);
  resize(3, 5);
  expectRight();
}

TEST_F(RunTest, hugeDims) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  for (int64_t n : {most, most / 8, most / 16, most / 32 + 1, int64_t(1) << 60}) {
    dimsA[0] = dimsB[0] = n;
    EXPECT_NE(run(), CAMEO_OK) << n;
    EXPECT_NE(error(), "");
  }
  dimsA[0] = dimsB[0] = 0; /* nothing in it, yet the output's reserve overflows nothing */
  dimsB[1] = most;
  EXPECT_EQ(run(), CAMEO_OK) << error();
}

TEST_F(RunTest, rejectsOutputs) {
  out[0].as.tensor.capacity -= 1;
  int64_t room[2] = {};
  out[0].as.tensor.dims = room;
  out[0].as.tensor.rank = 2;
  EXPECT_EQ(run(), CAMEO_TOO_SMALL);
  EXPECT_EQ(error(), "output 'y': has room for 95 bytes, expected 96");
  EXPECT_EQ(room[0], 6);
  EXPECT_EQ(room[1], 4);
  EXPECT_EQ(out[2].as.tensor.dims[0], 4);
  EXPECT_EQ(y[0], -1);
  out[0].as.tensor.rank = 1;
  EXPECT_EQ(run(), CAMEO_WRONG_RANK);
  resize(3, 5);
  out[0].as.tensor.dtype = CAMEO_INT32;
  EXPECT_EQ(run(), CAMEO_WRONG_DTYPE);
  EXPECT_EQ(error(), "output 'y': the model makes float32");
  resize(3, 5);
  std::vector<float> shared(1000);
  in[0].as.tensor.data = shared.data();
  out[0].as.tensor.data = shared.data() + 11; /* a has 12 elements */
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "output 'y' overlaps input 'a'");
  in[0].as.tensor.data = a.data();
  out[1].as.tensor.data = shared.data() + 34; /* y has 24, from 11 on */
  out[1].as.tensor.capacity = 1000;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "output 'hits' overlaps output 'y'");
}

TEST_F(RunTest, dataDependentOutput) {
  hits.assign(5, -1);
  out[1].as.tensor.data = hits.data();
  out[1].as.tensor.capacity = 40; /* five hits of fifteen elements */
  expectRight();
  out[1].as.tensor.capacity = 39;
  EXPECT_EQ(run(), CAMEO_TOO_SMALL);
  EXPECT_EQ(error(), "output 'hits': has room for 39 bytes, expected 40");
  EXPECT_EQ(out[1].as.tensor.dims[0], 5);
}

TEST_F(RunTest, outputsInMemoryOfTheContext) {
  for (int64_t n : {3, 3, 1000, 1}) {
    resize(n, 5);
    for (cameo_value &value : out)
      value.as.tensor.data = nullptr;
    expectRight();
    expectRight(); /* the values still hold the context's pointers */
  }
  in[0].as.tensor.data = out[0].as.tensor.data;
  EXPECT_EQ(run(), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(error(), "input 'a': is an output of the run before, which this run overwrites");
}

TEST_F(RunTest, faultsNameTheNode) {
  mode = MODE_FAIL;
  EXPECT_EQ(run(), CAMEO_RUN_FAILED);
  EXPECT_EQ(error(), "node 'Reshape_1': cannot reshape 12 elements into ?");
  mode = MODE_TEAM_FAIL;
  EXPECT_EQ(run(), CAMEO_RUN_FAILED);
  EXPECT_EQ(error(), "node 'Gather_2': index 7 is out of range for an axis of size 5");
  mode = MODE_PLAIN;
  expectRight();
}

TEST_F(RunTest, busy) {
  create();
  EXPECT_EQ(runHeld([&] { EXPECT_EQ(run(), CAMEO_BUSY); }), CAMEO_OK);
}

TEST_F(RunTest, workspaceOfTheCaller) {
  int64_t symbols[2] = {3, 5};
  int64_t size = cameo_workspace_size(fake(), symbols, 1);
  ASSERT_GT(size, 0);
  for (int64_t offset = 0; offset < 64; offset += 7) {
    std::vector<uint8_t> memory(size + offset + 64, 0xab);
    options.workspace = memory.data() + offset;
    options.workspace_size = size;
    expectRight();
    for (int64_t i = 0; i < 64; i++)
      ASSERT_EQ(memory[offset + size + i], 0xab);
    resize(1000, 5);
    EXPECT_EQ(run(), CAMEO_OUT_OF_MEMORY);
    std::string given =
        "the workspace given has " + std::to_string(size) + " bytes, this run needs ";
    EXPECT_EQ(error().find(given), 0U) << error();
    resize(3, 5);
    expectRight();
    cameo_destroy(context);
    context = nullptr;
    resize(3, 5); /* the outputs' dims were the context's */
  }
  for (int64_t small : {0, 1, 100, 191}) { // less than what is lost to alignment
    std::vector<uint8_t> memory(192);
    options.workspace = memory.data();
    options.workspace_size = small;
    create();
    EXPECT_EQ(run(), CAMEO_OUT_OF_MEMORY);
    EXPECT_EQ(error(), "the workspace given has " + std::to_string(small) +
                           " bytes, this run needs " + std::to_string(size));
    cameo_destroy(context);
    context = nullptr;
  }
  symbols[0] = -1;
  EXPECT_EQ(cameo_workspace_size(fake(), symbols, 1), -CAMEO_INVALID_ARGUMENT);
  symbols[0] = INT64_MAX / 2 + 1;
  EXPECT_EQ(cameo_workspace_size(fake(), symbols, 1), -CAMEO_OVERFLOW);
}

TEST_F(RunTest, poison) {
  options.flags = CAMEO_POISON;
  expectRight();
  EXPECT_TRUE(facts[FACT_POISONED]);
  expectRight();
  EXPECT_TRUE(facts[FACT_POISONED]);
}

TEST_F(RunTest, describesItself) {
  const cameo_model *model = fake();
  EXPECT_EQ(model->abi_version, CAMEO_ABI_VERSION);
  EXPECT_STREQ(cameo_status_string(model, CAMEO_BUSY), "context is busy");
  EXPECT_STREQ(cameo_status_string(model, CAMEO_WRONG_VERSION), "wrong ABI version");
  EXPECT_STREQ(cameo_status_string(model, 99), "unknown status");
}

TEST_F(RunTest, createFails) {
  options.threads = 100000;
  EXPECT_EQ(cameo_create(fake(), &options, &context), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(context, nullptr);
  EXPECT_STREQ(message.c_str(), "threads: expected at most 1024, got 100000");
  cameo_model other = *fake();
  other.abi_version = 99;
  EXPECT_EQ(cameo_create(&other, &options, &context), CAMEO_WRONG_VERSION);
  EXPECT_EQ(cameo_create(nullptr, &options, &context), CAMEO_INVALID_ARGUMENT);
  EXPECT_EQ(cameo_create(fake(), nullptr, &context), CAMEO_OK);
}
