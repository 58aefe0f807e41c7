/*
 * tell.c - operations as text, and a sequence as a scenario (docs/scenarios.md).
 *
 * What Linux gave stands as the expected result, so that running the scenario
 * shows where the library differs.
 */
#include "tell.h"

#include <inttypes.h>
#include <string.h>

#include "agent.h"

/* The names of those alive: a scenario does not use one twice. */
static unsigned tell_name[MAX_PROCESSES] = { 1 };
static unsigned tell_last = 1;

static const char *const file_names[] = { "both", "both", "both", "disk" };

static void
tell_prot(FILE *out, uint64_t prot)
{
	if (prot & ~(uint64_t)PROT_RWX)
		fprintf(out, " 0x%" PRIx64, prot);
	else
		fprintf(out, " %c%c%c", prot & PROT_R ? 'r' : '-', prot & PROT_W ? 'w' : '-',
			prot & PROT_X ? 'x' : '-');
}

static void
tell_result(FILE *out, const struct result *result)
{
	if (result->value < 0)
		fprintf(out, " = %s", err_name((err_t)result->value));
	else if (result->value > 0)
		fprintf(out, " = 0x%" PRIx64, (uint64_t)result->value);
	fprintf(out, "\n");
}

static void
tell_signal(FILE *out, uint32_t signal)
{
	switch (signal) {
	case AGENT_SIGNAL(11, 1):
		fprintf(out, " = SEGV_MAPERR");
		break;
	case AGENT_SIGNAL(11, 2):
		fprintf(out, " = SEGV_ACCERR");
		break;
	case AGENT_SIGNAL(7, 2):
		fprintf(out, " = BUS_ADRERR");
		break;
	default:
		break;
	}
}

static void
tell_bytes(FILE *out, uint64_t value, uint64_t bytes)
{
	for (uint64_t i = 0; i < bytes; i++)
		fprintf(out, " %02x", (unsigned)(value >> 8 * i & 0xff));
}

static void
tell_mmap(FILE *out, const struct op *op)
{
	fprintf(out, "mmap p%u 0x%" PRIx64 " 0x%" PRIx64, tell_name[op->process], op->arg[0],
		op->arg[1]);
	tell_prot(out, op->arg[2]);
	fprintf(out, " 0x%" PRIx64, op->arg[3]);
	if (op->file != FILE_NONE)
		fprintf(out, " %s 0x%" PRIx64 "%s", file_names[op->file], op->arg[4],
			op->file == FILE_READ	 ? " readonly"
			: op->file == FILE_WRITE ? " writeonly"
						 : "");
	else if (op->arg[4])
		fprintf(out, " offset 0x%" PRIx64, op->arg[4]);
}

static unsigned
tell_child(const struct op *op)
{
	return tell_name[op->arg[0]] = ++tell_last;
}

static void
tell_access(FILE *out, const struct op *op, const struct result *result)
{
	fprintf(out, "%s p%u 0x%" PRIx64, op_traits[op->kind].name, tell_name[op->process],
		op->arg[0]);
	if (op->kind == OP_STORE)
		tell_bytes(out, op->arg[2], op->arg[1]);
	if (result->signal) {
		tell_signal(out, result->signal);
	} else if (op->kind != OP_STORE) {
		fprintf(out, " =");
		tell_bytes(out, (uint64_t)result->value, op->kind == OP_FETCH ? 1 : op->arg[1]);
	}
	fprintf(out, "\n");
}

/* tell_call - a call whose operands are all numbers. */
static void
tell_call(FILE *out, const struct op *op, const struct result *result)
{
	fprintf(out, "%s p%u", op_traits[op->kind].name, tell_name[op->process]);
	for (unsigned i = 0; i < op_traits[op->kind].nr_args; i++)
		fprintf(out, op->arg[i] < 1024 ? " %" PRIu64 : " 0x%" PRIx64, op->arg[i]);
	tell_result(out, result);
}

/* tell_rest - what the language has in another form, or not at all. */
static void
tell_rest(FILE *out, const struct op *op, const struct result *result)
{
	static const char *const limits[LIMITS] = { "as", "data", "stack", "memlock" };
	const char		*file = op->file == FILE_NONE ? "" : file_names[op->file];

	if (op->kind == OP_TRUNCATE) {
		fprintf(out, "truncate %s 0x%" PRIx64 "\n", file, op->arg[0]);
	} else if (op->kind == OP_LIMIT) {
		fprintf(out, "limit p%u %s=0x%" PRIx64 "\n", tell_name[op->process],
			limits[op->arg[0]], op->arg[1]);
	} else if (op->kind == OP_FETCH) {
		fprintf(out, "# a return instruction is put there first, if that goes\n");
		tell_access(out, op, result);
	} else {
		fprintf(out, "# %s %s", op_traits[op->kind].name, file);
		for (unsigned i = 0; i < ARRAY_SIZE(op->arg); i++)
			fprintf(out, " 0x%" PRIx64, op->arg[i]);
		fprintf(out, " = %" PRId64 "\n", result->value);
	}
}

