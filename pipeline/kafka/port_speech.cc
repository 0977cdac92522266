#include "pipeline/kafka/port_speech.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

namespace tacho {
namespace {

using std::chrono::steady_clock;

constexpr size_t kMostAnswerBytes = 1 << 16;
constexpr int16_t kSaslHandshake = 17;
constexpr int16_t kUnsupportedMechanism = 33;

// A socket with a deadline for all that is done with it.
class Talk {
 public:
  Talk(const addrinfo& to, steady_clock::time_point deadline)
      : deadline_(deadline),
        socket_(socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                       0)) {
    if (socket_ < 0) return;
    if (connect(socket_, to.ai_addr, to.ai_addrlen) == 0) {
      open_ = true;
    } else if (errno == EINPROGRESS && Await(POLLOUT)) {
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
      open_ = error == 0;
    }
  }
  ~Talk() {
    if (socket_ >= 0) close(socket_);
  }
  Talk(const Talk&) = delete;
  Talk& operator=(const Talk&) = delete;

  bool open() const { return open_; }

  bool Say(std::string_view bytes) {
    return Await(POLLOUT) &&
           send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(bytes.size());
  }

  // Exactly so many bytes, or fewer if no more come.
  std::string Hear(size_t size) {
    std::string bytes;
    while (bytes.size() < size && Await(POLLIN)) {
      char buffer[4096];
      const ssize_t got = recv(socket_, buffer,
                               std::min(sizeof buffer, size - bytes.size()), 0);
      if (got <= 0) break;
      bytes.append(buffer, static_cast<size_t>(got));
    }
    return bytes;
  }

 private:
  bool Await(short events) const {
    const auto left =
        std::chrono::duration_cast<Millis>(deadline_ - steady_clock::now());
    pollfd waiting = {socket_, events, 0};
    return left.count() > 0 &&
           poll(&waiting, 1, static_cast<int>(left.count())) == 1;
  }

  const steady_clock::time_point deadline_;
  const int socket_;
  bool open_ = false;
};

void Append16(std::string& to, size_t number) {
  to += static_cast<char>(number >> 8 & 0xFF);
  to += static_cast<char>(number & 0xFF);
}

int16_t Number16(std::string_view bytes, size_t at) {
  if (bytes.size() < at + 2) return -1;
  return static_cast<int16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                              static_cast<unsigned char>(bytes[at + 1]));
}

// The least that a TLS server answers, be it with an alert.
std::string ClientHello() {
  std::string body = "\x03\x03";
  body.append(32, 't');  // Random.
  body += '\0';          // No session.
  Append16(body, 4);     // Two ciphers.
  body += "\xC0\x2F\xC0\x30";
  body += '\x01';  // One compression: none.
  body += '\0';
  std::string handshake(1, '\x01');
  handshake += '\0';
  Append16(handshake, body.size());
  handshake += body;
  std::string record = "\x16\x03\x01";
  Append16(record, handshake.size());
  return record + handshake;
}

// SaslHandshake, version 1, by a mechanism that no broker has: it names its
// own. A listener without log-in says that this is not the time.
std::string Handshake() {
  std::string request;
  Append16(request, kSaslHandshake);
  Append16(request, 1);  // Version.
  Append16(request, 0);  // Correlation.
  Append16(request, 42);
  Append16(request, 0xFFFF);  // No client id.
  Append16(request, 1);
  request += '?';
  std::string frame;
  Append16(frame, 0);
  Append16(frame, request.size());
  return frame + request;
}

bool SpeaksTls(const addrinfo& to, steady_clock::time_point deadline) {
  Talk talk(to, deadline);
  if (!talk.open() || !talk.Say(ClientHello())) return false;
  const std::string answer = talk.Hear(2);
  return answer.size() == 2 && (answer[0] == '\x16' || answer[0] == '\x15') &&
         answer[1] == '\x03';
}

// Empty: not Kafka.
std::string HandshakeAnswer(const addrinfo& to,
                            steady_clock::time_point deadline) {
  Talk talk(to, deadline);
  if (!talk.open() || !talk.Say(Handshake())) return {};
  const std::string head = talk.Hear(8);
  // Size below 64 KiB, and our correlation id.
  if (head.size() < 8 || Number16(head, 0) != 0 || Number16(head, 6) != 42) {
    return {};
  }
  const auto size = static_cast<uint16_t>(Number16(head, 2));
  return size < 4 ? ""
                  : talk.Hear(std::min<size_t>(size - 4U, kMostAnswerBytes));
}

std::vector<std::string> MechanismsOf(std::string_view answer) {
  std::vector<std::string> names;
  size_t at = 6;  // Error code, count.
  while (at + 2 <= answer.size()) {
    const auto size =
        static_cast<size_t>(std::max<int16_t>(0, Number16(answer, at)));
    if (at + 2 + size > answer.size()) break;
    names.emplace_back(answer.substr(at + 2, size));
    at += 2 + size;
  }
  return names;
}

struct AddressDeleter {
  void operator()(addrinfo* p) const { freeaddrinfo(p); }
};

}  // namespace

PortSpeech ListenAt(const std::string& address, Millis timeout) {
  const auto deadline = steady_clock::now() + timeout;
  std::string host = address;
  if (const size_t scheme = host.find("://"); scheme != std::string::npos) {
    host.erase(0, scheme + 3);
  }
  std::string port = "9092";
  const size_t colon = host.rfind(':');
  if (colon != std::string::npos &&
      host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.erase(colon);
  }
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, AddressDeleter> owned(found);
  for (const addrinfo* to = found; to != nullptr; to = to->ai_next) {
    const std::string answer = HandshakeAnswer(*to, deadline);
    if (!answer.empty()) {
      if (Number16(answer, 0) != kUnsupportedMechanism) {
        return {PortSpeech::Kind::kKafka, {}};
      }
      return {PortSpeech::Kind::kSasl, MechanismsOf(answer)};
    }
    if (SpeaksTls(*to, deadline)) return {PortSpeech::Kind::kTls, {}};
  }
  return {};
}

}  // namespace tacho
