// Pickup over the intake of its core.
#include "ringpost/inject/pickup.hpp"

namespace ringpost::inject {

Pickup::Pickup(shard::Core& core, intake::Intake& intake, std::shared_ptr<const PickupSettings> settings)
    : Pickup(
          core,
          Take([&intake](std::span<const std::byte> message, const intake::Origin& origin,
                         const mail::Envelope& envelope) { return intake.take(message, origin, envelope); }),
          std::move(settings)) {}

}  // namespace ringpost::inject
