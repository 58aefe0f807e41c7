/* err.c - the names of results, for messages and scenarios. */
#include <anymm/compiler.h>
#include <anymm/err.h>

const char *
err_name(err_t err)
{
	switch (err) {
	case OK:
		return "OK";
	case ERR_PERM:
		return "EPERM";
	case ERR_NOENT:
		return "ENOENT";
	case ERR_INTR:
		return "EINTR";
	case ERR_SRCH:
		return "ESRCH";
	case ERR_IO:
		return "EIO";
	case ERR_2BIG:
		return "E2BIG";
	case ERR_NOEXEC:
		return "ENOEXEC";
	case ERR_BADF:
		return "EBADF";
	case ERR_CHILD:
		return "ECHILD";
	case ERR_AGAIN:
		return "EAGAIN";
	case ERR_NOMEM:
		return "ENOMEM";
	case ERR_ACCES:
		return "EACCES";
	case ERR_FAULT:
		return "EFAULT";
	case ERR_BUSY:
		return "EBUSY";
	case ERR_EXIST:
		return "EEXIST";
	case ERR_NODEV:
		return "ENODEV";
	case ERR_INVAL:
		return "EINVAL";
	case ERR_MFILE:
		return "EMFILE";
	case ERR_NOSPC:
		return "ENOSPC";
	case ERR_DEADLK:
		return "EDEADLK";
	case ERR_OVERFLOW:
		return "EOVERFLOW";
	case ERR_OPNOTSUPP:
		return "EOPNOTSUPP";
	}
	return "E?";
}
