/*
 * native.c - requests as real calls on the Linux of the host.
 *
 * Each runs in a child process of its own, in which the memory that rows.h draws is
 * mapped first. The child's exit code tells the result, and whether the child's maps are
 * others than before the call.
 */
#include "compat/rows.h"
#include "compat/seen.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first Linux whose calls the rows describe. */
enum { LINUX_MAJOR = 6, LINUX_MINOR = 18 };

/* Exit codes: an error number, with CHANGED if there are other maps. */
enum { CHANGED = 128, CANNOT_SET_UP = 127, NR_MSEAL = 462 };

static int	file_rw, file_ro, file_wo, file_noexec;
static uint64_t heap_end;

/* What /proc tells of this process: as many lines as there may be maps, and as many pages that make some. */
static char maps[16 << 20];
enum { FILLING = 1000 };

static void
need(bool ok)
{
	if (!ok)
		_exit(CANNOT_SET_UP);
}

static void
map(unsigned page, unsigned pages, int prot, int flags, int fd)
{
	void *at = mmap((void *)P(page), pages * PG, prot, flags | MAP_FIXED, fd, 0);

	need(at == (void *)P(page));
}

static void
make_files(void)
{
	char path[64];

	file_rw = (int)syscall(SYS_memfd_create, "rows", 0);
	need(file_rw >= 0 && ftruncate(file_rw, 2 * PG) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file_rw);
	file_ro = open(path, O_RDONLY);
	file_wo = open(path, O_WRONLY);
	need(file_ro >= 0 && file_wo >= 0);
}

static void
make_heap(void)
{
	uint64_t now = (uint64_t)syscall(SYS_brk, 0);

	heap_end = ((now + PG - 1) & ~(PG - 1)) + 2 * PG;
	need((uint64_t)syscall(SYS_brk, heap_end) == heap_end);
}

/* map_device - the ring of a counter that counts nothing: memory that Linux maps as it does a device's. */
static void
map_device(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_DUMMY };
	int		       fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	need(fd >= 0);
	map(DEVICE_PAGE, DEVICE_PAGES, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
}

/* map_noexec - a page of a file on a mount of its own, which is nowhere in the tree and goes with the process. */
static void
map_noexec(void)
{
	int context = (int)syscall(SYS_fsopen, "tmpfs", 0);
	int root;

	need(context >= 0 &&
	     syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0);
	root = (int)syscall(SYS_fsmount, context, 0, MOUNT_ATTR_NOEXEC);
	need(root >= 0);
	file_noexec = openat(root, "file", O_CREAT | O_RDWR, 0700);
	need(file_noexec >= 0 && ftruncate(file_noexec, PG) == 0);
	map(NOEXEC_PAGE, 1, PROT_READ | PROT_WRITE, MAP_PRIVATE, file_noexec);
}

static void
make_memory(const struct request *request)
{
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	const int rw = PROT_READ | PROT_WRITE;

	map(0, 4, rw, anon, -1);
	*(volatile char *)P(0) = 1;
	map(5, 2, PROT_READ, anon, -1);
	map(8, 2, rw, MAP_SHARED | MAP_ANONYMOUS, -1);
	map(10, 3, rw, MAP_PRIVATE, file_rw);
	map(13, 2, PROT_READ, MAP_SHARED, file_ro);
	map(16, 1, rw, anon, -1);
	map(17, 1, PROT_READ, anon, -1);
	need(syscall(NR_MSEAL, P(16), 2 * PG, 0) == 0);
	map(19, 1, rw, anon, -1);
	need(syscall(SYS_mlock, P(19), PG) == 0); /* sanitizers ignore mlock() */
	map(21, 1, PROT_NONE, anon, -1);
	map(23, 1, rw, anon, -1);
	need(madvise((void *)P(23), PG, ADVICE_GUARD_INSTALL) == 0);
	if (wants_device(request))
		map_device();
	if (wants_noexec(request))
		map_noexec();
	map(40, 2, rw, anon, -1);
	memcpy((void *)VEC_AT(0), vectors, sizeof(vectors));
	memcpy((void *)VEC_AT(VEC_SPARE_HERE), request->spare, sizeof(request->spare));
	map(50, 2, rw, anon | MAP_GROWSDOWN, -1);
	make_heap();
}

