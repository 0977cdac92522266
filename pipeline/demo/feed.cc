#include "pipeline/demo/feed.h"

#include <utility>

#include "pipeline/demo/message_file.h"

namespace tacho {
namespace {

class FleetFeed final : public Feed {
 public:
  explicit FleetFeed(const FleetOptions& options) : fleet_(options) {}

  Result<std::optional<FeedMessage>> Next() override {
    const Fleet::Sample& sample = fleet_.Next();
    return std::optional<FeedMessage>({sample.key, sample.value});
  }

 private:
  Fleet fleet_;
};

class FileFeed final : public Feed {
 public:
  explicit FileFeed(std::unique_ptr<MessageFile> file)
      : file_(std::move(file)) {}

  Result<std::optional<FeedMessage>> Next() override {
    ASSIGN_OR_RETURN(current_, file_->Next());
    if (!current_.has_value()) return std::optional<FeedMessage>();
    FeedMessage message;
    if (current_->key) message.key = *current_->key;
    message.value = current_->value;
    return std::optional<FeedMessage>(message);
  }

 private:
  std::unique_ptr<MessageFile> file_;
  std::optional<FileMessage> current_;
};

}  // namespace

std::unique_ptr<Feed> MakeFleetFeed(const FleetOptions& options) {
  return std::make_unique<FleetFeed>(options);
}

Result<std::unique_ptr<Feed>> MakeFileFeed(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<MessageFile> file, MessageFile::Open(path));
  return std::unique_ptr<Feed>(std::make_unique<FileFeed>(std::move(file)));
}

}  // namespace tacho
