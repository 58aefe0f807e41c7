/*
 * init.c - the whole library, layer by layer.
 *
 * Each layer may use those before it as soon as its own turn comes. Boot
 * happens once, on one CPU; when it fails there is nothing to go back to.
 */
#include <anymm/process.h>
#include <anymm/swap.h>

#include "base/format.h"
#include "proc/proc_table.h"

err_t
proc_init(void)
{
	return table_init();
}

void
anymm_drain(void)
{
	table_drain();
	space_drain();
	object_drain();
	frame_drain_magazines();
}

err_t
anymm_init(const struct boot_map *map)
{
	err_t (*const layers[])(void) = { swap_init, pt_init_state, object_init, space_init,
					  proc_init };
	err_t err = phys_init(map);

	for (unsigned i = 0; i < ARRAY_SIZE(layers) && err == OK; i++)
		err = layers[i]();
	if (err)
		console_printf("anymm: cannot start: %s\n", err_name(err));
	return err;
}
