/*
 * pager_slow.h - a file whose pages never come at once, and one of which never comes.
 */
#pragma once

#include <anymm/object.h>

#define SLOW_PENDING 8

/* A page that was asked for. */
struct slow_page {
	uint64_t index;
	pfn_t	 pfn;
	bool	 is_set;
};

/* The pager's own part of the object; lives as long as the scenario. */
struct slow_file {
	uint64_t	 bad_page; /* cannot be read */
	struct slow_page pending[SLOW_PENDING];
};

extern const struct pager_ops pager_slow;
