#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/expected.h"
#include "tests/support/real_broker.h"
#include "tests/support/tacho_process.h"
#include "tests/support/telemetry.h"
#include "tests/support/temp_dir.h"

namespace tacho {

// The real binary on a real broker: topics of the test's own, a job over
// them, workers as child processes, and what they must have written.
class WorkerOnKafka : public BrokerTest {
 protected:
  using Log = std::vector<KafkaRecord>;
  using Arguments = std::vector<std::string>;

  // What the job file says.
  virtual std::string guarantee() const { return "exactly_once"; }
  bool exactly_once() const { return guarantee() == "exactly_once"; }

  // Creates NAME and its output topics, and writes the job file.
  void Prepare(const std::string& name, int partitions,
               const std::map<std::string, std::string>& configs = {});

  void CreateTopic(const std::string& topic, int partitions,
                   const std::map<std::string, std::string>& configs = {});

  // `tacho run` of the job. Workers of one `host` share a state directory.
  std::unique_ptr<TachoProcess> Start(const std::string& host,
                                      const Arguments& extra = {},
                                      const std::string& cgroup = "");
  // Runs until the end of the topic and returns the exit code.
  int RunToEnd(const std::string& host, const Arguments& extra = {});

  void Produce(const std::vector<KafkaRecord>& records);
  // Event times that end about now; `start_minutes_ago` moves them.
  std::vector<KafkaRecord> Telemetry(int messages, uint64_t seed,
                                     int start_minutes_ago = 180) const;

  // By partition, in offset order; waits until no transaction on it is open.
  std::vector<Log> Read(const std::string& topic);
  std::vector<Log> Input() { return Read(name_); }
  // Group `group` (the job's own if empty) on the input topic.
  std::map<int32_t, Offset> Committed(const std::string& group = "");
  // True once all committed offsets are the ends.
  bool AtEnd(const std::string& group = "");

  // Every output topic holds exactly what the model says, but that, at least
  // once, after each of at most `interruptions` a partition may repeat what it
  // wrote last.
  void ExpectOutputs(bool closed, int interruptions = 0,
                     const std::string& outputs = "");
  // One output topic's part of `expected`.
  static const std::vector<ExpectedOutput>& Of(const ExpectedOutputs& expected,
                                               const std::string& topic);

  const std::string& name() const { return name_; }
  std::string Path(const std::string& name) const { return dir_ / name; }
  std::string job_path() const { return dir_ / "job.yaml"; }
  void WriteJob(const std::string& text) const;

 private:
  TempDir dir_;
  std::string name_;
  int starts_ = 0;
};

// The same under either guarantee: TEST_P, and a line
// INSTANTIATE_UNDER_BOTH(Suite). Topics of the two runs differ in name.
class WorkerUnderBoth : public WorkerOnKafka,
                        public ::testing::WithParamInterface<const char*> {
 protected:
  std::string guarantee() const override { return GetParam(); }
  void Prepare(const std::string& name, int partitions) {
    WorkerOnKafka::Prepare(name + (exactly_once() ? "-eo" : "-alo"),
                           partitions);
  }
};

#define INSTANTIATE_UNDER_BOTH(suite)                           \
  INSTANTIATE_TEST_SUITE_P(                                     \
      Guarantee, suite,                                         \
      ::testing::Values("at_least_once_local", "exactly_once"), \
      [](const auto& named) { return std::string(named.param); })

inline const std::vector<std::string> kOutputTopics = {"stats", "alerts",
                                                       "rejects", "late"};

// Whether `actual` is what `expected` describes, bytes or JSON.
bool Matches(const KafkaRecord& actual, const ExpectedOutput& expected);
std::string Describe(const KafkaRecord& record);

// Walks `actual` along `expected`. Each step goes one on; a step back to a
// record that was seen already is a rewind. Returns how many there were, or -1
// with `why` if something is missing, foreign or out of order.
int CountRewinds(const std::vector<KafkaRecord>& actual,
                 const std::vector<ExpectedOutput>& expected, std::string& why);

}  // namespace tacho
