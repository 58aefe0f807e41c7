/*
 * frame.c - a pattern in free frames, checked when they are taken again.
 *
 * Each frame carries its own pattern, so blocks may be split and joined while
 * free. How much of a frame is covered is the embedder's choice, made once
 * before boot: all of it finds every stray write, a cache line costs little.
 */
#include <anymm/arch.h>

#include <x86/instr.h>
#include <x86/machine.h>

/* Odd and not canonical: as a pointer or an entry it faults. */
#define POISON_WORD UINT64_C(0xdeadfa11deadfa11)

void
x86_frame_poison(pfn_t pfn, unsigned order)
{
	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		x86_fill_words(arch_frame_ptr(pfn_add(pfn, i)), POISON_WORD,
			       x86_machine.poison_bytes / 8);
}

static bool
one_is_poisoned(pfn_t pfn)
{
	const uint64_t *word = arch_frame_ptr(pfn);
	uint64_t	wrong = 0;

	for (uint32_t i = 0; i < x86_machine.poison_bytes / 8; i++)
		wrong |= word[i] ^ POISON_WORD;
	return wrong == 0;
}

bool
x86_frame_is_poisoned(pfn_t pfn, unsigned order)
{
	for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
		if (!one_is_poisoned(pfn_add(pfn, i)))
			return false;
	return true;
}
