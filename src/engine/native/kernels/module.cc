/* A module without exports: being loaded, it makes our ops known to TensorFlow. */
#include <node_api.h>
#include "ops.h"

NAPI_MODULE_INIT() {
  (void)env;
  addWinogradOps();
  addUnfoldOps();
  return exports;
}
