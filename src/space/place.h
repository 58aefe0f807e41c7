/*
 * place.h - where a new mapping goes.
 */
#pragma once

#include <anymm/space.h>

struct place_request {
	vaddr_t	 hint;		  /* page aligned; 0: none */
	uint64_t bytes;		  /* whole pages, more than 0 */
	bool	 low_2gib;	  /* MAPF_32BIT */
	bool	 above_4gib;	  /* MAPF_ABOVE4G: a search, not a hint */
	bool	 align_anonymous; /* private anonymous: whole large pages are aligned */
	bool	 align_by_offset; /* a file: large pages of the file are aligned */
	uint64_t offset;	  /* bytes */
};

/*
 * place_find - the address Linux would choose. HOLDS_READ sp->lock.
 *   fails  ERR_NOMEM: no gap is large enough
 */
err_t place_find(const struct space *sp, const struct place_request *request, vaddr_t *out);

/* place_round_hint - a user's hint: down to a page, and up to the lowest address there is. */
vaddr_t place_round_hint(const struct space *sp, vaddr_t addr);
