/* Sixteen channels at a time, in the widest registers that the machine has. */
#pragma once
#include <cstring>

#define INLINE inline __attribute__((always_inline))
/* One build serves every x86 machine that shares an engine folder. */
#if defined(__x86_64__) && defined(__linux__)
#define FOR_EACH_CPU __attribute__((target_clones("arch=skylake-avx512", "arch=haswell", "default")))
#else
#define FOR_EACH_CPU
#endif

constexpr int kLanes = 16;
typedef float Lanes __attribute__((vector_size(4 * kLanes)));

INLINE Lanes load(const float* from) {
  Lanes lanes;
  memcpy(&lanes, from, sizeof(lanes));
  return lanes;
}

INLINE void store(float* to, Lanes lanes) { memcpy(to, &lanes, sizeof(lanes)); }
