// What the tests share about the hand-written model.
#pragma once

#include "runtime/include/cameo.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A model as the compiler would make it, written by hand. Inputs a: float32 [n, 4], b: float32
 * [n, m], mode: int64 []. Outputs y: float32 [2n, 4], a * w twice, w being the 4 weights; hits:
 * int64 [k], the indices of b's positive elements; facts: float64 [4], see enum.
 */
const cameo_model *fake(void);

/* MODE_LOOP iterates, and MODE_TEAM_LOOP meets at barriers, until the run is ended. In MODE_SMALL
   the team has little to do. */
enum mode {
  MODE_PLAIN = 0,
  MODE_FAIL = 1,
  MODE_HOLD = 2,
  MODE_TEAM_FAIL = 3,
  MODE_LOOP = 4,
  MODE_TEAM_LOOP = 5,
  MODE_SMALL = 6
};
enum fact {
  FACT_THREADS, /* of the team */
  FACT_ROUNDS,  /* what a chain of barriers counted to, per thread the same; -1 if not */
  FACT_MODE,    /* 1 when every thread is in the floating-point mode of generated code */
  FACT_POISONED /* 1 when the workspace was all ones in every bit at first */
};
enum { ROUNDS = 200 };

/* MODE_HOLD: `held` becomes 1, and the run goes on when `released` is 1. */
extern int32_t fakeHeld, fakeReleased;

#ifdef __cplusplus
}
#endif
