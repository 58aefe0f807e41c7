/*
 * calls.h - how each call of a recording becomes a statement. Private to the importer.
 *
 * A handler runs when its call has come back: it writes the statement with the recorded
 * result, and takes note of pages that the call has removed. false: the line is malformed.
 */
#pragma once

#include "import/convert.h"

/* call_map.c */
bool exit_mmap(struct convert *c, struct task *task, const struct call *call);
bool exit_munmap(struct convert *c, struct task *task, const struct call *call);
bool exit_mprotect(struct convert *c, struct task *task, const struct call *call);
bool exit_brk(struct convert *c, struct task *task, const struct call *call);
bool exit_mremap(struct convert *c, struct task *task, const struct call *call);
/* call_pages.c */
bool exit_madvise(struct convert *c, struct task *task, const struct call *call);
bool exit_msync(struct convert *c, struct task *task, const struct call *call);
bool exit_mincore(struct convert *c, struct task *task, const struct call *call);
bool exit_mlock(struct convert *c, struct task *task, const struct call *call);
bool exit_mlockall(struct convert *c, struct task *task, const struct call *call);
bool exit_munlockall(struct convert *c, struct task *task, const struct call *call);
bool exit_mseal(struct convert *c, struct task *task, const struct call *call);
/* call_files.c */
bool exit_ftruncate(struct convert *c, struct task *task, const struct call *call);
bool exit_truncate(struct convert *c, struct task *task, const struct call *call);
bool exit_fallocate(struct convert *c, struct task *task, const struct call *call);
bool exit_shmget(struct convert *c, struct task *task, const struct call *call);
bool exit_shmat(struct convert *c, struct task *task, const struct call *call);
bool exit_shmdt(struct convert *c, struct task *task, const struct call *call);

/* call_result - end the statement: = what the call returned, and the line it stands on. */
void call_result(struct convert *c, const struct call *call, bool hex);

/* call_path - FD<PATH>(deleted) at the start of the arguments, and the comma behind it. false: none is there. */
bool call_path(struct convert *c, struct args *args, struct slice *path);
