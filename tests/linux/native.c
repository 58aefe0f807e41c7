/*
 * native.c - the Linux side: agents, and operations as system calls of theirs.
 *
 * One sequence is one agent and the children it forks. Addresses are not drawn at random,
 * so a sequence gives the same results each time.
 */
#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PAGE	 4096ul
#define PATIENCE 60 /* seconds without an answer until an agent counts as lost */
#define LARGE	 (2ul << 20)
/* Newer than some C libraries. */
#define SYS_MSEAL	     462
#define ADVISE_GUARD_INSTALL 102

/* Fields of /proc/PID/stat. */
#define STAT_START_DATA 45
#define STAT_END_DATA	46
#define STAT_BRK	47

struct native_process native_processes[MAX_PROCESSES];

static struct {
	const char	  *agent;
	struct agent_slot *slots;
	int		   control;
	int		   files[FILES];
	unsigned char	   contents[FILE_PAGES * 4096];
	bool		   disk_aligns;
	bool		   has[LINUX_FEATURES];
	uint64_t	   memory; /* bytes of RAM and swap, the most one request may ask for */
} host;

static long
number_in(const char *path)
{
	char  line[64] = "";
	FILE *file = fopen(path, "r");

	if (!file || !fgets(line, sizeof(line), file))
		native_fail("%s cannot be read", path);
	fclose(file);
	return strtol(line, NULL, 10);
}

static uint64_t
memory_of_host(void)
{
	char	 line[128];
	uint64_t kib, sum = 0;
	FILE	*file = fopen("/proc/meminfo", "r");

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemTotal: %lu", &kib) == 1 ||
		    sscanf(line, "SwapTotal: %lu", &kib) == 1)
			sum += kib << 10;
	if (!sum)
		native_fail("/proc/meminfo does not tell the memory");
	fclose(file);
	return sum;
}

/* What the comparison assumes of the host, and does not work around. */
static void
inspect_host(void)
{
	long mode = number_in("/proc/sys/vm/overcommit_memory");

	if (mode == 2)
		native_fail("vm.overcommit_memory is 2: which calls fail depends on all processes");
	host.memory = mode == 1 ? UINT64_MAX : memory_of_host();
	if (number_in("/proc/sys/vm/max_map_count") < MAX_LINES)
		native_fail("vm.max_map_count is less than %d", MAX_LINES);
	if (geteuid() != 0)
		native_fail("maps below vm.mmap_min_addr are refused to all but root; run as root");
}

static void
probe_features(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	host.has[LINUX_HAS_GUARDS] = madvise(page, PAGE, ADVISE_GUARD_INSTALL) == 0;
	host.has[LINUX_HAS_MERGING] = madvise(page, PAGE, MADV_MERGEABLE) == 0 &&
				      number_in("/sys/kernel/mm/ksm/run") == 0;
	munmap(page, PAGE);
	host.has[LINUX_HAS_SEALS] = syscall(SYS_MSEAL, NULL, 0, 0) == 0;
}

bool
linux_has(enum linux_feature feature)
{
	return host.has[feature];
}

