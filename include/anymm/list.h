/*
 * list.h - intrusive doubly linked list with a head; the head is a node too.
 */
#pragma once

#include <anymm/compiler.h>

struct list {
	struct list *next;
	struct list *prev;
};

static inline void
list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool
list_is_empty(const struct list *head)
{
	return head->next == head;
}

/* list_insert_before - node goes before `at`; at the tail if `at` is the head. */
static inline void
list_insert_before(struct list *at, struct list *node)
{
	node->prev = at->prev;
	node->next = at;
	at->prev->next = node;
	at->prev = node;
}

/* list_remove - the node is left pointing to itself, so removing twice is harmless. */
static inline void
list_remove(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

#define LIST_FOR_EACH(node, head) \
	for (struct list *node = (head)->next; node != (head); node = node->next)
