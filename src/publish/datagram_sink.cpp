// Lines as datagrams to a daemon of this host: syslog (RFC 3164 as /dev/log takes it) and the journal's own protocol.
#include <cerrno>
#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ringpost/publish/limits.hpp"

#include "format.hpp"
#include "sink.hpp"

namespace ringpost::publish {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kMailFacility = 2;

// A connected datagram socket that is made again when the daemon was restarted.
class DatagramSocket {
 public:
  DatagramSocket(std::string path, int buffer_bytes) : path_(std::move(path)), buffer_bytes_(buffer_bytes) {}
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  ~DatagramSocket() { close_socket(); }

  // An errno, or 0. Waits for a slow daemon until `until` at the most.
  int send_message(std::string_view bytes, Clock::time_point until) {
    bool fresh = false;
    for (;;) {
      if (socket_ < 0) {
        if (const int error = open_socket(); error != 0) return error;
        fresh = true;
      }
      if (send(socket_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
      const int error = errno;
      if (error == EINTR) continue;
      if (error == EAGAIN || error == ENOBUFS) {
        if (!wait_for_room(until)) return error;
        continue;
      }
      if (error == EMSGSIZE) return error;
      close_socket();  // the daemon went away; once more with a new connection
      if (fresh) return error;
    }
  }

 private:
  int open_socket() {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path_.size() >= sizeof(address.sun_path)) return ENAMETOOLONG;
    std::memcpy(address.sun_path, path_.data(), path_.size());
    socket_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return errno;
    (void)setsockopt(socket_, SOL_SOCKET, SO_SNDBUF, &buffer_bytes_, sizeof(buffer_bytes_));
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return 0;
    const int error = errno;
    close_socket();
    return error;
  }
  void close_socket() {
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
  }
  bool wait_for_room(Clock::time_point until) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return false;
    pollfd entry{.fd = socket_, .events = POLLOUT, .revents = 0};
    return poll(&entry, 1, static_cast<int>(left)) != 0;
  }

  std::string path_;
  int buffer_bytes_;
  int socket_ = -1;
};

// Cuts at a character.
void cut_to(std::string& text, std::size_t size) {
  if (text.size() <= size) return;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80U) --size;
  text.resize(size);
}

// One patience for all lines of a batch: a daemon that hangs costs a second, not a second a line.
class DatagramSink : public Sink {
 public:
  DatagramSink(std::string path, int buffer_bytes, LogFormat format, const SinkPlaces& places)
      : places_(places), format_(format), path_(path), socket_(std::move(path), buffer_bytes) {}

  void flush() override { begun_ = false; }

 protected:
  int send_message(std::string_view bytes) {
    if (!begun_) until_ = Clock::now() + kSinkPatience;
    begun_ = true;
    return socket_.send_message(bytes, until_);
  }
  void count(int error) {
    if (error == 0)
      count_written(1);
    else
      count_lost(1, system_error(error, "write " + path_).text);
  }
  void append_text(const Event& event, std::string& out) const {
    if (format_ == LogFormat::json)
      append_json(event, places_.hostname, out);
    else
      append_message(event, out);
  }

  SinkPlaces places_;
  std::string text_;

 private:
  LogFormat format_;
  std::string path_;
  DatagramSocket socket_;
  Clock::time_point until_;
  bool begun_ = false;
};

class SyslogSink final : public DatagramSink {
 public:
  SyslogSink(LogFormat format, const SinkPlaces& places)
      : DatagramSink(places.syslog_socket, static_cast<int>(kBatchBytesMax), format, places) {}

  void add(const Event& event) override {
    text_.clear();
    fmt::format_to(std::back_inserter(text_), "<{}>", kMailFacility * 8 + severity_of(event));
    append_syslog_time(event.time, text_);
    fmt::format_to(std::back_inserter(text_), " ringpost[{}]: ", places_.process_id);
    append_text(event, text_);
    cut_to(text_, kSyslogBytesMax);
    count(send_message(text_));
  }
};

// https://systemd.io/JOURNAL_NATIVE_PROTOCOL/: NAME=value lines; a value with a line break has its size before it.
void append_journal_field(std::string_view name, std::string_view value, std::string& out) {
  out += name;
  if (value.contains('\n')) {
    out += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8) out += static_cast<char>(value.size() >> shift & 0xFFU);
  } else {
    out += '=';
  }
  out += value;
  out += '\n';
}

std::string journal_name(observe::EventKey key) {
  std::string name = "RINGPOST_";
  for (const char c : observe::to_string(key)) name += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return name;
}

class JournalSink final : public DatagramSink {
 public:
  JournalSink(LogFormat format, const SinkPlaces& places)
      : DatagramSink(places.journal_socket, static_cast<int>(2 * kJournalBytesMax), format, places) {}

  void add(const Event& event) override {
    message_.clear();
    append_text(event, message_);
    text_.clear();
    append_journal_field("MESSAGE", message_, text_);
    append_journal_field("PRIORITY", fmt::to_string(severity_of(event)), text_);
    append_journal_field("SYSLOG_FACILITY", fmt::to_string(kMailFacility), text_);
    append_journal_field("SYSLOG_IDENTIFIER", "ringpost", text_);
    append_journal_field("RINGPOST_EVENT", observe::to_string(event.type), text_);
    const std::size_t enough = text_.size();
    for (const auto& [key, text] : event.fields) append_journal_field(journal_name(key), text, text_);
    if (text_.size() > kJournalBytesMax) text_.resize(enough);
    int error = send_message(text_);
    // The system allowed a smaller buffer than we asked for.
    if (error == EMSGSIZE) error = send_message(std::string_view(text_).substr(0, enough));
    count(error);
  }

 private:
  std::string message_;
};

}  // namespace

std::unique_ptr<Sink> make_syslog_sink(LogFormat format, const SinkPlaces& places) {
  return std::make_unique<SyslogSink>(format, places);
}
std::unique_ptr<Sink> make_journal_sink(LogFormat format, const SinkPlaces& places) {
  return std::make_unique<JournalSink>(format, places);
}

}  // namespace ringpost::publish
