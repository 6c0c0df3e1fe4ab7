#include "pam.hpp"

#include <cstdlib>
#include <cstring>

#include <security/pam_appl.h>

#include "ringpost/crypto/secret.hpp"

namespace ringpost::accounts {

namespace {

struct Conversation {
  std::string password;
};

// PAM takes the answers and frees them.
int answer(int count, const pam_message** questions, pam_response** answers, void* data) {
  const auto& conversation = *static_cast<const Conversation*>(data);
  if (count <= 0 || count > PAM_MAX_NUM_MSG) return PAM_CONV_ERR;
  auto* given =
      static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (given == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    const int style = questions[i]->msg_style;
    if (style == PAM_PROMPT_ECHO_OFF) given[i].resp = ::strdup(conversation.password.c_str());
    if (style == PAM_PROMPT_ECHO_ON) {  // a second factor: there is nobody to ask
      for (int k = 0; k < i; ++k) std::free(given[k].resp);
      std::free(given);
      return PAM_CONV_ERR;
    }
  }
  *answers = given;
  return PAM_SUCCESS;
}

// A module's own wait after a wrong password would hold a thread of the pool: waiting is done by the caller.
void do_not_wait(int /*result*/, unsigned /*microseconds*/, void* /*data*/) {}

PamAnswer meaning(int code) {
  switch (code) {
    case PAM_SUCCESS:
      return PamAnswer::accepted;
    case PAM_SYSTEM_ERR:
    case PAM_BUF_ERR:
    case PAM_ABORT:
    case PAM_AUTHINFO_UNAVAIL:
    case PAM_SERVICE_ERR:
    case PAM_OPEN_ERR:
    case PAM_SYMBOL_ERR:
    case PAM_MODULE_UNKNOWN:
      return PamAnswer::unavailable;
    default:
      return PamAnswer::refused;
  }
}

}  // namespace

PamAnswer check_by_pam(const PamService& service, std::string_view user, std::string_view password) {
  if (password.find('\0') != std::string_view::npos) return PamAnswer::refused;
  Conversation conversation{std::string(password)};
  const pam_conv talk{&answer, &conversation};
  pam_handle_t* handle = nullptr;
  const std::string name(user);
  int code = service.folder.empty() ? pam_start(service.name.c_str(), name.c_str(), &talk, &handle)
                                    : pam_start_confdir(service.name.c_str(), name.c_str(), &talk,
                                                        service.folder.c_str(), &handle);
  if (code == PAM_SUCCESS) {
    (void)pam_set_item(handle, PAM_FAIL_DELAY, reinterpret_cast<const void*>(&do_not_wait));
    constexpr int kFlags = PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK;
    code = pam_authenticate(handle, kFlags);
    if (code == PAM_SUCCESS) code = pam_acct_mgmt(handle, kFlags);
  }
  if (handle != nullptr) pam_end(handle, code);
  crypto::wipe(conversation.password);
  return meaning(code);
}

}  // namespace ringpost::accounts
