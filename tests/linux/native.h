/* native.h - between the two files of the Linux side. */
#pragma once

#include "agent.h"
#include "ops.h"

#include <sys/types.h>

struct native_process {
	pid_t pid; /* 0: not alive */
	int   pidfd;
	int   maps;
	int   smaps;
};

extern struct native_process native_processes[MAX_PROCESSES];

/* How a process of the comparison ends that cannot go on. */
enum {
	NATIVE_UNFIT = 2, /* the host is not fit for it */
	NATIVE_LOST = 3,  /* an agent is gone, or does not answer */
};

/* native_fail - the host is not fit for the comparison: say why, end the program. */
[[gnu::noreturn]] void native_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* native_open_proc, native_close_proc - what /proc shows of a process. */
void native_open_proc(struct native_process *p);
void native_close_proc(struct native_process *p);

/* native_special - maps that the kernel gave the process ([vdso], ...), not to be compared. */
struct native_image {
	struct map_line lines[16];
	char		names[16][32];
	unsigned	nr;
};
void native_image(struct native_process *p, struct native_image *image);

/* native_stat - field `n` (from 1) of /proc/PID/stat as a number. */
uint64_t native_stat(pid_t pid, unsigned n);
