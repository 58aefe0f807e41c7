/*
 * image.c - the lines that say what is mapped where.
 *
 * One grammar serves two uses: the lines under spawn and exec build an image,
 * those under maps are what a space must look like.
 *
 *	START..END rw-p [OFFSET FILE] [growsdown] [special] ...
 */
#include "scenario/run.h"

static bool
parse_range(struct run *r, struct va_range *range)
{
	static const char what[] = "a range START..END";
	struct token	  token;
	struct token	  first;
	struct token	  last;
	size_t		  dots = 0;

	if (!parse_token(r, &token, what))
		return false;
	while (dots + 1 < token.bytes && !(token.text[dots] == '.' && token.text[dots + 1] == '.'))
		dots++;
	if (token.quoted || dots + 1 >= token.bytes)
		return parse_expected(r, &token, what);
	first = (struct token){ .text = token.text, .bytes = dots, .column = token.column };
	last = (struct token){ .text = token.text + dots + 2,
			       .bytes = token.bytes - dots - 2,
			       .column = token.column + (uint32_t)dots + 2 };
	if (!number_of(r, &first, &range->start, "the first address") ||
	    !number_of(r, &last, &range->end, "the address behind the last"))
		return false;
	if (r->dry)
		return true;
	if (((range->start | range->end) & ARCH_PAGE_MASK) != 0 || range->start >= range->end)
		return parse_expected(r, &token, "a range of whole pages, not empty");
	return true;
}

static bool
parse_perm(struct run *r, struct map_line *line)
{
	static const char letters[3] = { 'r', 'w', 'x' };
	struct token	  token;

	if (!parse_token(r, &token, "permissions like rw-p"))
		return false;
	if (token.quoted || token.bytes != 4 || (token.text[3] != 'p' && token.text[3] != 's'))
		return parse_expected(r, &token, "permissions like rw-p");
	for (unsigned i = 0; i < 3; i++) {
		if (token.text[i] == letters[i])
			line->prot |= 1u << i;
		else if (token.text[i] != '-')
			return parse_expected(r, &token, "permissions like rw-p");
	}
	line->shared = token.text[3] == 's';
	return true;
}

static const struct {
	const char *word;
	unsigned    flags;
} map_line_flags[] = {
	{ "growsdown", REGION_GROWSDOWN },   { "special", REGION_NOMERGE },
	{ "noreserve", REGION_NORESERVE },   { "dontfork", REGION_DONTFORK },
	{ "wipeonfork", REGION_WIPEONFORK }, { "locked", REGION_LOCKED },
	{ "onfault", REGION_LOCKONFAULT },   { "sealed", REGION_SEALED },
	{ "sequential", REGION_SEQUENTIAL }, { "random", REGION_RANDOM },
	{ "hugepage", REGION_HUGEPAGE },     { "nohugepage", REGION_NOHUGEPAGE },
	{ "dontdump", REGION_DONTDUMP },     { "mergeable", REGION_MERGEABLE },
};

static bool
parse_map_flag(struct run *r, const struct token *token, struct map_line *line)
{
	struct token rest;

	for (unsigned i = 0; i < ARRAY_SIZE(map_line_flags); i++) {
		if (token_is(token, map_line_flags[i].word)) {
			line->region_flags |= map_line_flags[i].flags;
			return true;
		}
	}
	if (token_key(token, "rss", &rest)) {
		line->has_rss = true;
		return number_of(r, &rest, &line->rss_bytes, "a number of bytes");
	}
	if (token_key(token, "anon", &rest)) {
		line->has_anon = true;
		return number_of(r, &rest, &line->anon_bytes, "a number of bytes");
	}
	return parse_expected(
		r, token,
		"growsdown, special, noreserve, dontfork, wipeonfork, locked, another "
		"flag, rss= or anon=");
}

const char *
map_flags_text(unsigned flags, char *buf, size_t bytes)
{
	size_t at = 0;

	buf[0] = 0;
	for (unsigned i = 0; i < ARRAY_SIZE(map_line_flags) && at + 1 < bytes; i++) {
		if (flags & map_line_flags[i].flags & REGION_TOLD)
			at += min_u64(format(buf + at, bytes - at, " %s", map_line_flags[i].word),
				      bytes - at - 1);
	}
	return buf;
}

bool
parse_map_line(struct run *r, struct map_line *line)
{
	struct token token;

	*line = (struct map_line){ 0 };
	if (!parse_range(r, &line->range) || !parse_perm(r, line))
		return false;
	if (!lexer_token(&r->lex, &token))
		return true;
	if (number_read(token.text, token.bytes, &line->offset) == token.bytes && token.bytes > 0) {
		if (!parse_file(r, &line->file))
			return false;
	} else {
		lexer_unread(&r->lex, &token);
	}
	while (lexer_token(&r->lex, &token)) {
		if (!parse_map_flag(r, &token, line))
			return false;
	}
	return true;
}

struct image_call {
	struct space	  *space;
	struct map_request request;
	err_t		   err;
};

static void
call_image_map(void *arg)
{
	struct image_call *call = arg;
	vaddr_t		   at;

	call->err = space_map(call->space, &call->request, &at);
}

static err_t
build_line(struct run *r, struct space *sp, const struct map_line *line)
{
	bool anonymous = line->file == NULL;
	struct image_call call = {
		.space = sp,
		.request = {
			.addr = line->range.start,
			.length = line->range.end - line->range.start,
			.prot = line->prot,
			.flags = MAPF_FIXED | (line->shared ? MAPF_SHARED : MAPF_PRIVATE) |
				 (anonymous ? MAPF_ANONYMOUS : 0),
			.object = anonymous ? NULL : line->file->object,
			.offset = line->offset,
			.region_flags = line->region_flags,
		},
	};

	stage_on_cpu(r->cpu, call_image_map, &call);
	return call.err;
}

bool
build_image(struct run *r, struct space *sp, err_t *err)
{
	struct map_line line;

	*err = OK;
	while (lexer_block_line(&r->lex)) {
		if (!parse_map_line(r, &line))
			return false;
		if (!r->dry && *err == OK)
			*err = build_line(r, sp, &line);
	}
	return true;
}
