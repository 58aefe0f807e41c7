/*
 * expect.c - what a space must look like: its maps, which pages are present, which are shared.
 *
 * Maps are compared address by address, not line by line: where neighbours
 * agree in everything visible it does not matter whether they are one region.
 */
#include "scenario/run.h"

/* The two sides of a comparison of maps: the expected lines drive it. */
struct map_cursor {
	struct region *region; /* the first that ends behind `at` */
	vaddr_t	       at;     /* compared up to here */
	bool	       equal;
	bool	       flags; /* are compared too */
};

static const char *
perm_text(const struct region *region, char buf[5])
{
	buf[0] = region->prot & PROT_R ? 'r' : '-';
	buf[1] = region->prot & PROT_W ? 'w' : '-';
	buf[2] = region->prot & PROT_X ? 'x' : '-';
	buf[3] = region->flags & REGION_SHARED ? 's' : 'p';
	buf[4] = 0;
	return buf;
}

/* The name of a file, cut to what fits. */
static const char *
file_text(const struct name *name, char *buf, size_t bytes)
{
	return name ? names_text(name, buf, bytes) : "anonymous";
}

/* Tell a difference once per statement, at the first address where there is one. */
static bool
maps_differ(struct run *r, struct map_cursor *cur, const struct map_line *line,
	    const struct region *region, vaddr_t at)
{
	char perm[5];
	char want[80];
	char want_name[120];
	char want_flags[80] = "";
	char got[80];
	char got_name[120];
	char got_flags[80] = "";

	format(want, sizeof(want), "nothing");
	format(got, sizeof(got), "nothing");
	want_name[0] = got_name[0] = 0;
	if (line)
		format(want, sizeof(want), "%c%c%c%c at file offset 0x%llx of ",
		       line->prot & PROT_R ? 'r' : '-', line->prot & PROT_W ? 'w' : '-',
		       line->prot & PROT_X ? 'x' : '-', line->shared ? 's' : 'p',
		       (unsigned long long)(line->offset + (at - line->range.start)));
	if (region)
		format(got, sizeof(got), "%s at file offset 0x%llx of ", perm_text(region, perm),
		       (unsigned long long)(region_page_index(region, at) << ARCH_PAGE_SHIFT));
	if (line && cur->flags)
		map_flags_text(line->region_flags, want_flags, sizeof(want_flags));
	if (region && cur->flags)
		map_flags_text(region->flags, got_flags, sizeof(got_flags));
	cur->equal = false;
	return run_failed(
		r, "maps: at 0x%llx expected %s%s%s, got %s%s%s", (unsigned long long)at, want,
		line ? file_text(line->file, want_name, sizeof(want_name)) : "", want_flags, got,
		region ? file_text(region->object ? names_of_object(r->names, region->object)
						  : NULL,
				   got_name, sizeof(got_name))
		       : "",
		got_flags);
}

static bool
agrees(const struct map_cursor *cur, const struct map_line *line, const struct region *region,
       vaddr_t at)
{
	bool shared = (region->flags & REGION_SHARED) != 0;

	if (region->prot != line->prot || shared != line->shared)
		return false;
	if (cur->flags && ((region->flags ^ line->region_flags) & REGION_TOLD) != 0)
		return false;
	if (!line->file)
		return shared ? region->object && region->object->ops == &pager_zero
			      : region->object == NULL;
	return region->object == line->file->object &&
	       region_page_index(region, at) << ARCH_PAGE_SHIFT ==
		       line->offset + (at - line->range.start);
}

static void
advance(struct map_cursor *cur, vaddr_t to)
{
	cur->at = to;
	while (cur->region && cur->region->range.end <= to)
		cur->region = region_next(cur->region);
}

/* One expected line: nothing between the last one and it, then agreement to its end. */
static bool
compare_line(struct run *r, struct map_cursor *cur, const struct map_line *line)
{
	if (line->range.start < cur->at)
		return run_error(r, SCENARIO_SYNTAX, 1, "expected maps in order of address");
	if (cur->region && max_u64(cur->at, cur->region->range.start) < line->range.start)
		return maps_differ(r, cur, NULL, cur->region,
				   max_u64(cur->at, cur->region->range.start));
	advance(cur, line->range.start);
	while (cur->at < line->range.end) {
		struct region *region = cur->region;

		if (!region || region->range.start > cur->at)
			return maps_differ(r, cur, line, NULL, cur->at);
		if (!agrees(cur, line, region, cur->at))
			return maps_differ(r, cur, line, region, cur->at);
		advance(cur, min_u64(region->range.end, line->range.end));
	}
	return true;
}

