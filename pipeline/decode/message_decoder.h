#pragma once

#include "pipeline/base/check.h"
#include "pipeline/decode/accept_rule.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/decode/json_scanner.h"
#include "pipeline/decode/record_writer.h"
#include "pipeline/decode/refused.h"

namespace tacho {

// A decoder of a framing, a format and a shape: rows of the tables in
// decoder.cc. They are types, so that a batch is one virtual call.
//
// A message that is wrong in several ways is refused for the first of these:
// its framing, its format (JSON as JsonScanner orders it), then as the shape
// says. What the job does not accept is skipped once it is known to be valid.
//
// Threading: one batch at a time.
// Limits: those of the config; allocates nothing per message after warm-up.
template <typename Framing, typename Format, typename Shape>
class MessageDecoder final : public Decoder {
 public:
  explicit MessageDecoder(const DecoderConfig& config)
      : skip_tombstones_(config.tombstones == Tombstones::kSkip),
        shape_(config),
        accept_(config.accept),
        scanner_(PlanOf(shape_.plan(), accept_), LimitsOf(config.limits)) {}

  void Decode(Batch& batch) override {
    DCHECK(batch.columns.size() == shape_.signals());
    writer_.Start(batch);
    for (size_t i = 0; i < batch.messages.size(); ++i) {
      const auto index = static_cast<uint32_t>(i);
      const Message& message = batch.messages[i];
      if (message.value.data() == nullptr) [[unlikely]] {
        DecodeNull(message, index, batch);
        continue;
      }
      Refused refused = Scan(message.value);
      if (!refused.has_value()) [[likely]] {
        if (!Accepts(batch)) [[unlikely]] {
          ++batch.skipped;
          continue;
        }
        writer_.StartMessage(index);
        refused = shape_.Read(message, scanner_, writer_, site_);
        if (!refused.has_value()) [[likely]] {
          writer_.Commit();
          continue;
        }
        writer_.RollBack();
      }
      batch.rejects.push_back({index, *refused, site_});
    }
  }

 private:
  static ScanPlan PlanOf(ScanPlan plan, const AcceptRule& accept) {
    if (accept.is_set()) plan.AddPath(accept.path());
    return plan;
  }
  static JsonLimits LimitsOf(const DecodeLimits& limits) {
    return {limits.message_bytes, limits.depth, limits.records_per_message};
  }

  Refused Scan(std::string_view value) {
    if (const Refused r = Framing::Unwrap(value, site_)) return r;
    const Refused refused = scanner_.Scan(value);
    if (refused.has_value()) [[unlikely]] {
      Format::NoteRefused(value, *refused, site_);
    }
    return refused;
  }

  bool Accepts(Batch& batch) const {
    return !accept_.is_set() ||
           accept_.Takes(scanner_.value(shape_.plan().paths.size()),
                         batch.arena);
  }

  // A tombstone says that something is gone: nothing was observed.
  void DecodeNull(const Message& message, uint32_t index, Batch& batch) const {
    if (message.unreadable) {
      batch.rejects.push_back({index, RejectReason::kUnreadable});
    } else if (skip_tombstones_) {
      ++batch.skipped;
    } else {
      RejectSite site;
      site.found = "null";
      site.expected = "an object; this is a tombstone";
      batch.rejects.push_back({index, RejectReason::kNotAnObject, site});
    }
  }

  const bool skip_tombstones_;
  Shape shape_;
  const AcceptRule accept_;
  typename Format::Scanner scanner_;
  RecordWriter writer_;
  RejectSite site_;  // Of the message refused last.
};

}  // namespace tacho