void
tell_op(FILE *out, const struct op *op, const struct result *result)
{
	switch (op->kind) {
	case OP_MMAP:
		tell_mmap(out, op);
		tell_result(out, result);
		break;
	case OP_MPROTECT:
		fprintf(out, "mprotect p%u 0x%" PRIx64 " 0x%" PRIx64, tell_name[op->process],
			op->arg[0], op->arg[1]);
		tell_prot(out, op->arg[2]);
		tell_result(out, result);
		break;
	case OP_MUNMAP:
	case OP_MADVISE:
	case OP_BRK:
	case OP_MREMAP:
	case OP_MLOCK:
	case OP_MUNLOCK:
	case OP_MLOCKALL:
	case OP_MUNLOCKALL:
	case OP_MSEAL:
		tell_call(out, op, result);
		break;
	case OP_LOAD:
	case OP_STORE:
		tell_access(out, op, result);
		break;
	case OP_MSYNC:
	case OP_MINCORE:
		tell_call(out, op, result);
		break;
	case OP_VM_READ:
	case OP_VM_WRITE:
	case OP_FETCH:
	case OP_TRUNCATE:
	case OP_PUNCH:
	case OP_READ:
	case OP_WRITE:
	case OP_LIMIT:
		tell_rest(out, op, result);
		break;
	case OP_FORK:
		fprintf(out, "fork p%u p%u\n", tell_name[op->process], tell_child(op));
		break;
	case OP_EXIT:
		fprintf(out, "exit p%u\n", tell_name[op->process]);
		break;
	case OP_VISIT:
	case OP_MARK:
	case OP_KINDS:
		fprintf(out, "# %s p%u, seed 0x%" PRIx64 "\n", op_traits[op->kind].name,
			tell_name[op->process], op->arg[0]);
		break;
	}
}

static void
tell_limit(FILE *out, const char *name, uint64_t value)
{
	if (value == UINT64_MAX)
		fprintf(out, " %s=none", name);
	else
		fprintf(out, " %s=0x%" PRIx64, name, value);
}

static void
tell_line(FILE *out, const struct map_line *line, const char *file)
{
	fprintf(out, "\t0x%" PRIx64 "..0x%" PRIx64 " %c%c%c%c", line->start, line->end,
		line->prot & PROT_R ? 'r' : '-', line->prot & PROT_W ? 'w' : '-',
		line->prot & PROT_X ? 'x' : '-', line->flags & REGION_SHARED ? 's' : 'p');
	if (line->backing && file)
		fprintf(out, " 0x%" PRIx64 " %s", line->offset, file);
	fprintf(out, "%s\n", line->is_stack ? " growsdown" : "");
}

static void
tell_beginning(FILE *out, const struct setup *setup)
{
	const struct space_layout *layout = &setup->layout;

	fprintf(out, "machine user=127T\n");
	fprintf(out, "file agent 1000 4M plain\nfile both %u %uK plain\nfile disk %u %uK%s\n",
		FILE_BOTH + 1, FILE_PAGES * 4, FILE_DISK + 1, FILE_PAGES * 4,
		setup->disk_aligns ? "" : " plain");
	fprintf(out, "spawn p1 base=0x%" PRIx64 " brk=0x%" PRIx64 " min=0x%" PRIx64,
		layout->mmap_base, layout->brk_start, layout->min_addr);
	tell_limit(out, "as", layout->limit_as);
	tell_limit(out, "data", layout->limit_data);
	tell_limit(out, "stack", layout->limit_stack);
	tell_limit(out, "commit", layout->limit_commit);
	fprintf(out, "\n");
	for (unsigned i = 0; i < setup->nr_image; i++)
		tell_line(out, &setup->image[i], "agent");
}

/* tell_end - what differs, as Linux has it. */
static void
tell_end(FILE *out, const struct verdict *verdict)
{
	static struct map_line lines[MAX_LINES];
	unsigned	       process = verdict->op.process;
	unsigned	       nr;

	if (verdict->difference == DIFFERENT_PAGE) {
		fprintf(out, "%s p%u 0x%" PRIx64 "%s",
			verdict->op.kind == OP_MARK ? "store" : "load", process + 1, verdict->page,
			verdict->op.kind == OP_MARK ? " 00" : "");
		tell_signal(out, verdict->linux_signal);
		fprintf(out, "\n");
	}
	if (verdict->difference != DIFFERENT_MAPS)
		return;
	if (verdict->op.kind == OP_FORK)
		process = (unsigned)verdict->op.arg[0];
	nr = pair_linux_maps(process, lines);
	fprintf(out, "# Linux has:\n");
	for (unsigned i = 0; i < nr; i++) {
		fprintf(out, "#");
		tell_line(out, &lines[i], "a-file");
	}
}

void
tell_scenario(FILE *out, struct setup *setup, const struct op *ops, unsigned nr,
	      const struct verdict *verdict)
{
	bool alive[MAX_PROCESSES] = { true };

	tell_name[0] = tell_last = 1;
	linux_begin(setup);
	fprintf(out, "# %s\n", verdict->text);
	tell_beginning(out, setup);
	for (unsigned i = 0; i < nr; i++) {
		const struct op *op = &ops[i];
		struct result	 result;

		if (!alive[op->process] || (op->kind == OP_FORK && alive[op->arg[0]]))
			continue;
		linux_apply(op, &result);
		tell_op(out, op, &result);
		if (op->kind == OP_FORK)
			alive[op->arg[0]] = true;
		if (op->kind == OP_EXIT)
			alive[op->process] = false;
	}
	tell_end(out, verdict);
	linux_end();
}
