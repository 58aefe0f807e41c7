/*
 * start.h - a thread in the kernel that has not begun (law R10).
 */
#pragma once

#include <template/missing.h>

static inline vaddr_t
arch_start(void *at, vaddr_t end, void (*function)(void *argument), void *argument)
{
	(void)at;
	(void)end;
	(void)function;
	(void)argument;
	template_missing("R10", __func__);
}
