/*
 * damage.h - a machine to be broken on purpose, for the tests of src/check.
 *
 * Each test makes a sketch (sketch.h), damages one thing that an invariant speaks
 * of, and expects check_all to name that invariant. The machine is thrown away
 * afterwards: with damage on it no call of the library is safe.
 */
#pragma once

#include "unit/sketch.h"

#include <anymm/process.h>

/* expect_broken - check_all names this invariant, and its text holds the fragment. */
#define EXPECT_BROKEN(inv, fragment) expect_broken((inv), (fragment), __FILE__, __LINE__)
void expect_broken(enum invariant inv, const char *fragment, const char *file, int line);

/* damage_table - the table of this level on the way to a page. damage_slot - its entry for the page. */
pfn_t  damage_table(struct space *sp, unsigned level, unsigned page);
pte_t *damage_slot(struct space *sp, unsigned level, unsigned page);

/* damage_leaf - what the page's leaf says. damage_set_leaf - it says something else, with no flush. */
struct pte_leaf damage_leaf(struct space *sp, unsigned page);
void		damage_set_leaf(struct space *sp, unsigned page, struct pte_leaf leaf);

/* damage_frame - the descriptor of the frame behind a page. */
struct frame *damage_frame(struct space *sp, unsigned page);

/* damage_region - the region of a page. */
struct region *damage_region(struct space *sp, unsigned page);

/* damage_abandon - the machine goes with all that is broken on it. */
void damage_abandon(void);
