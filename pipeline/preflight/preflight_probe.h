#pragma once

#include <string>

#include "pipeline/base/time.h"
#include "pipeline/preflight/preflight_rules.h"

namespace tacho {

struct PreflightProbeOptions {
  KafkaProperties properties;    // The job's `kafka:` section, resolved.
  std::string transactional_id;  // Empty: none will be used.
  Millis transaction_timeout{10000};
};

// Asks the cluster for all that a job needs before it joins its group; makes
// the topics that are to be made; logs every problem and warning.
// Errors: all problems in one status; kUnavailable (retryable) if there is no
// cluster to ask. A question that the broker does not answer is no problem:
// what it was about shows later.
Result<OutputLimits> ProbePreflight(const Job& job,
                                    const PreflightProbeOptions& options,
                                    const Clock& clock);

}  // namespace tacho
