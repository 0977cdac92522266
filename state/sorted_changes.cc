#include "state/sorted_changes.h"

#include <algorithm>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

size_t CommonPrefix(std::string_view a, std::string_view b) {
  const size_t most = std::min(a.size(), b.size());
  return static_cast<size_t>(
      std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(most),
                    b.begin())
          .first -
      a.begin());
}

// As a number that orders as the bytes do; what is missing counts as 0.
uint64_t EightBytes(std::string_view text, size_t from) {
  uint64_t number = 0;
  for (size_t i = from; i < from + sizeof number; ++i) {
    const auto byte =
        i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    number = number << 8 | byte;
  }
  return number;
}

}  // namespace

void SortedChanges::Assign(const StateChanges& changes) {
  Collect(changes);
  std::sort(
      entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
        if (a.table != b.table) return a.table < b.table;
        if (a.bytes != b.bytes) return a.bytes < b.bytes;
        const int order = changes.Key(changes.changes()[a.place])
                              .compare(changes.Key(changes.changes()[b.place]));
        return order != 0 ? order < 0 : a.place < b.place;
      });
  Keep(changes);
}

void SortedChanges::Collect(const StateChanges& changes) {
  const auto& all = changes.changes();
  CHECK(all.size() <= UINT32_MAX);
  entries_.clear();
  entries_.reserve(all.size());
  if (all.empty()) return;
  const std::string_view first = changes.Key(all.front());
  size_t shared = first.size();
  for (const StateChanges::Change& change : all) {
    shared = std::min(shared, CommonPrefix(first, changes.Key(change)));
  }
  for (size_t i = 0; i < all.size(); ++i) {
    entries_.push_back({EightBytes(changes.Key(all[i]), shared), all[i].table,
                        static_cast<uint32_t>(i)});
  }
}

// The last of each key.
void SortedChanges::Keep(const StateChanges& changes) {
  const auto& all = changes.changes();
  sorted_.clear();
  sorted_.reserve(entries_.size());
  for (size_t i = 0; i < entries_.size(); ++i) {
    const StateChanges::Change& change = all[entries_[i].place];
    if (i + 1 < entries_.size()) {
      const Entry& next = entries_[i + 1];
      if (next.table == entries_[i].table && next.bytes == entries_[i].bytes &&
          changes.Key(all[next.place]) == changes.Key(change)) {
        continue;
      }
    }
    sorted_.push_back(&change);
  }
}

}  // namespace tacho
