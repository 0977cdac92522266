#pragma once

#include <optional>
#include <string>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

// What kind of failure the environment handed us. Data faults are Rejects and
// bugs are CHECKs; neither is ever a Status.
enum class StatusCode {
  kOk,
  kInvalidArgument,  // The caller or the job file asked for the impossible.
  kNotFound,         // A named thing does not exist.
  kCorruption,       // Stored bytes are not what was written.
  kIoError,          // Disk or file system.
  kUnavailable,      // Broker or network; usually retryable.
  kPermission,       // The broker or the file system refused us.
  kCancelled,        // We were told to stop, or it is not ours any more.
  kInternal,         // A library answered with something undocumented.
};

const char* StatusCodeName(StatusCode code);

// The outcome of an operation on the environment. `retryable` is set only by
// the adapter that knows the library's error classes.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(StatusCode code, std::string message, bool retryable = false)
      : code_(code), retryable_(retryable), message_(std::move(message)) {}

  static Status Ok() { return {}; }

  bool ok() const { return code_ == StatusCode::kOk; }
  StatusCode code() const { return code_; }
  bool retryable() const { return retryable_; }
  const std::string& message() const { return message_; }

  // The same failure, seen from one layer up: "context: message".
  Status With(const std::string& context) const {
    return ok() ? *this : Status(code_, context + ": " + message_, retryable_);
  }
  std::string ToString() const;

 private:
  StatusCode code_ = StatusCode::kOk;
  bool retryable_ = false;
  std::string message_;
};

inline Status InvalidArgument(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}
inline Status Corruption(std::string message) {
  return {StatusCode::kCorruption, std::move(message)};
}
inline Status IoError(std::string message) {
  return {StatusCode::kIoError, std::move(message)};
}

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}         // NOLINT
  Result(Status status) : status_(std::move(status)) {  // NOLINT
    CHECK(!status_.ok());
  }

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & {
    CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    CHECK(ok());
    return *value_;
  }
  T&& value() && {
    CHECK(ok());
    return *std::move(value_);
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  Status status_;
  std::optional<T> value_;
};

#define TACHO_CONCAT_INNER(a, b) a##b
#define TACHO_CONCAT(a, b) TACHO_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expr)                    \
  do {                                           \
    ::tacho::Status status_macro = (expr);       \
    if (!status_macro.ok()) return status_macro; \
  } while (false)

#define ASSIGN_OR_RETURN(lhs, expr)                        \
  auto TACHO_CONCAT(result_macro_, __LINE__) = (expr);     \
  if (!TACHO_CONCAT(result_macro_, __LINE__).ok()) {       \
    return TACHO_CONCAT(result_macro_, __LINE__).status(); \
  }                                                        \
  lhs = std::move(TACHO_CONCAT(result_macro_, __LINE__)).value()

}  // namespace tacho
