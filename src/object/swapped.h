/*
 * swapped.h - pages of objects without storage, on the swap device.
 */
#pragma once

#include <anymm/object.h>

/* swapped_may_go - dirty pages of the object go to the swap device, and it has room for one more. */
bool swapped_may_go(const struct object *object);

/*
 * swapped_out - the page goes to the device, if it is dirty and nothing but the object's slot names it:
 * so its mappings have to be gone and flushed. If it is used meanwhile, or the device fails, it stays and is dirty.
 *   needs  no lock held
 *   gives  true if it went
 */
bool swapped_out(struct object *object, uint64_t index);

/*
 * swapped_in - the page comes back, dirty, as it has no other place any more. May wait: no lock held.
 *   fails  ERR_NOENT: it is not out; ERR_NOMEM, ERR_OVERFLOW, ERR_IO: it is still out
 */
err_t swapped_in(struct object *object, uint64_t index);

/* swapped_drop - the pages of the run that are out are no more. HOLDS object->lock. */
void swapped_drop(struct object *object, struct page_run run);

/* swapped_cut - if the page is out, its bytes from `bytes` on are zeros from now on. HOLDS object->lock. */
void swapped_cut(struct object *object, uint64_t index, uint32_t bytes);
