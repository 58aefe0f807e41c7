/*
 * buddy.h - free blocks of 2^0 to 2^FRAME_ORDER_MAX frames, per node.
 */
#pragma once

#include "phys/phys.h"

void buddy_init(struct node *node, unsigned number);

/*
 * buddy_take - a free block of exactly this order; count 0, kind still FREE.
 *   fails  false: the node has no block that large
 */
bool buddy_take(struct node *node, unsigned order, uint32_t *out);

/* buddy_take_many - up to `most` single frames at once; returns how many. */
unsigned buddy_take_many(struct node *node, uint32_t *frames, unsigned most);

/* buddy_give - a free block comes back and is merged as far as it goes. */
void buddy_give(struct node *node, uint32_t n, unsigned order);
void buddy_give_many(struct node *node, const uint32_t *frames, unsigned nr);