static void
open_files(void)
{
	char path[32];

	host.files[FILE_BOTH] = memfd_create("file", MFD_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", host.files[FILE_BOTH]);
	host.files[FILE_READ] = open(path, O_RDONLY | O_CLOEXEC);
	host.files[FILE_WRITE] = open(path, O_WRONLY | O_CLOEXEC);
	host.files[FILE_DISK] = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	for (unsigned i = 0; i < FILES; i++)
		if (host.files[i] < 0)
			native_fail("file %u cannot be made: %s", i, strerror(errno));
}

/* fill - the file as every sequence finds it: the pattern of the library's memory file. */
static void
fill(enum file file, uint64_t id)
{
	for (size_t i = 0; i < sizeof(host.contents); i++)
		host.contents[i] = object_pattern(id, i);
	if (ftruncate(host.files[file], sizeof(host.contents)) != 0 ||
	    pwrite(host.files[file], host.contents, sizeof(host.contents), 0) !=
		    (ssize_t)sizeof(host.contents))
		native_fail("a file cannot be written: %s", strerror(errno));
}

/* Some file systems align mappings that could use large pages. */
static bool
aligns(int fd)
{
	bool all = true;

	for (unsigned i = 0; i < 4 && all; i++) {
		void *at = mmap(NULL, 2 * LARGE + i * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);

		all = at != MAP_FAILED && (uintptr_t)at % LARGE == 0;
		if (at != MAP_FAILED)
			munmap(at, 2 * LARGE + i * PAGE);
	}
	return all;
}

/* zeroes_tail - a store behind the end of the file, in its last page, is not seen when it grows. */
static bool
zeroes_tail(int fd)
{
	volatile char *page;
	bool	       is_zero;

	if (ftruncate(fd, 100) != 0)
		native_fail("ftruncate: %s", strerror(errno));
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (page == MAP_FAILED)
		native_fail("mmap: %s", strerror(errno));
	page[200] = 1;
	if (ftruncate(fd, PAGE) != 0)
		native_fail("ftruncate: %s", strerror(errno));
	is_zero = page[200] == 0;
	munmap((void *)page, PAGE);
	return is_zero;
}

void
linux_open(const char *agent)
{
	size_t bytes = AGENT_SLOTS * AGENT_SLOT_BYTES;

	host.agent = agent;
	inspect_host();
	probe_features();
	open_files();
	host.control = memfd_create("control", MFD_CLOEXEC);
	if (host.control < 0 || ftruncate(host.control, (off_t)bytes) != 0)
		native_fail("no shared memory: %s", strerror(errno));
	host.slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, host.control, 0);
	if (host.slots == MAP_FAILED)
		native_fail("no shared memory: %s", strerror(errno));
	if (personality(ADDR_NO_RANDOMIZE) < 0)
		native_fail("personality(ADDR_NO_RANDOMIZE): %s", strerror(errno));
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fill(FILE_DISK, FILE_DISK + 1);
	host.disk_aligns = aligns(host.files[FILE_DISK]);
	host.has[LINUX_ZEROES_TAIL_OF_DISK] = zeroes_tail(host.files[FILE_DISK]);
}

