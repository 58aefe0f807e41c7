/*
 * err.h - one result type for every call that can fail.
 *
 * Values are negated errno numbers of Linux x86-64, so that a system-call
 * layer converts with a cast. Results proper go through out-parameters, which
 * are written only when the call returns OK.
 */
#pragma once

/* The attribute makes the formatter take a list of this length for a table. */
/* clang-format off */
enum [[nodiscard]] err{
	OK = 0,
	ERR_PERM = -1,
	ERR_NOENT = -2,
	ERR_SRCH = -3,
	ERR_INTR = -4,
	ERR_IO = -5,
	ERR_2BIG = -7,
	ERR_NOEXEC = -8,
	ERR_BADF = -9,
	ERR_CHILD = -10,
	ERR_AGAIN = -11,
	ERR_NOMEM = -12,
	ERR_ACCES = -13,
	ERR_FAULT = -14,
	ERR_BUSY = -16,
	ERR_EXIST = -17,
	ERR_NODEV = -19,
	ERR_INVAL = -22,
	ERR_MFILE = -24,
	ERR_NOSPC = -28,
	ERR_DEADLK = -35,
	ERR_OVERFLOW = -75,
	ERR_OPNOTSUPP = -95,
};
/* clang-format on */
typedef enum err err_t;

/* err_name - "ENOMEM" for ERR_NOMEM; "OK" for OK; "E?" for a value not listed above. */
const char *err_name(err_t err);
