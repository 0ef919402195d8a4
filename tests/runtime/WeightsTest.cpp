// Where weights come from, and what happens when they do not.
#include "Fixture.h"

#include "runtime/abi.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <unistd.h>

struct WeightsTest : cameo::Fixture {
  cameo_model model = *fake();
  cameo_code code = *fake()->code;
  std::filesystem::path folder;

  void SetUp() override {
    code.weights = nullptr;
    model.code = &code;
    folder = std::filesystem::temp_directory_path() / ("cameo" + std::to_string(getpid()));
    std::filesystem::create_directory(folder);
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// A weights file with its trailer.
  std::string write(const std::string &name, uint64_t id, size_t slack = 48) {
    std::string path = folder / name;
    std::ofstream file(path, std::ios::binary);
    float values[4] = {1, 2, 3, 4};
    file.write(reinterpret_cast<const char *>(values), sizeof values);
    file.write("cameowts", 8);
    file.write(reinterpret_cast<const char *>(&id), 8);
    file.write(std::string(slack, '\0').data(), static_cast<std::streamsize>(slack));
    return path;
  }
  int32_t createWithout() { return cameo_create(&model, &options, &context); }
};

TEST_F(WeightsTest, hugePages) {
  options.flags = CAMEO_HUGE_PAGES;
  expectRight();
}

TEST_F(WeightsTest, fromAFile) {
  std::string path = write("w", code.weights_id);
  options.weights_path = path.c_str();
  ASSERT_EQ(createWithout(), CAMEO_OK) << message;
  expectRight();
}

TEST_F(WeightsTest, wrongFile) {
  std::string path = write("w", code.weights_id + 1), shorter = write("s", code.weights_id, 47);
  options.weights_path = path.c_str();
  EXPECT_EQ(createWithout(), CAMEO_NO_WEIGHTS);
  EXPECT_EQ(message.c_str(), "weights file '" + path + "' belongs to another model or version");
  options.weights_path = shorter.c_str();
  EXPECT_EQ(createWithout(), CAMEO_NO_WEIGHTS);
  options.weights_path = "/nowhere/w";
  EXPECT_EQ(createWithout(), CAMEO_NO_WEIGHTS);
  EXPECT_STREQ(message.c_str(), "weights file '/nowhere/w' was not found");
}

TEST_F(WeightsTest, besideTheProgram) {
  EXPECT_EQ(createWithout(), CAMEO_NO_WEIGHTS);
  EXPECT_STREQ(message.c_str(), "weights file 'fake.weights' was not found");
  std::string here = write("fake.weights", code.weights_id);
  std::filesystem::path there =
      std::filesystem::read_symlink("/proc/self/exe").parent_path() / "fake.weights";
  std::filesystem::copy_file(here, there, std::filesystem::copy_options::overwrite_existing);
  int32_t status = createWithout();
  std::filesystem::remove(there);
  ASSERT_EQ(status, CAMEO_OK) << message;
  expectRight();
}

TEST_F(WeightsTest, fromMemory) {
  alignas(64) static float values[4 + 16] = {1, 2, 3, 4};
  options.weights = values;
  ASSERT_EQ(createWithout(), CAMEO_OK) << message;
  expectRight();
  cameo_destroy(context);
  options.weights = values + 1;
  EXPECT_EQ(createWithout(), CAMEO_INVALID_ARGUMENT);
  EXPECT_STREQ(message.c_str(), "the weights are not aligned to 64 bytes");
}

TEST_F(WeightsTest, fromAFunction) {
  options.user = this;
  options.read_weights = [](void *, int64_t offset, void *data, int64_t size) -> int32_t {
    float values[4] = {1, 2, 3, 4};
    memcpy(data, reinterpret_cast<char *>(values) + offset, static_cast<size_t>(size));
    return 0;
  };
  ASSERT_EQ(createWithout(), CAMEO_OK) << message;
  expectRight();
  cameo_destroy(context);
  options.read_weights = [](void *, int64_t, void *, int64_t) -> int32_t { return 1; };
  EXPECT_EQ(createWithout(), CAMEO_NO_WEIGHTS);
  EXPECT_STREQ(message.c_str(), "the weights could not be read");
  options.weights_path = "both";
  EXPECT_EQ(createWithout(), CAMEO_INVALID_ARGUMENT);
}

TEST_F(WeightsTest, missingFeature) {
  code.features[0] = code.features[1] = ~0ull;
  EXPECT_EQ(createWithout(), CAMEO_MISSING_FEATURE);
  EXPECT_EQ(std::string(message.c_str()).find("the model was compiled for baseline, but"), 0u);
  code.features[0] = code.features[1] = 0;
  code.arch = CAMEO_ARCH_WASM;
  EXPECT_EQ(createWithout(), CAMEO_MISSING_FEATURE);
}
