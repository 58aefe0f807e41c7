/*
 * sketch.h - small spaces and their regions as text, for tests that read as stories.
 *
 * Addresses are page numbers. The sketch space has twelve pages, of which page 0 is
 * never chosen, and a guard gap of one page; it fits every geometry.
 *
 *	EXPECT_REGIONS(sp, "1-3 rw, 5-6 r shared @7:2");
 *
 * is [1, 3) readable and writable, and page 5 of a shared mapping of page 2 of object
 * 7. "@anon" is a shared anonymous object; "-" is no access; down, noreserve, dontfork,
 * wipe, nomerge, maynotwrite, maynotexec, locked, onfault, sealed, sequential, random, huge, nohuge, dontdump
 * and mergeable are the region's other flags; "interleave" and "node2" its placement.
 */
#pragma once

#include "harness.h"

#include <anymm/check.h>
#include <anymm/stats.h>

#define SKETCH_PAGES 12
#define PAGE(n)	     ((vaddr_t)(n)*ARCH_PAGE_SIZE)

/* sketch_layout - twelve pages, searched top-down from their end, no heap, no limits. */
struct space_layout sketch_layout(void);

/* sketch_space - a fresh machine with one such space. sketch_space_with - with another layout. */
struct space *sketch_space(void);
struct space *sketch_space_with(const struct space_layout *layout);

/*
 * sketch_space_on - on a fresh machine with so many nodes of two CPUs each. sketch_on - the test
 * goes on on the first CPU of a node. sketch_leave - no CPU has the space active any more.
 * sketch_drop - and it goes, while others of the test stay.
 */
struct space *sketch_space_on(unsigned nr_nodes);
void	      sketch_on(unsigned node);
void	      sketch_leave(struct space *sp);
void	      sketch_drop(struct space *sp);

/* sketch_node - the node that the page's frame lies on. */
unsigned sketch_node(struct space *sp, unsigned page);

/* sketch_end - the space goes, and everything with it: invariants and leaks are checked. */
void sketch_end(struct space *sp);

/* sketch_map - private anonymous memory over [from, to); the flags are enum region_flag. */
void sketch_map(struct space *sp, unsigned from, unsigned to, prot_t prot, unsigned region_flags);

/* sketch_file - a memory file. sketch_map_file - its pages from `page` on over [from, to). */
struct object *sketch_file(uint64_t id, uint64_t pages);
void sketch_map_file(struct space *sp, unsigned from, unsigned to, prot_t prot, struct object *file,
		     uint64_t page, unsigned map_flags);

/* The same requests, for tests of mmap's own results. */
struct map_request sketch_anonymous(unsigned pages, unsigned map_flags);

#define EXPECT_REGIONS(sp, text) expect_regions((sp), (text), __FILE__, __LINE__)
void expect_regions(struct space *sp, const char *wanted, const char *file, int line);

/* User accesses to the first byte of a page. store and load must succeed. */
void		  sketch_store(struct space *sp, unsigned page, uint8_t byte);
uint8_t		  sketch_load(struct space *sp, unsigned page);
enum fault_result sketch_access(struct space *sp, enum access access, unsigned page);

/* sketch_store_all - every page of [from, to) gets its own number as first byte. */
void sketch_store_all(struct space *sp, unsigned from, unsigned to);

/* sketch_is_present - the tables have a page there. sketch_is_writable - with write permission. */
bool sketch_is_present(struct space *sp, unsigned page);
bool sketch_is_writable(struct space *sp, unsigned page);

/*
 * sketch_fail_each - run the call with its first, second, ... allocation failing, until
 * it succeeds. Each failure must be ERR_NOMEM (ERR_AGAIN of an advice) and leave all that a user can see as it was.
 * gives the number of failures
 */
unsigned sketch_fail_each(err_t (*call)(struct space *sp), struct space *sp);
