/*
 * agent.h - what the driver and the agent share: one slot of memory a process.
 *
 * The agent is a process whose whole address space is known: its program at
 * AGENT_IMAGE, the slots at AGENT_CONTROL, and nothing else. It has no data, no heap and
 * no stack of its own: a process works in its slot, and the stack that the kernel gave
 * it is free for experiments. Both sides take turns through a futex in the slot.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define AGENT_IMAGE	 0x200000000000ul /* where the linker puts the program (meson.build) */
#define AGENT_CONTROL	 0x201000000000ul
#define AGENT_SLOTS	 5
#define AGENT_SLOT_BYTES 0x10000ul
#define AGENT_PAGES	 256
#define AGENT_BUFFER	 8192
#define AGENT_STACK	 51112ul /* what is left of the slot */

/* Descriptors that the agent is born with: the slots, then the files of enum file. */
#define AGENT_FD_CONTROL 10
#define AGENT_FD_FILES	 11

enum agent_turn {
	AGENT_WAITS, /* the driver may write the slot; what the last command gave stands in it */
	AGENT_WORKS,
};

enum agent_command {
	AGENT_CALL,  /* system call `number` with arg[0..5] */
	AGENT_LOAD,  /* arg[1] bytes (1 or 8) at arg[0]; the value goes to `result` */
	AGENT_STORE, /* arg[2] likewise */
	AGENT_FETCH, /* a return instruction is stored at arg[0], if that goes, and run if it is there */
	AGENT_VISIT, /* every page of `pages`: its digest, or the signal */
	AGENT_MARK,  /* likewise, but the eight bytes at arg[0] in each become arg[1] + page */
	AGENT_FORK,  /* the child takes slot arg[0]; its process id goes to `result` */
};

/* How an access ended: 0, or the signal and its code. */
#define AGENT_SIGNAL(number, code) ((uint32_t)(number) << 16 | ((uint32_t)(code)&0xffff))

struct agent_page {
	uint64_t digest;
	uint32_t signal;
	uint32_t unused;
};

struct agent_slot {
	_Atomic uint32_t  turn;
	uint32_t	  command;
	int64_t		  number;
	uint64_t	  arg[6];
	int64_t		  result;
	uint32_t	  signal; /* of the last access */
	uint32_t	  nr_pages;
	uint32_t	  driver; /* process id: an agent without a driver ends */
	uint64_t	  pages[AGENT_PAGES];
	struct agent_page seen[AGENT_PAGES];
	unsigned char	  buffer[AGENT_BUFFER]; /* for calls that take memory of their own */
	unsigned char	  stack[AGENT_STACK];
};
_Static_assert(sizeof(struct agent_slot) == AGENT_SLOT_BYTES, "a slot is found by its stack");

/* agent_digest - of one page; any change of a byte changes it, but for rare accidents. */
static inline uint64_t
agent_digest(const volatile uint64_t *words)
{
	uint64_t digest = 0;

	for (unsigned i = 0; i < 512; i++)
		digest = (digest ^ words[i]) * 0x9e3779b97f4a7c15u + (digest >> 29);
	return digest;
}
