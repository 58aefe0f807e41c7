/*
 * native.c - rows as real calls on the Linux of the host.
 *
 * Each row runs in a child process of its own, in which the memory that rows.h draws is
 * mapped first. The child's exit code tells the result.
 */
#include "compat/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first Linux whose calls the rows describe. */
enum { LINUX_MAJOR = 6, LINUX_MINOR = 18 };

enum { CANNOT_SET_UP = 250, NR_MSEAL = 462 };

static int file_rw, file_ro;

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
	need(file_ro >= 0);
}

static void
make_memory(void)
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
	map(40, 2, rw, anon, -1);
	memcpy((void *)vec_at(0), vectors, sizeof(vectors));
}

static long
fd_of(uint64_t file)
{
	return file == FILE_RW ? file_rw : file == FILE_RO ? file_ro : -1;
}

/* An argument that names one of the vectors, or an address as it is. */
static uint64_t
vec(uint64_t arg)
{
	return arg < NR_VECS ? vec_at((enum vec)arg) : arg;
}

static long
run(const struct row *row)
{
	const uint64_t *a = row->arg;

	switch (row->call) {
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

bool
native_run(const struct row *row, int *result)
{
	int   status;
	pid_t pid;

	if (!is_new_enough() || !may_lock())
		return false;
	pid = fork();
	if (pid == 0) {
		make_files();
		make_memory();
		errno = 0;
		_exit(run(row) == -1 ? errno : 0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return false;
	*result = WEXITSTATUS(status);
	return *result != CANNOT_SET_UP;
}
