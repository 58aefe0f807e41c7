/*
 * calls.h - system calls that go on where the space's own operation ends: they bring pages in, lock,
 * write back; and those whose range falls into many pieces. Swept like all others.
 */
#pragma once

#include "fail/files.h"

/* New memory whose pages are wanted at once: each must be there, or be had, afterwards. */
enum outcome map_and_populate(struct world *w);
enum outcome map_locked(struct world *w);
enum outcome brk_up_locked(struct world *w);
enum outcome grow_locked(struct world *w);
enum outcome protect_locked_writable(struct world *w);

/* Locked memory, some of it without pages; everything to come is to be locked too. */
void prepare_locked_future(struct world *w);

/* The same, read-only. */
void prepare_locked_read_only(struct world *w);

enum outcome unlock_everything(struct world *w);
enum outcome leave_locked_memory(struct world *w);
enum outcome advise_dontneed_locked(struct world *w);

/* Guards on single pages and a hole: what acts on the range has many pieces. */
void	     prepare_pieces(struct world *w);
enum outcome guard_pieces(struct world *w);
enum outcome unguard_pieces(struct world *w);
enum outcome drop_pieces(struct world *w);
enum outcome protect_pieces(struct world *w);

enum outcome advise_to_next_touch(struct world *w);
enum outcome advise_populate_read(struct world *w);
enum outcome write_by_vectors(struct world *w);

/* A file with storage of its own, mapped and dirty. */
void	     prepare_dirty_file(struct world *w);
enum outcome sync_file(struct world *w);
enum outcome unmap_dirty_file(struct world *w);
