/*
 * chain.c - the chain of frame records on a stack that was copied elsewhere.
 *
 *	old    sp                    fp            f1              f2      end
 *	       |    ...              |f1|ret|  ... |f2|ret|  ...   |0|ret| |
 *	copy   |    ...              |f1+d|ret|    |f2+d|ret|      |0|ret| |
 *
 * A record is two words: the address of the next outer record, and a return address.
 * A kernel keeps to that only as far as its last bug or its last piece of assembly, so
 * links are data of unknown origin. A link counts if its record lies wholly in the used
 * part, is aligned, and lies above the one before. Because each step goes up, the walk ends after
 * at most as many steps as there are words, whatever the words are. (DRG-25, DRG-B09)
 */
#include "kstack/chain.h"

#define WORD	     sizeof(uint64_t)
#define RECORD_BYTES (2 * WORD)

/* is_record - a record of the old stack can be at fp, and nothing below `from` is meant. */
static bool
is_record(const struct chain *chain, vaddr_t from, vaddr_t fp)
{
	return fp % WORD == 0 && fp >= from && fp < chain->used.end &&
	       chain->used.end - fp >= RECORD_BYTES;
}

uint64_t
chain_rebase(const struct chain *chain, vaddr_t *fp)
{
	vaddr_t	 lowest = chain->used.start;
	vaddr_t	 record = *fp;
	uint64_t nr = 0;

	if (is_record(chain, lowest, record))
		*fp = record + chain->distance;
	while (is_record(chain, lowest, record)) {
		uint64_t *link = kstack_pointer(chain->copy, record + chain->distance);

		lowest = record + RECORD_BYTES;
		record = *link;
		if (is_record(chain, lowest, record))
			*link = record + chain->distance;
		nr++;
	}
	return nr;
}
