#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace tacho {

// A TCP proxy before a broker that can do to single requests what a network
// does: it reads the header of each, which names its API.
//
// Threading: any thread; a pair of threads a connection.
class TcpProxy {
 public:
  static constexpr int16_t kCreateTopics = 19;
  static constexpr int16_t kEndTxn = 26;

  // Listens on a free port of loopback.
  TcpProxy();
  ~TcpProxy();
  TcpProxy(const TcpProxy&) = delete;
  TcpProxy& operator=(const TcpProxy&) = delete;

  int port() const { return port_; }
  // Before the first connection.
  void SetUpstream(int port) { upstream_ = port; }

  // The next request of this API does not reach the broker: it is kept, and
  // its connection is cut, so that the client asks again.
  void KeepNext(int16_t api_key);
  // True once it has happened.
  bool AwaitKept(std::chrono::milliseconds timeout);
  // The kept request reaches the broker over a connection of its own. Returns
  // the error code of the answer, or -2 if there was none.
  int DeliverKept();

  // Cuts the connections that there are.
  void CutAll();
  // Ends them as a broker does that closes its side, and waits until the
  // clients have noticed, that is, have closed theirs. False after `timeout`.
  bool EndAll(std::chrono::milliseconds timeout);

 private:
  void Accept();
  void Serve(int client);
  // False: the connection is to be cut.
  bool Forward(int client, int broker);
  void Track(int socket, bool open);
  void TrackClient(int client, bool open);

  int listener_ = -1;
  int port_ = 0;
  std::atomic<int> upstream_{0};
  std::mutex mutex_;
  std::condition_variable kept_there_;
  int16_t keep_ = -1;
  std::string kept_;  // The frame, its size included.
  bool stopping_ = false;
  std::set<int> sockets_;
  std::set<int> clients_;  // Of these.
  int ended_ = 0;          // Connections of clients.
  std::condition_variable one_ended_;
  std::vector<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace tacho
