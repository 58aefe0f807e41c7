/*
 * pagers.h - what the built-in pagers have in common, and can say without being asked for a page (for
 * the digest).
 */
#pragma once

#include <anymm/object.h>

/* pager_storage - of the object that a stored file keeps its bytes in. */
extern const struct pager_ops pager_storage;

/* fill_with_zeros - struct pager_ops.fill where every page starts as zeros. */
err_t fill_with_zeros(struct object *object, uint64_t index, pfn_t pfn);

/* memory_file_end - bytes from here on are zeros: the smallest size the file ever had. */
uint64_t memory_file_end(const struct object *object);

/* stored_file_page - what is stored of the page, or pfn_none(): zeros. Needs: no operation in progress. */
pfn_t stored_file_page(const struct object *object, uint64_t index);
