/*
 * table.c - print the tables of docs/compat.md: the rows, the rows of calls that only we have, and
 * what bad values give. The last is what the library does; tests/compat/test_bad.c holds it against
 * this Linux.
 */
#include "compat/bad.h"
#include "compat/world.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

static const char *
result_name(err_t err)
{
	return err == OK ? "ok" : err_name(err);
}

static const char *
remark(const struct row *row)
{
	if (row->why)
		return row->why;
	return row->changes ? "the part before it is done" : "";
}

static void
print_rows(void)
{
	printf("| call | arguments | Linux | here | |\n| --- | --- | --- | --- | --- |\n");
	for (size_t i = 0; i < nr_rows; i++)
		if (!is_ours(rows[i].call))
			printf("| %s | %s | %s | %s | %s |\n", call_name(rows[i].call),
			       rows[i].what, result_name(rows[i].linux_gives),
			       result_name(rows[i].gives), remark(&rows[i]));
}

static void
print_ours(void)
{
	printf("\n## Pins\n\nLinux has no such calls: a driver pins pages there by functions of "
	       "the "
	       "kernel. A failed `call_pin` has pinned\nnothing, but pages may have been brought "
	       "in; `call_unpin` cannot fail.\n\n| call | arguments | gives | |\n"
	       "| --- | --- | --- | --- |\n");
	for (size_t i = 0; i < nr_rows; i++)
		if (is_ours(rows[i].call))
			printf("| %s | %s | %s | %s |\n", call_name(rows[i].call), rows[i].what,
			       result_name(rows[i].gives), rows[i].why ? rows[i].why : "");
}

/* The values of one argument, by what they give. */
struct groups {
	struct world w;
	const char  *subject, *argument;
	unsigned     nr;
	struct group {
		err_t	 err;
		unsigned bits; /* the last bits of a row of them: from, to */
		unsigned from;
		char	 text[2000];
	} all[8];
};

static struct group *
group_of(struct groups *g, err_t err)
{
	unsigned i = 0;

	while (i < g->nr && g->all[i].err != err)
		i++;
	if (i == g->nr) {
		assert_true(i < ARRAY_SIZE(g->all));
		g->all[g->nr++] = (struct group){ .err = err };
	}
	return &g->all[i];
}

static void
append(struct group *group, const char *text)
{
	size_t at = strlen(group->text);

	snprintf(group->text + at, sizeof(group->text) - at, "%s%s", at ? ", " : "", text);
}

static void
append_bits(struct group *group)
{
	char text[32];

	if (group->bits == 0)
		return;
	if (group->bits == 1)
		snprintf(text, sizeof(text), "bit %u", group->from);
	else
		snprintf(text, sizeof(text), "bits %u-%u", group->from,
			 group->from + group->bits - 1);
	append(group, text);
	group->bits = 0;
}

static void
print_groups(struct groups *g)
{
	if (g->nr == 0)
		return;
	printf("| %s | %s | ", g->subject, g->argument);
	for (unsigned i = 0; i < g->nr; i++) {
		append_bits(&g->all[i]);
		printf("%s**%s**: %s", i ? "; " : "", result_name(g->all[i].err), g->all[i].text);
	}
	printf(" |\n");
	g->nr = 0;
}

static void
note_bit(struct group *group, unsigned bit)
{
	if (group->bits && group->from + group->bits != bit)
		append_bits(group);
	if (group->bits == 0)
		group->from = bit;
	group->bits++;
}

static void
note(const struct bad *bad, void *data)
{
	struct groups *g = data;
	struct world   w = g->w;
	struct group  *group;

	if (g->subject != bad->subject || g->argument != bad->argument)
		print_groups(g);
	g->subject = bad->subject;
	g->argument = bad->argument;
	machine_reset();
	world_prepare(&w, &bad->request);
	group = group_of(g, world_run(&w, &bad->request));
	if (bad->name)
		append(group, bad->name);
	else
		note_bit(group, bad->bit);
}

static void
print_bad(void)
{
	static struct groups g;

	printf("\n## Bad values\n\nEach argument of each call is given values that no program "
	       "should pass, all others being right; of flags, each bit is turned\nover. An error "
	       "has changed nothing, but where a call acts on a range and finds its way barred: "
	       "then, as on Linux, what\nlies before is done.\n\n| call | argument | gives |\n"
	       "| --- | --- | --- |\n");
	g.w = world_make();
	machine_snapshot();
	bad_each(note, &g);
	print_groups(&g);
}

int
main(void)
{
	print_rows();
	print_ours();
	print_bad();
	return 0;
}
