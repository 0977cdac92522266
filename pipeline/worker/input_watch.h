#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "pipeline/base/time.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/job/job.h"

namespace tacho {

// Looks whether a worker's input topics are still there, with the partitions
// that they had. A broker that has just started, or is cut off from its
// controller, may not know a topic that is there, or not all of its
// partitions: they are gone when several answers in a row say so.
//
// Threading: the control thread. Each question waits for a second at most, that
// of Start for five.
// Errors: kNotFound, kCorruption and kInvalidArgument end the worker, and say
// what to do. A question without an answer is asked again.
class InputWatch {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // `on_answer` hears what each question came to. `hurry`: a question without
  // an answer is asked again soon. `job`, `log` and `clock` outlive it.
  InputWatch(const Job& job, PartitionLog& log, const Clock& clock, bool hurry,
             std::function<void(const Status&)> on_answer);

  // Asks for the counts that the worker starts with.
  Status Start();
  // Partitions by topic, as far as they are known.
  const std::map<std::string, int32_t>& counts() const { return counts_; }
  int32_t CountOf(const std::string& topic) const;

  // Now and then: asks for the counts.
  Status Check();
  // The group knows of these partitions; a broker that lags behind may not.
  Status CheckAssigned(const std::vector<TopicPartition>& partitions);
  // Somebody was told that there is no such topic or partition.
  void NoteMissing(const Status& status);

  // When AskIfDue has something to ask; never, as long as all is well.
  SteadyTime next() const { return next_; }
  // True: what was missing is back; lanes that were told so have stopped.
  Result<bool> AskIfDue();

 private:
  Status Compare(const std::map<std::string, int32_t>& counts);
  Status NoteFewer(const std::string& topic, int32_t before, int32_t count);

  const Job& job_;
  PartitionLog& log_;
  const Clock& clock_;
  const bool hurry_;
  const std::function<void(const Status&)> on_answer_;
  std::map<std::string, int32_t> counts_;
  SteadyTime next_ = SteadyTime::max();
  int missing_answers_ = 0;  // Still to come before the input is gone.
  int fewer_answers_ = 0;    // In a row, with fewer partitions than known,
  SteadyTime next_fewer_{};  // and when the next one counts.
};

}  // namespace tacho
