// The wide-demo job on the real messages that it is written for: every one is
// accounted for, and the broken values in them are seen for what they are.

#include <gtest/gtest.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/job/job_parser.h"

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

Job LoadWideDemo() {
  std::ifstream in(std::string(TACHO_SOURCE_DIR) +
                   "/config/jobs/wide-demo.yaml");
  std::stringstream text;
  text << in.rdbuf();
  return ParseJob(text.str()).job;
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
  const std::string path =
      std::string(TACHO_SOURCE_DIR) + "/../shared/data/wide.ndjson.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << path << " is not here";
  const std::vector<std::string> messages = ReadMessages(path);
  ASSERT_EQ(messages.size(), kRealMessages);
  const Job job = LoadWideDemo();
  Batch batch(job.schema);
  Offset offset = 0;
  for (const std::string& message : messages) {
    batch.AddMessage(offset++, SystemClock().Now(), {}, message);
  }
  MakeDecoder(job.decoder, job.decode)->Decode(batch);
  EXPECT_EQ(batch.records() + batch.rejects.size(), kRealMessages);
  EXPECT_EQ(batch.records(), kRealMessages);
  // Raw adapter replies in the place of numbers; data/README.md counts them.
  const std::map<std::string, size_t> invalid = CountInvalid(job, batch);
  EXPECT_EQ(invalid,
            (std::map<std::string, size_t>{
                {"coolant_temp", 1}, {"fuel_level", 6}, {"throttle", 2}}));
}

}  // namespace
}  // namespace tacho
