/*
 * limit.h - how much a space may have.
 */
#pragma once

#include <anymm/space.h>

/*
 * limit_forbids - the space may not get `bytes` more of this kind, whatever is promised to others.
 * HOLDS_READ sp->lock.
 */
bool limit_forbids(const struct space *sp, uint64_t bytes, prot_t prot, unsigned flags);

/* limit_forbids_total - nor `bytes` more of any kind. */
bool limit_forbids_total(const struct space *sp, uint64_t bytes);

/* limit_forbids_data - nor may `bytes` of what it has become data. */
bool limit_forbids_data(const struct space *sp, uint64_t bytes);

/* limit_forbids_locked - nor may it get `bytes` more with these flags, if they say locked. */
bool limit_forbids_locked(const struct space *sp, uint64_t bytes, unsigned flags);

/* limit_forbids_promise - a single request of so many bytes could never be served. */
bool limit_forbids_promise(const struct space *sp, uint64_t bytes);

/*
 * limit_charge - promise so many bytes more to the space; false: the policy forbids it, nothing
 * changed. limit_settle - the operation has ended: what it did not use is given back. HOLDS sp->lock.
 */
bool limit_charge(struct space *sp, uint64_t bytes);
void limit_settle(struct space *sp);

/* limit_promise_all - promise what the regions of a space that nobody sees yet stand for; false: as above. */
bool limit_promise_all(struct space *sp);