static void
limit(int resource, uint64_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = bytes };

	need(setrlimit((enum __rlimit_resource)resource, &limit) == 0);
}

/* drop_lock_right - root may lock as much as it likes. */
static void
drop_lock_right(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	rights[_LINUX_CAPABILITY_U32S_3];

	need(syscall(SYS_capget, &header, rights) == 0);
	rights[0].effective &= ~(1u << CAP_IPC_LOCK);
	need(syscall(SYS_capset, &header, rights) == 0);
}

/* read_maps - what /proc tells, read by system calls alone: nothing is allocated for it. */
static void
read_maps(void)
{
	int	fd = open("/proc/self/maps", O_RDONLY);
	size_t	at = 0;
	ssize_t n;

	need(fd >= 0);
	while ((n = read(fd, maps + at, sizeof(maps) - at)) > 0)
		at += (size_t)n;
	close(fd);
	need(at < sizeof(maps));
	maps[at] = 0;
}

static long
number_in(const char *path)
{
	char	text[32] = "";
	int	fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	need(n > 0);
	return strtol(text, NULL, 10);
}

/* fill_up - until there may be only so many maps more. Those of this process: all lines of its maps but one. */
static void
fill_up(unsigned spare)
{
	const int anon = MAP_PRIVATE | MAP_ANONYMOUS;
	long	  left = number_in("/proc/sys/vm/max_map_count") - spare + 1;

	read_maps();
	for (const char *at = maps; *at; at = strchr(at, '\n') + 1)
		left--;
	for (long i = 0; i < left; i++)
		map((unsigned)(FILLING + i), 1, i % 2 ? PROT_READ : PROT_NONE, anon, -1);
}

static void
set_allowance(enum allowance allowance)
{
	unsigned spare;

	if (spare_regions(allowance, &spare)) {
		fill_up(spare);
		return;
	}
	switch ((int)allowance) {
	case ALLOW_ALL:
		break;
	case ALLOW_NO_SPACE:
		limit(RLIMIT_AS, PG);
		break;
	case ALLOW_NO_DATA:
		limit(RLIMIT_DATA, PG);
		break;
	case ALLOW_ONE_LOCKED:
		limit(RLIMIT_MEMLOCK, PG);
		drop_lock_right();
		break;
	case ALLOW_NO_LOCK:
		limit(RLIMIT_MEMLOCK, 0);
		drop_lock_right();
		break;
	case ALLOW_NO_FUTURE:
		need(syscall(SYS_mlockall, LOCKALL_FUTURE) == 0);
		limit(RLIMIT_MEMLOCK, PG);
		drop_lock_right();
		break;
	}
}

static long
fd_of(uint64_t file)
{
	switch ((enum file)file) {
	case FILE_RW:
		return file_rw;
	case FILE_RO:
		return file_ro;
	case FILE_WO:
		return file_wo;
	case FILE_NOEXEC:
		return file_noexec;
	case FILE_NONE:
		break;
	}
	return -1;
}

/* An argument that names one of the vectors, or an address as it is. */
static uint64_t
vec(uint64_t arg)
{
	return arg < NR_VECS ? VEC_AT((enum vec)arg) : arg;
}

static long
run_brk(uint64_t arg)
{
	uint64_t wanted = heap_address(heap_end, arg);

	errno = ENOMEM;
	return (uint64_t)syscall(SYS_brk, wanted) == wanted ? 0 : -1;
}

