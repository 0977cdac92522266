// The demo jobs on the real messages that they are written for: every one is
// accounted for, and the broken values in them are seen for what they are.

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/file.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/job/job_parser.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

constexpr size_t kRealMessages = 27901;

// The messages of a `{"key":...,"value":<message>}` file, byte for byte.
std::vector<std::string> ReadMessages(const std::string& path) {
  std::vector<std::string> messages;
  std::string line(1 << 16, '\0');
  gzFile file = gzopen(path.c_str(), "rb");
  while (gzgets(file, line.data(), static_cast<int>(line.size())) != nullptr) {
    const std::string text(line.c_str());
    const size_t begin = text.find("\"value\":") + 8;
    messages.push_back(text.substr(begin, text.rfind('}') - begin));
  }
  gzclose(file);
  return messages;
}

Job LoadDemo(const std::string& name) {
  return ParseJob(*ReadFile(SourceDir() + "/config/jobs/" + name)).job;
}

// Invalid cells of every signal that has some.
std::map<std::string, size_t> CountInvalid(const Job& job, const Batch& batch) {
  std::map<std::string, size_t> invalid;
  for (size_t s = 0; s < job.schema.size(); ++s) {
    for (size_t row = 0; row < batch.records(); ++row) {
      if (batch.columns[s].state[row] == CellState::kInvalid) {
        ++invalid[job.schema[s].name];
      }
    }
  }
  return invalid;
}

TEST(WideDemoTest, AccountsForEveryRealMessage) {
  const std::string path = SourceDir() + "/../shared/data/wide.ndjson.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const std::vector<std::string> messages = ReadMessages(path);
  ASSERT_EQ(messages.size(), kRealMessages);
  const Job job = LoadDemo("wide-demo.yaml");
  Batch batch(job.schema);
  Offset offset = 0;
  for (const std::string& message : messages) {
    batch.AddMessage(offset++, SystemClock().Now(), {}, message);
  }
  MakeDecoder(job.decode)->Decode(batch);
  EXPECT_EQ(batch.records() + batch.rejects.size(), kRealMessages);
  EXPECT_EQ(batch.records(), kRealMessages);
  // Raw adapter replies in the place of numbers; data/README.md counts them.
  const std::map<std::string, size_t> invalid = CountInvalid(job, batch);
  EXPECT_EQ(invalid,
            (std::map<std::string, size_t>{
                {"coolant_temp", 1}, {"fuel_level", 6}, {"throttle", 2}}));
}

TEST(DatumsDemoTest, AccountsForEveryRealMessage) {
  const std::string path = SourceDir() + "/../shared/data/datums.ndjson.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const std::vector<std::string> messages = ReadMessages(path);
  const Job job = LoadDemo("datums-demo.yaml");
  Batch batch(job.schema);
  for (const std::string& message : messages) {
    batch.AddMessage(0, SystemClock().Now(), {}, message);
  }
  MakeDecoder(job.decode)->Decode(batch);
  EXPECT_EQ(batch.messages.size(), 2057u);
  EXPECT_EQ(batch.skipped, 20u);
  EXPECT_EQ(batch.records(), 2037u);
  EXPECT_EQ(batch.invalid_values, 0u);
  // What the sender said to be no reading; counted in the file.
  const std::map<std::string, size_t> invalid = CountInvalid(job, batch);
  EXPECT_EQ(invalid, (std::map<std::string, size_t>{{"coolant_temp", 8},
                                                    {"engine_speed", 8},
                                                    {"latitude", 2},
                                                    {"longitude", 2},
                                                    {"speed", 94}}));
}

}  // namespace
}  // namespace tacho
