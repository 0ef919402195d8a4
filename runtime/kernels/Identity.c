/*
 * Identity of any value, and optionals.
 */
#include "kernels/Kernel.h"

/* Result 0 is operand `input`. */
static int32_t pass(cameo_call *call, int32_t input) {
  if (!cameo_kernel_has(call, input))
    return cameo_call_fault(call, CAMEO_FAULT_NO_OPERAND, input, 0);
  return cameo_call_value(call, 0, call->inputs[input]);
}

int32_t cameo_kernel_identity(cameo_call *call) { return pass(call, 0); }

/* Without an operand the optional is empty. */
int32_t cameo_kernel_optional(cameo_call *call) {
  cameo_value optional = {.kind = CAMEO_OPTIONAL};
  if (!cameo_kernel_has(call, 0))
    return cameo_call_value(call, 0, &optional);
  if (call->inputs[0]->kind == CAMEO_OPTIONAL)
    return pass(call, 0);
  optional.as.optional.value = (cameo_value *)call->inputs[0];
  return cameo_call_value(call, 0, &optional);
}

/* What is no optional is there. */
int32_t cameo_kernel_optional_has_element(cameo_call *call) {
  uint8_t *y = cameo_call_tensor(call, 0, CAMEO_BOOL, 0, NULL);
  if (!y)
    return 1;
  *y = cameo_kernel_has(call, 0) &&
       (call->inputs[0]->kind != CAMEO_OPTIONAL || call->inputs[0]->as.optional.value);
  return 0;
}

int32_t cameo_kernel_optional_get_element(cameo_call *call) {
  if (!cameo_kernel_has(call, 0) || call->inputs[0]->kind != CAMEO_OPTIONAL)
    return pass(call, 0);
  if (!call->inputs[0]->as.optional.value)
    return cameo_call_fail(call, "the optional is empty");
  return cameo_call_value(call, 0, call->inputs[0]->as.optional.value);
}
