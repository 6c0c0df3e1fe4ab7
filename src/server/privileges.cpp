#include "ringpost/server/privileges.hpp"

#include <cerrno>

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpost::server {

Result<ServiceUser> service_user(const std::string& name) {
  if (geteuid() != 0) return ServiceUser{geteuid(), getegid(), name};
  const passwd* entry = getpwnam(name.c_str());
  if (entry == nullptr)
    return fail(ErrorKind::permanent, "server.user: there is no user \"" + name +
                                          "\"; make it with: adduser --system --group " + name);
  if (entry->pw_uid == 0)
    return fail(ErrorKind::permanent, "server.user: the server does not run as root; name another user");
  return ServiceUser{entry->pw_uid, entry->pw_gid, name};
}

Result<void> prepare_directory(const std::string& path, const ServiceUser& user, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const bool last = slash == std::string::npos;
    const bool made = mkdir(part.c_str(), last ? mode : 0755) == 0;
    if (!made && errno != EEXIST) return fail_system(errno, "make the folder " + part);
    // Said again, for the umask has taken its part: parents are to be passed by others.
    if (made && chmod(part.c_str(), last ? mode : 0755) != 0)
      return fail_system(errno, "set the mode of " + part);
    if (made && geteuid() == 0 && last && chown(part.c_str(), user.uid, user.gid) != 0)
      return fail_system(errno, "give the folder " + part + " to " + user.name);
    if (last) return {};
  }
}

void raise_limits() {
  for (const auto what : {RLIMIT_NOFILE, RLIMIT_MEMLOCK}) {
    rlimit limit{};
    if (getrlimit(what, &limit) != 0) continue;
    if (what == RLIMIT_MEMLOCK && geteuid() == 0) limit.rlim_max = RLIM_INFINITY;
    if (what == RLIMIT_NOFILE && geteuid() == 0 && limit.rlim_max < 1'048'576) limit.rlim_max = 1'048'576;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(what, &limit);  // what we do not get is said by whoever needs it
  }
}

Result<void> become(const ServiceUser& user) {
  if (geteuid() != 0) return {};
  if (initgroups(user.name.c_str(), user.gid) != 0) return fail_system(errno, "initgroups");
  if (setresgid(user.gid, user.gid, user.gid) != 0) return fail_system(errno, "setresgid");
  if (setresuid(user.uid, user.uid, user.uid) != 0) return fail_system(errno, "setresuid");
  if (setuid(0) == 0 || geteuid() == 0 || getegid() == 0)
    return fail(ErrorKind::permanent, "could become root again: refusing to go on");
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return {};
}

}  // namespace ringpost::server
