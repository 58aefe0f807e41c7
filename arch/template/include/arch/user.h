/*
 * user.h - user memory through the active translations (laws U1, U2).
 */
#pragma once

#include <template/missing.h>

static inline size_t
arch_user_read(void *dst, vaddr_t src, size_t bytes, struct arch_fault *fault)
{
	(void)dst;
	(void)src;
	(void)bytes;
	(void)fault;
	template_missing("U1", __func__);
}

static inline size_t
arch_user_write(vaddr_t dst, const void *src, size_t bytes, struct arch_fault *fault)
{
	(void)dst;
	(void)src;
	(void)bytes;
	(void)fault;
	template_missing("U1", __func__);
}
