/*
 * A module without exports that loads TensorFlow's base library with the error output turned away.
 *
 * The library writes a notice about oneDNN while it is being loaded, before any log level that was set is looked at.
 * Opened before the bridge itself, this module takes that line; what TensorFlow has to say later comes through.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>

NAPI_MODULE_INIT() {
  (void)env;
  int kept = dup(STDERR_FILENO);
  int nowhere = open("/dev/null", O_WRONLY);
  if (kept >= 0 && nowhere >= 0) dup2(nowhere, STDERR_FILENO);
  /* Found by this module's own search path; where it is not, the bridge will tell. */
  dlopen(FRAMEWORK, RTLD_NOW);
  if (kept >= 0 && nowhere >= 0) dup2(kept, STDERR_FILENO);
  if (nowhere >= 0) close(nowhere);
  if (kept >= 0) close(kept);
  return exports;
}
