// Numbers in the machine's byte order (both ends are one program on one host), texts with their size in front.
#include "helper_protocol.hpp"

#include <array>
#include <cstring>
#include <type_traits>

#include "ringpost/deliver/local_limits.hpp"

namespace ringpost::deliver {

namespace {

constexpr std::uint32_t kOrderMagic = 0x52504f31;    // "RPO1"
constexpr std::uint32_t kOutcomeMagic = 0x52505231;  // "RPR1"

class Writer {
 public:
  template <class T>
    requires std::is_integral_v<T>
  void number(T value) {
    std::array<char, sizeof(T)> bytes;
    std::memcpy(bytes.data(), &value, sizeof value);
    out_.append(bytes.data(), bytes.size());
  }
  void text(std::string_view value) {
    number(static_cast<std::uint32_t>(value.size()));
    out_ += value;
  }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
    requires std::is_integral_v<T>
  void number(T& value) {
    value = 0;
    if (bytes_.size() < sizeof value) {
      good_ = false;
      return;
    }
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
  }
  void text(std::string& value) {
    std::uint32_t size = 0;
    number(size);
    // No text of ours holds a NUL; in a path or a command it would hide what follows.
    if (!good_ || size > bytes_.size() || bytes_.substr(0, size).find('\0') != std::string_view::npos) {
      good_ = false;
      return;
    }
    value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  bool good() const { return good_; }
  bool ended() const { return good_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool good_ = true;
};

// The texts of an order in the order of the packet.
template <class Order, class F>
void for_each_text(Order& order, F f) {
  for (auto* text :
       {&order.target, &order.user, &order.home, &order.hostname, &order.reverse_path, &order.recipient,
        &order.original_recipient, &order.local_part, &order.extension, &order.domain})
    f(*text);
}

}  // namespace

Result<std::string> encode(const DeliveryOrder& order) {
  Writer writer;
  writer.number(kOrderMagic);
  writer.number(static_cast<std::uint8_t>(order.kind));
  writer.number(static_cast<std::uint8_t>(order.from_forward));
  writer.number(order.uid);
  writer.number(order.gid);
  writer.number(order.random);
  writer.number(order.arrival.nanoseconds);
  writer.number(static_cast<std::int64_t>(order.timeout.count()));
  writer.number(static_cast<std::int64_t>(order.lock_wait.count()));
  for_each_text(order, [&](const std::string& text) { writer.text(text); });
  std::string packet = writer.take();
  if (packet.size() > kHelperPacketMax)
    return fail(ErrorKind::permanent, "the order is too long for the helper");
  return packet;
}

Result<DeliveryOrder> decode_order(std::string_view packet) {
  Reader reader(packet);
  DeliveryOrder order;
  std::uint32_t magic = 0;
  std::uint8_t kind = 0;
  std::uint8_t from_forward = 0;
  std::int64_t timeout = 0;
  std::int64_t lock_wait = 0;
  reader.number(magic);
  reader.number(kind);
  reader.number(from_forward);
  reader.number(order.uid);
  reader.number(order.gid);
  reader.number(order.random);
  reader.number(order.arrival.nanoseconds);
  reader.number(timeout);
  reader.number(lock_wait);
  for_each_text(order, [&](std::string& text) { reader.text(text); });
  if (!reader.ended() || magic != kOrderMagic ||
      kind > static_cast<std::uint8_t>(DeliveryOrder::Kind::read_include) || timeout < 0 || lock_wait < 0)
    return fail(ErrorKind::permanent, "the order cannot be read");
  order.kind = static_cast<DeliveryOrder::Kind>(kind);
  order.from_forward = from_forward != 0;
  order.timeout = Duration(timeout);
  order.lock_wait = Duration(lock_wait);
  return order;
}

std::string encode(const DeliveryOutcome& outcome) {
  Writer writer;
  writer.number(kOutcomeMagic);
  writer.number(static_cast<std::uint8_t>(outcome.kind));
  writer.number(static_cast<std::uint8_t>(outcome.locked));
  writer.number(static_cast<std::int32_t>(outcome.reply.code));
  writer.number(outcome.reply.status.category);
  writer.number(outcome.reply.status.subject);
  writer.number(outcome.reply.status.detail);
  writer.text(std::string_view(outcome.reply.text).substr(0, 2 * kMailboxPathMax));
  writer.text(std::string_view(outcome.text).substr(0, kForwardSizeMax));
  return writer.take();
}

Result<DeliveryOutcome> decode_outcome(std::string_view packet) {
  Reader reader(packet);
  DeliveryOutcome outcome;
  std::uint32_t magic = 0;
  std::uint8_t kind = 0;
  std::uint8_t locked = 0;
  std::int32_t code = 0;
  reader.number(magic);
  reader.number(kind);
  reader.number(locked);
  reader.number(code);
  reader.number(outcome.reply.status.category);
  reader.number(outcome.reply.status.subject);
  reader.number(outcome.reply.status.detail);
  reader.text(outcome.reply.text);
  reader.text(outcome.text);
  if (!reader.ended() || magic != kOutcomeMagic ||
      kind > static_cast<std::uint8_t>(DeliveryOutcome::Kind::failed))
    return fail(ErrorKind::permanent, "the helper's answer cannot be read");
  outcome.kind = static_cast<DeliveryOutcome::Kind>(kind);
  outcome.locked = locked != 0;
  outcome.reply.code = code;
  return outcome;
}

}  // namespace ringpost::deliver
