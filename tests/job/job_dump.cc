#include "tests/job/job_dump.h"

#include <sstream>

namespace tacho {
namespace {

template <typename Enum>
int Number(Enum value) {
  return static_cast<int>(value);
}

void DumpDecode(const DecoderConfig& decode, std::ostream& out) {
  const EventTimeSource& time = decode.event_time;
  out << "vehicle " << decode.vehicle_path << "\nevent_time " << time.path
      << " " << Number(time.format) << " " << ToEpochMillis(time.min) << " "
      << ToEpochMillis(time.max) << " " << time.max_future_skew.count() << " "
      << time.clock_guard << "\n";
  for (const SignalSource& signal : decode.signals) {
    out << "signal " << signal.signal.name << " " << Number(signal.signal.type)
        << " " << Number(signal.signal.dimension) << " " << signal.path << " "
        << signal.name << " "
        << (signal.unit == nullptr ? "-" : signal.unit->name) << " "
        << signal.min << " " << signal.max << " " << signal.required << " "
        << signal.allow_string << " " << Number(signal.on_bad) << "\n";
  }
  out << "key " << Number(decode.key_format) << " " << decode.key_path
      << "\ntombstones " << Number(decode.tombstones) << "\n";
  out << "accept " << decode.accept.path << " " << decode.accept.takes_listed;
  for (const std::string& value : decode.accept.values) out << " " << value;
  out << "\ndatums " << decode.datums.list_path << " "
      << decode.datums.name_path << " " << decode.datums.value_path << " "
      << decode.datums.time_path << " " << decode.datums.invalid_path << "\n";
  out << "limits " << decode.limits.message_bytes << " " << decode.limits.depth
      << " " << decode.limits.string_bytes << " "
      << decode.limits.vehicle_id_bytes << " "
      << decode.limits.records_per_message << "\n";
}

void DumpStreams(const Job& job, std::ostream& out) {
  for (const StreamConfig& stream : job.streams) {
    out << "stream " << stream.name << " " << stream.from << " "
        << stream.output.topic << " " << Number(stream.output.time_format)
        << " " << Number(stream.output.timestamp) << " "
        << stream.output.encoding->name << " ";
    for (const Unit* const unit : stream.output.units) {
      out << unit->name << " ";
    }
    out << stream.output.create_partitions << "\n";
    for (const OperatorConfig& config : stream.operators) {
      out << "  " << config.type->name;
      for (const ParamValue& value : config.params.values) {
        out << " " << value.name << "=" << value.text;
      }
      out << "\n";
    }
  }
}

}  // namespace

std::string DumpJob(const Job& job) {
  std::ostringstream out;
  out << "job " << job.name << "\n";
  for (const KafkaProperty& property : job.kafka) {
    out << "kafka " << property.name << " " << Number(property.source) << " "
        << property.value.Reveal() << "\n";
  }
  out << "group " << job.group.id << " " << job.group.instance_id << " "
      << Number(job.group.offset_reset) << " " << Number(job.group.assignment)
      << " " << job.group.session_timeout.count() << " "
      << job.group.heartbeat_interval.count() << " "
      << job.group.max_poll_interval.count() << "\n";
  for (const std::string& topic : job.topics) out << "topic " << topic << "\n";
  out << "decoder " << job.decode.format->name << " "
      << job.decode.framing->name << " " << job.decode.shape->name << " "
      << Number(job.on_unreadable) << " " << job.headers.count << " "
      << job.headers.bytes << " " << job.reject_bytes << "\n";
  DumpDecode(job.decode, out);
  DumpStreams(job, out);
  out << "rejects " << Number(job.rejects.action) << " " << job.rejects.topic
      << " " << job.rejects.create_partitions << "\nlate "
      << Number(job.late.action) << " " << job.late.topic << " "
      << job.late.create_partitions << "\nstate " << job.state_dir
      << "\ncommit " << job.commit.interval.count() << " " << job.commit.records
      << " " << job.commit.bytes << "\nbatch " << job.batch_max_records
      << "\nmemory " << job.memory_limit << " " << job.partitions_per_worker
      << "\nguarantee " << Number(job.guarantee) << " "
      << Number(job.partitions_added) << "\ntimes "
      << job.revoke_timeout.count() << " "
      << job.time.vehicle_idle_timeout.count() << " "
      << job.time.vehicle_forget.count() << "\nidle "
      << job.idle_timeout.count() << " " << Number(job.idle_advance) << "\n";
  return out.str();
}

}  // namespace tacho
