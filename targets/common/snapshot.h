/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the static data of a plugin back to what it was at one moment: an exact reset for any stack in C whose state is
 * global. Everything that the stack allocated must be freed before, and nothing may be allocated at that moment.
 * Link the plugin with -Wl,-z,now, so that nothing but data stands in the part that is copied. */
#ifndef TCPASSAY_SNAPSHOT_H
#define TCPASSAY_SNAPSHOT_H

#ifndef _GNU_SOURCE
#error "define _GNU_SOURCE before the first include"
#endif
#include <link.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct snapshot {
  uint8_t *from, *to; /* the data of the shared object that includes this file */
  uint8_t* copy;
};

/* Not instrumented: under a sanitizer the space between two variables is copied, too. */
__attribute__((no_sanitize("address"), noinline)) static void snapshot_copy(uint8_t* to, const uint8_t* from,
                                                                            size_t octets) {
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(octets)::"memory");
#else
  volatile uint8_t* out = to;
  for (size_t i = 0; i < octets; ++i) out[i] = from[i];
#endif
}

/* Finds the writable part of the object in which `data`, a struct snapshot of static storage, stands. */
static int snapshot_find(struct dl_phdr_info* object, size_t size, void* data) {
  (void)size;
  struct snapshot* const s = data;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)* const part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_W)) continue;
    uint8_t* const from = (uint8_t*)(object->dlpi_addr + part->p_vaddr);
    if ((uint8_t*)s < from || (uint8_t*)s >= from + part->p_memsz) continue;
    s->from = from;
    s->to = from + part->p_memsz;
    /* The linker's tables at its beginning are read-only by now. */
    for (int j = 0; j < object->dlpi_phnum; ++j) {
      const ElfW(Phdr)* const tables = &object->dlpi_phdr[j];
      if (tables->p_type != PT_GNU_RELRO) continue;
      const uintptr_t end = object->dlpi_addr + tables->p_vaddr + tables->p_memsz;
      if ((uint8_t*)end > s->from) s->from = (uint8_t*)end;
    }
    return 1;
  }
  return 0;
}

static void snapshot_take(struct snapshot* s) {
  if (!dl_iterate_phdr(snapshot_find, s)) abort();
  s->copy = malloc((size_t)(s->to - s->from));
  if (!s->copy) abort();
  snapshot_copy(s->copy, s->from, (size_t)(s->to - s->from));
}

static void snapshot_restore(const struct snapshot* s) {
  snapshot_copy(s->from, s->copy, (size_t)(s->to - s->from));
}

#endif
