#include "pipeline/job/lane_set.h"

#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/job/sinks.h"

namespace tacho {
namespace {

Status CheckMarker(const Job& job, const Marker& marker,
                   int32_t input_partitions) {
  if (marker.job != job.name) {
    return InvalidArgument("the state belongs to job " + marker.job +
                           "; give this job a state.dir of its own");
  }
  if (marker.guarantee != job.guarantee) {
    return InvalidArgument(
        std::string("the state was written under guarantee: ") +
        GuaranteeName(marker.guarantee) + " and the job says " +
        GuaranteeName(job.guarantee) +
        "; set it back, or remove the state directory and accept that open "
        "windows start empty");
  }
  if (marker.input_partitions != input_partitions &&
      job.partitions_added == PartitionsAdded::kStop) {
    return InvalidArgument(
        "the state was written when the topic had " +
        std::to_string(marker.input_partitions) + " partitions; it has " +
        std::to_string(input_partitions) +
        ": keys have moved to other partitions and per-vehicle state does not "
        "follow. Set partitions_added: continue to accept that, or replay the "
        "topic into a new group");
  }
  return Status::Ok();
}

}  // namespace

LaneSet::LaneSet(const Job& job, LaneGraph& graph, MessageSource& source,
                 LaneStores& stores, LaneEvents& events, const Clock& clock)
    : job_(job),
      graph_(graph),
      source_(source),
      stores_(stores),
      events_(events),
      clock_(clock) {}

LaneSet::~LaneSet() { CloseAll(); }

Status LaneSet::OpenStore(LaneStart& start, int32_t input_partitions) {
  ASSIGN_OR_RETURN(start.store, stores_.Open(start.tp));
  ASSIGN_OR_RETURN(start.marker, start.store->ReadMarker());
  if (start.marker.has_value()) {
    RETURN_IF_ERROR(CheckMarker(job_, *start.marker, input_partitions));
    // The marker is written before the offsets are: equal or ahead is ours.
    // No committed offset at all: the state knows better where it ends.
    if (start.marker->next_offset >= start.committed) {
      start.start = start.marker->next_offset;
      start.recommit = start.start != start.committed;
      return Status::Ok();
    }
  }
  if (start.committed == kNoOffset) return Status::Ok();
  start.start = start.committed;
  // Nothing lies before offset 0, so there is no state to miss.
  if (start.committed == 0) return Status::Ok();
  // Another worker has gone on from here, with state that we do not have.
  LOG(kWarn, "state_not_moved",
      {{"topic", start.tp.topic},
       {"partition", start.tp.partition},
       {"committed", start.committed},
       {"state", start.marker ? start.marker->next_offset : kNoOffset}});
  {
    const std::lock_guard lock(mutex_);
    ++state_not_moved_;
  }
  if (!start.marker.has_value()) return Status::Ok();
  start.marker.reset();
  RETURN_IF_ERROR(start.store->Close());
  start.store.reset();
  RETURN_IF_ERROR(stores_.Remove(start.tp));
  ASSIGN_OR_RETURN(start.store, stores_.Open(start.tp));
  return Status::Ok();
}

Status LaneSet::Add(LaneStart start, int32_t input_partitions,
                    Offset end_offset, bool close_at_end) {
  const JobSinks sinks(job_);
  LaneOptions options;
  options.tp = start.tp;
  options.job = job_.name;
  options.writer_id = stores_.writer_id();
  options.guarantee = job_.guarantee;
  options.input_partitions = input_partitions;
  options.drain.max_messages = job_.batch_max_records;
  options.time = job_.time;
  options.epoch_messages = job_.commit.records;
  options.epoch_bytes = job_.commit.bytes;
  options.state_bytes = MemoryShares(job_).state_bytes_per_lane;
  options.end_offset = end_offset;
  options.close_at_end = close_at_end;
  options.fail_on_reject = job_.rejects.action == OnReject::kFail;
  options.reject_sink = sinks.rejects();
  options.merge_outputs = sinks.shared();

  LaneMetrics* metrics = nullptr;
  {
    const std::lock_guard lock(mutex_);
    auto& slot = metrics_[start.tp];
    if (slot == nullptr) slot = std::make_unique<LaneMetrics>();
    metrics = slot.get();
  }
  LaneParts parts{source_.MakeReader(start.tp),
                  MakeDecoder(job_.decoder, job_.decode),
                  std::move(start.store)};
  auto lane = std::make_unique<Lane>(std::move(options), std::move(parts),
                                     job_.schema, *metrics, events_, clock_);
  RETURN_IF_ERROR(AddStreams(job_, sinks, *lane));
  if (start.recommit) lane->RequireCommit();

  Entry entry;
  entry.node = graph_.Attach(*lane);
  entry.lane = std::move(lane);
  entry.marker = std::move(start.marker);
  entry.start = start.start;
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  return Status::Ok();
}

void LaneSet::Run(Entry& entry) {
  entry.running = true;
  LaneGraph* const graph = &graph_;
  LaneGraph::Node* const node = entry.node;
  entry.lane->reader().EnableReadable([graph, node] { graph->Schedule(node); });
  // Messages may have come before the callback was there.
  graph_.Schedule(node);
}

void LaneSet::CloseAll() {
  for (Entry& entry : entries_) {
    entry.lane->Stop();
    entry.lane->reader().DisableReadable();
    graph_.Detach(entry.node);
    const Status status = entry.lane->Close();
    if (!status.ok()) {
      LOG(kError, "lane_close_failed",
          {{"topic", entry.lane->tp().topic},
           {"partition", entry.lane->tp().partition},
           {"reason", status.message()}});
    }
  }
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

LaneTotals LaneSet::Totals() const {
  const std::lock_guard lock(mutex_);
  LaneTotals totals;
  totals.state_not_moved = state_not_moved_;
  for (const auto& [tp, m] : metrics_) {
    totals.messages += m->messages.value();
    totals.message_bytes += m->message_bytes.value();
    totals.records += m->records.value();
    totals.outputs += m->outputs.value();
    totals.late += m->late.value();
    totals.filtered += m->filtered.value();
    totals.skipped += m->skipped.value();
    for (size_t i = 0; i < kRejectReasons; ++i) {
      totals.rejects[i] += m->rejects[i].value();
    }
  }
  return totals;
}

void LaneSet::ForEach(const std::function<void(Lane&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) visit(*entry.lane);
}

}  // namespace tacho
