/*
 * abi.h - between the demonstration's kernel and its program: numbers in RAX, arguments in
 * RDI, RSI, RDX; the result in RAX, negative for an error. SYSCALL loses RCX and R11.
 */
#pragma once

#include <stdint.h>

enum demo_call {
	CALL_EXIT,   /* (code)	       never returns; the whole process ends */
	CALL_FORK,   /* ()		       0 in the child, its id in the parent */
	CALL_EXEC,   /* (address of argument addresses, 0 last) never returns, or an error */
	CALL_WAIT,   /* (address of a word)  id of a child that has ended, its status in the word */
	CALL_MMAP,   /* (length, prot, flags) address */
	CALL_MUNMAP, /* (address, length) */
	CALL_MPROTECT,	 /* (address, length, prot) */
	CALL_BRK,	 /* (address)	       the end of the heap */
	CALL_WRITE,	 /* (address, length)    to the console */
	CALL_CPUS,	 /* ()		       CPUs on which programs have run */
	CALL_THREAD,	 /* (address of a demo_thread)  id of a new thread */
	CALL_END_THREAD, /* (value)	       never returns; the last one ends the process */
	CALL_JOIN, /* (id, address of a word)  the thread's value in the word, when it has ended */
	CALL_SIGACTION,	  /* (signal, address of a struct signal_action) */
	CALL_SIGALTSTACK, /* (address of a struct signal_stack) */
	CALL_KILL,	  /* (id of a process, signal) */
	CALL_GETPID,	  /* ()		       the id of its process */
	CALL_SIGRETURN,	  /* ()		       by restorers; goes on where the frame says */
};

/* entry(argument) is called near the end of the stack, and must not return. */
struct demo_thread {
	uint64_t entry;
	uint64_t argument;
	uint64_t stack; /* page aligned, as its length */
	uint64_t stack_bytes;
	uint64_t tls; /* base of FS */
};

/* Of a child that was killed: this and the signal. Else its exit code. */
#define STATUS_KILLED 0x100

/* Signals, numbered as everywhere. */
#define SIGNAL_ILL  4
#define SIGNAL_BUS  7
#define SIGNAL_FPE  8
#define SIGNAL_KILL 9
#define SIGNAL_USR1 10
#define SIGNAL_SEGV 11
#define SIGNAL_CONT 18
#define SIGNAL_STOP 19
