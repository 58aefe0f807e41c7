/*
 * usercopy.h - copies between the kernel and user memory, or between spaces.
 *
 * They fault pages in as the user's own access would, and stop at the first
 * byte that cannot be reached. Any address is allowed; what is not user memory is
 * simply not reachable.
 */
#pragma once

#include <anymm/fault.h>

/*
 * copy_from_user, copy_to_user - through the space active on this CPU, which must be sp.
 *   gives  the number of bytes NOT copied: 0 is success; a prefix was copied
 */
size_t copy_from_user(struct space *sp, void *dst, vaddr_t src, size_t bytes);
size_t copy_to_user(struct space *sp, vaddr_t dst, const void *src, size_t bytes);

/*
 * copy_from_space, copy_to_space - the same for a space that need not be active anywhere.
 * Respects protections; goes page by page through the direct map, and stops before a device's
 * memory, which that does not show.
 */
size_t copy_from_space(struct space *sp, void *dst, vaddr_t src, size_t bytes);
size_t copy_to_space(struct space *sp, vaddr_t dst, const void *src, size_t bytes);
