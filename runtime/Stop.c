/*
 * How a run ends before its end: by a fault, by cameo_cancel, or at a limit. All of them set
 * frame->failed, which generated code looks at before each kernel and in each iteration of a loop
 * in `main`. The clock is read there as well, and only when there is a limit of time.
 */
#include "Os.h"
#include "Runtime.h"

/* What frame->failed holds. */
enum { FAILED = 1, CANCELLED = 2 };

int32_t cameo_rt_failed(const struct cameo_frame *frame) {
  return __atomic_load_n(&frame->failed, __ATOMIC_RELAXED);
}

void cameo_rt_fail(struct cameo_frame *frame, int32_t code, int32_t node, int64_t a, int64_t b) {
  struct cameo_private *self = cameo_private_of(frame);
  if (cameo_rt_failed(frame) || __atomic_exchange_n(&self->fault_taken, 1, __ATOMIC_SEQ_CST))
    return;
  self->fault = (struct cameo_fault){code, node, a, b, NULL};
  __atomic_store_n(&frame->failed, FAILED, __ATOMIC_SEQ_CST);
}

/* Nothing but one store: it may interrupt anything. */
void cameo_rt_cancel(cameo_context *context) {
  struct cameo_private *self = (struct cameo_private *)context;
  __atomic_store_n(&self->frame.failed, CANCELLED, __ATOMIC_SEQ_CST);
}

void cameo_set_limits(struct cameo_private *self, const cameo_options *options) {
  const double most = 4e9; /* seconds that fit 64 bits of nanoseconds: more is no limit */
  double seconds = options->max_seconds;
  self->max_iterations = options->max_iterations;
  self->max_time = seconds > 0 && seconds < most ? (int64_t)(seconds * 1e9) + 1 : 0;
}

void cameo_begin(struct cameo_private *self) {
  self->fault = (struct cameo_fault){0};
  self->team_status = CAMEO_OK;
  self->iterations = 0;
  self->started = self->max_time ? cameo_os_clock() : 0;
  __atomic_store_n(&self->fault_taken, 0, __ATOMIC_SEQ_CST);
  __atomic_store_n(&self->frame.failed, 0, __ATOMIC_SEQ_CST);
}

void cameo_check_time(struct cameo_private *self) {
  if (self->max_time && cameo_os_clock() - self->started >= self->max_time)
    cameo_rt_fail(&self->frame, CAMEO_FAULT_SECONDS, -1, (self->max_time + 999998) / 1000000, 0);
}

int32_t cameo_rt_iterate(struct cameo_frame *frame, int32_t node) {
  struct cameo_private *self = cameo_private_of(frame);
  if (self->max_iterations && self->iterations++ == self->max_iterations)
    cameo_rt_fail(frame, CAMEO_FAULT_ITERATIONS, node, self->max_iterations, 0);
  cameo_check_time(self);
  return cameo_rt_failed(frame);
}

int32_t cameo_end(struct cameo_private *self) {
  struct cameo_words words = {.a = self->frame.threads};
  if (self->team_status)
    return cameo_run_fail(self, self->team_status, "cannot start %a threads", &words);
  if (!cameo_rt_failed(&self->frame))
    return CAMEO_OK;
  if (!self->fault_taken)
    return cameo_run_fail(self, CAMEO_CANCELLED, "the run was cancelled", &words);
  cameo_say_fault(self->message, sizeof self->message, self->code, &self->fault);
  int32_t limit =
      self->fault.code == CAMEO_FAULT_ITERATIONS || self->fault.code == CAMEO_FAULT_SECONDS;
  return limit ? CAMEO_LIMIT : CAMEO_RUN_FAILED;
}
