#include "tests/support/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstring>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

constexpr size_t kMostFrameBytes = size_t{128} << 20;
constexpr int kAnswerSeconds = 5;
constexpr int kNoAnswer = -2;

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int Connect(int port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  if (connect(socket, reinterpret_cast<const sockaddr*>(&address),
              sizeof address) == 0) {
    return socket;
  }
  close(socket);
  return -1;
}

bool ReadAll(int socket, char* to, size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket, to, size, 0);
    if (got <= 0) return false;
    to += got;
    size -= static_cast<size_t>(got);
  }
  return true;
}

bool WriteAll(int socket, const char* from, size_t size) {
  while (size > 0) {
    const ssize_t put = send(socket, from, size, MSG_NOSIGNAL);
    if (put <= 0) return false;
    from += put;
    size -= static_cast<size_t>(put);
  }
  return true;
}

// Empty: the connection is over.
std::string ReadFrame(int socket) {
  uint32_t size = 0;
  if (!ReadAll(socket, reinterpret_cast<char*>(&size), sizeof size)) return "";
  const size_t bytes = ntohl(size);
  if (bytes > kMostFrameBytes) return "";
  std::string frame(sizeof size + bytes, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  if (!ReadAll(socket, frame.data() + sizeof size, bytes)) return "";
  return frame;
}

int16_t NumberAt(const std::string& frame, size_t at) {
  uint16_t number = 0;
  if (frame.size() < at + sizeof number) return -1;
  std::memcpy(&number, frame.data() + at, sizeof number);
  return static_cast<int16_t>(ntohs(number));
}

}  // namespace

TcpProxy::TcpProxy() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  CHECK(bind(listener_, raw, size) == 0);
  CHECK(getsockname(listener_, raw, &size) == 0);
  CHECK(listen(listener_, 64) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

TcpProxy::~TcpProxy() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  CutAll();
  for (std::thread& connection : connections_) connection.join();
  close(listener_);
}

void TcpProxy::KeepNext(int16_t api_key) {
  const std::lock_guard lock(mutex_);
  keep_ = api_key;
  kept_.clear();
}

bool TcpProxy::AwaitKept(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  return kept_there_.wait_for(lock, timeout, [this] { return !kept_.empty(); });
}

int TcpProxy::DeliverKept() {
  std::string frame;
  {
    const std::lock_guard lock(mutex_);
    frame.swap(kept_);
  }
  const int broker = Connect(upstream_);
  if (broker < 0) return kNoAnswer;
  const timeval limit{kAnswerSeconds, 0};
  setsockopt(broker, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  std::string answer;
  if (WriteAll(broker, frame.data(), frame.size())) answer = ReadFrame(broker);
  close(broker);
  // Size, correlation id, throttle time, error code: an EndTxn of any version
  // that has no tagged header.
  constexpr size_t kErrorAt = 12;
  return answer.empty() ? kNoAnswer : NumberAt(answer, kErrorAt);
}

void TcpProxy::CutAll() {
  const std::lock_guard lock(mutex_);
  for (const int socket : sockets_) shutdown(socket, SHUT_RDWR);
}

bool TcpProxy::EndAll(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  const int expected = ended_ + static_cast<int>(clients_.size());
  for (const int client : clients_) shutdown(client, SHUT_WR);
  return one_ended_.wait_for(lock, timeout, [&] { return ended_ >= expected; });
}

void TcpProxy::TrackClient(int client, bool open) {
  Track(client, open);
  const std::lock_guard lock(mutex_);
  if (open) {
    clients_.insert(client);
  } else {
    clients_.erase(client);
    ++ended_;
    one_ended_.notify_all();
  }
}

void TcpProxy::Track(int socket, bool open) {
  const std::lock_guard lock(mutex_);
  if (!open) {
    sockets_.erase(socket);
    return;
  }
  sockets_.insert(socket);
  if (stopping_) shutdown(socket, SHUT_RDWR);
}

void TcpProxy::Accept() {
  while (true) {
    const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    const std::lock_guard lock(mutex_);
    connections_.emplace_back([this, client] { Serve(client); });
  }
}

void TcpProxy::Serve(int client) {
  const int broker = Connect(upstream_);
  TrackClient(client, true);
  if (broker >= 0) {
    Track(broker, true);
    std::thread answers([client, broker] {
      char buffer[1 << 16];
      ssize_t got = 0;
      while ((got = recv(broker, buffer, sizeof buffer, 0)) > 0 &&
             WriteAll(client, buffer, static_cast<size_t>(got))) {
      }
      shutdown(client, SHUT_RDWR);
      shutdown(broker, SHUT_RDWR);
    });
    while (Forward(client, broker)) {
    }
    shutdown(client, SHUT_RDWR);
    shutdown(broker, SHUT_RDWR);
    answers.join();
    Track(broker, false);
    close(broker);
  }
  TrackClient(client, false);
  close(client);
}

bool TcpProxy::Forward(int client, int broker) {
  const std::string frame = ReadFrame(client);
  if (frame.empty()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (keep_ >= 0 && NumberAt(frame, sizeof(uint32_t)) == keep_) {
      keep_ = -1;
      kept_ = frame;
      kept_there_.notify_all();
      return false;
    }
  }
  return WriteAll(broker, frame.data(), frame.size());
}

}  // namespace tacho
