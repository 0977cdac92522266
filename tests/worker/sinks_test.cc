#include "pipeline/worker/sinks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tacho {
namespace {

Job MakeJob(const std::vector<std::string>& outputs) {
  Job job;
  job.rejects = {OnReject::kTopic, "rejects"};
  job.late = {OnReject::kTopic, "late"};
  for (const std::string& topic : outputs) {
    StreamConfig stream;
    stream.output.topic = topic;
    job.streams.push_back(stream);
  }
  return job;
}

std::vector<std::string> Topics(const JobSinks& sinks) {
  std::vector<std::string> topics;
  for (const Sink& sink : sinks.sinks()) topics.push_back(sink.topic);
  return topics;
}

using ::testing::ElementsAre;

TEST(JobSinksTest, RejectsThenLateThenStreamsInFileOrder) {
  const JobSinks sinks(MakeJob({"b", "a"}));

  EXPECT_THAT(Topics(sinks), ElementsAre("rejects", "late", "b", "a"));
  EXPECT_EQ(sinks.rejects(), SinkId{0});
  EXPECT_EQ(sinks.late(), SinkId{1});
  EXPECT_EQ(sinks.OfStream(0), SinkId{2});
  EXPECT_EQ(sinks.OfStream(1), SinkId{3});
}

TEST(JobSinksTest, OneTopicIsOneSinkAndShared) {
  const JobSinks sinks(MakeJob({"out", "other", "out"}));

  EXPECT_THAT(Topics(sinks), ElementsAre("rejects", "late", "out", "other"));
  EXPECT_EQ(sinks.OfStream(0), sinks.OfStream(2));
  EXPECT_TRUE(sinks.shared());
}

TEST(JobSinksTest, RejectsAndLateMayShareATopic) {
  Job job = MakeJob({"out"});
  job.late.topic = "rejects";
  const JobSinks sinks(job);

  EXPECT_EQ(sinks.late(), sinks.rejects());
  EXPECT_TRUE(sinks.shared());
}

TEST(JobSinksTest, WhatIsDroppedHasNoSink) {
  Job job = MakeJob({"out"});
  job.rejects.action = OnReject::kDrop;
  job.late.action = OnReject::kDrop;
  const JobSinks sinks(job);

  EXPECT_FALSE(sinks.rejects().has_value());
  EXPECT_FALSE(sinks.late().has_value());
  EXPECT_THAT(Topics(sinks), ElementsAre("out"));
  EXPECT_FALSE(sinks.shared());
}

// Two streams may find the same record late.
TEST(JobSinksTest, SeveralStreamsShareTheLateTopicOneDoesNot) {
  EXPECT_FALSE(JobSinks(MakeJob({"out"})).shared());
  EXPECT_TRUE(JobSinks(MakeJob({"out", "other"})).shared());
}

TEST(JobSinksTest, TimestampsAreTheOutputsOwn) {
  Job job = MakeJob({"now", "log"});
  job.streams[1].output.timestamp = OutputTimestamp::kLogTime;
  const JobSinks sinks(job);

  EXPECT_FALSE(sinks.sinks()[sinks.OfStream(0)].log_time_stamps);
  EXPECT_TRUE(sinks.sinks()[sinks.OfStream(1)].log_time_stamps);
}

}  // namespace
}  // namespace tacho
