// The endpoint of a token's issuer, asked over HTTP.
//
// Layer: program. Owner: accounts. The client outlives the cores' work.
#pragma once

#include <memory>

#include "ringpost/accounts/options.hpp"
#include "ringpost/accounts/token_check.hpp"
#include "ringpost/fetch/client.hpp"

namespace ringpost::server {

// Reads the file of the client's secret. Blocking.
Result<std::unique_ptr<accounts::Introspection>> make_token_endpoint(
    fetch::Client& client, const accounts::AccountsOptions& options);

}  // namespace ringpost::server
