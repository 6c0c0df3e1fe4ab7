// DEFLATE in both directions of a connection (RFC 1951, as RFC 4978 uses it): bytes in, bytes out.
//
// Layer:  paths, private. Owner: one Connection.
// Limits: net/limits.hpp. What comes in is inflated into the room that is given and no further: a small input that stands for a
//         large one waits. What goes out may be forgotten between two flushes, so that an idle connection costs less.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "ringpost/base/result.hpp"

struct z_stream_s;

namespace ringpost::net {

class Compression {
 public:
  Compression();
  ~Compression();
  Compression(const Compression&) = delete;
  Compression& operator=(const Compression&) = delete;

  struct Progress {
    std::size_t consumed = 0;
    std::size_t produced = 0;
  };
  // An error: no DEFLATE, or its end, behind which nothing may come.
  Result<Progress> inflate(std::span<const std::byte> in, std::span<std::byte> out);
  // The last inflate() filled its room: it may have more without more input.
  bool has_output() const { return has_output_; }

  // Everything of `in` is consumed when `produced` is less than the room. `flush`: the peer can read all of it then.
  Result<Progress> deflate(std::span<const std::byte> in, std::span<std::byte> out, bool flush);
  // After a flush: what was sent is no longer referred to.
  void forget();

 private:
  struct Ends {
    void operator()(z_stream_s* stream) const;
    bool deflates = false;
  };
  std::unique_ptr<z_stream_s, Ends> in_;
  std::unique_ptr<z_stream_s, Ends> out_;
  bool has_output_ = false;
};

}  // namespace ringpost::net
