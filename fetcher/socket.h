// Socket: one of libcurl's, as the loop watches it. Internal to the room; the loop's thread's own.
#pragma once

#include <curl/curl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <string>

#include "fetcher/loop.h"

namespace crawld::fetcher {

struct Fetcher::Loop::Socket {
  Socket(boost::asio::io_context& io, Multi& m, curl_socket_t fd, bool own)
      : multi(m), descriptor(io, fd), ours(own) {}
  // Never closes: OnClose has, or libcurl, and then the number may be another file's by now.
  ~Socket() { descriptor.release(); }
  Multi& multi;  // whose it is; gone, once the loop has stopped
  boost::asio::posix::stream_descriptor descriptor;
  const bool ours;       // opened by OnOpen; others (the resolver's) are libcurl's to close
  int wanted = 0;        // CURL_POLL_IN | CURL_POLL_OUT
  bool reading = false;  // a wait is pending
  bool writing = false;
  int held = 0;            // paused HTTP/2 streams on it; while there are any it is not read
  bool connected = false;  // and kept; then the following are known
  std::string peer_ip;
  int peer_port = 0;
  int local_port = 0;
  bool gone = false;

  // Whether something has come, its end included, that nobody has read.
  bool HasInput() const;

  // For good: libcurl no longer has it, and its number may be another's soon.
  void LetGo() {
    gone = true;
    descriptor.release();
  }
};

}  // namespace crawld::fetcher
