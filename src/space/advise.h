/*
 * advise.h - what madvise does to tables, as against the flags of regions.
 */
#pragma once

#include <anymm/space.h>

/*
 * advise_drop_pages - pages of the range go; guards stay.
 * advise_install_guards, advise_remove_guards - marks that make every access a fault.
 *   needs  the range starts and ends in regions; holes in it are passed over. HOLDS sp->lock
 *   fails  ERR_NOMEM, ERR_OVERFLOW: nothing changed
 */
err_t advise_drop_pages(struct space *sp, struct va_range range);
err_t advise_install_guards(struct space *sp, struct va_range range);
err_t advise_remove_guards(struct space *sp, struct va_range range);

/* advise_next_touch - the next access to a page of the range faults, and may move it. Cannot fail. */
err_t advise_next_touch(struct space *sp, struct va_range range);

/*
 * advise_remove - the objects' pages behind the range become zeros, in every mapping. Holds no lock.
 *   fails  ERR_PERM, ERR_INVAL, ERR_ACCES, ERR_OPNOTSUPP: a region without an object that may be
 *          written through it, or a locked one; the part before it is done. ERR_NOMEM: there
 *          was a hole, all the rest is done
 */
err_t advise_remove(struct space *sp, struct va_range range);
