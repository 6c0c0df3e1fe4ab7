// What each family of eval functions adds to the registry: one function here for each eval_FAMILY.cpp.
#pragma once

#include "ringpost/filter/eval.hpp"

namespace ringpost::filter {

void add_html_evals(EvalRegistry& registry);
void add_mime_evals(EvalRegistry& registry);
void add_alternative_evals(EvalRegistry& registry);
void add_letter_evals(EvalRegistry& registry);
void add_body_evals(EvalRegistry& registry);
void add_header_evals(EvalRegistry& registry);
void add_received_evals(EvalRegistry& registry);
void add_list_evals(EvalRegistry& registry);
void add_freemail_evals(EvalRegistry& registry);
void add_image_evals(EvalRegistry& registry);
void add_uri_evals(EvalRegistry& registry);
void add_auth_evals(EvalRegistry& registry);
void add_dnsbl_evals(EvalRegistry& registry);
void add_uridns_evals(EvalRegistry& registry);

}  // namespace ringpost::filter
