/*
 * resolve.h - one page of one region, made accessible.
 */
#pragma once

#include <anymm/fault.h>

/*
 * fault_resolve - needs: r is va's region and allows the access. HOLDS_READ sp->lock.
 *   gives  FAULT_DONE: the tables allow the access; else they allow what they did
 */
enum fault_result fault_resolve(struct space *sp, struct region *r, vaddr_t va, enum access access);
