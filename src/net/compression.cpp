#include "compression.hpp"

#include <algorithm>
#include <limits>

#include <zlib.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/net/limits.hpp"

namespace ringpost::net {

namespace {

constexpr std::size_t kStepMax = std::numeric_limits<uInt>::max();

// zlib reads what `next_in` points to, and writes nothing there.
void lend(z_stream& stream, std::span<const std::byte> in, std::span<std::byte> out) {
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(in.data()));  // NOLINT
  stream.avail_in = static_cast<uInt>(std::min(in.size(), kStepMax));
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(std::min(out.size(), kStepMax));
}

Compression::Progress progress_of(const z_stream& stream, std::span<const std::byte> in,
                                  std::span<std::byte> out) {
  return {.consumed = std::min(in.size(), kStepMax) - stream.avail_in,
          .produced = std::min(out.size(), kStepMax) - stream.avail_out};
}

}  // namespace

void Compression::Ends::operator()(z_stream_s* stream) const {
  if (deflates)
    deflateEnd(stream);
  else
    inflateEnd(stream);
  delete stream;  // NOLINT(cppcoreguidelines-owning-memory): this is its owner
}

Compression::Compression()
    : in_(new z_stream{}, Ends{.deflates = false}), out_(nullptr, Ends{.deflates = true}) {
  RP_ASSERT(inflateInit2(in_.get(), -MAX_WBITS) == Z_OK);
}
Compression::~Compression() = default;

Result<Compression::Progress> Compression::inflate(std::span<const std::byte> in, std::span<std::byte> out) {
  RP_ASSERT(!out.empty());
  lend(*in_, in, out);
  const int done = ::inflate(in_.get(), Z_SYNC_FLUSH);
  const Progress progress = progress_of(*in_, in, out);
  has_output_ = progress.produced == out.size();
  if (done == Z_OK || done == Z_BUF_ERROR) return progress;
  if (done == Z_MEM_ERROR) return fail(ErrorKind::exhausted, "receive: no memory to inflate");
  return fail(ErrorKind::permanent, done == Z_STREAM_END ? "receive: the peer has ended its compression"
                                                         : "receive: this is not compressed");
}

Result<Compression::Progress> Compression::deflate(std::span<const std::byte> in, std::span<std::byte> out,
                                                   bool flush) {
  RP_ASSERT(!out.empty());
  if (out_ == nullptr) {
    out_.reset(new z_stream{});  // NOLINT(cppcoreguidelines-owning-memory)
    if (deflateInit2(out_.get(), kCompressionLevel, Z_DEFLATED, -kCompressionWindowBits,
                     kCompressionMemoryLevel, Z_DEFAULT_STRATEGY) != Z_OK)
      return fail(ErrorKind::exhausted, "send: no memory to compress");
  }
  lend(*out_, in, out);
  const int done = ::deflate(out_.get(), flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
  RP_ASSERT(done == Z_OK || done == Z_BUF_ERROR);
  return progress_of(*out_, in, out);
}

void Compression::forget() {
  out_.reset();
}

}  // namespace ringpost::net
