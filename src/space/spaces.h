/*
 * spaces.h - space objects between slab and publication: for space.c and fork.
 */
#pragma once

#include <anymm/space.h>

/*
 * space_make - an empty space with one reference that is in no list yet; its root lies on the node.
 *   needs  a layout that fits the machine
 *   fails  ERR_NOMEM: nothing changed
 */
err_t space_make(const struct space_layout *layout, unsigned node, struct space **out);

/* space_discard - the opposite, regions and tables included; in no list, active nowhere. */
void space_discard(struct space *sp);

/* space_publish - the space enters the list of all. Holds no space's lock. */
void space_publish(struct space *sp);
