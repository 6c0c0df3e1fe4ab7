// The one list of the families of eval functions. A family is a file eval_FAMILY.cpp with a function that adds its own.
#include "eval_families.hpp"

namespace ringpost::filter {

const EvalRegistry& standard_evals() {
  static const EvalRegistry registry = [] {
    EvalRegistry made;
    for (const auto add :
         {add_html_evals, add_mime_evals, add_alternative_evals, add_letter_evals, add_body_evals,
          add_header_evals, add_received_evals, add_list_evals, add_freemail_evals, add_image_evals,
          add_uri_evals, add_auth_evals, add_dnsbl_evals, add_uridns_evals})
      add(made);
    return made;
  }();
  return registry;
}

}  // namespace ringpost::filter
