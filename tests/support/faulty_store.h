#pragma once

#include <string>
#include <vector>

#include "state/state_store.h"

namespace tacho {

// A store that passes everything on to another and fails on command.
class FaultyStore final : public StateStore {
 public:
  explicit FaultyStore(StateStore& store) : store_(store) {}

  // The call after `passing` more of its kind fails, and all after it.
  void FailApplyAfter(int passing, StatusCode code = StatusCode::kIoError,
                      bool retryable = false) {
    applies_left_ = passing;
    apply_code_ = code;
    apply_retryable_ = retryable;
  }
  void FailScanAfter(int passing) { scans_left_ = passing; }
  void Heal() { applies_left_ = scans_left_ = -1; }

  int applies() const { return applies_; }
  int scans() const { return scans_; }

  Status OpenTables(const std::vector<std::string>& names) override {
    return store_.OpenTables(names);
  }
  Result<std::optional<Marker>> ReadMarker() override {
    return store_.ReadMarker();
  }
  Status Apply(const StateChanges& changes, const Marker& marker) override {
    if (!Pass(applies_left_)) {
      return {apply_code_, "injected: apply", apply_retryable_};
    }
    ++applies_;
    return store_.Apply(changes, marker);
  }
  Status Scan(TableId table, std::string_view prefix,
              const std::function<Status(std::string_view, std::string_view)>&
                  visit) const override {
    if (!Pass(scans_left_)) return IoError("injected: scan");
    ++scans_;
    return store_.Scan(table, prefix, visit);
  }
  Status Flush() override { return store_.Flush(); }
  Status Close() override { return store_.Close(); }

 private:
  static bool Pass(int& left) {
    if (left == 0) return false;
    if (left > 0) --left;
    return true;
  }

  StateStore& store_;
  int applies_left_ = -1;  // Negative: no fault.
  StatusCode apply_code_ = StatusCode::kIoError;
  bool apply_retryable_ = false;
  mutable int scans_left_ = -1;
  int applies_ = 0;
  mutable int scans_ = 0;
};

}  // namespace tacho
