#include "pipeline/worker/input_watch.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kStartTimeout{5000};
constexpr Millis kTimeout{1000};  // The group must be answered.
constexpr Millis kInterval{1000};
constexpr int kAnswers = 3;  // In a row, before it is believed.

}  // namespace

InputWatch::InputWatch(const Job& job, PartitionLog& log, const Clock& clock,
                       bool hurry, std::function<void(const Status&)> on_answer)
    : job_(job),
      log_(log),
      clock_(clock),
      hurry_(hurry),
      on_answer_(std::move(on_answer)) {}

Status InputWatch::Start() {
  ASSIGN_OR_RETURN(counts_, log_.PartitionCounts(kStartTimeout));
  return Status::Ok();
}

int32_t InputWatch::CountOf(const std::string& topic) const {
  const auto found = counts_.find(topic);
  return found == counts_.end() ? 0 : found->second;
}

// ---- As many partitions as there were.

Status InputWatch::Check() {
  const auto counts = log_.PartitionCounts(kTimeout);
  on_answer_(counts.status());
  if (counts.ok()) return Compare(*counts);
  if (counts.status().code() == StatusCode::kNotFound) {
    NoteMissing(counts.status());
  } else if (hurry_) {
    next_ = std::min(next_, clock_.Steady() + kTimeout);
  }
  return Status::Ok();
}

Status InputWatch::CheckAssigned(
    const std::vector<TopicPartition>& partitions) {
  std::map<std::string, int32_t> proved;
  for (const TopicPartition& tp : partitions) {
    if (tp.partition < CountOf(tp.topic)) continue;
    proved[tp.topic] = std::max(proved[tp.topic], tp.partition + 1);
  }
  if (proved.empty()) return Status::Ok();
  RETURN_IF_ERROR(Check());
  std::erase_if(proved, [this](const auto& topic) {
    return topic.second <= CountOf(topic.first);
  });
  return proved.empty() ? Status::Ok() : Compare(proved);
}

Status InputWatch::Compare(const std::map<std::string, int32_t>& counts) {
  for (const auto& [topic, count] : counts) {
    const int32_t before = counts_[topic];
    if (count == before) continue;
    if (count < before) return NoteFewer(topic, before, count);
    if (job_.partitions_added == PartitionsAdded::kStop) {
      return InvalidArgument(
          "topic " + topic + " went from " + std::to_string(before) + " to " +
          std::to_string(count) +
          " partitions: keys move to other partitions and per-vehicle state "
          "does not follow. Set partitions_added: continue to accept that, or "
          "replay the topic into a new group");
    }
    LOG(kWarn, "partitions_added",
        {{"topic", topic}, {"before", before}, {"now", count}});
    counts_[topic] = count;
  }
  fewer_answers_ = 0;
  next_fewer_ = {};
  return Status::Ok();
}

Status InputWatch::NoteFewer(const std::string& topic, int32_t before,
                             int32_t count) {
  const SteadyTime now = clock_.Steady();
  if (now >= next_fewer_) {
    ++fewer_answers_;
    next_fewer_ = now + kInterval;
  }
  if (fewer_answers_ >= kAnswers) {
    return Corruption("topic " + topic + " went from " +
                      std::to_string(before) + " to " + std::to_string(count) +
                      " partitions: it was deleted and created again. Stop "
                      "the group and run: tacho offsets reset JOB.yaml --to "
                      "earliest --state wipe");
  }
  LOG(kWarn, "partitions_missing",
      {{"topic", topic}, {"before", before}, {"now", count}});
  next_ = std::min(next_, next_fewer_);
  return Status::Ok();
}

// ---- There at all.

void InputWatch::NoteMissing(const Status& status) {
  if (missing_answers_ > 0) return;
  LOG(kWarn, "input_missing", {{"reason", status.message()}});
  missing_answers_ = kAnswers;
  next_ = clock_.Steady();
}

Result<bool> InputWatch::AskIfDue() {
  if (clock_.Steady() < next_) return false;
  next_ = clock_.Steady() + kInterval;
  const auto counts = log_.PartitionCounts(kTimeout);
  on_answer_(counts.status());
  if (counts.ok()) {
    next_ = SteadyTime::max();
    RETURN_IF_ERROR(Compare(*counts));
    // Neither gone nor as it was: what it is the next answers tell.
    if (fewer_answers_ > 0) return false;
    return std::exchange(missing_answers_, 0) > 0;
  }
  if (counts.status().code() != StatusCode::kNotFound) return false;
  if (missing_answers_ == 0) {
    NoteMissing(counts.status());
    return false;
  }
  if (--missing_answers_ > 0) return false;
  return Status(
      StatusCode::kNotFound,
      "input " + counts.status().message() + ": it was deleted while group " +
          job_.group.id +
          " read it. Messages that were not processed by then are lost. To "
          "go on with a new topic of that name, create it and run: tacho "
          "offsets reset JOB.yaml --to earliest --state wipe; else correct "
          "input.topics");
}

}  // namespace tacho
