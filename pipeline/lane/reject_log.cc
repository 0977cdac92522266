#include "pipeline/lane/reject_log.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {

RejectLog::RejectLog(TopicPartition tp, std::vector<std::string> sites)
    : tp_(std::move(tp)),
      sites_(sites.empty() ? std::vector<std::string>{"message"}
                           : std::move(sites)),
      slots_(kRejectReasons * sites_.size()) {}

bool RejectLog::Due(Slot& slot, SteadyTime now) {
  ++slot.since;
  if (slot.logged != SteadyTime{} && now - slot.logged < kInterval) {
    return false;
  }
  slot.logged = now;
  return true;
}

void RejectLog::Note(const Reject& reject, Offset offset,
                     std::string_view detail, SteadyTime now) {
  const size_t site = std::min(reject.at.site, sites_.size() - 1);
  Slot& slot =
      slots_[static_cast<size_t>(reject.reason) * sites_.size() + site];
  if (!Due(slot, now)) return;
  const uint64_t count = std::exchange(slot.since, 0);
  // Whole parts of a fleet are lost to a key that is read wrongly.
  const bool is_key = reject.at.path == "key";
  const LogLevel level = is_key || reject.reason == RejectReason::kUnreadable
                             ? LogLevel::kWarn
                             : LogLevel::kInfo;
  static LogSite log_site;
  LogEvent(log_site, level, "reject",
           {{"topic", tp_.topic},
            {"partition", tp_.partition},
            {"offset", offset},
            {"reason", RejectReasonName(reject.reason)},
            {"of", sites_[site]},
            {"path", reject.at.path},
            {"detail", detail},
            {"count", count}});
}

void RejectLog::Count(uint64_t messages, uint64_t rejects, SteadyTime now) {
  messages_ += messages;
  rejects_ += rejects;
  if (messages_ < kShareMessages) return;
  const double share =
      static_cast<double>(rejects_) / static_cast<double>(messages_);
  if (share > kShare && Due(share_, now)) {
    LOG(kWarn, "rejects_share",
        {{"topic", tp_.topic},
         {"partition", tp_.partition},
         {"rejects", rejects_},
         {"messages", messages_},
         {"share", share},
         {"limit", kShare}});
  }
  messages_ = 0;
  rejects_ = 0;
}

void RejectLog::NoteJsonKeys(SteadyTime now) {
  if (!Due(json_keys_, now)) return;
  LOG(kWarn, "vehicle_key_looks_like_json",
      {{"topic", tp_.topic},
       {"partition", tp_.partition},
       {"why",
        "ids start with a quote or a brace and are taken with it; if "
        "the keys are JSON, write vehicle: {key: {as: json}}"}});
}

}  // namespace tacho
