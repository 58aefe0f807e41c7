/*
 * conclude.c - the last line of a run, the same on every machine.
 */
#include "base/format.h"
#include "scenario/scenario.h"

#define LINE_SHOWN 160

static void
say(const struct scenario_config *config, const char *text, size_t bytes)
{
	config->write(config->write_ctx, text, bytes);
}

/* Line `number` of the scenario, cut to what one reads at a glance. */
static void
show_line(const struct scenario_config *config, unsigned number)
{
	const char *at = config->text;
	const char *end = at + config->bytes;
	size_t	    length = 0;

	for (; number > 1 && at < end; at++)
		number -= *at == '\n';
	while (at + length < end && at[length] != '\n')
		length++;
	if (number != 1 || length == 0)
		return;
	say(config, "  ", 2);
	say(config, at, length < LINE_SHOWN ? length : LINE_SHOWN);
	say(config, length < LINE_SHOWN ? "\n" : " ...\n", length < LINE_SHOWN ? 1 : 5);
}

static size_t
good_line(char *line, size_t bytes, const struct scenario_config *config,
	  const struct scenario_result *result)
{
	return format(line, bytes,
		      "%s %s: %llu statements, %llu of %llu results and %llu of %llu maps "
		      "equal%s%s\n",
		      scenario_outcome_name(result->outcome), config->name,
		      (unsigned long long)result->statements,
		      (unsigned long long)result->calls_equal, (unsigned long long)result->calls,
		      (unsigned long long)result->maps_equal, (unsigned long long)result->maps,
		      result->cut[0] ? "; cut short: " : "", result->cut);
}

static size_t
other_line(char *line, size_t bytes, const struct scenario_config *config,
	   const struct scenario_result *result)
{
	const char *outcome = scenario_outcome_name(result->outcome);

	if (result->column)
		return format(line, bytes, "%s %s:%u:%u: %s\n", outcome, config->name, result->line,
			      result->column, result->text);
	if (!result->line)
		return format(line, bytes, "%s %s: %s\n", outcome, config->name, result->text);
	return format(line, bytes, "%s %s:%u: %s\n", outcome, config->name, result->line,
		      result->text);
}

enum scenario_exit
scenario_conclude(const struct scenario_config *config, const struct scenario_result *result)
{
	bool differs = result->outcome != SCENARIO_OK && result->outcome != SCENARIO_STOPPED &&
		       result->outcome != SCENARIO_SKIPPED;
	char   line[1024];
	size_t length;

	if (differs)
		show_line(config, result->line);
	if (result->outcome == SCENARIO_OK)
		length = good_line(line, sizeof(line), config, result);
	else
		length = other_line(line, sizeof(line), config, result);
	say(config, line, min_u64(length, sizeof(line) - 1));
	if (differs)
		return SCENARIO_EXIT_DIFFERS;
	return result->outcome == SCENARIO_STOPPED ? SCENARIO_EXIT_STOPPED : SCENARIO_EXIT_GOOD;
}