static bool
is_alive(const struct native_process *p)
{
	struct pollfd poll_fd = { .fd = p->pidfd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 0;
}

[[gnu::noreturn]] static void
lose_agent(unsigned process)
{
	const struct agent_slot *slot = &host.slots[process];

	printf("# the agent %s in command %u, call %ld, of 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n",
	       is_alive(&native_processes[process]) ? "hangs" : "has died", slot->command,
	       (long)slot->number, slot->arg[0], slot->arg[1], slot->arg[2], slot->arg[3],
	       slot->arg[4]);
	exit(NATIVE_LOST);
}

/* wait_turn - until the agent has done what it was told. */
static void
wait_turn(unsigned process)
{
	const struct timespec patience = { .tv_sec = PATIENCE };
	struct agent_slot    *slot = &host.slots[process];

	while (atomic_load(&slot->turn) == AGENT_WORKS) {
		long woken = syscall(SYS_futex, &slot->turn, FUTEX_WAIT, AGENT_WORKS, &patience,
				     NULL, 0);

		if (woken != 0 && errno == ETIMEDOUT && atomic_load(&slot->turn) == AGENT_WORKS)
			lose_agent(process);
	}
}

static void
send(unsigned process, enum agent_command command)
{
	struct agent_slot *slot = &host.slots[process];

	slot->command = command;
	atomic_store(&slot->turn, AGENT_WORKS);
	syscall(SYS_futex, &slot->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
tell(unsigned process, enum agent_command command)
{
	send(process, command);
	wait_turn(process);
}

#define CALL(process, number, ...) call((process), (number), (const uint64_t[6]){ __VA_ARGS__ })

static int64_t
call(unsigned process, int64_t number, const uint64_t *arg)
{
	struct agent_slot *slot = &host.slots[process];

	slot->number = number;
	memcpy(slot->arg, arg, sizeof(slot->arg));
	tell(process, AGENT_CALL);
	return slot->result;
}

static void
adopt(unsigned process, pid_t pid)
{
	struct native_process *p = &native_processes[process];

	p->pid = pid;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0)
		native_fail("pidfd_open: %s", strerror(errno));
	native_open_proc(p);
}

static void
disown(unsigned process)
{
	struct native_process *p = &native_processes[process];
	struct pollfd	       poll_fd = { .fd = p->pidfd, .events = POLLIN };

	poll(&poll_fd, 1, PATIENCE * 1000);
	waitpid(p->pid, NULL, WNOHANG);
	close(p->pidfd);
	native_close_proc(p);
	p->pid = 0;
}

static void
spawn(void)
{
	static char		   name[] = "agent";
	char *const		   argv[] = { name, NULL };
	posix_spawn_file_actions_t actions;
	pid_t			   pid;
	int			   err;

	for (unsigned i = 0; i < AGENT_SLOTS; i++) {
		atomic_store(&host.slots[i].turn, AGENT_WAITS);
		host.slots[i].driver = (uint32_t)getpid();
	}
	/* The agent gives the turn back when it is ready. */
	host.slots[0].command = AGENT_CALL;
	host.slots[0].number = SYS_getpid;
	atomic_store(&host.slots[0].turn, AGENT_WORKS);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, host.control, AGENT_FD_CONTROL);
	for (int i = 0; i < FILES; i++)
		posix_spawn_file_actions_adddup2(&actions, host.files[i], AGENT_FD_FILES + i);
	err = posix_spawn(&pid, host.agent, &actions, NULL, argv, argv + 1);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		native_fail("%s cannot be started: %s", host.agent, strerror(err));
	adopt(0, pid);
	wait_turn(0);
}

/* prepare - take away what only a real program has; gives where the search for places begins. */
static uint64_t
prepare(void)
{
	struct native_image image;
	uint64_t	    base = 0;

	native_image(&native_processes[0], &image);
	for (unsigned i = 0; i < image.nr; i++) {
		struct map_line *line = &image.lines[i];

		if (line->is_stack) {
			CALL(0, SYS_madvise, line->start, line->end - line->start, MADV_DONTNEED);
		} else if (image.names[i][0] == '[') {
			base = line->end;
			CALL(0, SYS_munmap, line->start, line->end - line->start);
		}
	}
	if (!base)
		native_fail("the agent has no vdso, whose end tells where mappings begin");
	return base;
}

/* limit - `more` than now, or what the host says if that is UINT64_MAX; gives the limit. */
static uint64_t
limit(int resource, uint64_t now, uint64_t more)
{
	pid_t	      pid = native_processes[0].pid;
	struct rlimit limit;
	bool	      good = prlimit(pid, (enum __rlimit_resource)resource, NULL, &limit) == 0;

	if (more != UINT64_MAX) {
		limit.rlim_cur = now + more;
		good &= prlimit(pid, (enum __rlimit_resource)resource, &limit, NULL) == 0;
	}
	if (!good)
		native_fail("prlimit: %s", strerror(errno));
	return limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur;
}

/* buffer_of - where the agent sees the buffer of its slot. */
static uint64_t
buffer_of(unsigned process)
{
	return AGENT_CONTROL + process * AGENT_SLOT_BYTES + offsetof(struct agent_slot, buffer);
}

/* drop_lock_right - root may lock as much as it likes; the agent becomes like any other user. */
static void
drop_lock_right(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct  *rights;
	unsigned char		       *buffer = host.slots[0].buffer;
	uint64_t			at = AGENT_CONTROL + offsetof(struct agent_slot, buffer);

	memcpy(buffer, &header, sizeof(header));
	CALL(0, SYS_capget, at, at + sizeof(header));
	rights = (struct __user_cap_data_struct *)(buffer + sizeof(header));
	rights->effective &= ~(1u << CAP_IPC_LOCK);
	rights->permitted &= ~(1u << CAP_IPC_LOCK);
	rights->inheritable &= ~(1u << CAP_IPC_LOCK);
	if (CALL(0, SYS_capset, at, at + sizeof(header)) != 0)
		native_fail("the agent cannot drop the right to lock memory");
}

/* set_limits - the same on both sides, from what the process has now. */
static void
set_limits(struct setup *setup)
{
	uint64_t all = 0, data = 0;

	for (unsigned i = 0; i < setup->nr_image; i++) {
		const struct map_line *line = &setup->image[i];

		all += line->end - line->start;
		if ((line->prot & PROT_W) && !(line->flags & REGION_SHARED) && !line->is_stack)
			data += line->end - line->start;
	}
	setup->layout.limit_as = limit(RLIMIT_AS, all, setup->limit_as);
	setup->layout.limit_data = limit(RLIMIT_DATA, data, setup->limit_data);
	setup->layout.limit_stack = limit(RLIMIT_STACK, 0, setup->limit_stack);
	if (setup->limit_memlock == UINT64_MAX)
		return;
	drop_lock_right();
	setup->layout.limit_memlock = limit(RLIMIT_MEMLOCK, 0, setup->limit_memlock);
}

void
linux_begin(struct setup *setup)
{
	static struct map_line lines[MAX_LINES];
	uint64_t	       base;

	fill(FILE_BOTH, FILE_BOTH + 1);
	fill(FILE_DISK, FILE_DISK + 1);
	spawn();
	base = prepare();
	setup->nr_image = linux_maps(0, lines);
	if (setup->nr_image > 16)
		native_fail("the agent has more maps than expected");
	memcpy(setup->image, lines, setup->nr_image * sizeof(*lines));
	setup->layout = space_default_layout();
	setup->layout.mmap_base = base;
	setup->layout.brk_start = native_stat(native_processes[0].pid, STAT_BRK);
	setup->layout.min_addr = 65536;
	setup->layout.limit_commit = host.memory;
	setup->layout.limit_memlock = UINT64_MAX;
	setup->disk_aligns = host.disk_aligns;
	setup->data_bytes = native_stat(native_processes[0].pid, STAT_END_DATA) -
			    native_stat(native_processes[0].pid, STAT_START_DATA);
	set_limits(setup);
}

static int64_t
do_fork(const struct op *op)
{
	unsigned child = (unsigned)op->arg[0];

	host.slots[op->process].arg[0] = child;
	tell(op->process, AGENT_FORK);
	if (host.slots[op->process].result <= 0)
		return host.slots[op->process].result;
	adopt(child, (pid_t)host.slots[op->process].result);
	return 0;
}

static int64_t
do_exit(const struct op *op)
{
	struct agent_slot *slot = &host.slots[op->process];

	slot->number = SYS_exit_group;
	slot->arg[0] = 0;
	send(op->process, AGENT_CALL);
	disown(op->process);
	atomic_store(&slot->turn, AGENT_WAITS);
	return 0;
}

static void
do_access(const struct op *op, enum agent_command command, struct result *result)
{
	struct agent_slot *slot = &host.slots[op->process];

	memcpy(slot->arg, op->arg, sizeof(slot->arg));
	slot->result = 0;
	tell(op->process, command);
	result->signal = slot->signal;
	result->value = slot->signal ? 0 : slot->result;
}

static uint64_t
fd_of(enum file file)
{
	return file == FILE_NONE ? (uint64_t)-1 : (uint64_t)(AGENT_FD_FILES + file);
}

static int64_t
do_mmap(const struct op *op)
{
	return CALL(op->process, SYS_mmap, op->arg[0], op->arg[1], op->arg[2], op->arg[3],
		    fd_of(op->file), op->arg[4]);
}

static void
do_read(const struct op *op, struct result *result)
{
	result->value = CALL(op->process, SYS_pread64, fd_of(op->file), buffer_of(op->process),
			     op->arg[1], op->arg[0]);
	if (result->value > 0)
		result->data =
			bytes_digest(host.slots[op->process].buffer, (uint64_t)result->value);
}

static int64_t
do_write(const struct op *op)
{
	for (uint64_t i = 0; i < op->arg[1]; i++)
		host.slots[op->process].buffer[i] = file_byte(op->arg[2], i);
	return CALL(op->process, SYS_pwrite64, fd_of(op->file), buffer_of(op->process), op->arg[1],
		    op->arg[0]);
}

static void
do_mincore(const struct op *op, struct result *result)
{
	unsigned char *buffer = host.slots[op->process].buffer;

	result->value =
		CALL(op->process, SYS_mincore, op->arg[0], op->arg[1], buffer_of(op->process));
	if (result->value == 0)
		result->data = bytes_digest(buffer, (op->arg[1] + PAGE - 1) / PAGE);
}

static int64_t
do_transfer(const struct op *op, int64_t number)
{
	struct element vectors[2][MOST_ELEMENTS];
	unsigned       nr = op_vector(op, false, vectors[0]);
	unsigned       nr_remote = op_vector(op, true, vectors[1]);
	uint64_t       at = buffer_of(op->process);

	memcpy(host.slots[op->process].buffer, vectors, sizeof(vectors));
	return CALL(op->process, number, (uint64_t)native_processes[op->arg[3]].pid, at, nr,
		    at + sizeof(vectors[0]), nr_remote, 0);
}

static void
do_limit(const struct op *op)
{
	static const int resources[LIMITS] = { RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK,
					       RLIMIT_MEMLOCK };
	struct rlimit	 now;
	pid_t		 pid = native_processes[op->process].pid;

	if (prlimit(pid, (enum __rlimit_resource)resources[op->arg[0]], NULL, &now) != 0)
		native_fail("prlimit: %s", strerror(errno));
	now.rlim_cur = op->arg[1];
	if (prlimit(pid, (enum __rlimit_resource)resources[op->arg[0]], &now, NULL) != 0)
		native_fail("prlimit: %s", strerror(errno));
}

/* Operations that are one system call with the operands as they are. */
static const int plain_calls[OP_KINDS] = {
	[OP_MUNMAP] = SYS_munmap,   [OP_MPROTECT] = SYS_mprotect, [OP_MADVISE] = SYS_madvise,
	[OP_BRK] = SYS_brk,	    [OP_MREMAP] = SYS_mremap,	  [OP_MLOCK] = SYS_mlock2,
	[OP_MUNLOCK] = SYS_munlock, [OP_MLOCKALL] = SYS_mlockall, [OP_MUNLOCKALL] = SYS_munlockall,
	[OP_MSEAL] = SYS_MSEAL,	    [OP_MSYNC] = SYS_msync,
};

/* apply_rest - operations that only have a value, and take more than a call. */
static int64_t
apply_rest(const struct op *op)
{
	switch ((int)op->kind) {
	case OP_MMAP:
		return do_mmap(op);
	case OP_VM_READ:
		return do_transfer(op, SYS_process_vm_readv);
	case OP_VM_WRITE:
		return do_transfer(op, SYS_process_vm_writev);
	case OP_TRUNCATE:
		return CALL(op->process, SYS_ftruncate, fd_of(op->file), op->arg[0]);
	case OP_PUNCH:
		return CALL(op->process, SYS_fallocate, fd_of(op->file),
			    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, op->arg[0], op->arg[1]);
	case OP_WRITE:
		return do_write(op);
	case OP_LIMIT:
		do_limit(op);
		return 0;
	case OP_FORK:
		return do_fork(op);
	case OP_EXIT:
		return do_exit(op);
	default:
		return 0;
	}
}

void
linux_apply(const struct op *op, struct result *result)
{
	*result = (struct result){ 0 };
	if (plain_calls[op->kind])
		result->value = call(op->process, plain_calls[op->kind], op->arg);
	else if (op->kind == OP_LOAD)
		do_access(op, AGENT_LOAD, result);
	else if (op->kind == OP_STORE)
		do_access(op, AGENT_STORE, result);
	else if (op->kind == OP_FETCH)
		do_access(op, AGENT_FETCH, result);
	else if (op->kind == OP_MINCORE)
		do_mincore(op, result);
	else if (op->kind == OP_READ)
		do_read(op, result);
	else
		result->value = apply_rest(op);
}

void
linux_visit(unsigned process, const struct op *op, const uint64_t *pages, unsigned nr,
	    struct agent_page *seen)
{
	struct agent_slot *slot = &host.slots[process];

	memcpy(slot->pages, pages, nr * sizeof(*pages));
	slot->nr_pages = nr;
	slot->arg[0] = op->arg[0] % 512 * 8;
	slot->arg[1] = op->arg[0];
	tell(process, op->kind == OP_MARK ? AGENT_MARK : AGENT_VISIT);
	memcpy(seen, slot->seen, nr * sizeof(*seen));
}

void
linux_end(void)
{
	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		if (native_processes[i].pid)
			kill(native_processes[i].pid, SIGKILL);
	for (unsigned i = 0; i < MAX_PROCESSES; i++)
		if (native_processes[i].pid)
			disown(i);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}
