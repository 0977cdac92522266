#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/reject.h"

namespace tacho {

// Says in the log why messages of one lane are refused: the first of each
// reason and place, and again after kInterval with how many there were since;
// and as a warning when more than kShare of kShareMessages messages were.
//
// Threading: the lane's thread.
// Limits: one line a reason and place and interval; the logger has its own.
class RejectLog {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::seconds kInterval{60};
  static constexpr double kShare = 0.01;
  static constexpr uint64_t kShareMessages = 10000;

  // `sites` names what rejects are about, by RejectSite::site.
  RejectLog(TopicPartition tp, std::vector<std::string> sites);

  void Note(const Reject& reject, Offset offset, std::string_view detail,
            SteadyTime now);
  // A batch had so many messages, and of them so many rejects.
  void Count(uint64_t messages, uint64_t rejects, SteadyTime now);
  // Vehicle ids that look like JSON were taken as they are.
  void NoteJsonKeys(SteadyTime now);

 private:
  struct Slot {
    SteadyTime logged{};
    uint64_t since = 0;  // Rejects that no line has told of.
  };
  // True if a line is due; it then counts as written.
  static bool Due(Slot& slot, SteadyTime now);

  const TopicPartition tp_;
  const std::vector<std::string> sites_;
  std::vector<Slot> slots_;  // By reason, then site.
  Slot share_;
  Slot json_keys_;
  uint64_t messages_ = 0;  // Of the share being counted.
  uint64_t rejects_ = 0;
};

}  // namespace tacho
