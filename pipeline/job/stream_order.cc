#include "pipeline/job/stream_order.h"

#include <string>
#include <vector>

#include "pipeline/base/suggestion.h"

namespace tacho {
namespace {

// How `from` leads from a stream back to it, "a reads b, b reads a"; "" if it
// does not.
std::string CircleOf(const Job& job, size_t start) {
  std::string text;
  size_t at = start;
  for (size_t steps = 0; steps < job.streams.size(); ++steps) {
    const StreamConfig& stream = job.streams[at];
    const std::optional<size_t> next = FindStream(job, stream.from);
    if (!next.has_value()) return "";
    text += (text.empty() ? "" : ", ") + ("'" + stream.name) + "' reads '" +
            stream.from + "'";
    if (*next == start) return text;
    at = *next;
  }
  return "";
}

}  // namespace

std::optional<size_t> FindStream(const Job& job, std::string_view name) {
  for (size_t i = 0; i < job.streams.size(); ++i) {
    if (job.streams[i].name == name) return i;
  }
  return std::nullopt;
}

std::vector<size_t> StreamOrder(const Job& job) {
  std::vector<size_t> order;
  std::vector<bool> placed(job.streams.size(), false);
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < job.streams.size(); ++i) {
      if (placed[i]) continue;
      const std::string& from = job.streams[i].from;
      if (!from.empty()) {
        const std::optional<size_t> read = FindStream(job, from);
        if (!read.has_value() || !placed[*read]) continue;
      }
      placed[i] = true;
      moved = true;
      order.push_back(i);
    }
  }
  return order;
}

void CheckFrom(const OriginIndex& origins, const Job& job,
               Diagnostics& diagnostics) {
  std::vector<std::string_view> names;
  for (const StreamConfig& stream : job.streams) names.push_back(stream.name);
  for (size_t i = 0; i < job.streams.size(); ++i) {
    const StreamConfig& stream = job.streams[i];
    if (stream.from.empty()) continue;
    const std::string path = "streams." + stream.name + ".from";
    if (!FindStream(job, stream.from).has_value()) {
      diagnostics.Error(origins.Find(path),
                        path + ": there is no stream '" + stream.from + "'" +
                            Suggest(stream.from, names, '\''));
      continue;
    }
    const std::string circle = CircleOf(job, i);
    if (circle.empty()) continue;
    diagnostics.Error(origins.Find(path),
                      path + ": " + circle +
                          ": a stream cannot read what is made of its own "
                          "results");
  }
}

}  // namespace tacho
