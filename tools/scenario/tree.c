/*
 * tree.c - the tree of all processes, as a block of indented names.
 *
 *	tree
 *	        A
 *	          B ZOMBIE
 *	          C
 *	            D SUSPENDED
 *
 * Who is indented further than the line above is a child of that. Children stand in the
 * order of their arrival. Without a word of state a process is ALIVE.
 */
#include "scenario/kin.h"

#define DEPTH_MOST 32

/* The walk over the processes, and how far the lines above are indented. */
struct tree_walk {
	struct proc_walk walk;
	uint32_t	 columns[DEPTH_MOST];
	unsigned	 depth; /* of the current line, from 0 */
	bool		 has_line;
	bool		 equal;
};

/* A line of the block: who, and what has become of him. */
struct tree_line {
	struct name *name;
	const char  *state;
	unsigned     depth;
};

/* The depth that the column of the first word stands for. */
static bool
take_column(struct run *r, struct tree_walk *tree, uint32_t column)
{
	if (!tree->has_line) {
		tree->has_line = true;
		tree->columns[0] = column;
		return true;
	}
	if (column > tree->columns[tree->depth]) {
		if (tree->depth + 1 == DEPTH_MOST)
			return run_error(r, SCENARIO_SYNTAX, column,
					 "expected at most %u processes below each other",
					 DEPTH_MOST);
		tree->columns[++tree->depth] = column;
		return true;
	}
	while (tree->depth > 0 && tree->columns[tree->depth] > column)
		tree->depth--;
	return tree->columns[tree->depth] == column ||
	       run_error(r, SCENARIO_SYNTAX, column,
			 "expected as many blanks as some line above has");
}

/* NAME [STATE] */
static bool
parse_tree_line(struct run *r, struct tree_walk *tree, struct tree_line *line)
{
	struct token token;

	if (!lexer_token(&r->lex, &token) || !take_column(r, tree, token.column))
		return false;
	lexer_unread(&r->lex, &token);
	if (!parse_any_process(r, &line->name))
		return false;
	line->depth = tree->depth;
	line->state = "ALIVE";
	if (!lexer_token(&r->lex, &token))
		return true;
	line->state = state_of(&token);
	return line->state ? parse_end(r) : parse_expected(r, &token, state_what);
}

static unsigned
depth_of(const struct process *proc)
{
	unsigned depth = 0;

	for (; proc->parent; proc = proc->parent)
		depth++;
	return depth;
}

/* "B ZOMBIE below A" */
static const char *
place_text(struct run *r, struct process *proc, char *buf, size_t bytes)
{
	struct name *name = proc ? name_of_process(r, proc->id) : NULL;
	struct name *parent = proc && proc->parent ? name_of_process(r, proc->parent->id) : NULL;
	char	     text[40];
	char	     parent_text[40];

	if (!proc)
		format(buf, bytes, "nobody");
	else
		format(buf, bytes, "%s %s below %s",
		       name ? names_text(name, text, sizeof(text)) : "?", state_word(proc),
		       parent ? names_text(parent, parent_text, sizeof(parent_text)) : "nobody");
	return buf;
}

static bool
tree_differs(struct run *r, struct tree_walk *tree, const struct tree_line *line,
	     struct process *proc)
{
	char want[40] = "nobody more";
	char got[120];

	tree->equal = false;
	if (line)
		names_text(line->name, want, sizeof(want));
	return run_failed(r, "tree: expected %s%s%s, got %s", want, line ? " " : "",
			  line ? line->state : "", place_text(r, proc, got, sizeof(got)));
}

static bool
agrees(const struct tree_line *line, struct process *proc)
{
	struct token state = { .text = line->state, .bytes = 0 };

	while (line->state[state.bytes])
		state.bytes++;
	return proc == line->name->process && depth_of(proc) == line->depth &&
	       token_is(&state, state_word(proc));
}

static void
do_put(void *arg)
{
	proc_put(arg);
}

/* The next process of the walk against the line; NULL: there is no line any more. */
static bool
compare_next(struct run *r, struct tree_walk *tree, const struct tree_line *line)
{
	struct process *proc;
	bool		goes_on = true;

	if (!tree->equal)
		return true;
	proc = proc_walk_next(&tree->walk);
	if (line ? !proc || !agrees(line, proc) : proc != NULL)
		goes_on = tree_differs(r, tree, line, proc);
	if (proc)
		stage_on_cpu(r->cpu, do_put, proc);
	return goes_on;
}

static bool
compare_lines(struct run *r, struct tree_walk *tree)
{
	while (lexer_block_line(&r->lex)) {
		struct tree_line line;

		if (!parse_tree_line(r, tree, &line))
			return false;
		if (!r->dry && !compare_next(r, tree, &line))
			return false;
	}
	return r->dry || compare_next(r, tree, NULL);
}

/* tree: all processes, parents before children. */
bool
statement_tree(struct run *r)
{
	struct tree_walk tree = { .equal = true };
	bool		 goes_on;

	if (!parse_end(r))
		return false;
	if (!r->dry)
		proc_walk_begin(&tree.walk, NULL);
	goes_on = compare_lines(r, &tree);
	if (r->dry)
		return goes_on;
	proc_walk_end(&tree.walk);
	r->result->calls++;
	r->result->calls_equal += goes_on && tree.equal;
	return goes_on;
}