static long
run(const struct request *request)
{
	const uint64_t *a = request->arg;

	switch (request->call) {
	case CALL_MMAP:
		return syscall(SYS_mmap, a[0], a[1], a[2], a[3], fd_of(a[4]), a[5]);
	case CALL_MUNMAP:
		return syscall(SYS_munmap, a[0], a[1]);
	case CALL_MPROTECT:
		return syscall(SYS_mprotect, a[0], a[1], a[2]);
	case CALL_MREMAP:
		return syscall(SYS_mremap, a[0], a[1], a[2], a[3], a[4]);
	case CALL_MADVISE:
		return syscall(SYS_madvise, a[0], a[1], a[2]);
	case CALL_MSYNC:
		return syscall(SYS_msync, a[0], a[1], a[2]);
	case CALL_MINCORE:
		return syscall(SYS_mincore, a[0], a[1], a[2]);
	case CALL_MLOCK:
		return syscall(SYS_mlock, a[0], a[1]);
	case CALL_MLOCK2:
		return syscall(SYS_mlock2, a[0], a[1], a[2]);
	case CALL_MUNLOCK:
		return syscall(SYS_munlock, a[0], a[1]);
	case CALL_MLOCKALL:
		return syscall(SYS_mlockall, a[0]);
	case CALL_MUNLOCKALL:
		return syscall(SYS_munlockall);
	case CALL_MSEAL:
		return syscall(NR_MSEAL, a[0], a[1], a[2]);
	case CALL_READV:
		return syscall(SYS_process_vm_readv, getpid(), vec(a[0]), a[1], vec(a[2]), a[3],
			       a[4]);
	case CALL_WRITEV:
		return syscall(SYS_process_vm_writev, getpid(), vec(a[0]), a[1], vec(a[2]), a[3],
			       a[4]);
	case CALL_BRK:
		return run_brk(a[0]);
	case CALL_PIN:
		break;
	}
	return -1;
}

static bool
is_new_enough(void)
{
	struct utsname name;
	int	       major, minor;

	if (uname(&name) || sscanf(name.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > LINUX_MAJOR || (major == LINUX_MAJOR && minor >= LINUX_MINOR);
}

/* Rows say what a process may do that may lock memory. */
static bool
may_lock(void)
{
	struct rlimit limit;

	return getuid() == 0 ||
	       (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

static uint64_t
hex(const char **at)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint64_t)(c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (uint64_t)(c - 'a' + 10);
		else
			return value;
	}
}

/* parse_map - "START-END rwxp OFFSET MAJOR:MINOR INODE NAME". */
static struct seen_map
parse_map(const char *at)
{
	struct seen_map map = { .start = hex(&at) };
	uint64_t	inode;

	at++;
	map.end = hex(&at);
	at++;
	for (unsigned i = 0; i < 4; i++)
		map.what = map.what << 8 | (unsigned char)at[i];
	at += 5;
	map.offset = hex(&at);
	at += 1 + strcspn(at + 1, " ");
	inode = strtoull(at, NULL, 10);
	map.has_offset = inode != 0;
	map.what ^= inode << 32;
	return map;
}

/* digest_of_maps - of what is to be seen of this process's. */
static uint64_t
digest_of_maps(void)
{
	struct seen seen = { 0 };

	read_maps();
	for (const char *at = maps; *at; at = strchr(at, '\n') + 1)
		seen_add(&seen, parse_map(at));
	return seen_end(&seen);
}

[[gnu::noreturn]] static void
be_the_child(const struct request *request)
{
	uint64_t before;
	int	 err;

	make_files();
	make_memory(request);
	set_allowance(request->allowance);
	before = digest_of_maps();
	errno = 0;
	err = run(request) == -1 ? errno : 0;
	if (before != digest_of_maps())
		err += CHANGED;
	_exit(err);
}

bool
native_run(const struct request *request, struct native_outcome *outcome)
{
	int   status;
	pid_t pid;

	if (!is_new_enough() || !may_lock())
		return false;
	pid = fork();
	if (pid == 0)
		be_the_child(request);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == CANNOT_SET_UP)
		return false;
	outcome->err = (err_t) - (WEXITSTATUS(status) % CHANGED);
	outcome->changed = WEXITSTATUS(status) >= CHANGED;
	return true;
}
