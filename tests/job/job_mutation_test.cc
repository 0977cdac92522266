// Property: no text makes the parser crash, and every complaint is at a place
// in the file. With the real operators, so that their checks are tried too.

#include <gtest/gtest.h>

#include <random>
#include <sstream>

#include "pipeline/base/file.h"
#include "pipeline/job/file/yaml_source.h"
#include "tests/job/job_text.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

constexpr int kMutants = 1500;

std::string ReadShippedJob(const std::string& name) {
  return *ReadFile(SourceDir() + "/config/jobs/" + name);
}

class Mutator {
 public:
  explicit Mutator(uint64_t seed) : random_(seed) {}

  std::string Mutate(std::string text) {
    for (size_t left = 1 + Below(3); left > 0; --left) MutateOnce(text);
    return text;
  }

 private:
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  void MutateOnce(std::string& text) {
    static const std::string kPieces[] = {"!",
                                          "&a ",
                                          "*a",
                                          "{",
                                          "}",
                                          "[",
                                          "]",
                                          ": ",
                                          ", ",
                                          "\n",
                                          "\"",
                                          "'",
                                          "#",
                                          " #",
                                          "- ",
                                          "? ",
                                          "|",
                                          ">",
                                          "~",
                                          "\t",
                                          "\\",
                                          "%",
                                          "@",
                                          "---\n",
                                          "...\n",
                                          "\xc3\xa4",
                                          "\xff",
                                          std::string(1, '\0'),
                                          "\r\n",
                                          "0",
                                          "-1",
                                          "1e999",
                                          "99999999999999999999",
                                          "<<: ",
                                          "null",
                                          "key",
                                          "drop"};
    const size_t at = Below(text.size() + 1);
    const size_t length = Below(1 + Below(30));
    switch (Below(5)) {
      case 0:
        text.insert(at, kPieces[Below(std::size(kPieces))]);
        return;
      case 1:
        text.erase(at, length);
        return;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(random_());
        return;
      case 3:
        text.insert(Below(text.size() + 1), text.substr(at, length));
        return;
      default:
        SwapLines(text);
    }
  }

  void SwapLines(std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    if (lines.empty()) return;
    std::swap(lines[Below(lines.size())], lines[Below(lines.size())]);
    text.clear();
    for (const std::string& line : lines) text += line + "\n";
  }

  std::mt19937_64 random_;
};

// Whether the position is that of a character, or just past a line's end.
bool IsInFile(const std::string& text, int line, int column) {
  const YamlSource source(text);
  const size_t byte = source.ByteAt(line, column);
  return line >= 1 && column >= 1 && byte <= text.size() &&
         source.OriginAt(byte) == (Origin{line, column});
}

void TryMutants(const std::string& name, uint64_t seed) {
  const std::string original = ReadShippedJob(name);
  ASSERT_FALSE(original.empty()) << name;
  Mutator mutator(seed);
  int refused = 0;
  for (int i = 0; i < kMutants; ++i) {
    const std::string text = mutator.Mutate(original);
    const ParsedJob parsed = ParseJob(text);
    refused += parsed.ok() ? 0 : 1;
    for (const Diagnostic& error : parsed.errors) {
      ASSERT_FALSE(error.message.empty());
      ASSERT_TRUE(IsInFile(text, error.line, error.column))
          << "mutant " << i << ": " << error.line << ":" << error.column << " "
          << error.message << "\n"
          << text;
    }
  }
  // Most mutations hit a comment or a value's spelling; many do not.
  EXPECT_GT(refused, kMutants / 4);
  EXPECT_LT(refused, kMutants);
}

TEST(JobMutationTest, AnalyticsJobsNeverCrashTheParser) {
  TryMutants("telemetry-analytics.yaml", 1);
}

TEST(JobMutationTest, AlertJobsNeverCrashTheParser) {
  TryMutants("vehicle-alert-processor.yaml", 2);
}

TEST(JobMutationTest, OverridesNeverCrashTheParser) {
  std::mt19937_64 random(3);
  const std::string alphabet = "abgi.0{}[]:,*&!\"' =/";
  const auto make = [&](size_t limit) {
    std::string text;
    for (size_t n = random() % limit; n > 0; --n) {
      text += alphabet[random() % alphabet.size()];
    }
    return text;
  };
  const char* starts[] = {"", "group.id", "kafka.", "streams.fast.", "input."};
  for (int i = 0; i < kMutants; ++i) {
    JobOverrides overrides;
    overrides.set.emplace_back(starts[random() % 5] + make(12), make(20));
    const ParsedJob parsed = ParseJob(kSmallJob, overrides);
    for (const Diagnostic& error : parsed.errors) {
      if (error.override_path.empty()) {
        EXPECT_TRUE(IsInFile(std::string(kSmallJob), error.line, error.column))
            << overrides.set[0].first << "=" << overrides.set[0].second;
      }
    }
  }
}

}  // namespace
}  // namespace tacho
