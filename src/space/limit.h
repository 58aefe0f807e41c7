/*
 * limit.h - how much a space may have.
 */
#pragma once

#include <anymm/space.h>

/* limit_forbids - the space may not get `bytes` more of this kind. HOLDS_READ sp->lock. */
bool limit_forbids(const struct space *sp, uint64_t bytes, prot_t prot, unsigned flags);

/* limit_forbids_total - nor `bytes` more of any kind. */
bool limit_forbids_total(const struct space *sp, uint64_t bytes);

/* limit_forbids_data - nor may `bytes` of what it has become data. */
bool limit_forbids_data(const struct space *sp, uint64_t bytes);

/* limit_forbids_locked - nor may it get `bytes` more with these flags, if they say locked. */
bool limit_forbids_locked(const struct space *sp, uint64_t bytes, unsigned flags);
