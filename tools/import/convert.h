/*
 * convert.h - the state of a recording while its events become statements.
 *
 * The importer keeps no map of any space: that is the library's work, and the
 * scenario checks it. It keeps only what the lines do not say by themselves:
 * which threads share a space, which pages a space has (touch.log tells only
 * changes), descriptors' access modes, limits, and which files have been named.
 */
#pragma once

#include "import/import.h"
#include "import/pages.h"
#include "import/snapshot.h"
#include "import/touchlog.h"
#include "import/trace.h"

/* A space as far as its pages go. */
struct memory {
	struct memory *next; /* all that live */
	unsigned       users;
	uint64_t       brk;
	uint64_t       counted; /* of its pages, in pages_now of struct convert */
	struct pages   present; /* by the last scan, less what calls removed since */
	struct pages   removed; /* by calls since the last scan: they may have been touched again */
	struct pages   also;	/* that the library has and Linux has not, by rule (scan.c) */
	struct pages   leaving; /* gone in Linux by a call of another thread that is in flight */
	struct pages   reclaim; /* that calls since the last scan have offered to be taken away */
	struct pages   left_out; /* of which no child gets a copy */
	struct pages   fresh;	 /* that the last scan found, while other threads ran */
	struct pages   moved;	 /* by calls since the last scan, to where they are now */
};

/* Access modes of descriptors (O_ACCMODE), as far as an openat told them; 0xff: unknown. */
struct modes {
	uint8_t *mode;
	size_t	 nr;
};

/* A thread, or the leader that stands for a process. */
struct task {
	struct task	  *hash_next;
	uint32_t	   tid;
	uint32_t	   tgid;   /* 0: not born yet */
	const struct call *clone;  /* that made it; NULL: the first */
	const struct call *call;   /* that it is in; NULL: none */
	struct memory	  *memory; /* NULL: before its first exec, or gone */
	struct modes	  *modes;  /* of a leader */
	struct slice	   folder; /* of a leader: where its paths begin */
	unsigned	   cpu;
	bool		   in_scenario; /* alive there */
	bool		   exited;	/* a zombie there */
	bool		   is_thread;
	bool		   shares_memory; /* a vfork child before its exec */
	int		   code;
};

/* A mapped file. */
struct file {
	struct file   *hash_next;
	struct slice   name;
	unsigned       id;    /* 0: not in the scenario yet */
	bool	       sized; /* files.txt has its size */
	bool	       cut;   /* a call makes it shorter during the recording */
	uint64_t       size;
	uint64_t       extent; /* end of the largest mapping in the whole recording */
	uint64_t       room;   /* bytes that it has in the scenario */
	enum file_kind kind;
};

/* A segment of shared memory, by its id. */
struct segment {
	struct segment *next;
	uint64_t	id, bytes;
	struct slice	name;
};

#define CONVERT_BUCKETS 1024

struct convert {
	const struct import_source *source;
	struct import_error	   *error;
	struct text		   *out;
	struct arena		    arena;
	struct trace		    trace;
	struct touchlog		    log;
	struct task		   *tasks[CONVERT_BUCKETS];
	struct file		   *files[CONVERT_BUCKETS];
	struct memory		   *memories;
	struct segment		   *segments;
	unsigned		    nr_files, nr_tasks;
	unsigned		    cpu;       /* of the last on statement */
	uint64_t		    pages_now; /* private pages of all spaces */
	uint64_t		    peak_pages;
	uint64_t		    file_pages; /* of all files named so far */
	uint64_t file_touches; /* pages touched: no more of the files than that is needed */
	bool	 stopped;
};

/* End of user addresses on the recorded machine. */
#define RECORDED_END 0x7ffffffff000u

/* 1. Threads, spaces, files (task.c). */
struct task *task_of(struct convert *c, uint32_t tid); /* made if it is new */
struct file *file_of(struct convert *c, struct slice name);

/* task_born - at the first sign of a thread: its fork, vfork or thread statement. */
bool task_born(struct convert *c, struct task *task);

struct memory *memory_create(struct convert *c);

/* memory_put - the task leaves its space. */
void memory_put(struct convert *c, struct task *task);

/* memory_zap - a call has removed the pages of [start, end). */
void memory_zap(struct memory *memory, uint64_t start, uint64_t end);

/* memory_unmap - a call has removed what was mapped at [start, end), or mapped something else. */
void memory_unmap(struct memory *memory, uint64_t start, uint64_t end);

/* memory_move - a call has moved pages; *moved: those that are at `to` now. */
void memory_move(struct memory *memory, uint64_t from, uint64_t to, uint64_t bytes,
		 struct pages *moved);

/* memory_count_also - pages with a frame that the library has there and Linux has not. */
uint64_t memory_count_also(const struct memory *memory, uint64_t start, uint64_t end);

/* memory_free - give its sets back. */
void memory_free(struct memory *memory);

/* memory_note_pages - keep count of the most private pages that live at once, shared ones once for each space. */
void memory_note_pages(struct convert *c, struct memory *memory);

/* 2. Writing (write.c): each adds to c->out. */
void write_on(struct convert *c, const struct task *task);
void write_name(struct text *out, struct slice name);
void write_runs(struct convert *c, const struct pages *pages);
void write_resident(struct convert *c, const struct task *task, unsigned line);
void write_file(struct convert *c, struct file *file);
void write_maps(struct convert *c, const struct map_entry *entry);
void write_stop(struct convert *c, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* 3. Calls (calls.c). */

/* calls_mapped_file - the file of a mmap call that succeeded and where in it the mapping ends. */
bool calls_mapped_file(struct convert *c, const struct call *call, struct slice *name,
		       uint64_t *end);

/* calls_decode_path - a path as strace and files.txt write it, with \ooo made bytes again. */
struct slice calls_decode_path(struct convert *c, struct slice path);

/* calls_removes - where a call that is in flight may have removed pages already; false: nowhere. */
bool calls_removes(const struct call *call, uint64_t *start, uint64_t *end);

/* calls_exit - a call has come back: its statement, or nothing. */
bool calls_exit(struct convert *c, const struct call *call);

/* calls_clone_flags - flags of a clone, clone3, fork or vfork. */
bool calls_clone_flags(const struct call *call, struct import_error *error, uint64_t *flags);

/* 4. Pages (scan.c). */

/*
 * scan_apply - the touches of the scan at this line. was_made: there was one even if
 * it is not recorded, because it found nothing new.
 */
void scan_apply(struct convert *c, unsigned line, struct task *task, bool was_made);

/* scan_add_in_flight - of `pages`, those that calls of other threads in flight on this space remove are set in `to`. */
void scan_add_in_flight(struct convert *c, const struct task *task, const struct pages *pages,
			struct pages *to);

/* scan_is_made_at - at the entry of this call. */
bool scan_is_made_at(struct slice call);

/* scan_apply_thread_exits - scans at the exit of threads, which have no line of their own, up to this line. */
void scan_apply_thread_exits(struct convert *c, size_t *next, unsigned line);

/* 5. Snapshots (snap.c). */
bool snap_convert(struct convert *c, const struct event *event);

#define PAGE_BYTES 4096u

static inline uint64_t
page_up(uint64_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}