/* One figure of a range; false: the run is over. */
static bool
compare_figure(struct run *r, struct map_cursor *cur, const struct map_line *line, const char *what,
	       uint64_t want, uint64_t pages)
{
	uint64_t got = pages << ARCH_PAGE_SHIFT;

	if (!cur->equal || got == want)
		return true;
	cur->equal = false;
	return run_failed(r, "maps: at 0x%llx expected %llu bytes to be %s, got %llu",
			  (unsigned long long)line->range.start, (unsigned long long)want, what,
			  (unsigned long long)got);
}

/* What the library tells of a range, as smaps does. */
static bool
compare_usage(struct run *r, struct map_cursor *cur, struct space *sp, const struct map_line *line)
{
	struct usage usage = space_usage(sp, line->range);

	r->result->rss++;
	if (line->has_rss &&
	    !compare_figure(r, cur, line, "resident", line->rss_bytes, usage.resident))
		return false;
	if (line->has_anon &&
	    !compare_figure(r, cur, line, "anonymous", line->anon_bytes, usage.anonymous))
		return false;
	r->result->rss_equal += cur->equal;
	return true;
}

static bool
compare_maps(struct run *r, struct space *sp, bool flags)
{
	struct map_cursor cur = { .equal = true, .flags = flags };
	struct map_line	  line;

	if (sp)
		cur.region = space_first(sp);
	while (lexer_block_line(&r->lex)) {
		if (!parse_map_line(r, &line))
			return false;
		if (!r->dry && cur.equal && !compare_line(r, &cur, &line))
			return false;
		if (!r->dry && (line.has_rss || line.has_anon) && cur.equal &&
		    !compare_usage(r, &cur, sp, &line))
			return false;
	}
	if (r->dry)
		return true;
	if (cur.equal && cur.region &&
	    !maps_differ(r, &cur, NULL, cur.region, max_u64(cur.at, cur.region->range.start)))
		return false;
	r->result->maps_equal += cur.equal;
	return true;
}

/* maps P [flags], and a block of lines: the whole space, in order of address. */
bool
statement_maps(struct run *r)
{
	struct name  *name;
	struct space *sp;
	bool	      goes_on;
	bool	      flags;

	if (!parse_process(r, &name))
		return false;
	flags = parse_word(r, "flags");
	if (!parse_end(r))
		return false;
	if (r->dry)
		return compare_maps(r, NULL, flags);
	sp = space_of(name);
	r->result->maps++;
	read_lock(&sp->lock);
	goes_on = compare_maps(r, sp, flags);
	read_unlock(&sp->lock);
	return goes_on;
}

static bool
presence_run(struct run *r, const struct space *sp, vaddr_t va, uint64_t pages, bool wanted)
{
	for (uint64_t i = 0; i < pages; i++, va += ARCH_PAGE_SIZE) {
		bool present = page_at(sp, va).present;

		if (!run_work(r))
			return false;
		r->result->present++;
		if (present == wanted)
			r->result->present_equal++;
		else if (!run_failed(r, "expected page 0x%llx to be %s", (unsigned long long)va,
				     wanted ? "present" : "absent"))
			return false;
	}
	return true;
}

static bool
presence(struct run *r, bool wanted)
{
	struct token token;
	struct name *name;
	uint64_t     pages;
	vaddr_t	     va;

	if (!parse_process(r, &name))
		return false;
	while (lexer_token(&r->lex, &token)) {
		if (!number_of(r, &token, &va, "the address of a page") ||
		    !parse_number(r, &pages, "how many pages"))
			return false;
		if (!r->dry && !presence_run(r, space_of(name), va, pages, wanted))
			return false;
	}
	return true;
}

/* present P ADDR PAGES ...: the tables map these pages, whatever they allow. */
bool
statement_present(struct run *r)
{
	return presence(r, true);
}

/* absent P ADDR PAGES ... */
bool
statement_absent(struct run *r)
{
	return presence(r, false);
}

static bool
compare_frames(struct run *r, bool same)
{
	struct page_state a;
	struct page_state b;
	struct name	 *p;
	struct name	 *q;
	vaddr_t		  va;

	if (!parse_process(r, &p) || !parse_process(r, &q) || !parse_number(r, &va, "an address") ||
	    !parse_end(r))
		return false;
	if (r->dry)
		return true;
	a = page_at(space_of(p), va);
	b = page_at(space_of(q), va);
	if (!a.present || !b.present)
		return run_failed(r, "expected a page to be present in both processes");
	if (pfn_eq(a.pfn, b.pfn) == same)
		return true;
	return run_failed(r, same ? "expected one page for both processes, got two"
				  : "expected a page for each process, got one for both");
}

/* same P Q ADDR: one frame serves both. */
bool
statement_same(struct run *r)
{
	return compare_frames(r, true);
}

/* differ P Q ADDR: each has its own. */
bool
statement_differ(struct run *r)
{
	return compare_frames(r, false);
}
