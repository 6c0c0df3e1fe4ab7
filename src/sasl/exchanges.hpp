// Where each mechanism is made. A new one is a file, a line in kMechanisms and a line in mechanism_table.cpp.
#pragma once

#include <memory>
#include <string_view>

#include "ringpost/sasl/client.hpp"
#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {

std::unique_ptr<ServerExchange> make_scram_plus_server();
std::unique_ptr<ServerExchange> make_scram_server();
std::unique_ptr<ServerExchange> make_plain_server();
std::unique_ptr<ServerExchange> make_login_server();
std::unique_ptr<ServerExchange> make_oauthbearer_server();
std::unique_ptr<ServerExchange> make_xoauth2_server();
std::unique_ptr<ClientExchange> make_scram_plus_client(const Credentials& credentials,
                                                       const Material& material);
std::unique_ptr<ClientExchange> make_scram_client(const Credentials& credentials, const Material& material);
std::unique_ptr<ClientExchange> make_plain_client(const Credentials& credentials, const Material& material);
std::unique_ptr<ClientExchange> make_login_client(const Credentials& credentials, const Material& material);
std::unique_ptr<ClientExchange> make_oauthbearer_client(const Credentials& credentials,
                                                        const Material& material);
std::unique_ptr<ClientExchange> make_xoauth2_client(const Credentials& credentials, const Material& material);

// A name that may go into a log line and a look-up: not empty, bounded, no control characters. UTF-8 is not
// checked: a name that nobody has is refused where names are known.
bool is_name(std::string_view field);
// Passwords may hold anything but NUL.
bool is_password(std::string_view field);

}  // namespace ringpost::sasl
