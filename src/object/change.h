/*
 * change.h - the changes of a whole object, one at a time.
 */
#pragma once

#include "object/rmap.h"

/* change_begin - wait until no other change is at work, then keep others out. Holds no lock. */
void change_begin(struct object *object);
void change_end(struct object *object);

/* resize_changing - object_resize between change_begin and change_end. */
void resize_changing(struct object *object, uint64_t bytes);

/*
 * page_add - a page of zeros beyond the end, for a write that is about to move the end behind it; until
 * then nobody else gets it. Between change_begin and change_end.
 *   gives  *out: the frame with one more count
 *   fails  ERR_NOMEM: nothing changed
 */
err_t page_add(struct object *object, uint64_t index, pfn_t *out);
