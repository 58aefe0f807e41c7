/*
 * pagers.h - what the built-in pagers can say without being asked for a page (for the digest).
 */
#pragma once

#include <anymm/object.h>

/* memory_file_end - bytes from here on are zeros: the smallest size the file ever had. */
uint64_t memory_file_end(const struct object *object);

/* stored_file_page - what is stored of the page, or pfn_none(): zeros. Needs: no operation in progress. */
pfn_t stored_file_page(const struct object *object, uint64_t index);
