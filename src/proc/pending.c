/*
 * pending.c - sets of signals that wait, and a note for each that came with an info.
 *
 *	pending		{ 2, 10, 17 }
 *	notes		17 --> 2	10 came without, or without memory for one
 *
 * What a thread has caused itself has its place in the thread, so that it never lacks its
 * address: a thread that has caused a signal does nothing else before it takes that.
 */
#include "proc/pending.h"

#include "proc/state.h"

/* place - where the signals wait for t, or for its process as a whole. */
struct place {
	signal_set   *set;
	struct note **notes;
};

static struct place
place_of(struct process *proc, struct thread *t)
{
	return t ? (struct place){ &t->pending, &t->notes }
		 : (struct place){ &proc->pending, &proc->notes };
}

/* says_nothing - more than what is assumed of a signal without a note. */
static bool
says_nothing(const struct signal_info *info)
{
	return info->code == SIGNAL_CODE_KERNEL && info->address == 0 && info->status == 0;
}

void
pending_add(struct process *proc, struct thread *t, const struct signal_info *info)
{
	struct place place = place_of(proc, t);
	struct note *note;

	if (*place.set & signal_bit(info->signal))
		return;
	*place.set |= signal_bit(info->signal);
	note = says_nothing(info) ? NULL : slab_alloc(&proc_state()->notes);
	if (!note)
		return;
	*note = (struct note){ .next = *place.notes, .info = *info };
	*place.notes = note;
}

/* unlink - the note of a signal, or NULL. */
static struct note *
unlink(struct note **notes, unsigned signal)
{
	for (struct note **at = notes; *at; at = &(*at)->next) {
		struct note *note = *at;

		if (note->info.signal != signal)
			continue;
		*at = note->next;
		return note;
	}
	return NULL;
}

struct signal_info
pending_take(struct process *proc, struct thread *t, unsigned signal)
{
	struct place	   place = place_of(proc, t);
	struct note	  *note = unlink(place.notes, signal);
	struct signal_info info = { .signal = signal, .code = SIGNAL_CODE_KERNEL };

	*place.set &= ~signal_bit(signal);
	if (note)
		info = note->info;
	slab_free(&proc_state()->notes, note);
	return info;
}

static void
clear(struct place place, signal_set set)
{
	struct note **at = place.notes;

	*place.set &= ~set;
	while (*at) {
		struct note *note = *at;

		if (!(signal_bit(note->info.signal) & set)) {
			at = &note->next;
			continue;
		}
		*at = note->next;
		slab_free(&proc_state()->notes, note);
	}
}

static void
clear_thread(struct thread *t, signal_set set)
{
	clear(place_of(t->process, t), set);
	t->forced &= ~set;
}

void
pending_clear(struct process *proc, signal_set set)
{
	clear(place_of(proc, NULL), set);
	LIST_FOR_EACH(node, &proc->threads)
		clear_thread(CONTAINER_OF(node, struct thread, link), set);
}

void
pending_drop(struct thread *t)
{
	clear_thread(t, UINT64_MAX);
}

void
pending_change_forks(struct process *proc, signal_set add, signal_set take_away)
{
	LIST_FOR_EACH(node, &proc->forks) {
		struct fork_signals *fork = CONTAINER_OF(node, struct fork_signals, link);

		fork->set = (fork->set & ~take_away) | add;
	}
}

void
pending_move(struct thread *from, struct thread *to)
{
	to->pending = from->pending;
	to->notes = from->notes;
	to->forced = from->forced;
	to->caused = from->caused;
	from->pending = 0;
	from->notes = NULL;
}
